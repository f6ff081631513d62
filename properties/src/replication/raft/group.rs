//! The servers of a group, for checkers.

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::{Kv, Node, Raft, Server};
use seedbed_sim::{Model, NodeId, World};

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
