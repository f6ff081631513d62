//! How brokers and clients are set up.

use seedbed_sim::{Named, Span};
use serde::{Deserialize, Serialize};

use crate::communication::log_broker::groups::Assignor;
use crate::communication::log_broker::messages::Isolation;
use crate::communication::log_broker::names::Topic;
use crate::communication::log_broker::partitioner::Partitioning;
use crate::communication::log_broker::producers::REMEMBERED;
use crate::parts::bounds;

/// The topic that producers write to.
pub const ORDERS: Topic = Topic(0);
/// The topic that is made of [`ORDERS`] by those who consume, transform and produce.
pub const SHIPMENTS: Topic = Topic(1);
/// The internal topic of group coordinators (`__consumer_offsets`).
pub const CONSUMER_OFFSETS: Topic = Topic(100);
/// The internal topic of transaction coordinators (`__transaction_state`).
pub const TRANSACTION_STATE: Topic = Topic(101);

/// How many partitions [`TRANSACTION_STATE`] has (`transaction.state.log.num.partitions`).
pub const TRANSACTION_PARTITIONS: u16 = 1;

/// When a record is acknowledged to its producer (`acks`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Acks {
    /// Never: the producer takes it for sent.
    None,
    /// When the leader has it.
    Leader,
    /// When all in-sync replicas have it, and these are `min.insync.replicas` at least.
    All,
}

/// When a broker writes its logs to disk (`log.flush.interval.messages`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Flush {
    /// When the operating system does, which is Kafka's default: what a broker had in memory is lost when it crashes.
    Later,
    /// Before it says anything of what it has appended.
    Always,
}

/// How a producer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerSettings {
    /// When its records are acknowledged.
    pub acks: Acks,
    /// Whether it is idempotent (`enable.idempotence`).
    pub idempotent: bool,
    /// Whether it waits for each record before it sends the next (a synchronous producer).
    pub synchronous: bool,
    /// How long a record waits for others to be sent with (`linger.ms`).
    pub linger: Span,
    /// The most records of a batch (`batch.size`, which Kafka counts in bytes).
    pub batch_size: u32,
    /// The most batches of a partition that are under way (`max.in.flight.requests.per.connection`).
    pub max_in_flight: u32,
    /// Which partition a record goes to (`partitioner.class`).
    pub partitioning: Partitioning,
    /// How long a producer tries to send a record (`delivery.timeout.ms`).
    pub delivery_timeout: Span,
}

/// As what consumers are known to their group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// A consumer that comes back is another member.
    Dynamic,
    /// It is the same, if it comes back in time (`group.instance.id`, KIP-345).
    Static,
    /// The same, and two consumers each have the same name, by mistake, or since one was started for another that is not gone: the one
    /// that joins last fences the other.
    Twins,
}

/// When consumers commit how far they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Commits {
    /// Now and then, what the polls before have returned (`enable.auto.commit`).
    Auto,
    /// When all that a poll has returned is processed (`commitSync`).
    AfterProcessing,
    /// Before it is: at most once.
    BeforeProcessing,
}

/// How consumers consume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerSettings {
    /// How partitions are divided (`partition.assignment.strategy`).
    pub assignor: Assignor,
    /// As what they are known.
    pub membership: Membership,
    /// Which records they read (`isolation.level`).
    pub isolation: Isolation,
    /// When they commit.
    pub commits: Commits,
    /// How often, if by themselves (`auto.commit.interval.ms`).
    pub auto_commit_interval: Span,
    /// After how long without a heartbeat a member is taken for dead (`session.timeout.ms`).
    pub session_timeout: Span,
    /// How often members send one (`heartbeat.interval.ms`).
    pub heartbeat_interval: Span,
    /// How long a member may take from one poll to the next, and so to join a rebalance (`max.poll.interval.ms`).
    pub max_poll_interval: Span,
    /// How long the first rebalance of a group waits for more members (`group.initial.rebalance.delay.ms`).
    pub initial_rebalance_delay: Span,
    /// The most records that a poll returns (`max.poll.records`).
    pub max_poll_records: u16,
    /// The longest that it takes to process one.
    pub service: Span,
    /// How often each consumer leaves, and comes back.
    pub leaves: u16,
}

impl Default for ConsumerSettings {
    fn default() -> Self {
        ConsumerSettings {
            assignor: Assignor::CooperativeSticky,
            membership: Membership::Dynamic,
            isolation: Isolation::ReadCommitted,
            commits: Commits::AfterProcessing,
            auto_commit_interval: Span::ms(100),
            session_timeout: Span::ms(250),
            heartbeat_interval: Span::ms(80),
            max_poll_interval: Span::ms(400),
            initial_rebalance_delay: Span::ms(30),
            max_poll_records: 3,
            service: Span::ms(8),
            leaves: 0,
        }
    }
}

