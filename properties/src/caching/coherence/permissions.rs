//! S1: at every instant one core may write a block and no other may read it, or any number may read it.

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::controller::{self, Controller, PermissionChange};
use seedbed_models::caching::coherence::messages::Block;
use seedbed_sim::{NodeId, Property, Verdict, World};

use crate::checkers::coherence::{Permission, Permits, SingleWriter};
use crate::checkers::judge::Judge;

fn permission(permission: controller::Permission) -> Permission {
    match permission {
        controller::Permission::None => Permission::None,
        controller::Permission::Read => Permission::Read,
        controller::Permission::Write => Permission::Write,
    }
}

/// The single-writer, multiple-reader invariant (Primer ch. 2). On a bus it is checked at each position of the bus
/// order; the permission of a cache at a position is the greatest between snooping that request and the next.
#[derive(Clone, Debug, Default)]
pub struct OneWriter {
    now: SingleWriter<NodeId, Block>,
    /// By node: the number of changes already read from its cache.
    read: Vec<usize>,
    /// On a bus, by block: the permissions of each node.
    then: Vec<Vec<Places>>,
}

/// The permissions of a node for a block, by the positions of the bus order.
#[derive(Clone, Debug)]
struct Places {
    /// The greatest permission at each position.
    most: Vec<Permission>,
    /// The permission now.
    last: Permission,
}

impl Default for Places {
    fn default() -> Self {
        Places { most: vec![Permission::None], last: Permission::None }
    }
}

impl Places {
    /// The last position that the node has reached.
    fn place(&self) -> usize {
        self.most.len() - 1
    }

    /// Extends the permission unchanged up to a position.
    fn carry(&mut self, to: u64) {
        let length = self.most.len().max(to as usize + 1);
        self.most.resize(length, self.last);
    }

    fn changed(&mut self, change: &PermissionChange) {
        self.carry(change.bus_time);
        self.last = permission(change.permission);
        let there = self.most.last_mut().expect("it was carried there");
        *there = if change.by_bus { self.last } else { self.last.max(*there) };
    }
}

impl OneWriter {
    /// The changes of a node that were not read yet.
    fn new_changes<'w>(&mut self, cache: &'w Controller, node: NodeId) -> &'w [PermissionChange] {
        if self.read.len() <= node.index() {
            self.read.resize(node.index() + 1, 0);
        }
        let changes = cache.permission_changes();
        let read = std::mem::replace(&mut self.read[node.index()], changes.len());
        &changes[read..]
    }

    fn judge_now(&mut self, cache: &Controller, node: NodeId) -> Verdict {
        for change in self.new_changes(cache, node) {
            let permission = permission(change.permission);
            self.now.observe(Permits { core: node, location: change.block, permission })?;
        }
        Ok(())
    }

    fn judge_in_bus_order(&mut self, cache: &Controller, node: NodeId) -> Verdict {
        let changes = self.new_changes(cache, node);
        for (block, _) in cache.lines() {
            let mut changes = changes.iter().filter(|change| change.block == block).peekable();
            let places = self.places(block, node);
            // The last position is judged again, because the permission there may have increased.
            let first = places.place();
            if changes.peek().is_none() && first as u64 == cache.bus_time() {
                continue;
            }
            changes.for_each(|change| places.changed(change));
            places.carry(cache.bus_time());
            for place in first..=places.place() {
                self.judge_place(block, place)?;
            }
        }
        Ok(())
    }

    fn places(&mut self, block: Block, node: NodeId) -> &mut Places {
        let block = usize::from(block.0);
        if self.then.len() <= block {
            self.then.resize(block + 1, Vec::new());
        }
        let nodes = &mut self.then[block];
        if nodes.len() <= node.index() {
            nodes.resize(node.index() + 1, Places::default());
        }
        &mut nodes[node.index()]
    }

    /// Judges the permissions of the nodes that have reached a position of the bus order.
    fn judge_place(&self, block: Block, place: usize) -> Verdict {
        let nodes = self.then[usize::from(block.0)].iter();
        let there = (0u16..).map(NodeId).zip(nodes).filter_map(|(node, places)| Some((node, *places.most.get(place)?)));
        let holders = there.clone().filter(|(_, permission)| *permission > Permission::None);
        // A shortcut for the common case, in which the judge refuses nothing.
        if holders.clone().count() <= 1 || holders.clone().all(|(_, permission)| permission == Permission::Read) {
            return Ok(());
        }
        let mut judge = SingleWriter::default();
        for (core, permission) in holders {
            judge.observe(Permits { core, location: block, permission })?;
        }
        Ok(())
    }
}

impl Property<Coherence> for OneWriter {
    fn name(&self) -> String {
        "coherence/single_writer".into()
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        let cache = |node: NodeId| world.process(node).and_then(|process| process.inner().cache());
        for (node, cache) in world.changed().iter().filter_map(|node| Some((*node, cache(*node)?))) {
            if world.config().has_bus() {
                self.judge_in_bus_order(cache, node)?;
            } else {
                self.judge_now(cache, node)?;
            }
        }
        Ok(())
    }
}
