//! How a client leaves, and what has become of a message.

use serde::{Deserialize, Serialize};

/// How a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Leaving {
    /// It says DISCONNECT.
    Disconnect,
    /// It says DISCONNECT, and that its Will Message be published (reason 0x04).
    WithWill,
    /// It closes the connection.
    Close,
}

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// With QoS 0: it was sent.
    Sent,
    /// With QoS 0: there was no connection.
    NotSent,
    /// The broker has it: PUBACK or PUBREC has come.
    Acknowledged,
    /// The broker has refused it.
    Refused,
    /// The session has ended before it was acknowledged.
    Abandoned,
}
