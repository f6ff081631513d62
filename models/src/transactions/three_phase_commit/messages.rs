//! What nodes say. The names are those of the book, section 7.5.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{NodeId, kinds};

use crate::transactions::TxId;
use crate::transactions::commitment::{Answer, Decision, Report, Request, Retry};
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
    /// VOTE-REQ: a coordinator asks for a vote.
    VoteReq {
        /// On what.
        tx: TxId,
        /// The participants.
        peers: Vec<NodeId>,
    },
    /// A vote.
    Yes {
        /// On what.
        tx: TxId,
    },
    /// A vote.
    No {
        /// On what.
        tx: TxId,
    },
    /// PRE-COMMIT: all have voted yes. From the coordinator, or from who has been elected.
    PreCommit {
        /// On what.
        tx: TxId,
    },
    /// ACK: a participant has pre-committed.
    Ack {
        /// What.
        tx: TxId,
    },
    /// COMMIT.
    Commit {
        /// What.
        tx: TxId,
    },
    /// ABORT.
    Abort {
        /// What.
        tx: TxId,
    },
    /// The coordinator has fallen, and of those that have not, the receiver is the first: it is to coordinate.
    Elect {
        /// What.
        tx: TxId,
    },
    /// STATE-REQ: an elected coordinator asks how the others stand.
    StateReq {
        /// In what.
        tx: TxId,
    },
    /// How a participant stands.
    State {
        /// In what.
        tx: TxId,
        /// How.
        report: Report,
    },
    /// DECISION-REQ: a node that has recovered asks what was decided.
    Ask {
        /// On what.
        tx: TxId,
    },
    /// A node that knows tells one that asked.
    Tell {
        /// On what.
        tx: TxId,
        /// What is decided.
        decision: Decision,
    },
    /// A node that was asked has itself recovered and does not know.
    Recovering {
        /// On what.
        tx: TxId,
        /// How its log says that it stood when it fell.
        stood: Stood,
    },
}
kinds!(
    Message: Request, Answer, Work, Worked, Release, VoteReq, Yes, No, PreCommit, Ack, Commit, Abort, Elect, StateReq,
    State, Ask, Tell, Recovering
);

/// How a node stood in an undecided transaction when it fell, as far as its log tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stood {
    /// Whether it had pre-committed.
    pub pre_committed: bool,
    /// With whom it last went on, if it had been elected and others had fallen.
    pub view: Option<BTreeSet<NodeId>>,
}

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
    /// Something that was due by the bound on delays has not come: somebody has fallen.
    Silence(TxId),
    /// Time to tell another node something: the n-th that it is told about a transaction.
    Say(TxId, u16),
    /// A participant has waited long enough to be asked for its vote.
    Idle(TxId),
    /// A node that has recovered asks again.
    Ask(TxId),
    /// A client asks again.
    Retry,
}
kinds!(Timer: Silence, Say, Idle, Ask, Retry);

impl From<Retry> for Timer {
    fn from(_: Retry) -> Self {
        Timer::Retry
    }
}
