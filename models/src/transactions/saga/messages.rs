//! What nodes say, what clients are answered, and what is on disk.

use seedbed_sim::{Kinded, NodeId, OpId};
use serde::{Deserialize, Serialize};

use crate::parts::channel::{Published, Seq};
use crate::parts::client;
use crate::transactions::TxId;
use crate::transactions::ledger::{self, Effect};
use crate::transactions::saga::business::Request;
use crate::transactions::saga::plan::{FIRST, StepId, Steps};
use crate::transactions::store::{Key, Prepared, Refused};

/// How a saga ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All `T_i` are executed.
    Completed,
    /// Every executed `T_i` is compensated.
    Cancelled(Why),
}

/// Why a step was refused, or a saga rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Another saga has a semantic lock, for it may still undo what it did.
    Pending {
        /// The locked cell.
        key: Key,
        /// The saga that has the lock.
        by: TxId,
    },
    /// There is not enough in a cell.
    Short {
        /// The cell.
        key: Key,
    },
    /// The step was compensated before it came.
    Compensated,
    /// The saga did not come to its pivot in time.
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

/// What nodes send each other. All but the events name the saga first.
#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
pub enum Message {
    /// A client's request for a saga, the same each time it is sent.
    Place(TxId, Request),
    /// The reply to a client.
    Ended(TxId, Outcome),
    /// The coordinator requests `T_i`.
    Execute(TxId, Request, StepId),
    /// `T_i` is executed, or why it is refused.
    Executed(TxId, StepId, Option<Why>),
    /// The coordinator requests `C_i`.
    Compensate(TxId, Request, StepId),
    /// `T_i` has no effect any more, and never will.
    Compensated(TxId, StepId),
    /// An event of a choreography, with its number on the channel.
    Event(Seq, Event),
    /// The event of this number is handled.
    Handled(Seq),
}

impl From<Published<Event>> for Message {
    fn from(Published { seq, event, .. }: Published<Event>) -> Self {
        Message::Event(seq, event)
    }
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// The coordinator requests again what a saga waits for.
    Retry(TxId),
    /// The coordinator rolls back a saga that has not come to its pivot.
    GiveUp(TxId),
    /// A service of a choreography sends its unacknowledged events again.
    Resend,
    /// A client sends its request again.
    Again,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record {
    /// An entry of the journal of a service that serves a coordinator.
    Entry(Entry),
    /// A record of the coordinator's saga log.
    Log(TxId, LogRecord),
    /// All that a service of a choreography did on one occasion.
    Reaction(Reaction),
    /// An event of this number need not be sent to this node again. Never forced: sending it again does no harm.
    Handled(NodeId, Seq),
}

impl Record {
    /// The entries of a service's journal in this record.
    pub fn entries(&self) -> &[Entry] {
        match self {
            Record::Entry(entry) => std::slice::from_ref(entry),
            Record::Reaction(reaction) => &reaction.entries,
            Record::Log(..) | Record::Handled(..) => &[],
        }
    }
}

/// What a service does for a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// `T_i`.
    Execute,
    /// `C_i`.
    Compensate,
}

/// An entry of a service's journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The saga.
    pub saga: TxId,
    /// What the saga is for.
    pub request: Request,
    /// The `i` of `T_i` or `C_i`.
    pub step: StepId,
    /// Which of the two.
    pub act: Act,
    /// The effect on the store.
    pub effect: Effect<Why>,
}

impl ledger::Entry for Entry {
    type Key = (TxId, StepId, Act);

    fn key(&self) -> Self::Key {
        (self.saga, self.step, self.act)
    }

    fn local(&self) -> Option<&Prepared> {
        self.effect.local()
    }
}

/// A record of the saga log, after those of the paper's section on implementing sagas.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LogRecord {
    /// *begin saga*.
    Begin {
        /// What the saga is for.
        request: Request,
        /// The client that waits for its end.
        client: NodeId,
    },
    /// *end transaction* of `T_i`.
    Executed(StepId),
    /// All before the pivot is executed, and the pivot is about to be requested.
    Pivot,
    /// *abort saga*.
    Abort {
        /// Why it is rolled back.
        why: Why,
        /// The compensatable steps that may have been executed.
        to_compensate: Steps,
    },
    /// *end transaction* of `C_i`.
    Compensated(StepId),
    /// *end saga*.
    End,
}

/// What services of a choreography tell each other (a domain event).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// The saga.
    pub saga: TxId,
    /// What the saga is for.
    pub request: Request,
    /// The step that the event is about.
    pub step: StepId,
    /// What became of it.
    pub outcome: StepOutcome,
}

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepOutcome {
    /// `T_i` is executed.
    Executed,
    /// `T_i` is not executed, and never will be.
    Refused(Why),
    /// `C_i` is executed, or there was nothing to compensate and never will be.
    Compensated,
}

/// What a service of a choreography reacts to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A client's request.
    Request {
        /// The saga.
        saga: TxId,
        /// What it is for.
        request: Request,
        /// The client that waits for its end.
        client: NodeId,
    },
    /// An event of another service.
    Event {
        /// The other service.
        from: NodeId,
        /// The number of the event on the channel.
        seq: Seq,
        /// The event.
        event: Event,
    },
}

/// All that a service of a choreography did on one occasion, in one record: a crash leaves all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reaction {
    /// The occasion.
    pub trigger: Trigger,
    /// The local transactions.
    pub entries: Vec<Entry>,
    /// The events that other services have to be told.
    pub published: Vec<Published<Event>>,
}

/// Clients that ask for sagas. Their servers are, for each service, the node where the sagas begin whose first step is of
/// that service: the coordinator in every place, or, without one, the services themselves.
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
        Message::Place(id.into(), *request)
    }

    fn reply((): &mut (), message: Message) -> Result<(OpId, Outcome), Message> {
        if let Message::Ended(saga, outcome) = message { Ok((saga.into(), outcome)) } else { Err(message) }
    }

    fn server(servers: &[NodeId], request: &Request) -> Option<NodeId> {
        servers.get(request.plan()[FIRST].service.index()).copied()
    }
}
