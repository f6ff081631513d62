//! What a command did, in the form in which replicas and the append-only file get it: it gives the same data wherever it is
//! applied. Redis rewrites commands for that ("Redis replication"): `*` to the identifier, `~` to the exact length, a delivery to
//! `XCLAIM … FORCE JUSTID` and `XGROUP SETID`.

use seedbed_sim::Time;

use crate::communication::stream::command::{ConsumerName, Fields, GroupName};
use crate::communication::stream::group::Nack;
use crate::communication::stream::id::Id;
use crate::parts::redis::{Key, dataset};

/// An effect on a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupEffect {
    /// It goes on behind this entry, of which it is this many from the first. It is made if there is none.
    Position(Id, Option<u64>),
    /// It is gone.
    Destroyed,
    /// It has this consumer.
    Consumer(ConsumerName),
    /// It has this consumer no more, nor what was pending for it.
    ConsumerDeleted(ConsumerName),
    /// An entry is pending like this.
    Pending(Id, Nack),
    /// Entries are pending no more.
    NotPending(Vec<Id>),
}

/// An effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// There is an empty stream.
    Made(Key),
    /// An entry was appended.
    Added(Key, Id, Fields),
    /// So many of the oldest entries were removed.
    Trimmed(Key, u64),
    /// Entries were deleted by name.
    Deleted(Key, Vec<Id>),
    /// Something became of a group.
    Group(Key, GroupName, GroupEffect),
    /// The stream expires at this time.
    Expires(Key, Time),
    /// The stream is gone, with its groups.
    Dropped(Key),
    /// An effect on strings.
    Plain(dataset::Effect),
}
