//! The words of the paper: terms, indices, entries.

use std::fmt;

/// A term: logical time, in which at most one leader is elected (paper §5.1). Zero comes before the first election.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

/// A place in the log. The first entry has index 1; zero is the place before it (paper §5.3).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(pub u64);

impl Term {
    /// The term after this one.
    pub fn next(self) -> Self {
        Term(self.0 + 1)
    }
}

impl Index {
    /// The place before the first entry.
    pub const ZERO: Index = Index(0);
    /// After every entry: what a quorum of nobody has committed.
    pub const MAX: Index = Index(u64::MAX);

    /// The place after this one.
    pub fn next(self) -> Self {
        Index(self.0 + 1)
    }

    /// The place before this one; there is none before zero.
    pub fn before(self) -> Self {
        Index(self.0.saturating_sub(1))
    }

    /// The place `n` after this one.
    pub fn plus(self, n: usize) -> Self {
        Index(self.0 + n as u64)
    }
}

macro_rules! prints_its_number {
    ($($type:ident)*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}
prints_its_number!(Term Index Session);

/// A client's session: the index of the entry that opened it, so no two are alike (thesis §6.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u64);

/// What tells a command from its retries: the session, and the command's number in it, which a retry keeps
/// (thesis §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    /// The client's session.
    pub session: Session,
    /// Counts the session's commands from 1.
    pub sequence: u64,
}
