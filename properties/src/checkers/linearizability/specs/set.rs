//! A set.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::hash::Hash;

use crate::checkers::linearizability::specification::{Specification, Step};

empty_at_first! {
    /// A set of items of type `T`, initially empty.
    Set<T>
}

/// An operation of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<T> {
    /// Adds an item.
    Insert(T),
    /// Removes an item.
    Remove(T),
    /// Returns whether an item is in the set.
    Contains(T),
    /// Returns all items.
    Read,
}

/// The answer of a set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<T> {
    /// To an insertion or removal, without saying whether it changed the set.
    Done,
    /// To an insertion or a removal: whether it changed the set; to `Contains`: whether the item is in it.
    Said(bool),
    /// To a read: all items.
    Items(BTreeSet<T>),
}

impl<T: Clone + Debug + Ord + Hash> Specification for Set<T> {
    type State = BTreeSet<T>;
    type Op = Request<T>;
    type Ret = Answer<T>;
    type Undo = ();
    type Key = T;

    fn initial(&self) -> BTreeSet<T> {
        BTreeSet::new()
    }

    fn apply(&self, state: &mut BTreeSet<T>, op: &Request<T>, ret: Option<&Answer<T>>) -> Step<()> {
        let (change, legal) = match (op, ret) {
            (Request::Insert(item), None | Some(Answer::Done)) => (!state.contains(item), true),
            (Request::Remove(item), None | Some(Answer::Done)) => (state.contains(item), true),
            (Request::Insert(item), Some(Answer::Said(new))) => (*new, state.contains(item) != *new),
            (Request::Remove(item), Some(Answer::Said(old))) => (*old, state.contains(item) == *old),
            (Request::Contains(_) | Request::Read, None) => (false, true),
            (Request::Contains(item), Some(Answer::Said(is_in))) => (false, state.contains(item) == *is_in),
            (Request::Read, Some(Answer::Items(items))) => (false, state == items),
            _ => (false, false),
        };
        match op {
            _ if !legal => return Step::Illegal,
            _ if !change => return Step::Same,
            Request::Insert(item) => state.insert(item.clone()),
            Request::Remove(item) => state.remove(item),
            Request::Contains(_) | Request::Read => unreachable!("reading changes nothing"),
        };
        Step::Changed(())
    }

    fn undo(&self, state: &mut BTreeSet<T>, op: &Request<T>, (): ()) {
        match op {
            Request::Insert(item) => state.remove(item),
            Request::Remove(item) => state.insert(item.clone()),
            Request::Contains(_) | Request::Read => unreachable!("reading changes nothing"),
        };
    }

    fn answer(&self, state: &BTreeSet<T>, op: &Request<T>) -> Option<Answer<T>> {
        Some(match op {
            Request::Insert(item) => Answer::Said(!state.contains(item)),
            Request::Remove(item) | Request::Contains(item) => Answer::Said(state.contains(item)),
            Request::Read => Answer::Items(state.clone()),
        })
    }

    /// Items are independent, unless an operation reads all of them.
    fn partition(&self, op: &Request<T>) -> Option<T> {
        match op {
            Request::Insert(item) | Request::Remove(item) | Request::Contains(item) => Some(item.clone()),
            Request::Read => None,
        }
    }

    fn read_only(&self, op: &Request<T>, ret: Option<&Answer<T>>) -> bool {
        match op {
            Request::Insert(_) | Request::Remove(_) => ret == Some(&Answer::Said(false)),
            Request::Contains(_) | Request::Read => true,
        }
    }

    fn attainable<'a>(
        &self,
        state: &BTreeSet<T>,
        op: &Request<T>,
        ret: Option<&Answer<T>>,
        mut means: impl Iterator<Item = &'a Request<T>>,
    ) -> bool
    where
        T: 'a,
    {
        let (item, must) = match (op, ret) {
            (Request::Insert(item), Some(Answer::Said(new))) => (item, !new),
            (Request::Remove(item) | Request::Contains(item), Some(Answer::Said(is_in))) => (item, *is_in),
            (Request::Read, Some(Answer::Items(items))) => {
                let mut missing: BTreeSet<(&T, bool)> = items.difference(state).map(|item| (item, true)).collect();
                missing.extend(state.difference(items).map(|item| (item, false)));
                if missing.is_empty() {
                    return true;
                }
                for op in means {
                    match op {
                        Request::Insert(item) => missing.remove(&(item, true)),
                        Request::Remove(item) => missing.remove(&(item, false)),
                        _ => false,
                    };
                }
                return missing.is_empty();
            }
            _ => return true,
        };
        state.contains(item) == must
            || means.any(|op| match op {
                Request::Insert(other) => must && other == item,
                Request::Remove(other) => !must && other == item,
                _ => false,
            })
    }
}
