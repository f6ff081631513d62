//! The state machine of the model: a few keys with small values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::replication::raft::machine::StateMachine;

/// The name of a value.
pub type Key = u8;

/// A value: a list, so that it can tell what was written to it and in which order. [`Command::Put`] writes a list of
/// one.
pub type Value = Vec<u32>;

/// What the map can be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Reads a key.
    Get {
        /// Which.
        key: Key,
    },
    /// Makes a key hold just this item.
    Put {
        /// Which.
        key: Key,
        /// The item.
        item: u32,
    },
    /// Makes a key hold just `new` if it holds just `expect`, or nothing where that is absent.
    Cas {
        /// Which.
        key: Key,
        /// What it must hold.
        expect: Option<u32>,
        /// What it then holds.
        new: u32,
    },
    /// Adds an item at the end of what a key holds.
    Append {
        /// Which.
        key: Key,
        /// The item.
        item: u32,
    },
}

impl Command {
    /// The key it is about.
    pub fn key(&self) -> Key {
        match *self {
            Command::Get { key }
            | Command::Put { key, .. }
            | Command::Cas { key, .. }
            | Command::Append { key, .. } => key,
        }
    }
}

/// What the map answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// To a get: what the key holds.
    Got(Option<Value>),
    /// To a put or an append.
    Done,
    /// To another group or another leader that was asked for: it was given up. It may come to be so yet.
    GivenUp,
    /// To a cas: whether it took effect.
    Swapped(bool),
}

/// A map from keys to values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Kv {
    values: BTreeMap<Key, Value>,
}

impl Kv {
    /// What a key holds.
    pub fn get(&self, key: Key) -> Option<&Value> {
        self.values.get(&key)
    }
}

impl StateMachine for Kv {
    type Command = Command;
    type Output = Output;

    fn apply(&mut self, command: &Command) -> Output {
        match *command {
            Command::Get { key } => Output::Got(self.get(key).cloned()),
            Command::Put { key, item } => {
                self.values.insert(key, vec![item]);
                Output::Done
            }
            Command::Append { key, item } => {
                self.values.entry(key).or_default().push(item);
                Output::Done
            }
            Command::Cas { key, expect, new } => {
                let swap = self.get(key).map(Vec::as_slice) == expect.as_ref().map(std::slice::from_ref);
                if swap {
                    self.values.insert(key, vec![new]);
                }
                Output::Swapped(swap)
            }
        }
    }

    /// One key each.
    fn parts(&self) -> Vec<Kv> {
        self.values.iter().map(|(key, value)| Kv { values: BTreeMap::from([(*key, value.clone())]) }).collect()
    }

    fn join(&mut self, part: Kv) {
        self.values.extend(part.values);
    }

    fn query(&self, command: &Command) -> Option<Output> {
        match *command {
            Command::Get { key } => Some(Output::Got(self.get(key).cloned())),
            Command::Put { .. } | Command::Cas { .. } | Command::Append { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cas_takes_effect_only_on_what_it_expects() {
        let mut kv = Kv::default();
        assert_eq!(kv.apply(&Command::Cas { key: 1, expect: Some(7), new: 8 }), Output::Swapped(false));
        assert_eq!(kv.apply(&Command::Cas { key: 1, expect: None, new: 7 }), Output::Swapped(true));
        assert_eq!(kv.apply(&Command::Cas { key: 1, expect: None, new: 9 }), Output::Swapped(false));
        assert_eq!(kv.apply(&Command::Append { key: 1, item: 8 }), Output::Done);
        assert_eq!(kv.apply(&Command::Cas { key: 1, expect: Some(7), new: 9 }), Output::Swapped(false));
        assert_eq!(kv.query(&Command::Get { key: 1 }), Some(Output::Got(Some(vec![7, 8]))));
    }
}
