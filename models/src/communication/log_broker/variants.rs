//! The configurations that sweeps draw, and those in which a bug can show.

use proptest::prelude::*;
use seedbed_sim::Span;

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::groups::Assignor;
use crate::communication::log_broker::messages::Isolation;
use crate::communication::log_broker::model::LogBroker;
use crate::communication::log_broker::partitioner::Partitioning;
use crate::communication::log_broker::settings::{
    Acks, Commits, ConsumerSettings, Flush, Membership, ProducerSettings, Settings,
};

impl LogBroker {
    /// The variants of this, for any bug or none.
    pub(super) fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<LogBroker> {
        let model = self.clone();
        (brokers(), producers(), consumers())
            .prop_map(move |(settings, producer, (consumers, offsets_partitions, consumer))| {
                let min_insync_replicas = settings.min_insync_replicas.min(model.replication_factor.min(model.brokers));
                let settings = Settings { min_insync_replicas, producer, consumer, ..settings };
                let model = LogBroker { settings, consumers, offsets_partitions, ..model.clone() };
                match bug {
                    Some(bug) => concerned(model, bug),
                    None => model,
                }
            })
            .boxed()
    }
}

fn brokers() -> impl Strategy<Value = Settings> {
    let min_insync = prop_oneof![1 => Just(1u16), 4 => Just(2u16), 1 => Just(3u16)];
    let flush = prop_oneof![2 => Just(Flush::Later), 1 => Just(Flush::Always)];
    let lag = prop_oneof![2 => Just(Span::ms(200)), 1 => Just(Span::ms(80)), 1 => Just(Span::ms(500))];
    let fetch_size = prop_oneof![3 => Just(8u32), 1 => Just(1u32)];
    (min_insync, flush, lag, fetch_size).prop_map(|(min_insync_replicas, flush, replica_lag_time, fetch_size)| {
        Settings { min_insync_replicas, flush, replica_lag_time, fetch_size, ..Settings::default() }
    })
}

fn producers() -> impl Strategy<Value = ProducerSettings> {
    let acks = prop_oneof![1 => Just(Acks::None), 1 => Just(Acks::Leader), 6 => Just(Acks::All)];
    let linger = prop_oneof![2 => Just(Span::ms(5)), 1 => Just(Span::ZERO), 1 => Just(Span::ms(30))];
    let sizes = (1u32..5, prop_oneof![1 => Just(1u32), 3 => Just(5u32)]);
    let timeout = prop_oneof![3 => Just(Span::ms(1_500)), 1 => Just(Span::ms(500))];
    let partitioning = prop_oneof![2 => Just(Partitioning::UniformSticky), 1 => Just(Partitioning::StickyByBatch), 1 => Just(Partitioning::RoundRobin)];
    let modes = (prop::bool::weighted(0.8), prop::bool::weighted(0.2), partitioning);
    (acks, modes, linger, sizes, timeout).prop_map(
        |(acks, (idempotent, synchronous, partitioning), linger, (batch_size, max_in_flight), delivery_timeout)| {
            ProducerSettings {
                acks,
                // Idempotent producers wait for all (KIP-98).
                idempotent: idempotent && acks == Acks::All,
                synchronous,
                linger,
                batch_size,
                max_in_flight,
                partitioning,
                delivery_timeout,
            }
        },
    )
}

/// How many consumers, how many partitions of `__consumer_offsets`, and how consumers consume.
fn consumers() -> impl Strategy<Value = (u16, u16, ConsumerSettings)> {
    let counts = (prop_oneof![3 => Just(0u16), 1 => Just(1u16), 1 => Just(2u16), 3 => Just(3u16)], 1u16..3);
    let assignors = prop_oneof![
        1 => Just(Assignor::Range),
        1 => Just(Assignor::RoundRobin),
        1 => Just(Assignor::Sticky),
        3 => Just(Assignor::CooperativeSticky),
    ];
    let membership =
        prop_oneof![3 => Just(Membership::Dynamic), 1 => Just(Membership::Static), 1 => Just(Membership::Twins)];
    let commits = prop_oneof![
        2 => Just(Commits::Auto),
        4 => Just(Commits::AfterProcessing),
        1 => Just(Commits::BeforeProcessing),
    ];
    let isolation = prop_oneof![Just(Isolation::ReadUncommitted), Just(Isolation::ReadCommitted)];
    let times = (
        prop_oneof![1 => Just(Span::ms(150)), 2 => Just(Span::ms(250))],
        prop_oneof![1 => Just(Span::ms(150)), 2 => Just(Span::ms(400))],
        prop_oneof![3 => Just(Span::ms(8)), 1 => Just(Span::ms(60))],
    );
    let sizes = (1u16..5, prop_oneof![2 => Just(0u16), 1 => Just(1u16), 1 => Just(2u16)]);
    (counts, assignors, membership, commits, isolation, times, sizes).prop_map(
        |((consumers, offsets_partitions), assignor, membership, commits, isolation, times, sizes)| {
            let (session_timeout, max_poll_interval, service) = times;
            let (max_poll_records, leaves) = sizes;
            let settings = ConsumerSettings {
                assignor,
                membership,
                isolation,
                commits,
                session_timeout,
                max_poll_interval,
                max_poll_records,
                service,
                leaves,
                ..ConsumerSettings::default()
            };
            (consumers, offsets_partitions, settings)
        },
    )
}

/// The same in so far as a bug can show in it.
fn concerned(model: LogBroker, bug: Bug) -> LogBroker {
    let settings = model.settings.clone();
    let producer = ProducerSettings { acks: Acks::All, ..settings.producer };
    let consumer = settings.consumer;
    let concerns_groups = matches!(
        bug,
        Bug::NoGenerationFencing | Bug::StaticMemberNotFenced | Bug::CooperativeOwnsTwice | Bug::CommitBeforeProcess
    );
    let consumers = if concerns_groups { model.consumers.max(3) } else { 0 };
    let settings = match bug {
        Bug::TruncateToHighWatermark | Bug::HwAdvancesOnLeaderAlone => Settings { producer, ..settings },
        Bug::SequenceNotReplicated => {
            Settings { producer: ProducerSettings { idempotent: true, ..producer }, ..settings }
        }
        Bug::NoGenerationFencing => {
            let consumer =
                ConsumerSettings { membership: Membership::Dynamic, session_timeout: Span::ms(150), ..consumer };
            Settings { consumer, ..settings }
        }
        Bug::StaticMemberNotFenced => {
            Settings { consumer: ConsumerSettings { membership: Membership::Twins, ..consumer }, ..settings }
        }
        Bug::CooperativeOwnsTwice => {
            let assignor = Assignor::CooperativeSticky;
            Settings { consumer: ConsumerSettings { assignor, leaves: 1, ..consumer }, ..settings }
        }
        Bug::CommitBeforeProcess => {
            Settings { consumer: ConsumerSettings { commits: Commits::AfterProcessing, ..consumer }, ..settings }
        }
        Bug::AbortMarkerIgnored | Bug::EndTxnAppliesToNext => settings,
        Bug::StaleIsrAfterRejoin => Settings { producer, flush: Flush::Later, ..settings },
    };
    LogBroker { settings, consumers, ..model }
}
