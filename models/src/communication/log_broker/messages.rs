//! What nodes send each other, what clients ask and are answered, the timers, and what is on disk. Requests and responses have the
//! names of Kafka's protocol; each is about few things, where Kafka's are about many.

use seedbed_sim::{File, Hosts, Kinded, NodeId, OpId, Process, Span};
use serde::{Deserialize, Serialize};

use crate::communication::log_broker::consumer::ConsumerTimer;
use crate::communication::log_broker::controller::metadata::{Metadata, PartitionState};
use crate::communication::log_broker::groups::{self, GroupTimer, ToGroup};
use crate::communication::log_broker::names::{GroupId, Offset, ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::{
    BrokerEpoch, CoordinatorEpoch, Correlation, Incarnation, LeaderEpoch, PartitionEpoch, SessionEpoch, SessionId,
    TransactionalId,
};
use crate::communication::log_broker::producers::Ended;
use crate::communication::log_broker::record::{Batch, Draft, Key, Value};
use crate::communication::log_broker::settings::Acks;
use crate::replication::raft;

/// The metadata log of a controller: the write-ahead log of its Raft server.
pub const METADATA_LOG: File = File(0);
/// What a broker knows of its registration.
pub const REGISTRATION: File = File(1);
/// The log of the first partition; those of the others follow.
pub const FIRST_LOG: u16 = 2;

/// Why a request was refused (Kafka, *Error codes*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Error {
    /// This broker does not lead the partition, or does not have it.
    NotLeaderOrFollower,
    /// The partition has a later leader than the one that is meant.
    FencedLeaderEpoch,
    /// This broker does not know of so late a leader.
    UnknownLeaderEpoch,
    /// The log has no such offset.
    OffsetOutOfRange,
    /// The leader does not know yet what is committed (KIP-207).
    OffsetNotAvailable,
    /// Fewer replicas are in sync than `min.insync.replicas`.
    NotEnoughReplicas,
    /// The same, and the batch was appended.
    NotEnoughReplicasAfterAppend,
    /// The request was not done in time; it may be done yet.
    RequestTimedOut,
    /// A batch before this one is missing.
    OutOfOrderSequenceNumber,
    /// A later epoch of the producer has been here.
    InvalidProducerEpoch,
    /// Another producer has the transactional id now.
    ProducerFenced,
    /// The coordinator does not know the producer by this transactional id.
    InvalidProducerIdMapping,
    /// The transaction is in no state for this.
    InvalidTxnState,
    /// The transaction before is not over yet.
    ConcurrentTransactions,
    /// This broker is not the coordinator.
    NotCoordinator,
    /// It is, and reads its log.
    CoordinatorLoadInProgress,
    /// A coordinator with a later epoch has written here.
    TransactionCoordinatorFenced,
    /// The broker has been registered again since.
    StaleBrokerEpoch,
    /// This is not the active controller.
    NotController,
    /// What the controller says of the partition has changed since.
    InvalidUpdateVersion,
    /// The new in-sync replicas have one that is fenced, or has restarted (KIP-841, KIP-903).
    IneligibleReplica,
    /// The broker has no such fetch session.
    FetchSessionIdNotFound,
    /// A request of the fetch session is missing, or came twice.
    InvalidFetchSessionEpoch,
}

/// Who fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fetcher {
    /// A follower, in this registration (KIP-903, `ReplicaState`).
    Replica(NodeId, BrokerEpoch),
    /// A consumer.
    Consumer(Isolation),
}

/// Which records a consumer wants (`isolation.level`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// All below the high watermark.
    ReadUncommitted,
    /// Those below the last stable offset that no aborted transaction has written.
    ReadCommitted,
}

/// What is fetched of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FetchPartition {
    /// From which offset on.
    pub offset: Offset,
    /// The leader that is meant (KIP-320); a consumer may not know it.
    pub leader_epoch: Option<LeaderEpoch>,
}

