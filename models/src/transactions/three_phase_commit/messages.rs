//! What nodes send, wait for and write. The names are those of the book, section 7.5.

use std::collections::BTreeSet;

use seedbed_sim::{Kinded, NodeId};

use crate::transactions::TxId;
use crate::transactions::commitment::{Decision, Reads, Reply, Report, Request, ledger, protocol};
use crate::transactions::store::Step;
use crate::transactions::three_phase_commit::marks;

/// What nodes send each other.
#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
pub enum Message {
    /// A client asks a coordinator for a transaction.
    Request(Request),
    /// The coordinator's reply.
    Answer(Reply),
    /// A participant's part of the work.
    Work(TxId, Vec<Step>),
    /// The participant has done what it could; its vote will say whether that was all of it.
    Worked(TxId, Reads),
    /// The work is called off before anybody was asked to vote.
    Release(TxId),
    /// VOTE-REQ: a coordinator asks for a vote, and names the participants.
    VoteReq(TxId, Vec<NodeId>),
    /// YES.
    Yes(TxId),
    /// NO.
    No(TxId),
    /// PRE-COMMIT: all have voted yes. From the coordinator, or from the participant that was elected.
    PreCommit(TxId),
    /// ACK: the participant has pre-committed.
    Ack(TxId),
    /// COMMIT.
    Commit(TxId),
    /// ABORT.
    Abort(TxId),
    /// The coordinator has crashed, and of the participants that have not, the receiver is the first: it is to coordinate.
    Elect(TxId),
    /// STATE-REQ: an elected coordinator asks for the states of the others.
    StateReq(TxId),
    /// The state of a participant.
    State(TxId, Report),
    /// DECISION-REQ: a node that has recovered asks for the decision.
    Ask(TxId),
    /// The node that was asked knows the decision.
    Tell(TxId, Decision),
    /// The node that was asked has itself recovered and does not know the decision.
    Recovering(TxId, CrashState),
}

/// The state in which a node crashed, of an undecided transaction, as far as its log tells.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrashState {
    /// Whether it had pre-committed.
    pub pre_committed: bool,
    /// With whom it last went on, if it had been elected and others had crashed.
    pub view: Option<BTreeSet<NodeId>>,
}

impl Message {
    /// A coordinator's message of its decision.
    pub(super) fn decided(tx: TxId, decision: Decision) -> Self {
        match decision {
            Decision::Commit => Message::Commit(tx),
            Decision::Abort => Message::Abort(tx),
        }
    }
}

/// The timers of all roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// Something that was due by the bound on delays has not come: somebody has crashed.
    Silence(TxId),
    /// Another node is sent something: the n-th about this transaction.
    Say(TxId, u16),
    /// A participant stops waiting to be asked for its vote.
    Idle(TxId),
    /// A node that has recovered asks again.
    Ask(TxId),
    /// A client sends its request again.
    Retry,
}

/// One record of a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// A participant's.
    Participant(ledger::Record),
    /// A coordinator begins another incarnation.
    Incarnation,
    /// A coordinator asks these participants for their votes (the book's start-3PC record).
    Start(TxId, Vec<NodeId>),
    /// A coordinator decides, or learns what others have decided.
    Decision(TxId, Decision),
    /// An elected coordinator goes on with these, who have not crashed.
    View(TxId, BTreeSet<NodeId>),
}

/// Three-phase commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreePhase;

protocol!(ThreePhase, Message, Timer, Record, marks::REQUEST_ASKED_AGAIN);
