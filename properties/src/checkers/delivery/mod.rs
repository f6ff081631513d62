//! What a channel, a queue or a broadcast promises about delivery, each promise a judge of its own:
//!
//! | judge | promise |
//! |---|---|
//! | [`NoCreation`] | what is delivered was sent, to those it is delivered at |
//! | [`AtMostOnce`], [`AtLeastOnce`], [`ExactlyOnce`] | how often |
//! | [`Fifo`] | in the order of the sender |
//! | [`Causal`] | no delivery before its causes |
//! | [`TotalOrder`], [`PairwiseOrder`] | in the same order everywhere |
//! | [`Agreement`], [`Validity`] | all correct processes deliver |
//!
//! The broadcasts of Hadzilacos and Toueg, "A modular approach to fault-tolerant broadcasts and related problems"
//! (1994), are conjunctions of these: reliable = validity, agreement and integrity (no creation, at most once); atomic =
//! reliable and total order; and so on. Where only acknowledged messages are promised, tell [`Event::Owed`] when the
//! acknowledgement comes.
//!
//! A message is known by its identity, which is never used twice. Whose deliveries are told as one receiver's is for the
//! caller: a node's, a durable subscription's through all its connections, a queue's through all its consumers. An order
//! for each topic is had by senders and receivers that are pairs of node and topic.
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

/// To whom a message is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Destination<N> {
    /// A broadcast.
    Everyone,
    /// These: a channel, a multicast, those whose subscription matches.
    Only(BTreeSet<N>),
}

impl<N: Ord> Destination<N> {
    /// Whether `node` is one of them.
    pub fn includes(&self, node: &N) -> bool {
        match self {
            Destination::Everyone => true,
            Destination::Only(nodes) => nodes.contains(node),
        }
    }
}

/// What happens to messages. Each judge looks at the events that concern it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<N, I> {
    /// Somebody sends, publishes, broadcasts. Told again with the same message it means nothing: it is sent once more.
    Sent {
        /// Who.
        by: N,
        /// What.
        message: I,
        /// To whom.
        to: Destination<N>,
    },
    /// From here on it is promised that this receiver gets it: the sender has its acknowledgement. Looked at by
    /// [`AtLeastOnce`] and [`ExactlyOnce`].
    Owed {
        /// What.
        message: I,
        /// Whom.
        to: N,
    },
    /// A receiver hands a message to whoever uses it.
    Delivered {
        /// Who.
        at: N,
        /// What.
        message: I,
    },
    /// A receiver goes on after the first so many messages of the common sequence: it has restarted, or begins from a
    /// snapshot. Looked at by [`TotalOrder`].
    Resumed {
        /// Who.
        at: N,
        /// How many messages are behind it.
        after: usize,
    },
}
