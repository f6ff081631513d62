//! The replies.

use std::fmt;

use crate::communication::stream::command::{ConsumerName, Fields, GroupName};
use crate::communication::stream::id::{Id, Millis};
use crate::parts::redis::Key;

/// An entry in a reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// Its identifier.
    pub id: Id,
    /// Its fields; none if a pending entry is not in the stream any more.
    pub fields: Option<Fields>,
}

/// Entries, or with `JUSTID` their identifiers alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claimed {
    /// With their fields.
    Entries(Vec<Item>),
    /// Alone.
    Ids(Vec<Id>),
}

impl Claimed {
    /// The identifiers.
    pub fn ids(&self) -> Vec<Id> {
        match self {
            Claimed::Entries(entries) => entries.iter().map(|entry| entry.id).collect(),
            Claimed::Ids(ids) => ids.clone(),
        }
    }
}

/// A pending entry, as `XPENDING` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PendingItem {
    /// The entry.
    pub id: Id,
    /// Who has it.
    pub consumer: ConsumerName,
    /// For how long it has not been delivered.
    pub idle: Millis,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// The summary of `XPENDING`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Summary {
    /// How many entries are pending.
    pub count: u64,
    /// The least and the greatest of them.
    pub range: Option<(Id, Id)>,
    /// The consumers that have some, and how many.
    pub consumers: Vec<(ConsumerName, u64)>,
}

/// What `XINFO STREAM` says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamInfo {
    /// The number of entries.
    pub length: u64,
    /// The greatest identifier that was ever given.
    pub last_generated_id: Id,
    /// The greatest identifier that was deleted by name.
    pub max_deleted_entry_id: Id,
    /// How many entries were ever added.
    pub entries_added: u64,
    /// The identifier of the first entry; `0-0` if there is none.
    pub recorded_first_entry_id: Id,
    /// The number of groups.
    pub groups: u64,
    /// The first entry.
    pub first_entry: Option<Item>,
    /// The last entry.
    pub last_entry: Option<Item>,
}

/// What `XINFO GROUPS` says of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupInfo {
    /// Its name.
    pub name: GroupName,
    /// The number of its consumers.
    pub consumers: u64,
    /// How many entries are pending.
    pub pending: u64,
    /// The last entry that was delivered.
    pub last_delivered_id: Id,
    /// How many entries were read, if that is known.
    pub entries_read: Option<u64>,
    /// How many entries are to be read, if that is known. Below zero where `ENTRIESREAD` has claimed too much.
    pub lag: Option<i64>,
}

/// What `XINFO CONSUMERS` says of a consumer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerInfo {
    /// Its name.
    pub name: ConsumerName,
    /// How many entries are pending for it.
    pub pending: u64,
    /// For how long it has not been heard of.
    pub idle: Millis,
}

/// Why a command is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// The key holds another type.
    WrongType,
    /// `0-0`.
    IdIsZero,
    /// The identifier is not greater than the last one.
    IdTooSmall,
    /// There is no greater identifier than the last one.
    IdsExhausted,
    /// An open lower end behind the greatest identifier.
    InvalidStart,
    /// An open upper end before the least identifier.
    InvalidEnd,
    /// `XINFO` on a key that is not there.
    NoSuchKey,
    /// `XGROUP` on a key that is not there.
    KeyRequired,
    /// There is no such key or group.
    NoGroup,
    /// The group is there already.
    BusyGroup,
    /// `COUNT` is zero where that is refused.
    CountIsZero,
    /// The group for which a client waited was destroyed, or the key holds another type now.
    Unblocked,
    /// The server is a replica.
    ReadOnly,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Error::IdIsZero => "ERR The ID specified in XADD must be greater than 0-0",
            Error::IdTooSmall => "ERR The ID specified in XADD is equal or smaller than the target stream top item",
            Error::IdsExhausted => "ERR The stream has exhausted the last possible ID, unable to add more items",
            Error::InvalidStart => "ERR invalid start ID for the interval",
            Error::InvalidEnd => "ERR invalid end ID for the interval",
            Error::NoSuchKey => "ERR no such key",
            Error::KeyRequired => "ERR The XGROUP subcommand requires the key to exist",
            Error::NoGroup => "NOGROUP No such key or consumer group",
            Error::BusyGroup => "BUSYGROUP Consumer Group name already exists",
            Error::CountIsZero => "ERR COUNT must be > 0",
            Error::Unblocked => "UNBLOCKED the stream key no longer exists",
            Error::ReadOnly => "READONLY You can't write against a read only replica",
        })
    }
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// `OK`.
    Ok,
    /// Nothing.
    Nil,
    /// An integer.
    Number(u64),
    /// The identifier of a new entry.
    Id(Id),
    /// Entries of one stream.
    Entries(Vec<Item>),
    /// Entries of several streams.
    Streams(Vec<(Key, Vec<Item>)>),
    /// The entries that were claimed.
    Claimed(Claimed),
    /// The reply of `XAUTOCLAIM`.
    AutoClaimed {
        /// Where to go on; `0-0` at the end.
        cursor: Id,
        /// The entries that were claimed.
        claimed: Claimed,
        /// The entries that are not pending any more, for they are not in the stream.
        deleted: Vec<Id>,
    },
    /// The summary of `XPENDING`.
    Summary(Summary),
    /// Pending entries.
    Pending(Vec<PendingItem>),
    /// Of `XINFO STREAM`.
    Stream(StreamInfo),
    /// Of `XINFO GROUPS`.
    Groups(Vec<GroupInfo>),
    /// Of `XINFO CONSUMERS`.
    Consumers(Vec<ConsumerInfo>),
    /// The command was refused.
    Error(Error),
}