/// How brokers and clients are set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How many replicas must be in sync for a record to be acknowledged to all (`min.insync.replicas`).
    pub min_insync_replicas: u16,
    /// Whether a replica that is not in sync may lead, if no other can (`unclean.leader.election.enable`).
    pub unclean_leader_election: bool,
    /// When logs are written to disk.
    pub flush: Flush,
    /// After how long without having caught up a follower is not in sync (`replica.lag.time.max.ms`).
    pub replica_lag_time: Span,
    /// How long a leader waits for records before it answers a follower (`replica.fetch.wait.max.ms`).
    pub fetch_wait: Span,
    /// The most records that one partition has in the answer to a fetch (`max.partition.fetch.bytes`).
    pub fetch_size: u32,
    /// How many fetch sessions a broker has at a time (`max.incremental.fetch.session.cache.slots`).
    pub fetch_session_slots: u16,
    /// After how long without a sign of it a broker is fenced (`broker.session.timeout.ms`).
    pub broker_session_timeout: Span,
    /// How often brokers give one (`broker.heartbeat.interval.ms`).
    pub broker_heartbeat: Span,
    /// After how long a request without a response is given up (`request.timeout.ms`).
    pub request_timeout: Span,
    /// After how long it is tried again (`retry.backoff.ms`).
    pub retry_backoff: Span,
    /// After how long the coordinator aborts a transaction (`transaction.timeout.ms`).
    pub transaction_timeout: Span,
    /// How producers send.
    pub producer: ProducerSettings,
    /// How consumers consume.
    pub consumer: ConsumerSettings,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            min_insync_replicas: 2,
            unclean_leader_election: false,
            flush: Flush::Later,
            replica_lag_time: Span::ms(200),
            fetch_wait: Span::ms(120),
            fetch_size: 8,
            fetch_session_slots: 8,
            broker_session_timeout: Span::ms(250),
            broker_heartbeat: Span::ms(80),
            request_timeout: Span::ms(150),
            retry_backoff: Span::ms(20),
            transaction_timeout: Span::ms(400),
            producer: ProducerSettings::default(),
            consumer: ConsumerSettings::default(),
        }
    }
}

impl Default for ProducerSettings {
    fn default() -> Self {
        ProducerSettings {
            acks: Acks::All,
            idempotent: true,
            synchronous: false,
            linger: Span::ms(5),
            batch_size: 4,
            max_in_flight: 5,
            partitioning: Partitioning::UniformSticky,
            delivery_timeout: Span::ms(1_500),
        }
    }
}

impl Settings {
    /// Checks them.
    ///
    /// # Errors
    /// What is wrong, and what to change.
    pub fn validate(&self) -> Result<(), String> {
        let producer = &self.producer;
        bounds::at_most("fetch_size", self.fetch_size, bounds::MOST_AT_A_TIME)?;
        bounds::at_most("batch_size", producer.batch_size, bounds::MOST_AT_A_TIME)?;
        let above_zero = [
            ("min_insync_replicas", u64::from(self.min_insync_replicas)),
            ("replica_lag_time", self.replica_lag_time.0),
            ("fetch_wait", self.fetch_wait.0),
            ("fetch_size", self.fetch_size.into()),
            ("broker_session_timeout", self.broker_session_timeout.0),
            ("broker_heartbeat", self.broker_heartbeat.0),
            ("request_timeout", self.request_timeout.0),
            ("retry_backoff", self.retry_backoff.0),
            ("transaction_timeout", self.transaction_timeout.0),
            ("batch_size", producer.batch_size.into()),
            ("max_in_flight", producer.max_in_flight.into()),
            ("delivery_timeout", producer.delivery_timeout.0),
            ("session_timeout", self.consumer.session_timeout.0),
            ("heartbeat_interval", self.consumer.heartbeat_interval.0),
            ("max_poll_interval", self.consumer.max_poll_interval.0),
            ("auto_commit_interval", self.consumer.auto_commit_interval.0),
            ("max_poll_records", self.consumer.max_poll_records.into()),
        ];
        if let Some((name, _)) = above_zero.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name} must be above 0"));
        }
        if producer.idempotent && producer.acks != Acks::All {
            return Err("an idempotent producer needs acks of all".into());
        }
        if producer.idempotent && producer.max_in_flight > REMEMBERED as u32 {
            return Err(format!("an idempotent producer has at most {REMEMBERED} batches in flight"));
        }
        Ok(())
    }
}
