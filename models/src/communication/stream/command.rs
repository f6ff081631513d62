//! The commands (Redis documentation, "Commands", group *Stream*, version 7.0).

use std::fmt;
use std::sync::Arc;

use crate::communication::stream::id::{Id, Millis, NewId};
use crate::parts::redis::{self, Key};

/// The fields of an entry and their values, in their order. Both are numbers here, as keys and values are in
/// [`crate::parts::redis`].
pub type Fields = Arc<[(u32, u64)]>;

/// The name of a consumer group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupName(pub u32);

/// The name of a consumer in its group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConsumerName(pub u32);

impl fmt::Debug for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

impl fmt::Debug for ConsumerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// What a stream is trimmed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Threshold {
    /// `MAXLEN n`: so many entries remain.
    MaxLen(u64),
    /// `MINID id`: entries before this go.
    MinId(Id),
}

/// How far a stream is trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exactness {
    /// `=`: to the threshold.
    Exact,
    /// `~`: by whole nodes only, so that some more may remain.
    Approximate {
        /// `LIMIT n`: at most so many entries go at once; any number if zero, a hundred nodes' worth if absent.
        limit: Option<u64>,
    },
}

/// The trimming of `XADD` and `XTRIM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trim {
    /// To what.
    pub to: Threshold,
    /// How far.
    pub how: Exactness,
}

/// An end of a range of identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// With this. `-` is `0-0`, and `+` the greatest.
    Including(Id),
    /// `(id`: without this.
    Excluding(Id),
}

/// The position from which `XREAD` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum After {
    /// What is greater.
    Id(Id),
    /// `$`: what comes from now on.
    Now,
}

/// The position from which `XREADGROUP` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupAfter {
    /// `>`: what was never delivered to the group.
    New,
    /// The pending entries of this consumer that are greater: its *history*.
    Pending(Id),
}

/// Where a group begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GroupStart {
    /// Behind this entry.
    Id(Id),
    /// `$`: behind the last one.
    Last,
}

/// When the entries that are claimed count as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Delivered {
    /// Now.
    Now,
    /// `IDLE ms`: so long ago.
    Idle(Millis),
    /// `TIME ms`: then.
    At(Millis),
}

/// The arguments of `XCLAIM`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The key of the stream.
    pub key: Key,
    /// The group.
    pub group: GroupName,
    /// Who gets the entries.
    pub consumer: ConsumerName,
    /// Only entries that have been idle for so long.
    pub min_idle: Millis,
    /// The entries.
    pub ids: Vec<Id>,
    /// `IDLE` or `TIME`.
    pub delivered: Delivered,
    /// `RETRYCOUNT n`: sets the delivery counter.
    pub retry_count: Option<u64>,
    /// `FORCE`: also entries that are not pending.
    pub force: bool,
    /// `JUSTID`: no fields in the reply, and nothing is counted.
    pub just_id: bool,
    /// `LASTID id`: the group has come at least so far.
    pub last_id: Option<Id>,
}

/// The arguments of `XAUTOCLAIM`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AutoClaim {
    /// The key of the stream.
    pub key: Key,
    /// The group.
    pub group: GroupName,
    /// Who gets the entries.
    pub consumer: ConsumerName,
    /// Only entries that have been idle for so long.
    pub min_idle: Millis,
    /// The cursor: pending entries from here on.
    pub start: Id,
    /// `COUNT n`: at most so many; 100 if absent.
    pub count: Option<u64>,
    /// `JUSTID`.
    pub just_id: bool,
}