/// A request. Where it says so, it is about one partition.
#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
pub enum Request {
    /// A client asks where partitions are led.
    Metadata,
    /// A producer sends a batch.
    Produce {
        /// To which partition.
        partition: TopicPartition,
        /// When it is to be acknowledged.
        acks: Acks,
        /// By which transactional id it is sent.
        transactional_id: Option<TransactionalId>,
        /// The batch.
        batch: Draft,
        /// How long the leader may wait for followers.
        timeout: Span,
    },
    /// A consumer asks who coordinates its group.
    FindCoordinator(GroupId),
    /// A consumer asks the coordinator of its group for something.
    #[hosts]
    Group(ToGroup),
    /// Records are fetched: by a follower, or a consumer.
    Fetch {
        /// By whom.
        by: Fetcher,
        /// The fetch session and the number of the request in it (KIP-227).
        session: (SessionId, SessionEpoch),
        /// The partitions; in a session, those that have changed.
        partitions: Vec<(TopicPartition, FetchPartition)>,
        /// The partitions that leave the session.
        forgotten: Vec<TopicPartition>,
        /// How long the leader may wait for records.
        max_wait: Span,
    },
    /// A follower asks where an epoch ends in the leader's log (KIP-101).
    OffsetsForLeaderEpoch {
        /// Of which partition.
        partition: TopicPartition,
        /// The leader that is meant (KIP-320).
        current: LeaderEpoch,
        /// The epoch.
        epoch: LeaderEpoch,
    },
    /// A consumer asks for the first or the last offset.
    ListOffsets {
        /// Of which partition.
        partition: TopicPartition,
        /// Whether it wants the first offset, and not the last.
        earliest: bool,
        /// As whom.
        isolation: Isolation,
    },
    /// A broker asks the controller to be registered (KIP-631).
    BrokerRegistration {
        /// Its life.
        incarnation: Incarnation,
        /// Its last registration, if its logs are as they were then (KIP-966: a clean shutdown).
        previous: Option<BrokerEpoch>,
    },
    /// A broker says that it lives (KIP-631).
    BrokerHeartbeat {
        /// Its registration.
        epoch: BrokerEpoch,
        /// Whether it knows what the controller knew when it was registered, and so can be unfenced.
        caught_up: bool,
    },
    /// A leader asks the controller to change the in-sync replicas (KIP-497).
    AlterPartition {
        /// The registration of the leader.
        broker_epoch: BrokerEpoch,
        /// The partition.
        partition: TopicPartition,
        /// The leader's epoch.
        leader_epoch: LeaderEpoch,
        /// What the leader knows of the partition.
        partition_epoch: PartitionEpoch,
        /// The new in-sync replicas, with their registrations as the leader knows them (KIP-903).
        isr: Vec<(NodeId, BrokerEpoch)>,
    },
    /// A broker asks the controller for producer ids (KIP-730).
    AllocateProducerIds {
        /// Its registration.
        broker_epoch: BrokerEpoch,
    },
    /// A producer asks for a producer id and an epoch (KIP-98).
    InitProducerId {
        /// Its transactional id, if it has one.
        transactional_id: Option<TransactionalId>,
        /// The id and epoch that it has, if it wants the next epoch (KIP-360).
        current: Option<(ProducerId, ProducerEpoch)>,
        /// After how long its transactions are aborted.
        timeout: Span,
    },
    /// A transaction will write to these partitions (KIP-98); with KIP-890, a leader asks on behalf of the producer.
    AddPartitionsToTxn {
        /// The transactional id.
        transactional_id: TransactionalId,
        /// The producer.
        producer: (ProducerId, ProducerEpoch),
        /// The partitions.
        partitions: Vec<TopicPartition>,
        /// Whether the coordinator is only asked if they are part of the transaction (KIP-890, *verify only*).
        verify_only: bool,
    },
    /// A producer ends its transaction (KIP-98).
    EndTxn {
        /// The transactional id.
        transactional_id: TransactionalId,
        /// The producer.
        producer: (ProducerId, ProducerEpoch),
        /// Whether it is to be committed.
        committed: bool,
    },
    /// The coordinator ends a transaction in a partition (KIP-98).
    WriteTxnMarkers {
        /// The partition.
        partition: TopicPartition,
        /// The producer.
        producer: (ProducerId, ProducerEpoch),
        /// Which coordinator writes.
        coordinator_epoch: CoordinatorEpoch,
        /// Whether the transaction was committed.
        committed: bool,
    },
}

/// The records of a partition that were fetched.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Fetched {
    /// The records, in their batches.
    pub batches: Vec<Batch>,
    /// The high watermark of the leader.
    pub high_watermark: Offset,
    /// The last stable offset.
    pub last_stable: Offset,
    /// The first offset that the leader keeps.
    pub log_start: Offset,
    /// The aborted transactions that concern these records; only consumers that read what is committed are told.
    pub aborted: Vec<Ended>,
}

/// What is known of brokers and partitions, for clients.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct PartitionMetadata {
    /// The leader, if there is one.
    pub leader: Option<NodeId>,
    /// Its epoch.
    pub leader_epoch: LeaderEpoch,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
pub enum Response {
    /// The partitions, as the broker knows them, and which brokers are alive.
    Metadata {
        /// Brokers that are not fenced.
        brokers: Vec<NodeId>,
        /// The partitions.
        partitions: Vec<(TopicPartition, PartitionMetadata)>,
    },
    /// The offset of the first record of the batch.
    Produce(Result<Offset, Error>),
    /// Who coordinates the group, if anybody does.
    FindCoordinator(Option<NodeId>),
    /// What the coordinator of a group says.
    #[hosts]
    Group(groups::Response),
    /// What was fetched.
    Fetch {
        /// The session in which the next request is the next.
        session: SessionId,
        /// What concerns all of it.
        error: Option<Error>,
        /// The partitions; in a session, those of which there is something new.
        partitions: Vec<(TopicPartition, Result<Fetched, Error>)>,
    },
    /// The greatest epoch up to the one asked for, and where it ends (KIP-101, KIP-279).
    OffsetsForLeaderEpoch(Result<Option<(LeaderEpoch, Offset)>, Error>),
    /// The offset.
    ListOffsets(Result<Offset, Error>),
    /// The epoch of the registration.
    BrokerRegistration(Result<BrokerEpoch, Error>),
    /// Whether the broker is fenced.
    BrokerHeartbeat(Result<bool, Error>),
    /// What the controller says of the partition now.
    AlterPartition(Result<PartitionState, Error>),
    /// The first of a block of producer ids.
    AllocateProducerIds(Result<ProducerId, Error>),
    /// The producer id and epoch.
    InitProducerId(Result<(ProducerId, ProducerEpoch), Error>),
    /// Whether the partitions are part of the transaction now.
    AddPartitionsToTxn(Result<(), Error>),
    /// Whether the end is decided, and by which id and epoch the producer goes on (KIP-890).
    EndTxn(Result<(ProducerId, ProducerEpoch), Error>),
    /// Whether the marker is written.
    WriteTxnMarkers(Result<(), Error>),
}

