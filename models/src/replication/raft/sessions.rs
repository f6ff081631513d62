//! Client sessions: each command takes effect at most once (thesis §6.3; RIFL, Lee et al., SOSP 2015).
//!
//! The table is a part of the replicated state: commands change it in log order, and snapshots hold it. A client has
//! one command open at a time, so the last answer of each session is all there is to keep. Sessions never expire here;
//! the thesis lets servers agree on their expiry through the log.

use std::collections::BTreeMap;

use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::types::{RequestId, Session};

/// What a session's table says of a command.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known<O> {
    /// Not executed yet.
    New,
    /// Executed, with this answer.
    Executed(O),
    /// Executed, and its client has had the answer, for it went on to a later command.
    Past,
    /// There is no such session.
    NoSession,
}

#[derive(Clone, Debug, PartialEq, Hash)]
struct Last<O> {
    sequence: u64,
    output: Option<O>,
}

/// The sessions and what each has executed.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Sessions<S: StateMachine> {
    table: BTreeMap<Session, Last<S::Output>>,
}

impl<S: StateMachine> Default for Sessions<S> {
    fn default() -> Self {
        Sessions { table: BTreeMap::new() }
    }
}

impl<S: StateMachine> Sessions<S> {
    /// How many sessions there are.
    pub fn count(&self) -> usize {
        self.table.len()
    }

    pub(super) fn open(&mut self, session: Session) {
        self.table.insert(session, Last { sequence: 0, output: None });
    }

    pub(super) fn look_up(&self, id: RequestId) -> Known<S::Output> {
        match self.table.get(&id.session) {
            None => Known::NoSession,
            Some(last) if id.sequence > last.sequence => Known::New,
            Some(Last { sequence, output: Some(output) }) if id.sequence == *sequence => {
                Known::Executed(output.clone())
            }
            Some(_) => Known::Past,
        }
    }

    pub(super) fn executed(&mut self, id: RequestId, output: S::Output) {
        let last = self.table.get_mut(&id.session).expect("raft executes only for sessions it has");
        *last = Last { sequence: id.sequence, output: Some(output) };
    }

    /// For the bug: the sessions, with nothing executed.
    pub(super) fn forget(&mut self) {
        for last in self.table.values_mut() {
            *last = Last { sequence: 0, output: None };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replication::raft::kv::{Kv, Output};

    #[test]
    fn a_command_is_new_once() {
        let mut sessions = Sessions::<Kv>::default();
        let id = |sequence| RequestId { session: Session(4), sequence };
        assert_eq!(sessions.look_up(id(1)), Known::NoSession);
        sessions.open(Session(4));
        assert_eq!(sessions.look_up(id(1)), Known::New);
        sessions.executed(id(1), Output::Swapped(true));
        assert_eq!(sessions.look_up(id(1)), Known::Executed(Output::Swapped(true)));
        sessions.executed(id(2), Output::Done);
        assert_eq!(sessions.look_up(id(1)), Known::Past);
    }
}
