//! What clients ask, and when.

use serde::{Deserialize, Serialize};

use crate::process::NodeId;
use crate::time::Time;

/// One client operation of the workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation<O> {
    /// When the client means to invoke it. A client with an open operation invokes it when that one has ended.
    pub at: Time,
    /// Which node is the client.
    pub client: NodeId,
    /// What it asks.
    pub op: O,
}
