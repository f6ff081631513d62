//! The dataset: keys with values, some with a time to live. Pure.

use std::collections::BTreeMap;

use seedbed_sim::Time;

use crate::parts::redis::command::{Caller, Command, Condition, Key, Reply, Script, Value};

/// The value of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// When the key expires, on the clock of the server; never, if absent.
    pub expires: Option<Time>,
    /// Whose command wrote it.
    pub by: Caller,
}

/// What a command did, in a form that gives the same data wherever it is executed: times are absolute, and what expired
/// is deleted by name (Redis's documentation, "How Redis replication deals with expires on keys").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// The key has this value.
    Put(Key, Entry),
    /// The key expires at this time.
    Extended(Key, Time),
    /// The key was deleted by this command.
    Deleted(Key, Caller),
    /// The key has expired.
    Expired(Key),
}

/// The dataset of one server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dataset {
    entries: BTreeMap<Key, Entry>,
}

impl Dataset {
    /// The value of a key, which may have expired.
    pub fn get(&self, key: Key) -> Option<&Entry> {
        self.entries.get(&key)
    }

    /// All keys, ascending.
    pub fn entries(&self) -> impl Iterator<Item = (Key, &Entry)> {
        self.entries.iter().map(|(key, entry)| (*key, entry))
    }

    /// Applies an effect: of an own command, of the master's, or of the append-only file.
    pub fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::Put(key, entry) => drop(self.entries.insert(key, entry)),
            Effect::Extended(key, until) => {
                if let Some(entry) = self.entries.get_mut(&key) {
                    entry.expires = Some(until);
                }
            }
            Effect::Deleted(key, _) | Effect::Expired(key) => drop(self.entries.remove(&key)),
        }
    }

    /// The expiries that are due: they are effects like any other, for replicas do not expire keys themselves.
    pub fn expired(&self, now: Time) -> Vec<Effect> {
        let over = |entry: &Entry| entry.expires.is_some_and(|at| at <= now);
        self.entries.iter().filter(|(_, entry)| over(entry)).map(|(key, _)| Effect::Expired(*key)).collect()
    }

    /// When the next key expires.
    pub fn next_expiry(&self) -> Option<Time> {
        self.entries.values().filter_map(|entry| entry.expires).min()
    }

    /// Executes a command of `by` at `now` and appends its effects to `effects`. Precondition: no key has expired.
    pub fn execute(&mut self, now: Time, by: Caller, command: &Command, effects: &mut Vec<Effect>) -> Reply {
        debug_assert!(self.expired(now).is_empty(), "expired keys are deleted before a command runs");
        match *command {
            Command::Get(key) => self.get(key).map_or(Reply::Nil, |entry| Reply::Number(entry.value)),
            Command::Set { key, nx: true, .. } if self.get(key).is_some() => Reply::Nil,
            Command::Set { key, value, px, .. } => {
                self.put(key, Entry { value, expires: px.map(|px| now + px), by }, effects);
                Reply::Ok
            }
            Command::Del(key) => {
                let there = self.get(key).is_some();
                if there {
                    self.change(Effect::Deleted(key, by), effects);
                }
                Reply::Number(u64::from(there))
            }
            Command::PExpire(key, px) => {
                let there = self.get(key).is_some();
                if there {
                    self.change(Effect::Extended(key, now + px), effects);
                }
                Reply::Number(u64::from(there))
            }
            Command::Incr(key) => {
                let (value, expires) = self.get(key).map_or((0, None), |entry| (entry.value, entry.expires));
                self.put(key, Entry { value: value + 1, expires, by }, effects);
                Reply::Number(value + 1)
            }
            Command::Eval(Script { ref when, ref then }) => {
                if !when.iter().all(|condition| self.holds(condition)) {
                    return Reply::Nil;
                }
                then.iter().fold(Reply::Nil, |_, command| self.execute(now, by, command, effects))
            }
        }
    }

    fn holds(&self, condition: &Condition) -> bool {
        match *condition {
            Condition::Holds(key, value) => self.get(key).is_some_and(|entry| entry.value == value),
            Condition::Absent(key) => self.get(key).is_none(),
            Condition::Below(key, value) => self.get(key).is_none_or(|entry| entry.value < value),
        }
    }

    fn put(&mut self, key: Key, entry: Entry, effects: &mut Vec<Effect>) {
        self.change(Effect::Put(key, entry), effects);
    }

    fn change(&mut self, effect: Effect, effects: &mut Vec<Effect>) {
        self.apply(effect);
        effects.push(effect);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use seedbed_sim::{NodeId, Span};

    const LOCK: Key = Key(0);
    const FENCE: Key = Key(1);
    const ANN: Caller = Caller { client: NodeId(7), request: 1 };

    fn run(data: &mut Dataset, at: u64, command: Command) -> Reply {
        let now = Time::ms(at);
        data.expired(now).into_iter().for_each(|effect| data.apply(effect));
        let (before, mut effects) = (data.clone(), Vec::new());
        let reply = data.execute(now, ANN, &command, &mut effects);
        // What is replicated says all that was done.
        let mut replica = before;
        effects.into_iter().for_each(|effect| replica.apply(effect));
        assert_eq!(&replica, data, "{command:?}");
        reply
    }

    fn set(value: Value) -> Command {
        Command::Set { key: LOCK, value, nx: true, px: Some(Span::ms(100)) }
    }

    #[test]
    fn a_key_is_set_once_until_it_expires() {
        let mut data = Dataset::default();
        assert_eq!(run(&mut data, 0, set(5)), Reply::Ok);
        assert_eq!(run(&mut data, 99, set(6)), Reply::Nil);
        assert_eq!(run(&mut data, 99, Command::Get(LOCK)), Reply::Number(5));
        assert_eq!(run(&mut data, 100, Command::Get(LOCK)), Reply::Nil);
        assert_eq!(run(&mut data, 100, set(6)), Reply::Ok);
    }

    #[test]
    fn scripts_compare_before_they_act() {
        let mut data = Dataset::default();
        let eval = |data: &mut Dataset, at, script| run(data, at, Command::Eval(script));
        assert_eq!(run(&mut data, 0, set(5)), Reply::Ok);
        assert_eq!(eval(&mut data, 50, Script::compare_and_extend(LOCK, 6, Span::ms(100))), Reply::Nil);
        assert_eq!(eval(&mut data, 50, Script::compare_and_extend(LOCK, 5, Span::ms(100))), Reply::Number(1));
        assert_eq!(eval(&mut data, 149, Script::compare_and_delete(LOCK, 6)), Reply::Nil);
        assert_eq!(run(&mut data, 149, Command::Get(LOCK)), Reply::Number(5));
        assert_eq!(eval(&mut data, 149, Script::compare_and_delete(LOCK, 5)), Reply::Number(1));
        assert_eq!(eval(&mut data, 149, Script::compare_and_delete(LOCK, 5)), Reply::Nil);
    }

    #[test]
    fn counting_goes_with_setting() {
        let mut data = Dataset::default();
        let take = |value| Command::Eval(Script::set_and_count(LOCK, value, Some(Span::ms(10)), FENCE));
        assert_eq!(run(&mut data, 0, take(1)), Reply::Number(1));
        assert_eq!(run(&mut data, 5, take(2)), Reply::Nil);
        assert_eq!(run(&mut data, 10, take(2)), Reply::Number(2));
        assert_eq!(run(&mut data, 11, Command::Eval(Script::raise(FENCE, 9))), Reply::Ok);
        assert_eq!(run(&mut data, 11, Command::Eval(Script::raise(FENCE, 8))), Reply::Nil);
        assert_eq!(run(&mut data, 20, take(3)), Reply::Number(10));
    }

    #[test]
    fn an_expiry_without_a_key_does_nothing() {
        let mut data = Dataset::default();
        assert_eq!(run(&mut data, 0, Command::PExpire(LOCK, Span::ms(10))), Reply::Number(0));
        assert_eq!(run(&mut data, 0, Command::Del(LOCK)), Reply::Number(0));
        assert_eq!(data, Dataset::default());
    }
}
