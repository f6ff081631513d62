//! Client sessions: each command takes effect at most once (thesis §6.3; RIFL, Lee et al., SOSP 2015).
//!
//! The table is a part of the replicated state: commands change it in log order, and snapshots hold it. A client has
//! one command open at a time, so the last answer of each session is all there is to keep.
//!
//! Sessions of clients that are gone expire, and all servers must agree on which: so they expire by the log's own time.
//! Each entry has the time at which its leader received it; the latest of these up to a place is the time there, whatever
//! the clock of the server that applies it.

use std::collections::BTreeMap;

use seedbed_sim::{Span, Time};

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
pub(super) struct Last<O> {
    sequence: u64,
    output: Option<O>,
    /// The log's time at the session's latest command, keep-alive or beginning.
    active: Time,
}

/// The sessions and what each has executed.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Sessions<S: StateMachine> {
    table: BTreeMap<Session, Last<S::Output>>,
    /// The log's time: the latest of the entries that were applied.
    now: Time,
}

impl<S: StateMachine> Default for Sessions<S> {
    fn default() -> Self {
        Sessions { table: BTreeMap::new(), now: Time::ZERO }
    }
}

impl<S: StateMachine> Sessions<S> {
    /// How many sessions there are.
    pub fn count(&self) -> usize {
        self.table.len()
    }

    /// The log's time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Each session, with the log's time at which its client was last active.
    pub fn active(&self) -> impl Iterator<Item = (Session, Time)> + '_ {
        self.table.iter().map(|(session, last)| (*session, last.active))
    }

    /// An entry of this time is applied. Says whether sessions have expired: those whose clients were silent for longer than
    /// `timeout`.
    pub(super) fn advance(&mut self, time: Time, timeout: Option<Span>) -> bool {
        self.now = self.now.max(time);
        let Some(timeout) = timeout else { return false };
        let (now, before) = (self.now, self.table.len());
        self.table.retain(|_, last| now.since(last.active) <= timeout);
        self.table.len() < before
    }

    pub(super) fn open(&mut self, session: Session) {
        self.table.insert(session, Last { sequence: 0, output: None, active: self.now });
    }

    /// Keeps a session; `false` if there is none.
    pub(super) fn keep_alive(&mut self, session: Session) -> bool {
        let kept = self.table.get_mut(&session);
        kept.map(|last| last.active = self.now).is_some()
    }

    pub(super) fn look_up(&self, id: RequestId) -> Known<S::Output> {
        match self.table.get(&id.session) {
            None => Known::NoSession,
            Some(last) if id.sequence > last.sequence => Known::New,
            Some(Last { sequence, output: Some(output), .. }) if id.sequence == *sequence => {
                Known::Executed(output.clone())
            }
            Some(_) => Known::Past,
        }
    }

    pub(super) fn executed(&mut self, id: RequestId, output: S::Output) {
        let last = self.table.get_mut(&id.session).expect("raft executes only for sessions it has");
        *last = Last { sequence: id.sequence, output: Some(output), active: self.now };
    }

    /// The sessions one by one, as parts of a snapshot.
    pub(super) fn parts(&self) -> impl Iterator<Item = (Session, Last<S::Output>)> + '_ {
        self.table.iter().map(|(session, last)| (*session, last.clone()))
    }

    /// No sessions yet, at this time of the log.
    pub(super) fn none_at(now: Time) -> Self {
        Sessions { table: BTreeMap::new(), now }
    }

    /// Puts a part of a snapshot in its place.
    pub(super) fn insert(&mut self, session: Session, last: Last<S::Output>) {
        self.table.insert(session, last);
    }

    /// For the bug: the sessions, with nothing executed.
    pub(super) fn forget(&mut self) {
        for last in self.table.values_mut() {
            (last.sequence, last.output) = (0, None);
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

    #[test]
    fn a_session_expires_once_its_client_was_silent_for_longer_than_the_timeout() {
        let timeout = Some(Span::ms(10));
        let mut sessions = Sessions::<Kv>::default();
        sessions.advance(Time::ms(1), timeout);
        sessions.open(Session(1));
        sessions.advance(Time::ms(5), timeout);
        sessions.open(Session(2));
        assert!(!sessions.advance(Time::ms(11), timeout), "ten are not longer than ten");
        assert!(sessions.keep_alive(Session(2)));
        // A leader whose clock is behind does not turn the log's time back.
        assert!(!sessions.advance(Time::ms(3), timeout));
        assert_eq!(sessions.now(), Time::ms(11));
        assert!(sessions.advance(Time::ms(12), timeout));
        assert_eq!(sessions.active().collect::<Vec<_>>(), [(Session(2), Time::ms(11))]);
        assert!(!sessions.keep_alive(Session(1)), "an expired session stays expired");
        assert!(!sessions.advance(Time::ms(9_000), None), "without a timeout nothing expires");
    }
}
