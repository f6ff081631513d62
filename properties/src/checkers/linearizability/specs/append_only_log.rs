//! A log that only grows.

use std::fmt::Debug;
use std::hash::Hash;

use crate::checkers::linearizability::specification::{Specification, Step};

empty_at_first! {
    /// A log of entries of type `T`, empty at first.
    AppendOnlyLog<T>
}

/// An operation of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<T> {
    /// Appends an entry.
    Append(T),
    /// Reads the entries from this index on, counted from 0.
    Read(usize),
}

/// The answer of a log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<T> {
    /// To an append, without the index.
    Appended,
    /// To an append: the index of the entry.
    At(usize),
    /// To a read: all entries from the index on; empty if the log is shorter.
    Entries(Vec<T>),
}

impl<T: Clone + Debug + Ord + Hash> Specification for AppendOnlyLog<T> {
    type State = Vec<T>;
    type Op = Request<T>;
    type Ret = Answer<T>;
    type Undo = ();
    type Key = ();

    fn initial(&self) -> Vec<T> {
        Vec::new()
    }

    fn apply(&self, log: &mut Vec<T>, op: &Request<T>, ret: Option<&Answer<T>>) -> Step<()> {
        match (op, ret) {
            (Request::Append(_), Some(Answer::At(index))) if *index != log.len() => Step::Illegal,
            (Request::Append(entry), None | Some(Answer::Appended | Answer::At(_))) => {
                log.push(entry.clone());
                Step::Changed(())
            }
            (Request::Read(_), None) => Step::Same,
            (Request::Read(from), Some(Answer::Entries(entries))) => {
                Step::same(log.get(*from..).unwrap_or_default() == entries.as_slice())
            }
            _ => Step::Illegal,
        }
    }

    fn undo(&self, log: &mut Vec<T>, _: &Request<T>, (): ()) {
        log.pop();
    }

    fn answer(&self, log: &Vec<T>, op: &Request<T>) -> Option<Answer<T>> {
        Some(match op {
            Request::Append(_) => Answer::At(log.len()),
            Request::Read(from) => Answer::Entries(log.get(*from..).unwrap_or_default().to_vec()),
        })
    }

    fn read_only(&self, op: &Request<T>, _: Option<&Answer<T>>) -> bool {
        matches!(op, Request::Read(_))
    }

    /// The log never shrinks, so its entries must be a prefix of those read, and the append of the next one must be
    /// open.
    fn attainable<'a>(
        &self,
        log: &Vec<T>,
        op: &Request<T>,
        ret: Option<&Answer<T>>,
        mut means: impl Iterator<Item = &'a Request<T>>,
    ) -> bool
    where
        T: 'a,
    {
        let is_append = |op: &&Request<T>| matches!(op, Request::Append(_));
        match (op, ret) {
            (Request::Append(_), Some(Answer::At(index))) => {
                log.len() <= *index && means.filter(is_append).count() >= index - log.len()
            }
            (Request::Read(from), Some(Answer::Entries(entries))) if entries.is_empty() => log.len() <= *from,
            (Request::Read(from), Some(Answer::Entries(entries))) => {
                let Some(there) = log.get(*from..) else {
                    return means.filter(is_append).count() >= from + entries.len() - log.len();
                };
                match entries.strip_prefix(there) {
                    None => false,
                    Some([]) => true,
                    Some([next, ..]) => means.any(|op| matches!(op, Request::Append(entry) if entry == next)),
                }
            }
            _ => true,
        }
    }
}
