//! What nodes send, wait for and write. The names are those of Mohan, Lindsay and Obermarck, section 2.

use std::collections::BTreeSet;

use seedbed_sim::{Kinded, NodeId};

use crate::transactions::TxId;
use crate::transactions::commitment::{Decision, Reads, Reply, Request, ledger, protocol};
use crate::transactions::store::Step;
use crate::transactions::two_phase_commit::marks;

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
    /// PREPARE: a coordinator asks for a vote, and names the participants that change something.
    Prepare(TxId, Vec<NodeId>),
    /// YES VOTE.
    Yes(TxId),
    /// NO VOTE.
    No(TxId),
    /// READ VOTE: yes, and no need to be told the decision.
    ReadOnly(TxId),
    /// COMMIT, from a coordinator.
    Commit(TxId),
    /// ABORT, from a coordinator.
    Abort(TxId),
    /// ACK: the participant will not have to ask for the decision.
    Ack(TxId),
    /// A participant that is in doubt asks the coordinator.
    Inquire(TxId),
    /// A participant that is in doubt asks another (the book's DECISION-REQ).
    Ask(TxId),
    /// The participant that was asked knows the decision.
    Tell(TxId, Decision),
    /// The participant that was asked is in doubt as well.
    Unsure(TxId),
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
    /// A coordinator stops waiting for the work, or for votes.
    Late(TxId),
    /// A coordinator sends its decision again.
    Resend(TxId),
    /// A participant stops waiting to be asked for its vote.
    Idle(TxId),
    /// A participant in doubt stops waiting for the decision, and asks.
    Doubt(TxId),
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
    /// A coordinator asks these participants for their votes; only in presumed commit.
    Collecting(TxId, BTreeSet<NodeId>),
    /// A coordinator decides.
    Decision {
        /// The transaction.
        tx: TxId,
        /// The decision.
        decision: Decision,
        /// The participants that have to be told.
        participants: BTreeSet<NodeId>,
    },
    /// All that have to know the decision do.
    End(TxId),
}

/// Two-phase commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TwoPhase;

protocol!(TwoPhase, Message, Timer, Record, marks::REQUEST_ASKED_AGAIN);
