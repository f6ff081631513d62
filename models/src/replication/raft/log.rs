//! The log: the entries behind a snapshot.

use crate::replication::raft::entry::Entry;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::types::{Index, Term};

/// Entries, and the place before them up to which a snapshot stands for them (paper §5.3 and §7).
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Log<S: StateMachine> {
    /// The place of the last entry that the snapshot covers.
    base: Index,
    base_term: Term,
    entries: Vec<Entry<S>>,
    /// Counts appended entries, so that a checker can look at new ones only.
    appended: u64,
}

impl<S: StateMachine> Log<S> {
    /// An empty log behind a snapshot, or from the beginning.
    pub fn new(base: Index, base_term: Term) -> Self {
        Log { base, base_term, entries: Vec::new(), appended: 0 }
    }

    /// The place of the last entry that the snapshot covers; zero if there is none.
    pub fn base(&self) -> Index {
        self.base
    }

    /// The index of the last entry.
    pub fn last(&self) -> Index {
        self.base.plus(self.entries.len())
    }

    /// The term of the last entry.
    pub fn last_term(&self) -> Term {
        self.entries.last().map_or(self.base_term, |entry| entry.term)
    }

    /// How many entries were ever appended in this life of the server.
    pub fn appended(&self) -> u64 {
        self.appended
    }

    /// The term of the entry at a place; `None` beyond the end, and where the snapshot has swallowed it.
    pub fn term(&self, at: Index) -> Option<Term> {
        if at == self.base { Some(self.base_term) } else { self.entry(at).map(|entry| entry.term) }
    }

    /// The entry at a place, if the log has it.
    pub fn entry(&self, at: Index) -> Option<&Entry<S>> {
        let offset = at.0.checked_sub(self.base.0 + 1)?;
        self.entries.get(offset as usize)
    }

    /// The entries from `first` on, which must lie behind the snapshot.
    pub fn from(&self, first: Index) -> &[Entry<S>] {
        assert!(first > self.base, "raft reads entries that its snapshot has swallowed: {first} of {}", self.base);
        let offset = (first.0 - self.base.0 - 1) as usize;
        &self.entries[offset.min(self.entries.len())..]
    }

    /// Whether a log that ends in `(term, index)` is at least as up to date as this one (paper §5.4.1).
    pub fn is_matched_by(&self, term: Term, index: Index) -> bool {
        (term, index) >= (self.last_term(), self.last())
    }

    /// Adds an entry at the end.
    pub fn append(&mut self, entry: Entry<S>) -> Index {
        self.entries.push(entry);
        self.appended += 1;
        self.last()
    }

    /// Drops `first` and everything after it.
    pub fn truncate(&mut self, first: Index) {
        assert!(first > self.base, "raft truncates what its snapshot has swallowed: {first} of {}", self.base);
        self.entries.truncate((first.0 - self.base.0 - 1) as usize);
    }

    /// Drops the entries that a snapshot up to `last` covers, and keeps those behind it if they follow on it;
    /// drops all if they do not (paper §7).
    pub fn compact(&mut self, last: Index, last_term: Term) {
        if self.term(last) == Some(last_term) {
            self.entries.drain(..(last.0 - self.base.0) as usize);
        } else {
            self.entries.clear();
        }
        (self.base, self.base_term) = (last, last_term);
    }

    /// Drops everything and begins anew behind a snapshot.
    pub fn restart(&mut self, base: Index, base_term: Term) {
        self.entries.clear();
        (self.base, self.base_term) = (base, base_term);
    }

    /// Where a log that has no entry of `prev_term` at `prev` suggests to try next (paper §5.3, the optimisation at its
    /// end): the term it has there, and the first index it has of that term; or its end.
    pub fn conflict(&self, prev: Index) -> (Index, Option<Term>) {
        let Some(term) = self.term(prev) else {
            return (self.last().next(), None);
        };
        let mut first = prev;
        while first > self.base && self.term(first.before()) == Some(term) {
            first = first.before();
        }
        (first, Some(term))
    }

    /// Where the leader tries next after such a suggestion: behind its own last entry of that term, if it has any.
    pub fn after_conflict(&self, index: Index, term: Option<Term>) -> Index {
        let Some(term) = term else { return index };
        let own = self.entries.partition_point(|entry| entry.term <= term);
        let last_of_term = self.base.plus(own);
        if self.term(last_of_term) == Some(term) { last_of_term.next() } else { index }
    }
}

#[cfg(test)]
mod tests {
    use seedbed_sim::Time;

    use super::*;
    use crate::replication::raft::entry::Payload;
    use crate::replication::raft::kv::Kv;

    fn log(terms: &[u64]) -> Log<Kv> {
        let mut log = Log::new(Index::ZERO, Term(0));
        for term in terms {
            log.append(Entry { term: Term(*term), time: Time::ZERO, payload: Payload::Noop });
        }
        log
    }

    #[test]
    fn the_more_up_to_date_log_has_the_later_term_or_is_longer() {
        let mine = log(&[1, 1, 3]);
        assert!(mine.is_matched_by(Term(3), Index(3)));
        assert!(mine.is_matched_by(Term(4), Index(1)));
        assert!(!mine.is_matched_by(Term(3), Index(2)));
        assert!(!mine.is_matched_by(Term(2), Index(9)));
    }

    /// The followers of the paper's Figure 7, against the leader of term 8: one hint skips a whole term.
    #[test]
    fn conflict_hints_skip_a_term_at_a_time() {
        let leader = log(&[1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
        let try_next = |follower: &Log<Kv>, prev: u64| {
            let (index, term) = follower.conflict(Index(prev));
            leader.after_conflict(index, term)
        };
        assert_eq!(try_next(&log(&[1, 1, 1, 4, 4, 5, 5, 6, 6]), 10), Index(10), "(a) is one short");
        assert_eq!(try_next(&log(&[1, 1, 1, 4]), 10), Index(5), "(b) is short");
        let f = log(&[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]);
        assert_eq!(try_next(&f, 10), Index(7), "(f) offers where its term 3 begins");
        assert_eq!(try_next(&f, 6), Index(4), "then where its term 2 begins");
        let e = log(&[1, 1, 1, 4, 4, 4, 4]);
        assert_eq!(try_next(&e, 7), Index(6), "(e) has too many of term 4, and the leader knows where its own end");
    }

    #[test]
    fn compaction_keeps_what_follows_on_the_snapshot() {
        let mut kept = log(&[1, 2, 2, 3]);
        kept.compact(Index(3), Term(2));
        assert_eq!((kept.base(), kept.last(), kept.last_term()), (Index(3), Index(4), Term(3)));
        assert_eq!(kept.term(Index(3)), Some(Term(2)));
        assert_eq!(kept.term(Index(2)), None);
        let mut dropped = log(&[1, 2, 2, 3]);
        dropped.compact(Index(3), Term(3));
        assert_eq!((dropped.last(), dropped.last_term()), (Index(3), Term(3)));
    }
}
