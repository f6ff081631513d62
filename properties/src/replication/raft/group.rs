//! The servers of a group, for checkers.

use std::hash::Hash;

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::{Index, Kv, Node, Raft, Server};
use seedbed_sim::fingerprint::stable_hash;
use seedbed_sim::{Broken, Model, NodeId, PerLife, Verdict, World};

/// A model that runs a Raft group, or hosts one.
pub trait Group: Model {
    /// The replicated state machine.
    type Machine: StateMachine;

    /// The server on a node, if it has one.
    fn server(process: &Self::Process) -> Option<&Server<Self::Machine>>;
}

impl Group for Raft {
    type Machine = Kv;

    fn server(process: &Node) -> Option<&Server<Kv>> {
        process.server()
    }
}

/// The servers that the last event may have changed and that are up.
#[inline]
pub(super) fn changed<M: Group>(world: &World<M>) -> impl Iterator<Item = (NodeId, &Server<M::Machine>)> {
    world.changed().iter().filter_map(|node| Some((*node, M::server(world.process(*node)?)?)))
}

/// The leaders among them.
#[inline]
pub(super) fn changed_leaders<M: Group>(world: &World<M>) -> impl Iterator<Item = (NodeId, &Server<M::Machine>)> {
    changed(world).filter(|(_, server)| server.is_leader())
}

/// The servers that are up.
pub(super) fn servers<M: Group>(world: &World<M>) -> impl Iterator<Item = (NodeId, &Server<M::Machine>)> {
    world.processes().filter_map(|(node, process)| Some((node, M::server(process)?)))
}

/// A part of the replicated state, by the index up to which it was applied: a function of the log, so the same in every
/// server that has come as far. Compared each time that a server's index moves, which is when it has executed entries, has
/// restarted, or was given a snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct StatesByIndex {
    /// By index: a hash of the state, and the server that had it first.
    known: Vec<Option<(u64, NodeId)>>,
    /// By node: the index at the last look, plus one; zero before the first in this life.
    seen: PerLife<u64>,
}

impl StatesByIndex {
    #[inline]
    pub(super) fn same<M: Model>(
        &mut self,
        world: &World<M>,
        node: NodeId,
        applied: Index,
        state: &impl Hash,
        what: &str,
    ) -> Verdict {
        let seen = self.seen.of(world, node);
        if std::mem::replace(seen, applied.0 + 1) == applied.0 + 1 {
            return Ok(());
        }
        let slot = applied.0 as usize;
        if self.known.len() <= slot {
            self.known.resize(slot + 1, None);
        }
        let hash = stable_hash(state);
        match self.known[slot] {
            Some((known, first)) if known != hash => {
                let message =
                    format!("{first} and {node} have applied all up to index {applied}, and their {what} differs");
                Err(Broken::new([first, node], message))
            }
            Some(_) => Ok(()),
            None => {
                self.known[slot] = Some((hash, node));
                Ok(())
            }
        }
    }
}
