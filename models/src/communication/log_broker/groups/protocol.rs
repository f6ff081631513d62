//! Requests about groups, and what is answered (Kafka's protocol: `JoinGroup`, `SyncGroup`, `Heartbeat`, `LeaveGroup`, `OffsetCommit`,
//! `OffsetFetch`, `TxnOffsetCommit`).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Kinded, Span};

use crate::communication::log_broker::groups::assignors::{Assignment, Assignor, Member};
use crate::communication::log_broker::groups::offsets::Position;
use crate::communication::log_broker::groups::subscription::Subscription;
use crate::communication::log_broker::names::{
    Generation, GroupId, InstanceId, MemberId, ProducerEpoch, ProducerId, TopicPartition,
};

/// Why a request about a group was refused (Kafka, *Error codes*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Error {
    /// This broker does not coordinate the group.
    NotCoordinator,
    /// It does, and reads its log.
    CoordinatorLoadInProgress,
    /// What the coordinator has to write could not be replicated.
    CoordinatorNotAvailable,
    /// A new member gets its name first, and joins with it (KIP-394).
    MemberIdRequired(MemberId),
    /// The group has no such member.
    UnknownMemberId,
    /// Another process has joined under this `group.instance.id` (KIP-345).
    FencedInstanceId,
    /// The group is in another generation.
    IllegalGeneration,
    /// The group rebalances: join again.
    RebalanceInProgress,
    /// The member supports no assignor that all others support.
    InconsistentGroupProtocol,
    /// A transaction has committed an offset of the partition, and has not ended (KIP-447).
    UnstableOffsetCommit,
}

/// Who speaks: a member in a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The member.
    pub member: MemberId,
    /// Its lasting name, if it is static.
    pub instance: Option<InstanceId>,
    /// The generation that it is in.
    pub generation: Generation,
}

/// A process joins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Join {
    /// The name that it was given, if it was.
    pub member: Option<MemberId>,
    /// Its lasting name, if it is static.
    pub instance: Option<InstanceId>,
    /// After how long without a heartbeat it is taken for dead (`session.timeout.ms`).
    pub session_timeout: Span,
    /// How long it may take to join when the group rebalances (`max.poll.interval.ms`).
    pub rebalance_timeout: Span,
    /// The assignors that it supports, in the order in which it prefers them.
    pub assignors: Vec<Assignor>,
    /// What it wants and has.
    pub subscription: Subscription,
}

/// A process has joined.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Joined {
    /// The generation that begins.
    pub generation: Generation,
    /// The assignor of the generation.
    pub assignor: Assignor,
    /// Who leads.
    pub leader: MemberId,
    /// The name of who has joined.
    pub member: MemberId,
    /// All members; only the leader is told.
    pub members: Vec<Member>,
    /// Whether the leader leaves the assignment as it is (KIP-814).
    pub skip_assignment: bool,
}

/// A request about a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Request {
    /// A process joins, or joins again.
    JoinGroup(Join),
    /// A member wants its assignment; the leader brings that of all.
    SyncGroup(Identity, Assignment),
    /// A member lives.
    Heartbeat(Identity),
    /// A member leaves. Static ones do not (KIP-345).
    LeaveGroup(Identity),
    /// A member commits how far it is.
    OffsetCommit(Identity, BTreeMap<TopicPartition, Position>),
    /// A producer commits how far its consumer is, in its transaction (KIP-98, KIP-447).
    TxnOffsetCommit {
        /// The producer.
        producer: (ProducerId, ProducerEpoch),
        /// The member that has consumed.
        identity: Identity,
        /// How far it is.
        positions: BTreeMap<TopicPartition, Position>,
    },
    /// Somebody wants to know how far the group is.
    OffsetFetch {
        /// With which partitions.
        partitions: BTreeSet<TopicPartition>,
        /// Whether to wait for transactions that have committed offsets (KIP-447, `require_stable`).
        require_stable: bool,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Kinded)]
pub enum Response {
    /// The generation begins.
    JoinGroup(Result<Joined, Error>),
    /// What the member has.
    SyncGroup(Result<BTreeSet<TopicPartition>, Error>),
    /// Whether the generation goes on.
    Heartbeat(Result<(), Error>),
    /// Whether it has left.
    LeaveGroup(Result<(), Error>),
    /// Whether the offsets are committed.
    OffsetCommit(Result<(), Error>),
    /// Whether they will be, if the transaction is.
    TxnOffsetCommit(Result<(), Error>),
    /// Where the group is; nothing where it has committed nothing.
    OffsetFetch(Result<BTreeMap<TopicPartition, Position>, Error>),
}

/// A request about one group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ToGroup {
    /// The group.
    pub group: GroupId,
    /// What is asked of its coordinator.
    pub request: Request,
}

impl Kinded for ToGroup {
    fn kind(&self) -> u16 {
        self.request.kind()
    }
    fn kind_count() -> u16 {
        Request::kind_count()
    }
    fn kind_name(kind: u16) -> String {
        Request::kind_name(kind)
    }
}
