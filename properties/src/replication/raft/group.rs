//! Where the servers of a group are, and what checkers remember of them.

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::{Kv, Node, Raft, Server};
use seedbed_sim::{Model, NodeId, World};

/// A model that runs a Raft group, or hosts one.
pub trait Group: Model {
    /// What the group replicates.
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

/// The server that the last event may have changed, if it is up.
#[inline]
pub(super) fn changed<M: Group>(world: &World<M>) -> Option<(NodeId, &Server<M::Machine>)> {
    let node = world.changed()?;
    Some((node, M::server(world.process(node)?)?))
}

/// The server that the last event may have changed, if it leads.
#[inline]
pub(super) fn changed_leader<M: Group>(world: &World<M>) -> Option<(NodeId, &Server<M::Machine>)> {
    changed(world).filter(|(_, server)| server.is_leader())
}

/// The servers that are up.
pub(super) fn servers<M: Group>(world: &World<M>) -> impl Iterator<Item = (NodeId, &Server<M::Machine>)> {
    world.processes().filter_map(|(node, process)| Some((node, M::server(process)?)))
}

/// What is remembered of each node, and forgotten when it crashes.
#[derive(Clone, Debug, Default)]
pub(super) struct PerLife<T> {
    nodes: Vec<(u32, T)>,
}

impl<T: Default> PerLife<T> {
    #[inline]
    pub(super) fn of<M: Model>(&mut self, world: &World<M>, node: NodeId) -> &mut T {
        if self.nodes.len() <= node.index() {
            self.nodes.resize_with(node.index() + 1, Default::default);
        }
        let (life, known) = &mut self.nodes[node.index()];
        if *life != world.life(node) {
            (*life, *known) = (world.life(node), T::default());
        }
        known
    }
}
