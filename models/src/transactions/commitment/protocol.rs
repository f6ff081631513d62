//! What the protocols differ in, as far as the shell around the phases has to know: what their nodes send, wait for and
//! write.

use std::fmt::Debug;
use std::hash::Hash;

use seedbed_sim::{Kinded, Mark};

use crate::transactions::TxId;
use crate::transactions::commitment::journal::Decision;
use crate::transactions::commitment::ledger::{self, Reads};
use crate::transactions::commitment::requests::{Reply, Request};
use crate::transactions::store::Step;

/// A protocol of atomic commitment. The constants are the variants of its own enums for what is said and written outside of
/// its phases.
pub trait Protocol: Clone + Debug + Hash + 'static {
    /// What its nodes send each other.
    type Message: Clone + Debug + Hash + Kinded + 'static;
    /// Their timers.
    type Timer: Clone + Debug + Hash + Ord + Kinded + 'static;
    /// The records of their logs.
    type Record: Clone + Debug + Hash + 'static;

    /// A client's request.
    const REQUEST: fn(Request) -> Self::Message;
    /// The coordinator's reply to it.
    const REPLY: fn(Reply) -> Self::Message;
    /// A participant's part of the work.
    const WORK: fn(TxId, Vec<Step>) -> Self::Message;
    /// What the participant read.
    const WORKED: fn(TxId, Reads) -> Self::Message;
    /// The work is called off before the vote.
    const RELEASE: fn(TxId) -> Self::Message;
    /// The timer by which a client sends its request again.
    const RETRY: Self::Timer;
    /// The mark of that.
    const RETRIED: Mark;
    /// A record of a participant.
    const PARTICIPANT: fn(ledger::Record) -> Self::Record;

    /// The reply, if a message is one.
    ///
    /// # Errors
    /// Any other message.
    fn reply(message: Self::Message) -> Result<Reply, Self::Message>;

    /// The record of a participant, if it is one.
    fn participant_record(record: &Self::Record) -> Option<&ledger::Record>;
}

/// Implements [`Protocol`] for a type, by the enums of its messages, timers and records and the mark of a client's retry. The
/// variants that the shell knows are called the same in every protocol: `Request`, `Answer`, `Work`, `Worked`, `Release`;
/// `Retry`; `Participant`.
macro_rules! protocol {
    ($protocol:ty, $message:ident, $timer:ident, $record:ident, $retried:expr) => {
        impl $crate::transactions::commitment::Protocol for $protocol {
            type Message = $message;
            type Timer = $timer;
            type Record = $record;

            const REQUEST: fn($crate::transactions::commitment::Request) -> $message = $message::Request;
            const REPLY: fn($crate::transactions::commitment::Reply) -> $message = $message::Answer;
            const WORK: fn($crate::transactions::TxId, Vec<$crate::transactions::store::Step>) -> $message =
                $message::Work;
            const WORKED: fn($crate::transactions::TxId, $crate::transactions::commitment::Reads) -> $message =
                $message::Worked;
            const RELEASE: fn($crate::transactions::TxId) -> $message = $message::Release;
            const RETRY: $timer = $timer::Retry;
            const RETRIED: ::seedbed_sim::Mark = $retried;
            const PARTICIPANT: fn($crate::transactions::commitment::ledger::Record) -> $record = $record::Participant;

            fn reply(message: $message) -> Result<$crate::transactions::commitment::Reply, $message> {
                if let $message::Answer(reply) = message { Ok(reply) } else { Err(message) }
            }

            fn participant_record(record: &$record) -> Option<&$crate::transactions::commitment::ledger::Record> {
                if let $record::Participant(record) = record { Some(record) } else { None }
            }
        }
    };
}
pub(crate) use protocol;

/// A phase of a protocol, as the coordinator keeps it for each transaction.
pub trait Phase: Clone + Debug + Hash + 'static {
    /// The decision, once it is taken or learnt.
    fn decision(&self) -> Option<Decision>;

    /// Whether the coordinator has nothing left to do for the transaction.
    fn is_over(&self) -> bool;
}
