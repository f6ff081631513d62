//! A part of S6: each command takes effect at most once, even if its client retries (thesis §6.3).

use std::collections::BTreeMap;

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::types::Session;
use seedbed_models::replication::raft::{Index, Payload, Server};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use super::group::{Group, StatesByIndex, changed};

/// Each server's state machine has executed as many commands as there are distinct ones in the log up to its last
/// applied entry. They are counted by a table of the property's own, which crashes and snapshots do not affect. And servers
/// that have applied up to the same index have the same table of sessions, so that none of them executes a retry of what
/// another has executed.
#[derive(Clone, Debug)]
pub struct AtMostOnce {
    /// By index: the number of distinct commands up to it.
    different: Vec<u64>,
    /// The last command of each session.
    last: BTreeMap<Session, u64>,
    sessions: StatesByIndex,
}

impl Default for AtMostOnce {
    fn default() -> Self {
        AtMostOnce { different: vec![0], last: BTreeMap::new(), sessions: StatesByIndex::default() }
    }
}

impl<M: Group> Property<M> for AtMostOnce {
    fn name(&self) -> String {
        "raft/at_most_once".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed(world).try_for_each(|(node, server)| {
            self.judge(node, server)?;
            self.sessions.same(world, node, server.last_applied(), server.sessions(), "table of sessions")
        })
    }
}

impl AtMostOnce {
    #[inline]
    fn judge<S: StateMachine>(&mut self, node: NodeId, server: &Server<S>) -> Verdict {
        let applied = server.last_applied();
        if self.different.len() <= applied.0 as usize {
            self.count(server);
        }
        // Entries that no server was seen to apply cannot be counted: a snapshot came from outside this run.
        let Some(expect) = self.different.get(applied.0 as usize).copied() else {
            return Ok(());
        };
        if server.executed() == expect {
            return Ok(());
        }
        let executed = server.executed();
        let message =
            format!("{node} has executed {executed} commands up to index {applied}; there are {expect} different ones");
        Err(Broken::new([node], message))
    }

    /// Counts the entries that this server was the first to apply.
    fn count<S: StateMachine>(&mut self, server: &Server<S>) {
        for at in (self.different.len() as u64..=server.last_applied().0).map(Index) {
            let Some(entry) = server.log().entry(at) else { return };
            let new = match &entry.payload {
                Payload::Noop | Payload::Config(_) => false,
                Payload::Register => {
                    self.last.insert(Session(at.0), 0);
                    false
                }
                Payload::Command { id: None, .. } => true,
                Payload::Command { id: Some(id), .. } => match self.last.get_mut(&id.session) {
                    Some(last) if id.sequence > *last => {
                        *last = id.sequence;
                        true
                    }
                    _ => false,
                },
            };
            let before = self.different[at.before().0 as usize];
            self.different.push(before + u64::from(new));
        }
    }
}
