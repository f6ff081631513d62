//! What cores promise, and bounds on channels and delays.

use seedbed_sim::{Named, Span};
use serde::{Deserialize, Serialize};

use crate::caching::coherence::messages::{Message, MessageKind, Part, VirtualNetwork};

/// The memory model that the cores implement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum MemoryModel {
    /// Sequential consistency: accesses go to the cache in program order.
    Sc,
    /// Total store order: stores go through a store buffer.
    Tso,
}

/// Bounded virtual channels: each receiver has, for each sender and each channel, a queue of so many messages. A message that
/// cannot be handled blocks those behind it in its channel (Primer ch. 9). Senders count credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channels {
    /// The number of channels: with three, requests, forwards and responses have one each; with two, forwards and responses
    /// share one; with one, all do.
    pub count: u8,
    /// The number of messages that a channel has room for, from each sender.
    pub slots: u8,
}

impl Channels {
    /// The channel of a message.
    pub fn of(self, kind: MessageKind) -> u8 {
        let network = match kind.network() {
            VirtualNetwork::Request => 0,
            VirtualNetwork::Forward => 1,
            VirtualNetwork::Response => 2,
        };
        network.min(self.count - 1)
    }
}

/// Bounds on the delays inside a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Delays {
    /// The longest time between two instructions of a litmus program.
    pub instruction: Span,
    /// The longest time that a store stays in the store buffer without need.
    pub store_buffer: Span,
    /// The longest time that a message which no core waits for stays in the outgoing buffer, and a request of the bus in the
    /// snoop queue.
    pub buffers: Span,
}

/// With longer delays than this fewer messages are delayed, or all would wait for all.
pub const LONG_DELAY: Span = Span::ms(100);

impl Delays {
    /// How many of 32 are delayed, where delays are short and where they are long.
    fn of_32(self, short: u64, long: u64) -> u64 {
        match self.buffers {
            Span::ZERO => 0,
            delay if delay > LONG_DELAY => long,
            _ => short,
        }
    }

    /// How many of 32 such messages are delayed in the outgoing buffer: mostly those that no core waits for (evictions, data to
    /// memory, completions), and now and then a request.
    pub(super) fn delayed_sends(self, message: &Message) -> u64 {
        match message.kind {
            kind if (MessageKind::PutS..=MessageKind::PutF).contains(&kind) => self.of_32(16, 8),
            MessageKind::Data | MessageKind::Unblock if message.part == Part::Home => self.of_32(16, 4),
            MessageKind::GetS | MessageKind::GetM => self.of_32(4, 1),
            _ => 0,
        }
    }

    /// How many of 32 requests of the bus are delayed in the snoop queue.
    pub(super) fn delayed_snoops(self) -> u64 {
        self.of_32(4, 1)
    }

    /// Whether requests of the bus go through a snoop queue.
    pub(super) fn has_snoop_queue(self) -> bool {
        self.buffers > Span::ZERO
    }
}
