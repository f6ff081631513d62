//! The configurations that sweeps draw, and those in which a bug can show.

use proptest::prelude::*;
use seedbed_sim::Span;

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::model::LogBroker;
use crate::communication::log_broker::settings::{Acks, Flush, ProducerSettings, Settings};

impl LogBroker {
    /// The variants of this, for any bug or none.
    pub(super) fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<LogBroker> {
        let model = self.clone();
        (brokers(), producers())
            .prop_map(move |(settings, producer)| {
                let min_insync_replicas = settings.min_insync_replicas.min(model.replication_factor.min(model.brokers));
                let settings = Settings { min_insync_replicas, producer, ..settings };
                let model = LogBroker { settings, ..model.clone() };
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
    let modes = (prop::bool::weighted(0.8), prop::bool::weighted(0.2));
    (acks, modes, linger, sizes, timeout).prop_map(
        |(acks, (idempotent, synchronous), linger, (batch_size, max_in_flight), delivery_timeout)| ProducerSettings {
            acks,
            // Idempotent producers wait for all (KIP-98).
            idempotent: idempotent && acks == Acks::All,
            synchronous,
            linger,
            batch_size,
            max_in_flight,
            delivery_timeout,
        },
    )
}

/// The same in so far as a bug can show in it.
fn concerned(model: LogBroker, bug: Bug) -> LogBroker {
    let settings = model.settings.clone();
    let producer = ProducerSettings { acks: Acks::All, ..settings.producer };
    let settings = match bug {
        Bug::TruncateToHighWatermark | Bug::HwAdvancesOnLeaderAlone => Settings { producer, ..settings },
        Bug::SequenceNotReplicated => {
            Settings { producer: ProducerSettings { idempotent: true, ..producer }, ..settings }
        }
        Bug::AbortMarkerIgnored | Bug::EndTxnAppliesToNext => settings,
        Bug::StaleIsrAfterRejoin => Settings { producer, flush: Flush::Later, ..settings },
    };
    LogBroker { settings, ..model }
}
