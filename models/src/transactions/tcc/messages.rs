//! What nodes say, what clients are answered, and what is on disk.

use seedbed_sim::{NodeId, kinds};
use serde::{Deserialize, Serialize};

use crate::transactions::TxId;
use crate::transactions::store::Key;
use crate::transactions::tcc::business::Request;
use crate::transactions::tcc::participant::Entry;

/// What becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All participants confirm.
    Confirmed,
    /// All participants cancel.
    Cancelled(Why),
}

/// Why a participant refuses to reserve, or the coordinator decides to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// There is not enough of it.
    Short {
        /// Of what.
        key: Key,
    },
    /// The try came after its cancel.
    Cancelled,
    /// A participant took too long to reserve.
    Late,
    /// A reservation timed out before all had reserved.
    Expired,
    /// A reservation timed out, and the coordinator knows nothing of it.
    Forgotten,
}

/// What nodes say.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Message {
    /// A client asks for a transaction.
    Book {
        /// Its name.
        tx: TxId,
        /// What for.
        request: Request,
    },
    /// It is decided.
    Ended {
        /// Which.
        tx: TxId,
        /// How.
        outcome: Outcome,
    },
    /// The coordinator asks to reserve.
    Try {
        /// For which transaction.
        tx: TxId,
        /// All of it.
        request: Request,
    },
    /// It is reserved, or refused.
    Tried {
        /// For which transaction.
        tx: TxId,
        /// Why not.
        refused: Option<Why>,
    },
    /// The coordinator has decided that all use what they have reserved.
    Confirm {
        /// For which transaction.
        tx: TxId,
        /// All of it.
        request: Request,
    },
    /// It is used.
    Confirmed {
        /// For which transaction.
        tx: TxId,
    },
    /// The coordinator has decided that all give back what they have reserved.
    Cancel {
        /// For which transaction.
        tx: TxId,
        /// All of it.
        request: Request,
    },
    /// Nothing is reserved, and never will be.
    Cancelled {
        /// For which transaction.
        tx: TxId,
    },
    /// A reservation has timed out: what is to become of it?
    Ask {
        /// For which transaction.
        tx: TxId,
        /// All of it.
        request: Request,
    },
}
kinds!(Message: Book, Ended, Try, Tried, Confirm, Confirmed, Cancel, Cancelled, Ask);

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record {
    /// What a participant did.
    Entry(Entry),
    /// What the coordinator decided; forced before anybody is told.
    Decided {
        /// On what.
        tx: TxId,
        /// All of it.
        request: Request,
        /// The decision.
        outcome: Outcome,
        /// Who has to be told.
        waiting: Vec<NodeId>,
    },
    /// All who had to be told have done it. Not forced: telling them again does no harm.
    Ended {
        /// Of what.
        tx: TxId,
    },
}
