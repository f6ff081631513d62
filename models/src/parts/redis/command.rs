//! Commands and their replies.

use std::fmt;

use seedbed_sim::Span;

/// The name of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(pub u32);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// What a key holds: a number.
pub type Value = u64;

/// What a client can ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// `GET key`: what it holds.
    Get(Key),
    /// `SET key value [NX] [PX milliseconds]`: [`Reply::Ok`], or [`Reply::Nil`] where `nx` forbids it.
    Set {
        /// Which.
        key: Key,
        /// What it then holds.
        value: Value,
        /// Only if it holds nothing.
        nx: bool,
        /// For how long it lives; for ever, if absent.
        px: Option<Span>,
    },
    /// `DEL key`: how many keys were deleted.
    Del(Key),
    /// `PEXPIRE key milliseconds`: one if the key is there, zero if not.
    PExpire(Key, Span),
    /// `INCR key`: the number it then holds.
    Incr(Key),
    /// `EVAL script`: the reply of its last command, or [`Reply::Nil`] if a condition does not hold.
    Eval(Script),
}

/// What must be so for a script to do anything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// The key holds this.
    Holds(Key, Value),
    /// The key holds nothing.
    Absent(Key),
    /// The key holds a smaller number, or nothing.
    Below(Key, Value),
}

/// Commands that are executed one after the other, with nothing in between, if all conditions hold: as much of Lua as a
/// lock needs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Script {
    /// What must be so.
    pub when: Vec<Condition>,
    /// What is then done.
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

    /// Sets a key that holds nothing, and counts: the reply is how often that was done.
    pub fn set_and_count(key: Key, value: Value, px: Option<Span>, counter: Key) -> Self {
        let set = Command::Set { key, value, nx: true, px };
        Script { when: vec![Condition::Absent(key)], then: vec![set, Command::Incr(counter)] }
    }

    /// Raises a counter that is lower.
    pub fn raise(counter: Key, to: Value) -> Self {
        let set = Command::Set { key: counter, value: to, nx: false, px: None };
        Script { when: vec![Condition::Below(counter, to)], then: vec![set] }
    }
}

/// What a client is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Done.
    Ok,
    /// Not done, or nothing there.
    Nil,
    /// A number.
    Number(u64),
}
