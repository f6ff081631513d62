//! What a coordinator remembers in `__consumer_offsets` (`GroupMetadataKey`, `OffsetCommitKey` and their values). The partition is
//! compacted: a record without a value is a tombstone.

use std::collections::BTreeSet;

use seedbed_sim::{Span, Time};

use crate::communication::log_broker::groups::assignors::Assignor;
use crate::communication::log_broker::groups::offsets::Position;
use crate::communication::log_broker::groups::protocol::Identity;
use crate::communication::log_broker::groups::subscription::Subscription;
use crate::communication::log_broker::names::{Generation, GroupId, InstanceId, MemberId, TopicPartition};

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKey {
    /// The members of a group.
    Members(GroupId),
    /// How far a group is with a partition.
    Position(GroupId, TopicPartition),
}

impl GroupKey {
    /// The group.
    pub fn group(self) -> GroupId {
        match self {
            GroupKey::Members(group) | GroupKey::Position(group, _) => group,
        }
    }
}

/// A member, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberValue {
    /// Its name.
    pub id: MemberId,
    /// Its lasting name, if it is static.
    pub instance: Option<InstanceId>,
    /// After how long without a heartbeat it is taken for dead.
    pub session_timeout: Span,
    /// How long it may take to join.
    pub rebalance_timeout: Span,
    /// The assignors that it supports.
    pub assignors: Vec<Assignor>,
    /// What it wants, and had when it joined.
    pub subscription: Subscription,
    /// What it has.
    pub assignment: BTreeSet<TopicPartition>,
}

/// A generation, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MembersValue {
    /// The generation.
    pub generation: Generation,
    /// Its assignor; none of an empty group.
    pub assignor: Option<Assignor>,
    /// Its leader.
    pub leader: Option<MemberId>,
    /// The members.
    pub members: Vec<MemberValue>,
}

/// The value of a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum GroupValue {
    /// A generation.
    Members(MembersValue),
    /// A position.
    Position {
        /// How far the group is.
        position: Position,
        /// When it was committed.
        time: Time,
        /// Who has committed it: clients write that into the `metadata` that they may keep with a commit.
        metadata: Identity,
    },
}

/// A record of `__consumer_offsets`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GroupRecord {
    /// What it is about.
    pub key: GroupKey,
    /// What is remembered; a tombstone has nothing.
    pub value: Option<GroupValue>,
}
