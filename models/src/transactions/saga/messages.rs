//! What nodes say, what clients are answered, and what is on disk.

use seedbed_sim::{NodeId, kinds};
use serde::{Deserialize, Serialize};

use crate::transactions::TxId;
use crate::transactions::channel::{Published, Seq};
use crate::transactions::saga::business::Request;
use crate::transactions::saga::choreography::{Event, Turn};
use crate::transactions::saga::orchestration::LogRecord;
use crate::transactions::saga::plan::StepId;
use crate::transactions::saga::service::Entry;
use crate::transactions::store::{Key, Refused};

/// How a saga ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All `T_i` are executed.
    Completed,
    /// Every executed `T_i` is compensated.
    Cancelled(Why),
}

/// Why a step was refused, or a saga given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Another saga that may still undo what it did has a semantic lock.
    Pending {
        /// On what.
        key: Key,
        /// Which saga.
        by: TxId,
    },
    /// There is not enough of it.
    Short {
        /// Of what.
        key: Key,
    },
    /// The step was compensated before it came.
    Compensated,
    /// The saga took too long.
    Late,
    /// The coordinator restarted, and rolls back what had not come to the pivot.
    Restarted,
}

impl From<Refused> for Why {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Overdrawn { key } => Why::Short { key },
            // Local transactions end before the next begins, and plans name the service that keeps a key.
            Refused::Locked { .. } | Refused::NotHere { .. } => panic!("a local transaction is alone: {refused}"),
        }
    }
}

/// What nodes say.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Message {
    /// A client asks for a saga.
    Place {
        /// Its name.
        saga: TxId,
        /// What for.
        request: Request,
    },
    /// It has ended.
    Ended {
        /// Which.
        saga: TxId,
        /// How.
        outcome: Outcome,
    },
    /// The coordinator asks for `T_i`.
    Execute {
        /// Of which saga.
        saga: TxId,
        /// What it is about.
        request: Request,
        /// The `i`.
        step: StepId,
    },
    /// `T_i` is executed, or refused.
    Executed {
        /// Of which saga.
        saga: TxId,
        /// The `i`.
        step: StepId,
        /// Why not.
        refused: Option<Why>,
    },
    /// The coordinator asks for `C_i`.
    Compensate {
        /// Of which saga.
        saga: TxId,
        /// What it is about.
        request: Request,
        /// The `i`.
        step: StepId,
    },
    /// `T_i` has no effect any more, and never will.
    Compensated {
        /// Of which saga.
        saga: TxId,
        /// The `i`.
        step: StepId,
    },
    /// Something has happened; the choreography's only message between services.
    Event {
        /// Its number on the channel.
        seq: Seq,
        /// What.
        event: Event,
    },
    /// An event was handled.
    Handled {
        /// Which.
        seq: Seq,
    },
}
kinds!(Message: Place, Ended, Execute, Executed, Compensate, Compensated, Event, Handled);

impl From<Published<Event>> for Message {
    fn from(Published { seq, event, .. }: Published<Event>) -> Self {
        Message::Event { seq, event }
    }
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record {
    /// What a service did for a coordinator.
    Entry(Entry),
    /// What the coordinator writes into its saga log.
    Log(LogRecord),
    /// What a service of a choreography did at once.
    Turn(Turn),
    /// An event need not be sent again. Never forced: sending again does no harm.
    Handled {
        /// By whom.
        by: NodeId,
        /// Which.
        seq: Seq,
    },
}

impl Record {
    /// The entries of a service's journal that stand in it.
    pub fn entries(&self) -> &[Entry] {
        match self {
            Record::Entry(entry) => std::slice::from_ref(entry),
            Record::Turn(turn) => &turn.entries,
            Record::Log(_) | Record::Handled { .. } => &[],
        }
    }
}
