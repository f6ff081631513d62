//! The operations of clients.

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
