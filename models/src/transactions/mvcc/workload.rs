//! What clients ask for.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{NodeId, Operation, Time};

use crate::transactions::mvcc::messages::Op;
use crate::transactions::store::{Key, Step};

/// Transactions of one to three steps on a few rows, most of them close in time to others, so that they conflict. Some only
/// read.
pub(super) fn workload(clients: Range<u16>, keys: u16, until: Time) -> BoxedStrategy<Vec<Operation<Op>>> {
    let key = (0..keys).prop_map(Key);
    let step = (key, 0u8..8, 0i64..1_000).prop_map(|(key, kind, n)| match kind {
        0..3 => Step::Read { key },
        3..5 => Step::Put { key, value: n },
        // Some of the greater withdrawals find too little.
        _ => Step::Add { key, amount: if n < 800 { n % 5 + 1 } else { -(n % 150) - 1 } },
    });
    let reads = prop::collection::vec((0..keys).prop_map(|key| Step::Read { key: Key(key) }), 2..4);
    let steps = prop_oneof![1 => reads, 3 => prop::collection::vec(step, 1..4)];
    // Few instants, so that many transactions begin together.
    let burst = prop::collection::vec((0..clients.end - clients.start, 0u64..12, steps), 1..7);
    let bursts = prop::collection::vec((0..until.0 / 1_000_000, burst), 4..12);
    bursts
        .prop_map(move |bursts| {
            let first = clients.start;
            let operations = bursts.into_iter().flat_map(move |(at, burst)| {
                burst.into_iter().map(move |(client, later, steps)| Operation {
                    at: Time::ms(at + later),
                    client: NodeId(first + client),
                    op: Op::Steps(once_a_row(steps)),
                })
            });
            let mut operations: Vec<_> = operations.collect();
            operations.sort_by_cached_key(|operation| operation.at);
            operations
        })
        .boxed()
}

/// The last step for each row: no row is touched by two.
fn once_a_row(steps: Vec<Step>) -> Vec<Step> {
    let by_key: BTreeMap<Key, Step> = steps.into_iter().map(|step| (step.key(), step)).collect();
    by_key.into_values().collect()
}
