//! The orders of delivery. Each is a buffer of what has come and is not delivered yet; none sends anything.

pub mod causal;
pub mod fifo;
pub mod numbered;
pub mod reliable;

use seedbed_sim::{Mark, Named};
use serde::{Deserialize, Serialize};

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::envelope::{Envelope, MessageId};
use crate::communication::ordering::marks;

use causal::Causal;
use fifo::Fifo;
use numbered::Numbered;
use reliable::Reliable;

/// In which order members deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As messages come.
    Reliable,
    /// Of one sender's messages, none before an earlier one.
    Fifo,
    /// None before those that its sender had delivered or broadcast before.
    Causal,
    /// All members the same sequence: one of them numbers the messages.
    Sequencer,
    /// All members the same sequence: a Raft group of them agrees on it.
    Agreement,
}

impl Order {
    /// Whether it keeps the order of each sender.
    pub fn is_fifo(self) -> bool {
        matches!(self, Order::Fifo | Order::Causal)
    }

    /// Whether it keeps the order of causes.
    pub fn is_causal(self) -> bool {
        self == Order::Causal
    }

    /// Whether all members deliver the same sequence.
    pub fn is_total(self) -> bool {
        matches!(self, Order::Sequencer | Order::Agreement)
    }
}

/// What has come and is not delivered yet, in one of the orders.
#[derive(Clone, Debug, Hash)]
pub enum Delivery {
    /// As messages come.
    Reliable(Reliable),
    /// By the numbers of each sender.
    Fifo(Fifo),
    /// After causes.
    Causal(Causal),
    /// By the sequencer's numbers.
    Numbered(Numbered),
}

impl Delivery {
    /// Nothing has come yet.
    ///
    /// # Panics
    /// If the order is that of a Raft group, which delivers what it has applied.
    pub fn new(order: Order, members: usize, bug: Option<Bug>) -> Self {
        match order {
            Order::Reliable => Delivery::Reliable(Reliable::default()),
            Order::Fifo => Delivery::Fifo(Fifo::new(members, bug)),
            Order::Causal => Delivery::Causal(Causal::new(members, bug)),
            Order::Sequencer => Delivery::Numbered(Numbered::default()),
            Order::Agreement => panic!("what a Raft group orders waits for no other message"),
        }
    }

    /// A message has come.
    pub fn arrived(&mut self, message: &Envelope) {
        match self {
            Delivery::Reliable(order) => order.arrived(message.id),
            Delivery::Fifo(order) => order.arrived(message.id),
            Delivery::Causal(order) => order.arrived(message),
            Delivery::Numbered(order) => order.arrived(message.id),
        }
    }

    /// The next number is that of this message.
    pub fn numbered(&mut self, id: MessageId) {
        if let Delivery::Numbered(order) = self {
            order.numbered(id);
        }
    }

    /// What can be delivered now, if anything can.
    pub fn next(&self) -> Option<MessageId> {
        match self {
            Delivery::Reliable(order) => order.next(),
            Delivery::Fifo(order) => order.next(),
            Delivery::Causal(order) => order.next(),
            Delivery::Numbered(order) => order.next(),
        }
    }

    /// A message is delivered, now or before a crash.
    pub fn delivered(&mut self, id: MessageId) {
        match self {
            Delivery::Reliable(order) => order.delivered(id),
            Delivery::Fifo(order) => order.delivered(id),
            Delivery::Causal(order) => order.delivered(id),
            Delivery::Numbered(order) => order.delivered(id),
        }
    }

    /// What a message that cannot be delivered yet waits for.
    pub fn why(&self) -> Mark {
        match self {
            Delivery::Reliable(_) => panic!("without an order nothing waits"),
            Delivery::Fifo(_) => marks::WAITS_FOR_AN_EARLIER_MESSAGE,
            Delivery::Causal(_) => marks::WAITS_FOR_ANOTHERS_MESSAGE,
            Delivery::Numbered(_) => marks::WAITS_FOR_ITS_NUMBER,
        }
    }
}
