//! What nodes say, what clients are answered, and what is on disk.

use seedbed_sim::{Kinded, NodeId, OpId};
use serde::{Deserialize, Serialize};

use crate::parts::client;
use crate::transactions::TxId;
use crate::transactions::ledger::{self, Effect};
use crate::transactions::store::{Key, Prepared};
use crate::transactions::tcc::business::Request;

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

/// What nodes send each other.
#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
pub enum Message {
    /// A client's request, the same each time it is sent.
    Book(TxId, Request),
    /// The reply to a client.
    Ended(TxId, Outcome),
    /// The coordinator asks a participant to reserve its part of the request.
    Try(TxId, Request),
    /// A participant has reserved, or says why it refuses.
    Tried(TxId, Option<Why>),
    /// The decision is to use what is reserved.
    Confirm(TxId, Request),
    /// A participant has used it.
    Confirmed(TxId),
    /// The decision is to give back what is reserved.
    Cancel(TxId, Request),
    /// At a participant nothing is reserved, and never will be.
    Cancelled(TxId),
    /// A participant whose reservation has timed out inquires about the outcome.
    Ask(TxId, Request),
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// The coordinator sends again what was not answered.
    Retry(TxId),
    /// The coordinator stops waiting for participants to reserve.
    GiveUp(TxId),
    /// A participant's reservation times out.
    Expires(TxId),
    /// A client sends its request again.
    Again,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record {
    /// An entry of a participant's journal.
    Entry(Entry),
    /// The coordinator's decision; forced before anybody is told.
    Decided {
        /// The transaction.
        tx: TxId,
        /// All of it, for the participants that have to be told.
        request: Request,
        /// The decision.
        outcome: Outcome,
        /// The participants that have to be told.
        unacknowledged: Vec<NodeId>,
    },
    /// All participants have acknowledged the decision. Not forced: telling them again does no harm.
    Ended(TxId),
}

/// What a participant does for a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Reserves.
    Try,
    /// Uses what is reserved.
    Confirm,
    /// Gives it back.
    Cancel,
}

/// An entry of a participant's journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The transaction.
    pub tx: TxId,
    /// All of it.
    pub request: Request,
    /// What was done for it.
    pub act: Act,
    /// The effect on the store.
    pub effect: Effect<Why>,
}

impl ledger::Entry for Entry {
    type Key = (TxId, Act);

    fn key(&self) -> (TxId, Act) {
        (self.tx, self.act)
    }

    fn local(&self) -> Option<&Prepared> {
        self.effect.local()
    }
}

/// Clients of the coordinator.
#[derive(Clone, Debug, Hash)]
pub struct Requests;

impl client::Requests for Requests {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Request;
    type Ret = Outcome;
    type Session = ();

    const RETRY: Timer = Timer::Again;

    fn request((): &(), id: OpId, request: &Request) -> Message {
        Message::Book(id.into(), *request)
    }

    fn reply((): &mut (), message: Message) -> Result<(OpId, Outcome), Message> {
        if let Message::Ended(tx, outcome) = message { Ok((tx.into(), outcome)) } else { Err(message) }
    }
}
