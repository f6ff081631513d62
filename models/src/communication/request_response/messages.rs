//! What clients ask, what nodes say, the timers, and what is on disk.

use std::fmt;

use seedbed_sim::{Kinded, NodeId, OpId, Process, Span};
use serde::{Deserialize, Serialize};

/// A client's session: its lease (RIFL §3.4). Named by the lease manager, ascending, and never again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// The identity of a call (RIFL §3.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RpcId {
    /// Whose.
    pub session: SessionId,
    /// Its number in the session, from 1.
    pub seq: u64,
}

/// `s2.5`.
impl fmt::Debug for RpcId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.{}", self.session, self.seq)
    }
}

/// A call as its client was asked for it: known to no protocol, for properties.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId {
    /// The operation.
    pub op: OpId,
    /// Which of its calls.
    pub index: u8,
}

impl fmt::Debug for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}/{}", self.op, self.index)
    }
}

/// A tally that a back server keeps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(pub u8);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// A call: add to one or two tallies, and say what they are then.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tallies, each once.
    pub keys: Vec<Key>,
    /// What is added to each.
    pub amount: u32,
    /// How long the client waits.
    pub deadline: Span,
    /// After how long the client cancels it, if it has not ended.
    #[serde(default)]
    pub cancel_after: Option<Span>,
}

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// Several calls at once.
    Calls(Vec<Call>),
}

/// How a call has ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It took effect; the tallies after it.
    Done(Vec<u64>),
    /// The client waits no longer. It may have taken effect, or may yet.
    DeadlineExceeded,
    /// The client has cancelled it. Likewise.
    Cancelled,
    /// The client's session is over. Likewise.
    SessionExpired,
}

/// What clients are answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// How each call has ended, in their order.
    Ended(Vec<Outcome>),
}

/// Why a back server does not execute a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The session is over.
    SessionExpired,
    /// The deadline has passed.
    DeadlineExceeded,
    /// The client has said that this call has ended (RIFL §3.3).
    Stale,
}

/// What a request says of its call at every tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    /// The identity of the call.
    pub id: RpcId,
    /// The first call of the session that has not ended (RIFL §3.3).
    pub first_incomplete: u64,
    /// What is left of the time until the deadline; nothing if there is none.
    pub remaining: Option<Span>,
    /// For properties.
    pub call: CallId,
}

/// What nodes say.
#[derive(Clone, Debug, PartialEq, Hash, Kinded)]
pub enum Message {
    /// A client asks for a session; the same one for the same nonce.
    Open(u64),
    /// The session.
    Opened(u64, SessionId),
    /// A client keeps its session alive.
    KeepAlive(SessionId),
    /// It is.
    KeptAlive(SessionId),
    /// A session is over: to its client.
    Expired(SessionId),
    /// A back server asks whether a session lasts; the number is that of the question.
    Check(SessionId, u64),
    /// Whether it does.
    Checked(SessionId, u64, bool),
    /// A client's call.
    Request(Header, Vec<Key>, u32),
    /// The reply.
    Reply(RpcId, Result<Vec<u64>, Refusal>),
    /// A call is cancelled: from the client to the front, and from there to the back.
    Cancel(RpcId),
    /// A front server's call.
    Execute(Header, Key, u32),
    /// The reply.
    Executed(RpcId, Key, Result<u64, Refusal>),
}

/// The timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum Timer {
    /// A client asks for its session again.
    OpenAgain,
    /// A client keeps its session alive.
    KeepAlive,
    /// The deadline of a client's call.
    CallDeadline(u8),
    /// A client cancels a call.
    CallCancel(u8),
    /// A client sends a call again.
    CallRetry(u8),
    /// The deadline of a call at a front server.
    Deadline(RpcId),
    /// A front server sends again what was not answered.
    Retry(RpcId),
    /// A back server executes the next request.
    Serve,
    /// A back server asks about a session again.
    CheckAgain(SessionId),
    /// The lease manager looks which sessions are over.
    Expire,
}

/// An effect with its completion record: one record, so that neither is without the other (RIFL §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Execution {
    /// The identity of the call.
    pub id: RpcId,
    /// The tally.
    pub key: Key,
    /// What was added.
    pub amount: u32,
    /// What it was then: the result.
    pub result: u64,
    /// For properties.
    pub call: CallId,
}

/// A record on disk.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Record {
    /// The lease manager has opened a session for this nonce.
    Opened(u64, SessionId),
    /// A session is over: at the lease manager, and at a back server that was told.
    Expired(SessionId),
    /// A back server has executed a call.
    Executed(Execution),
    /// All calls of a session before this one have ended. Not forced: the client says it again.
    Incomplete(SessionId, u64),
}

/// The node that keeps a tally.
pub fn home(key: Key, backs: &[NodeId]) -> Option<NodeId> {
    backs.get(usize::from(key.0) % backs.len().max(1)).copied()
}

/// Any node of the model.
pub trait RpcProcess: Process<Message = Message, Timer = Timer> {}

impl<P: Process<Message = Message, Timer = Timer>> RpcProcess for P {}
