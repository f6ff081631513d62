//! What nodes say. The names are those of Mohan, Lindsay and Obermarck, section 2.

use std::collections::BTreeMap;

use seedbed_sim::{NodeId, kinds};

use crate::transactions::TxId;
use crate::transactions::commitment::{Answer, Decision, Request, Retry};
use crate::transactions::store::{Cell, Key, Step};

/// A message.
#[derive(Clone, Debug, Hash)]
pub enum Message {
    /// A client asks a coordinator for a transaction.
    Request(Request),
    /// A coordinator tells a client how it ended.
    Answer(Answer),
    /// A participant is to do its part of the work.
    Work {
        /// Of what.
        tx: TxId,
        /// What.
        steps: Vec<Step>,
    },
    /// It has done what it could, and will say in its vote whether that was all.
    Worked {
        /// Of what.
        tx: TxId,
        /// What it saw.
        reads: BTreeMap<Key, Cell>,
    },
    /// The work is called off before anybody was asked to vote.
    Release {
        /// Of what.
        tx: TxId,
    },
    /// PREPARE: a coordinator asks for a vote.
    Prepare {
        /// On what.
        tx: TxId,
        /// The participants that change something.
        peers: Vec<NodeId>,
    },
    /// YES VOTE.
    Yes {
        /// On what.
        tx: TxId,
    },
    /// NO VOTE.
    No {
        /// On what.
        tx: TxId,
    },
    /// READ VOTE: yes, and no need to be told the rest.
    ReadOnly {
        /// On what.
        tx: TxId,
    },
    /// COMMIT, from a coordinator.
    Commit {
        /// What.
        tx: TxId,
    },
    /// ABORT, from a coordinator.
    Abort {
        /// What.
        tx: TxId,
    },
    /// ACK: a participant will not have to ask what was decided.
    Ack {
        /// On what.
        tx: TxId,
    },
    /// A participant that is in doubt asks the coordinator.
    Inquire {
        /// On what.
        tx: TxId,
    },
    /// A participant that is in doubt asks another (the book's DECISION-REQ).
    Ask {
        /// On what.
        tx: TxId,
    },
    /// A participant that knows tells one that asked.
    Tell {
        /// On what.
        tx: TxId,
        /// What is decided.
        decision: Decision,
    },
    /// A participant that was asked is in doubt as well.
    Unsure {
        /// On what.
        tx: TxId,
    },
}
kinds!(
    Message: Request, Answer, Work, Worked, Release, Prepare, Yes, No, ReadOnly, Commit, Abort, Ack, Inquire, Ask, Tell,
    Unsure
);

impl Message {
    /// A coordinator's word on a transaction.
    pub(super) fn decided(tx: TxId, decision: Decision) -> Self {
        match decision {
            Decision::Commit => Message::Commit { tx },
            Decision::Abort => Message::Abort { tx },
        }
    }
}

impl From<Request> for Message {
    fn from(request: Request) -> Self {
        Message::Request(request)
    }
}

/// The timers of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// A coordinator has waited long enough for the work, or for votes.
    Late(TxId),
    /// A coordinator tells again what is decided.
    Resend(TxId),
    /// A participant has waited long enough to be asked for its vote.
    Idle(TxId),
    /// A participant has waited long enough to be told what is decided.
    Doubt(TxId),
    /// A client asks again.
    Retry,
}
kinds!(Timer: Late, Resend, Idle, Doubt, Retry);

impl From<Retry> for Timer {
    fn from(_: Retry) -> Self {
        Timer::Retry
    }
}
