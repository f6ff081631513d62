//! The timeline of a recorded run: what happened, in order, in words. What diagrams are drawn from.

use serde::{Deserialize, Serialize};

use crate::process::{NodeId, OpId};
use crate::time::Time;

/// Why a message did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undelivered {
    /// The network lost it.
    Lost,
    /// A cut stopped it.
    Cut,
    /// Its receiver was down.
    Down,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// A node began, for the first time or again.
    Started {
        /// Which.
        node: NodeId,
    },
    /// A node went down.
    Down {
        /// Which.
        node: NodeId,
        /// Why: a crash, a wipe, or the reason it gave when it halted.
        why: String,
    },
    /// A client invoked an operation.
    Invoked {
        /// The client.
        node: NodeId,
        /// The operation.
        op: OpId,
        /// What was asked.
        text: String,
    },
    /// An operation ended.
    Ended {
        /// The client.
        node: NodeId,
        /// The operation.
        op: OpId,
        /// What was answered.
        text: String,
        /// Whether it certainly had no effect.
        failed: bool,
    },
    /// A message left its sender.
    Sent {
        /// Counts messages from 0; a copy has the number of its original.
        message: u64,
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// The kind of message.
        kind: String,
        /// The whole message.
        text: String,
    },
    /// A message was handled by its receiver.
    Delivered {
        /// Its number.
        message: u64,
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// The kind of message.
        kind: String,
    },
    /// A cut holds a message back: it arrives when the cut ends, if ever.
    Held {
        /// Its number.
        message: u64,
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// The kind of message.
        kind: String,
    },
    /// A message will not arrive.
    Undelivered {
        /// Its number.
        message: u64,
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// The kind of message.
        kind: String,
        /// Why.
        why: Undelivered,
    },
    /// A timer fired.
    Fired {
        /// On which node.
        node: NodeId,
        /// Which timer.
        text: String,
    },
    /// A sync ended.
    Synced {
        /// Whose.
        node: NodeId,
    },
    /// A fault began.
    FaultBegan {
        /// What, in words.
        text: String,
        /// Whom it strikes.
        nodes: Vec<NodeId>,
    },
    /// A fault ended.
    FaultEnded {
        /// What, in words.
        text: String,
        /// Whom it struck.
        nodes: Vec<NodeId>,
    },
    /// All faults ended.
    Healed,
    /// A node reached an interesting state.
    Marked {
        /// Which.
        node: NodeId,
        /// What it reached.
        name: String,
    },
    /// A node left a remark.
    Noted {
        /// Which.
        node: NodeId,
        /// The remark.
        text: String,
    },
}

/// One line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// When, on the world's clock.
    pub at: Time,
    /// What.
    #[serde(flatten)]
    pub what: Happening,
}
