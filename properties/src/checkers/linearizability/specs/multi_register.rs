//! Several registers with atomic operations on any number of them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::hash::Hash;

use super::register::{Access, Answer};
use crate::checkers::linearizability::specification::{Specification, Step};

/// Registers with names of type `K` and values of type `V`. The state has one entry for each register that was written,
/// and is copied only when a configuration fails.
#[derive(Clone, Debug)]
pub struct MultiRegister<K, V> {
    initial: V,
    marker: std::marker::PhantomData<fn() -> K>,
}

impl<K, V> MultiRegister<K, V> {
    /// Registers with the initial value `initial`.
    pub fn new(initial: V) -> Self {
        MultiRegister { initial, marker: std::marker::PhantomData }
    }
}

impl<K: Clone + Debug + Ord + Hash, V: Clone + Debug + Ord + Hash> Specification for MultiRegister<K, V> {
    type State = BTreeMap<K, V>;
    type Op = Vec<(K, Access<V>)>;
    /// One answer for each access, in order.
    type Ret = Vec<Answer<V>>;
    /// The value before each write.
    type Undo = Vec<Option<V>>;
    type Key = K;

    fn initial(&self) -> Self::State {
        BTreeMap::new()
    }

    fn apply(&self, state: &mut Self::State, op: &Self::Op, ret: Option<&Self::Ret>) -> Step<Self::Undo> {
        if ret.is_some_and(|ret| ret.len() != op.len()) {
            return Step::Illegal;
        }
        let mut undo = Vec::new();
        for (n, (key, access)) in op.iter().enumerate() {
            let legal = match (access, ret.map(|ret| &ret[n])) {
                (Access::Read, None) => true,
                (Access::Read, Some(Answer::Value(read))) => state.get(key).unwrap_or(&self.initial) == read,
                (Access::Write(v), None | Some(Answer::Written)) => {
                    undo.push(state.insert(key.clone(), v.clone()));
                    true
                }
                _ => false,
            };
            if !legal {
                self.undo(state, &op[..n].to_vec(), undo);
                return Step::Illegal;
            }
        }
        if undo.is_empty() { Step::Same } else { Step::Changed(undo) }
    }

    fn undo(&self, state: &mut Self::State, op: &Self::Op, undo: Self::Undo) {
        let writes = op.iter().filter(|(_, access)| matches!(access, Access::Write(_)));
        for ((key, _), old) in writes.zip(undo).collect::<Vec<_>>().into_iter().rev() {
            match old {
                Some(v) => state.insert(key.clone(), v),
                None => state.remove(key),
            };
        }
    }

    fn answer(&self, state: &Self::State, op: &Self::Op) -> Option<Self::Ret> {
        let answers = op.iter().enumerate().map(|(n, (key, access))| match access {
            Access::Write(_) => Answer::Written,
            Access::Read => {
                let own = op[..n].iter().rev().find_map(|(other, access)| match access {
                    Access::Write(v) if other == key => Some(v),
                    _ => None,
                });
                Answer::Value(own.or(state.get(key)).unwrap_or(&self.initial).clone())
            }
        });
        Some(answers.collect())
    }

    /// Operations on single registers are independent.
    fn partition(&self, op: &Self::Op) -> Option<K> {
        let (first, _) = op.first()?;
        op.iter().all(|(key, _)| key == first).then(|| first.clone())
    }

    fn read_only(&self, op: &Self::Op, _: Option<&Self::Ret>) -> bool {
        op.iter().all(|(_, access)| matches!(access, Access::Read))
    }

    fn attainable<'a>(
        &self,
        state: &Self::State,
        op: &Self::Op,
        ret: Option<&Self::Ret>,
        means: impl Iterator<Item = &'a Self::Op>,
    ) -> bool
    where
        Self: 'a,
    {
        let Some(ret) = ret.filter(|ret| ret.len() == op.len()) else {
            return true;
        };
        // The values that must be read and are not present, without those that the operation itself has written.
        let mut missing: Vec<(&K, &V)> = Vec::new();
        for (n, ((key, access), answer)) in op.iter().zip(ret).enumerate() {
            let own = op[..n].iter().any(|(other, access)| other == key && matches!(access, Access::Write(_)));
            match (access, answer) {
                (Access::Read, Answer::Value(v)) if !own && state.get(key).unwrap_or(&self.initial) != v => {
                    missing.push((key, v));
                }
                _ => {}
            }
        }
        if missing.is_empty() {
            return true;
        }
        for other in means {
            let writes =
                |key: &K, v: &V| other.iter().any(|(k, a)| k == key && matches!(a, Access::Write(w) if w == v));
            missing.retain(|(key, v)| !writes(key, v));
        }
        missing.is_empty()
    }
}
