//! The sessions of clients as the log alone tells of them (thesis §6.3).

use std::collections::BTreeMap;

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::types::Session;
use seedbed_models::replication::raft::{Entry, Index, Payload};
use seedbed_sim::{Span, Time};

/// The table that the entries up to a place make.
#[derive(Clone, Debug, Default)]
pub(super) struct SessionTable {
    /// The log's time.
    now: Time,
    sessions: BTreeMap<Session, Known>,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    /// Its last command.
    sequence: u64,
    active: Time,
}

impl SessionTable {
    /// Adds the entry at this place. Says whether it is a command that was not executed before and has to be.
    pub(super) fn apply<S: StateMachine>(&mut self, at: Index, entry: &Entry<S>, timeout: Option<Span>) -> bool {
        self.now = self.now.max(entry.time);
        let now = self.now;
        if let Some(timeout) = timeout {
            self.sessions.retain(|_, known| known.active + timeout >= now);
        }
        match &entry.payload {
            Payload::Noop | Payload::Config(_) => false,
            Payload::Register => {
                self.sessions.insert(Session(at.0), Known { sequence: 0, active: now });
                false
            }
            Payload::KeepAlive(session) => {
                if let Some(known) = self.sessions.get_mut(session) {
                    known.active = now;
                }
                false
            }
            Payload::Command { id: None, .. } => true,
            Payload::Command { id: Some(id), .. } => match self.sessions.get_mut(&id.session) {
                Some(known) if id.sequence > known.sequence => {
                    *known = Known { sequence: id.sequence, active: now };
                    true
                }
                _ => false,
            },
        }
    }

    /// Each session, and when its client was last active.
    pub(super) fn active(&self) -> impl Iterator<Item = (Session, Time)> + '_ {
        self.sessions.iter().map(|(session, known)| (*session, known.active))
    }
}
