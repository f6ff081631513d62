//! State that a property keeps of each node until the node crashes.

use crate::model::Model;
use crate::process::NodeId;
use crate::world::World;

/// A value for each node that is reset when the node crashes: a crash loses volatile state, so what a property
/// remembers of it must go too ([`World::life`]). A life is what other systems call an incarnation.
///
/// ```
/// use seedbed_sim::{Case, NodeId, PerLife, Source, World};
/// # use seedbed_sim::doc::PingPong;
/// let mut world = World::new(&Case::quiet(PingPong), &Source::Seed(7)).unwrap();
/// let mut events: PerLife<u64> = PerLife::default();
/// while world.step() {
///     for node in world.changed() {
///         *events.of(&world, *node) += 1;
///     }
/// }
/// assert!(*events.of(&world, NodeId(0)) > 0);
/// ```
#[derive(Clone, Debug)]
pub struct PerLife<T> {
    /// By node: the life in which the value was last used, and the value.
    nodes: Vec<Option<(u32, T)>>,
}

impl<T> Default for PerLife<T> {
    fn default() -> Self {
        PerLife { nodes: Vec::new() }
    }
}

impl<T: Default> PerLife<T> {
    /// The value of a node; the default value if the node has crashed since it was last used.
    #[inline]
    pub fn of<M: Model>(&mut self, world: &World<M>, node: NodeId) -> &mut T {
        if self.nodes.len() <= node.index() {
            self.nodes.resize_with(node.index() + 1, || None);
        }
        let (now, slot) = (world.life(node), &mut self.nodes[node.index()]);
        if slot.as_ref().is_none_or(|(life, _)| *life != now) {
            *slot = Some((now, T::default()));
        }
        &mut slot.as_mut().expect("it was just filled").1
    }
}

impl<T> PerLife<T> {
    /// Whether there is a value of an earlier life of this node, which [`PerLife::of`] would reset.
    pub fn is_outlived<M: Model>(&self, world: &World<M>, node: NodeId) -> bool {
        let known = self.nodes.get(node.index()).and_then(Option::as_ref);
        known.is_some_and(|(life, _)| *life != world.life(node))
    }

    /// The last value of a node, of whichever life.
    pub fn last(&self, node: NodeId) -> Option<&T> {
        self.nodes.get(node.index())?.as_ref().map(|(_, value)| value)
    }

    /// The last values of nodes, of whichever lives, in the order of the nodes.
    pub fn all(&self) -> impl Iterator<Item = (NodeId, &T)> {
        let named = self.nodes.iter().enumerate();
        named.filter_map(|(node, known)| Some((NodeId(node as u16), &known.as_ref()?.1)))
    }
}