/// A message.
#[derive(Clone, Debug, Hash, Kinded, Hosts)]
pub enum Message {
    /// A request.
    #[hosts]
    Request(Asked),
    /// A response.
    #[hosts]
    Response(Answered),
    /// Between controllers.
    #[hosts]
    Raft(raft::messages::Message<Metadata>),
}

/// A request with its number.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Asked {
    /// The number, which no other request of this node has.
    pub correlation: Correlation,
    /// The request.
    pub request: Request,
}

/// A response with the number of its request.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Answered {
    /// The number.
    pub correlation: Correlation,
    /// The response.
    pub response: Response,
}

macro_rules! kinded_by {
    ($type:ident . $field:ident : $kinds:ident) => {
        impl Kinded for $type {
            fn kind(&self) -> u16 {
                self.$field.kind()
            }
            fn kind_count() -> u16 {
                $kinds::kind_count()
            }
            fn kind_name(kind: u16) -> String {
                $kinds::kind_name(kind)
            }
        }
    };
}

kinded_by!(Asked.request: Request);
kinded_by!(Answered.response: Response);

/// A record to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Post {
    /// The key, if it has one: records of one key go to one partition.
    pub key: Option<Key>,
}

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Op {
    /// Send these records, and wait until all are acknowledged or given up.
    Send(Vec<Post>),
    /// Send these records in a transaction, and commit or abort it.
    Transact {
        /// The records.
        posts: Vec<Post>,
        /// Whether to commit it.
        commit: bool,
    },
    /// Read all partitions of the topic from their beginning to their end.
    Read(Isolation),
}

/// What has become of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is acknowledged, here.
    Acked(TopicPartition, Offset),
    /// It was sent, and no acknowledgement is asked for.
    Sent,
    /// It was given up: it may be in the log or not.
    GivenUp,
}

/// What clients are answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// What has become of each record.
    Sent(Vec<Outcome>),
    /// How the transaction has ended: `None` if that is not known.
    Ended(Option<bool>),
    /// The values that were read, partition by partition.
    Read(Vec<(TopicPartition, Vec<(Offset, Value)>)>),
}

/// The value of the `index`-th record of an operation.
pub fn value_of(op: OpId, index: usize) -> Value {
    Value((op.0 << 8) | index as u64)
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded, Hosts)]
pub enum Timer {
    /// A request is not answered.
    Request(Correlation),
    /// A broker says to the controller that it lives, or asks to be registered.
    Heartbeat,
    /// The active controller looks for brokers that are silent.
    Sessions,
    /// A leader looks for followers that lag behind (`replica.lag.time.max.ms`).
    Isr,
    /// A follower fetches from a leader again, after an error.
    Fetch(NodeId),
    /// The longest-waiting fetch or produce request of a broker is answered.
    Purgatory,
    /// A leader asks the controller again to change the in-sync replicas of a partition.
    AlterPartition(TopicPartition),
    /// A producer looks for batches that are to be sent, or given up.
    Sender,
    /// A client asks again where partitions are led.
    Metadata,
    /// A client asks the coordinator of transactions again.
    Coordinator,
    /// The coordinator of transactions looks for those that take too long, and sends markers again.
    Transactions,
    /// A timer of a group's coordinator.
    #[hosts]
    Group(GroupTimer),
    /// A timer of a consumer.
    #[hosts]
    Consumer(ConsumerTimer),
    /// A timer of a controller's Raft server.
    #[hosts]
    Raft(raft::settings::Timer),
}

/// A record of a partition's log on disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogRecord {
    /// A batch was appended.
    Append(Batch),
    /// The log was truncated to this end.
    Truncate(Offset),
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash, Hosts)]
pub enum Record {
    /// Of the log of a partition.
    Log(LogRecord),
    /// The life of the broker, and its registration, once it has one.
    Registered(Incarnation, Option<BrokerEpoch>),
    /// A record of a controller's Raft server.
    #[hosts]
    Raft(raft::record::Record<Metadata>),
}

/// A process that sends these messages and waits for these timers.
pub trait LogProcess: Process<Message = Message, Timer = Timer> {}

impl<P: Process<Message = Message, Timer = Timer>> LogProcess for P {}
