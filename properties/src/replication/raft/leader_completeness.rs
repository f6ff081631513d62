//! S4, leader completeness: "if a log entry is committed in a given term, then that entry will be present in the logs of
//! the leaders for all higher-numbered terms" (paper Figure 3 and §5.4).

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::{Index, Server, Term};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Time, Verdict, World};

use super::group::{Group, changed_leaders, servers};

/// Entries committed by a leader are in the log of every leader of a later term. Checked for all committed entries when
/// a leader is elected, and for all leaders when an entry is committed.
///
/// An entry that a leader's snapshot covers counts as present; state machine safety checks the snapshot.
#[derive(Clone, Debug, Default)]
pub struct LeaderCompleteness {
    /// By index, from 1: the entry that leaders have committed.
    committed: Vec<Option<Committed>>,
    seen: PerLife<Seen>,
}

#[derive(Clone, Copy, Debug)]
struct Committed {
    /// The term of the entry.
    term: Term,
    /// The term of the leader that committed it first.
    led: Term,
    by: NodeId,
    at: Time,
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    led: Term,
    commit: Index,
}

impl<M: Group> Property<M> for LeaderCompleteness {
    fn name(&self) -> String {
        "raft/leader_completeness".into()
    }

    #[inline]
    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed_leaders(world).try_for_each(|(node, server)| self.judge(world, node, server))
    }
}

impl LeaderCompleteness {
    #[inline]
    fn judge<M: Group>(&mut self, world: &World<M>, node: NodeId, server: &Server<M::Machine>) -> Verdict {
        let seen = self.seen.of(world, node);
        let before = *seen;
        *seen = Seen { led: server.term(), commit: server.commit_index() };
        if before.led != server.term() {
            self.complete(node, server, Index(1))?;
        }
        if before.commit == server.commit_index() {
            return Ok(());
        }
        match self.record(world.now(), node, server, before.commit) {
            None => Ok(()),
            Some(first) => servers(world)
                .filter(|(_, other)| other.is_leader())
                .try_for_each(|(other, server)| self.complete(other, server, first)),
        }
    }

    /// Records the entries that a leader has committed beyond `known`; returns the index of the first new one.
    fn record<S: StateMachine>(&mut self, now: Time, node: NodeId, server: &Server<S>, known: Index) -> Option<Index> {
        let (log, commit) = (server.log(), server.commit_index());
        if self.committed.len() <= commit.0 as usize {
            self.committed.resize(commit.0 as usize + 1, None);
        }
        let mut first = None;
        for at in (known.max(log.base()).0 + 1..=commit.0).map(Index) {
            let slot = &mut self.committed[at.0 as usize];
            if let (None, Some(term)) = (*slot, log.term(at)) {
                *slot = Some(Committed { term, led: server.term(), by: node, at: now });
                first = first.or(Some(at));
            }
        }
        first
    }

    /// Whether a leader has the entries from `first` on that were committed in earlier terms than its own.
    fn complete<S: StateMachine>(&self, leader: NodeId, server: &Server<S>, first: Index) -> Verdict {
        let first = first.max(server.log().base().next());
        for at in (first.0..self.committed.len() as u64).map(Index) {
            let Some(committed) = self.committed[at.0 as usize] else {
                continue;
            };
            if committed.led >= server.term() || server.log().term(at) == Some(committed.term) {
                continue;
            }
            let Committed { term, by, at: when, .. } = committed;
            let message = format!(
                "entry (term {term}, index {at}), committed by {by} at {when}, is missing from {leader}, leader of term {}",
                server.term()
            );
            return Err(Broken::new([by, leader], message));
        }
        Ok(())
    }
}
