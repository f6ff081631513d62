//! The operations of clients.

use std::fmt::Debug;
use std::ops::Range;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::process::NodeId;
use crate::time::Time;

/// One client operation of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation<O> {
    /// When the client means to invoke it. A client invokes one operation at a time, so a later one waits for the open
    /// one.
    pub at: Time,
    /// The node that the client is on.
    pub client: NodeId,
    /// The operation with its arguments.
    pub op: O,
}

/// A workload: `count` operations, each asked for by one of the `clients` at some millisecond up to `until`; in the order of
/// their times.
///
/// # Panics
/// If there are no clients.
pub fn workload<O: Debug + Clone + 'static>(
    clients: Range<u16>,
    count: Range<usize>,
    until: Time,
    op: impl Strategy<Value = O> + 'static,
) -> BoxedStrategy<Vec<Operation<O>>> {
    let until_ms = until.0 / 1_000_000;
    let operation = (0..until_ms, clients, op).prop_map(|(ms, client, op)| Operation {
        at: Time::ms(ms),
        client: NodeId(client),
        op,
    });
    prop::collection::vec(operation, count)
        .prop_map(|mut operations| {
            // (Cached keys are sorted by code that is compiled once, not for each type of operation.)
            operations.sort_by_cached_key(|operation| operation.at);
            operations
        })
        .boxed()
}
