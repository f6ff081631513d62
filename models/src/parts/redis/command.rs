//! Commands and their replies.

use std::fmt;

use seedbed_sim::{NodeId, Span};

/// A key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u32);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// The value of a key.
pub type Value = u64;

/// A client's number for a request, by which it knows the reply.
pub type RequestId = u64;

/// Whose command it is: the client's, and which of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Caller {
    /// The client.
    pub client: NodeId,
    /// Its request.
    pub request: RequestId,
}

/// A command, with the reply that it gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// `GET key`: [`Reply::Number`], or [`Reply::Nil`] if there is no such key.
    Get(Key),
    /// `SET key value [NX] [PX milliseconds]`: [`Reply::Ok`], or [`Reply::Nil`] where `nx` forbids it.
    Set {
        /// The key.
        key: Key,
        /// Its new value.
        value: Value,
        /// Whether it is set only if there is no such key.
        nx: bool,
        /// Its time to live; none, if absent.
        px: Option<Span>,
    },
    /// `DEL key`: the number of keys that were deleted.
    Del(Key),
    /// `PEXPIRE key milliseconds`: one if there is such a key, zero if not.
    PExpire(Key, Span),
    /// `INCR key`: the new value.
    Incr(Key),
    /// `EVAL script`: the reply of its last command, or [`Reply::Nil`] if a condition does not hold.
    Eval(Script),
}

/// A condition of a script.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The key has this value.
    Holds(Key, Value),
    /// There is no such key.
    Absent(Key),
    /// The key has a smaller value, or there is no such key.
    Below(Key, Value),
}

/// A script: its commands are executed atomically, one after the other, if all its conditions hold. That is as much of Lua
/// as a lock needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Script {
    /// The conditions.
    pub when: Vec<Condition>,
    /// The commands.
    pub then: Vec<Command>,
}

impl Script {
    /// `if redis.call("get", key) == value then return redis.call("del", key) end`: the release of a lock by its holder
    /// (Redis's documentation, "Distributed Locks with Redis").
    pub fn compare_and_delete(key: Key, value: Value) -> Self {
        Script { when: vec![Condition::Holds(key, value)], then: vec![Command::Del(key)] }
    }

    /// The same with `pexpire`: the extension of a lock by its holder.
    pub fn compare_and_extend(key: Key, value: Value, px: Span) -> Self {
        Script { when: vec![Condition::Holds(key, value)], then: vec![Command::PExpire(key, px)] }
    }

    /// Sets a key if there is none, and increments a counter: the reply is the counter's new value.
    pub fn set_and_count(key: Key, value: Value, px: Option<Span>, counter: Key) -> Self {
        let set = Command::Set { key, value, nx: true, px };
        Script { when: vec![Condition::Absent(key)], then: vec![set, Command::Incr(counter)] }
    }

    /// Raises a counter to this value if it is lower.
    pub fn raise(counter: Key, to: Value) -> Self {
        let set = Command::Set { key: counter, value: to, nx: false, px: None };
        Script { when: vec![Condition::Below(counter, to)], then: vec![set] }
    }
}

/// A reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// The command was executed.
    Ok,
    /// The command was not executed, or there is no such key.
    Nil,
    /// An integer.
    Number(u64),
}
