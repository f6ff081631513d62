//! S1: at every instant one core may write a block and no other may read it, or any number may read it.

use seedbed_models::caching::coherence::Coherence;
use seedbed_models::caching::coherence::controller::{Controller, Granted, May};
use seedbed_models::caching::coherence::message::Block;
use seedbed_sim::{NodeId, Property, Verdict, World};

use crate::checkers::coherence::{Permission, Permits, SingleWriter};
use crate::checkers::judge::Judge;

fn permission(may: May) -> Permission {
    match may {
        May::Nothing => Permission::None,
        May::Read => Permission::Read,
        May::Write => Permission::Write,
    }
}

/// The single-writer, multiple-reader invariant (Primer ch. 2). Where there is a bus, at each place of its order; what a
/// cache may do at one place is the most that it may do between seeing that request and the next.
#[derive(Clone, Debug, Default)]
pub struct OneWriter {
    now: SingleWriter<NodeId, Block>,
    /// Of each node, how many of its changes were read.
    read: Vec<usize>,
    /// Where there is a bus: of each block what each node may do with it.
    then: Vec<Vec<Places>>,
}

/// What a node may do with a block.
#[derive(Clone, Debug)]
struct Places {
    /// The most that it may do after so many requests.
    most: Vec<Permission>,
    /// What it may do now.
    last: Permission,
}

impl Default for Places {
    fn default() -> Self {
        Places { most: vec![Permission::None], last: Permission::None }
    }
}

impl Places {
    /// Up to which place it has come.
    fn place(&self) -> usize {
        self.most.len() - 1
    }

    /// Nothing changes up to a place.
    fn carry(&mut self, to: u64) {
        let length = self.most.len().max(to as usize + 1);
        self.most.resize(length, self.last);
    }

    fn changed(&mut self, granted: &Granted) {
        self.carry(granted.seen);
        self.last = permission(granted.may);
        let there = self.most.last_mut().expect("it was carried there");
        *there = if granted.shown { self.last } else { self.last.max(*there) };
    }
}

impl OneWriter {
    /// The changes of a node that were not read.
    fn news<'w>(&mut self, cache: &'w Controller, node: NodeId) -> &'w [Granted] {
        if self.read.len() <= node.index() {
            self.read.resize(node.index() + 1, 0);
        }
        let granted = cache.granted();
        let read = std::mem::replace(&mut self.read[node.index()], granted.len());
        &granted[read..]
    }

    fn look_now(&mut self, cache: &Controller, node: NodeId) -> Verdict {
        for granted in self.news(cache, node) {
            let permission = permission(granted.may);
            self.now.observe(Permits { core: node, location: granted.block, permission })?;
        }
        Ok(())
    }

    fn look_then(&mut self, cache: &Controller, node: NodeId) -> Verdict {
        let changes = self.news(cache, node);
        for (block, _) in cache.lines() {
            let mut changes = changes.iter().filter(|granted| granted.block == block).peekable();
            let places = self.places(block, node);
            // The place where it stood is judged again: there it may do more now.
            let first = places.place();
            if changes.peek().is_none() && first as u64 == cache.seen() {
                continue;
            }
            changes.for_each(|granted| places.changed(granted));
            places.carry(cache.seen());
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

    /// Whether those who have come to a place of the bus's order go together there.
    fn judge_place(&self, block: Block, place: usize) -> Verdict {
        let nodes = self.then[usize::from(block.0)].iter();
        let there = (0u16..).map(NodeId).zip(nodes).filter_map(|(node, places)| Some((node, *places.most.get(place)?)));
        let holders = there.clone().filter(|(_, permission)| *permission > Permission::None);
        // The judge would say the same, and takes longer; almost always there is nothing to refuse.
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
                self.look_then(cache, node)?;
            } else {
                self.look_now(cache, node)?;
            }
        }
        Ok(())
    }
}
