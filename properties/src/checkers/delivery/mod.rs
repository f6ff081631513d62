//! The delivery guarantees of channels, queues and broadcasts, each with a judge of its own:
//!
//! | judge | guarantee |
//! |---|---|
//! | [`NoCreation`] | delivered messages were sent, to those that deliver them |
//! | [`AtMostOnce`], [`AtLeastOnce`], [`ExactlyOnce`] | the number of deliveries |
//! | [`Fifo`] | in the order of the sender |
//! | [`Causal`] | no delivery before its causes |
//! | [`TotalOrder`], [`PairwiseOrder`] | in the same order everywhere |
//! | [`Agreement`], [`Validity`] | all correct processes deliver |
//!
//! The broadcasts of Hadzilacos and Toueg, "A modular approach to fault-tolerant broadcasts and related problems"
//! (1994), are conjunctions of these: reliable = validity, agreement and integrity (no creation, at most once); atomic
//! = reliable and total order; and so on. If only acknowledged messages are guaranteed, report [`Event::Owed`] when the
//! acknowledgement comes.
//!
//! A message has an identity that is never used again. The caller decides what one receiver is: a node, a durable
//! subscription through all its connections, or a queue through all its consumers. For an order per topic, senders and
//! receivers are pairs of node and topic.
//!
//! ```
//! use seedbed_properties::checkers::delivery::{Destination, Event, Fifo};
//! use seedbed_properties::checkers::judge::Judge;
//!
//! let sent = |message| Event::Sent { by: 'a', message, to: Destination::Everyone };
//! let delivered = |message| Event::Delivered { at: 'b', message };
//! assert!(Fifo::gapless().judge([sent(1), sent(2), delivered(1), delivered(2)]).is_ok());
//! assert!(Fifo::in_order().judge([sent(1), sent(2), delivered(2)]).is_ok());
//! let refusal = Fifo::gapless().judge([sent(1), sent(2), delivered(2)]).unwrap_err();
//! assert_eq!(refusal.to_string(), "FIFO order: 'b' delivers 2 of 'a' before 1, which 'a' sent earlier");
//! ```

mod causal;
mod counts;
mod fifo;
mod reliable;
mod total_order;

use std::collections::BTreeSet;

pub use causal::Causal;
pub use counts::{AtLeastOnce, AtMostOnce, ExactlyOnce, NoCreation};
pub use fifo::Fifo;
pub use reliable::{Agreement, Validity};
pub use total_order::{PairwiseOrder, TotalOrder};

/// The receivers of a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination<N> {
    /// All processes: a broadcast.
    Everyone,
    /// These processes: a channel, a multicast, matching subscriptions.
    Only(BTreeSet<N>),
}

impl<N: Ord> Destination<N> {
    /// Whether `node` is a receiver.
    pub fn includes(&self, node: &N) -> bool {
        match self {
            Destination::Everyone => true,
            Destination::Only(nodes) => nodes.contains(node),
        }
    }
}

/// The life of messages. Each judge looks at the events that concern it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<N, I> {
    /// A process sends, publishes or broadcasts. Repeated for the same message, it is a retransmission.
    Sent {
        /// The sender.
        by: N,
        /// By its identity.
        message: I,
        /// The receivers.
        to: Destination<N>,
    },
    /// From here on this receiver must get the message: its sender has an acknowledgement. Used by [`AtLeastOnce`] and
    /// [`ExactlyOnce`].
    Owed {
        /// By its identity.
        message: I,
        /// The receiver that must get it.
        to: N,
    },
    /// A receiver passes a message to its application.
    Delivered {
        /// The receiver.
        at: N,
        /// By its identity.
        message: I,
    },
    /// A receiver continues behind a prefix of the common sequence: it has restarted, or begins from a snapshot. Used
    /// by [`TotalOrder`].
    Resumed {
        /// The receiver.
        at: N,
        /// The length of the prefix.
        after: usize,
    },
}
