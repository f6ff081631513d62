//! What nodes say to each other.

use seedbed_sim::kinds;

use crate::transactions::TxId;
use crate::transactions::store::Key;
use crate::transactions::transfer::Transfer;

/// What a transfer publishes: that the account which is paid is to be credited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deposit {
    /// The transaction that publishes it, and its name: a transaction publishes one message.
    pub tx: TxId,
    /// The transfer.
    pub transfer: Transfer,
}

impl Deposit {
    /// What the order of messages is kept for: the account that pays.
    pub fn aggregate(&self) -> Key {
        self.transfer.from
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// A client asks for a transfer.
    Request {
        /// The transaction.
        tx: TxId,
        /// What it does.
        transfer: Transfer,
    },
    /// It is committed, and will be published; or it is not, and will not.
    Answer {
        /// The transaction.
        tx: TxId,
        /// Which of the two.
        committed: bool,
    },
    /// A relay publishes.
    Publish(Deposit),
    /// The broker has it.
    Published {
        /// The message.
        tx: TxId,
    },
    /// A service announces a message that nobody may see yet.
    Half(Deposit),
    /// The broker has it.
    HalfStored {
        /// The message.
        tx: TxId,
    },
    /// A service tells how the transaction of a half message ended.
    End {
        /// The message.
        tx: TxId,
        /// Whether it is committed, and the message to be seen.
        commit: bool,
    },
    /// The broker knows.
    Ended {
        /// The message.
        tx: TxId,
    },
    /// The broker asks how the transaction of a half message ended.
    CheckBack(Deposit),
    /// The broker delivers.
    Deliver {
        /// The message's place in the consumer's queue.
        offset: u64,
        /// The message.
        deposit: Deposit,
    },
    /// The consumer has applied it, now or before.
    Consumed {
        /// Its place.
        offset: u64,
    },
}
kinds!(Message: Request, Answer, Publish, Published, Half, HalfStored, End, Ended, CheckBack, Deliver, Consumed);