/// A command, with the reply that it gets ([`crate::communication::stream::Reply`]). Every command on a key that holds a
/// string is an error.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// `XADD`: the identifier of the new entry; nothing if there is no stream and none is to be made.
    XAdd {
        /// The key.
        key: Key,
        /// The identifier.
        id: NewId,
        /// The fields.
        fields: Fields,
        /// `NOMKSTREAM`: no stream is made.
        no_make: bool,
        /// Trims the stream afterwards.
        trim: Option<Trim>,
    },
    /// `XTRIM`: how many entries went.
    XTrim(Key, Trim),
    /// `XDEL`: how many of the entries were there.
    XDel(Key, Vec<Id>),
    /// `XLEN`: the number of entries.
    XLen(Key),
    /// `XRANGE key start end`, or `XREVRANGE key end start`: the entries between.
    XRange {
        /// The key.
        key: Key,
        /// The lower end.
        start: Bound,
        /// The upper end.
        end: Bound,
        /// `COUNT n`: at most so many.
        count: Option<u64>,
        /// Whether the last comes first.
        reversed: bool,
    },
    /// `XREAD`: the entries of several streams; nothing if there are none.
    XRead {
        /// The streams.
        streams: Vec<(Key, After)>,
        /// `COUNT n`: at most so many of each; zero is any number.
        count: Option<u64>,
        /// `BLOCK ms`: waits for one for so long; for ever if zero.
        block: Option<Millis>,
    },
    /// `XGROUP CREATE`.
    XGroupCreate {
        /// The key.
        key: Key,
        /// The group.
        group: GroupName,
        /// Where it begins.
        start: GroupStart,
        /// `MKSTREAM`: makes an empty stream if there is none.
        make: bool,
        /// `ENTRIESREAD n`: how many entries it has read.
        entries_read: Option<u64>,
    },
    /// `XGROUP SETID`.
    XGroupSetId {
        /// The key.
        key: Key,
        /// The group.
        group: GroupName,
        /// Where it goes on.
        start: GroupStart,
        /// `ENTRIESREAD n`: how many entries it has read.
        entries_read: Option<u64>,
    },
    /// `XGROUP DESTROY`: one if there was such a group.
    XGroupDestroy(Key, GroupName),
    /// `XGROUP CREATECONSUMER`: one if there was none of this name.
    XGroupCreateConsumer(Key, GroupName, ConsumerName),
    /// `XGROUP DELCONSUMER`: how many entries were pending for it, which nobody gets any more.
    XGroupDelConsumer(Key, GroupName, ConsumerName),
    /// `XREADGROUP`: the entries of several streams; nothing if there are no new ones.
    XReadGroup {
        /// The group.
        group: GroupName,
        /// The consumer.
        consumer: ConsumerName,
        /// The streams.
        streams: Vec<(Key, GroupAfter)>,
        /// `COUNT n`: at most so many of each; zero is any number.
        count: Option<u64>,
        /// `BLOCK ms`: waits for a new one for so long; for ever if zero.
        block: Option<Millis>,
        /// `NOACK`: entries count as acknowledged when they are delivered.
        no_ack: bool,
    },
    /// `XACK`: how many of the entries were pending.
    XAck(Key, GroupName, Vec<Id>),
    /// `XPENDING key group`: a summary.
    XPendingSummary(Key, GroupName),
    /// `XPENDING key group [IDLE ms] start end count [consumer]`: the pending entries between.
    XPending {
        /// The key.
        key: Key,
        /// The group.
        group: GroupName,
        /// `IDLE ms`: only those that have been idle for so long.
        min_idle: Millis,
        /// The lower end.
        start: Bound,
        /// The upper end.
        end: Bound,
        /// At most so many.
        count: u64,
        /// Only those of this consumer.
        consumer: Option<ConsumerName>,
    },
    /// `XCLAIM`: the claimed entries.
    XClaim(Claim),
    /// `XAUTOCLAIM`: the next cursor, the claimed entries, and those that are pending no more because they were deleted.
    XAutoClaim(AutoClaim),
    /// `XINFO STREAM`.
    XInfoStream(Key),
    /// `XINFO GROUPS`.
    XInfoGroups(Key),
    /// `XINFO CONSUMERS`.
    XInfoConsumers(Key, GroupName),
    /// A command on strings, or on any key.
    Plain(redis::Command),
}
