//! The timeline of a recorded run: its events in order, in words. Diagrams are drawn from it.

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

/// A kind of entry, with its details.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// A node started, or restarted.
    Started {
        /// Its process is new; its disk may not be.
        node: NodeId,
    },
    /// A node went down.
    Down {
        /// It loses its volatile state.
        node: NodeId,
        /// `crash`, `wipe`, or the reason with which it halted.
        why: String,
    },
    /// A client invoked an operation.
    Invoked {
        /// The client.
        node: NodeId,
        /// The operation.
        op: OpId,
        /// The operation, as `Debug` prints it.
        text: String,
    },
    /// An operation ended.
    Ended {
        /// The client.
        node: NodeId,
        /// The operation.
        op: OpId,
        /// The answer, as `Debug` prints it, or `failed:` and the reason.
        text: String,
        /// Whether it failed, without effect.
        failed: bool,
    },
    /// A message left its sender.
    Sent {
        /// Messages are numbered from 0; a duplicate has the number of its original.
        message: u64,
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// The kind of message.
        kind: String,
        /// The message, as `Debug` prints it.
        text: String,
    },
    /// A message was handled by its receiver.
    Delivered {
        /// The number of its [`Happening::Sent`].
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
        /// The number of its [`Happening::Sent`].
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
        /// The number of its [`Happening::Sent`].
        message: u64,
        /// The sender.
        from: NodeId,
        /// The receiver.
        to: NodeId,
        /// The kind of message.
        kind: String,
        /// Lost, stopped by a cut, or the receiver was down.
        why: Undelivered,
    },
    /// A timer fired.
    Fired {
        /// The node that armed it.
        node: NodeId,
        /// The timer, as `Debug` prints it.
        text: String,
    },
    /// A sync ended.
    Synced {
        /// The node whose writes are durable now.
        node: NodeId,
    },
    /// A fault began.
    FaultBegan {
        /// The fault as [`What`](crate::fault::What) prints it.
        text: String,
        /// The nodes concerned: one for most faults, all named ones for cuts and delays.
        nodes: Vec<NodeId>,
    },
    /// A fault ended.
    FaultEnded {
        /// The fault as [`What`](crate::fault::What) prints it.
        text: String,
        /// The same nodes as at its beginning.
        nodes: Vec<NodeId>,
    },
    /// All faults ended.
    Healed,
    /// A node made a mark ([`crate::Context::mark`]).
    Marked {
        /// The node whose handler made it.
        node: NodeId,
        /// The name of the mark.
        name: String,
    },
    /// A node added a note ([`crate::Context::note`]).
    Noted {
        /// The node whose handler added it.
        node: NodeId,
        /// The text of the note.
        text: String,
    },
}

/// An entry of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Entry {
    /// On the world's clock.
    pub at: Time,
    /// The event with its details.
    #[serde(flatten)]
    pub what: Happening,
}

impl Happening {
    /// The bytes of its texts.
    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Happening::Sent { kind, text, .. } => kind.len() + text.len(),
            Happening::Delivered { kind, .. } | Happening::Held { kind, .. } | Happening::Undelivered { kind, .. } => {
                kind.len()
            }
            Happening::Down { why: text, .. }
            | Happening::Invoked { text, .. }
            | Happening::Ended { text, .. }
            | Happening::Fired { text, .. }
            | Happening::FaultBegan { text, .. }
            | Happening::FaultEnded { text, .. }
            | Happening::Marked { name: text, .. }
            | Happening::Noted { text, .. } => text.len(),
            Happening::Started { .. } | Happening::Synced { .. } | Happening::Healed => 0,
        }
    }
}
