//! A part of S6: each command takes effect at most once, even if its client retries (thesis §6.3).

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::{Index, Server};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use super::group::{Group, StatesByIndex, changed};
use super::session_table::SessionTable;

/// Each server's state machine has executed as many commands as there are distinct ones in the log up to its last
/// applied entry. They are counted by a table of the property's own, which crashes and snapshots do not affect. And servers
/// that have applied up to the same index have the same table of sessions, so that none of them executes a retry of what
/// another has executed; and these are the sessions that have not expired by the log's time, each active when the log says.
#[derive(Clone, Debug)]
pub struct AtMostOnce {
    /// By index: the number of distinct commands up to it.
    different: Vec<u64>,
    /// The sessions after the last entry that was counted.
    table: SessionTable,
    sessions: StatesByIndex,
}

impl Default for AtMostOnce {
    fn default() -> Self {
        AtMostOnce { different: vec![0], table: SessionTable::default(), sessions: StatesByIndex::default() }
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
            return self.expired(node, server);
        }
        let executed = server.executed();
        let message =
            format!("{node} has executed {executed} commands up to index {applied}; there are {expect} different ones");
        Err(Broken::new([node], message))
    }

    /// The server that has applied the most has the sessions that there must be; others are compared with it.
    #[inline]
    fn expired<S: StateMachine>(&self, node: NodeId, server: &Server<S>) -> Verdict {
        let applied = server.last_applied();
        let latest = self.different.len() as u64 == applied.0 + 1;
        if !latest || server.sessions().active().eq(self.table.active()) {
            return Ok(());
        }
        let (has, due): (Vec<_>, Vec<_>) = (server.sessions().active().collect(), self.table.active().collect());
        let message =
            format!("{node} has the sessions {has:?} after index {applied}; those that the log leaves are {due:?}");
        Err(Broken::new([node], message))
    }

    /// Counts the entries that this server was the first to apply.
    fn count<S: StateMachine>(&mut self, server: &Server<S>) {
        for at in (self.different.len() as u64..=server.last_applied().0).map(Index) {
            let Some(entry) = server.log().entry(at) else { return };
            let new = self.table.apply(at, entry, server.session_timeout());
            let before = self.different[at.before().0 as usize];
            self.different.push(before + u64::from(new));
        }
    }
}
