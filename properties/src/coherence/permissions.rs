//! S1: at every instant one core may write a block and no other may read it, or any number may read it.

use seedbed_models::coherence::Coherence;
use seedbed_models::coherence::controller::Controller;
use seedbed_models::coherence::message::Block;
use seedbed_models::coherence::table::Event;
use seedbed_sim::{NodeId, Property, Verdict, World};

use super::{Permission, Permits, SingleWriter};
use crate::judge::Judge;

/// What a cache lets its core do with a block now, by its table.
pub fn permission(cache: &Controller, block: Block) -> Permission {
    match (cache.hits(block, Event::Store), cache.hits(block, Event::Load)) {
        (true, _) => Permission::Write,
        (false, true) => Permission::Read,
        (false, false) => Permission::None,
    }
}

/// The single-writer, multiple-reader invariant (Primer §2.3.1). Where there is a bus, at each place of its order; what a
/// cache may do at one place is the most that it may do between seeing that request and the next.
#[derive(Clone, Debug, Default)]
pub struct OneWriter {
    now: SingleWriter<NodeId, Block>,
    /// Where there is a bus: of each node and each block, what it might do after so many requests.
    then: Vec<Vec<Vec<Permission>>>,
}

impl OneWriter {
    fn look_now(&mut self, world: &World<Coherence>, node: NodeId) -> Verdict {
        let Some(cache) = cache(world, node) else { return Ok(()) };
        for (block, _) in cache.lines() {
            self.now.observe(Permits { core: node, location: block, permission: permission(cache, block) })?;
        }
        Ok(())
    }

    fn look_then(&mut self, world: &World<Coherence>, node: NodeId) -> Verdict {
        let Some(cache) = cache(world, node) else { return Ok(()) };
        let seen = cache.seen() as usize;
        if self.then.len() <= node.index() {
            self.then.resize(node.index() + 1, Vec::new());
        }
        for (block, _) in cache.lines() {
            let blocks = &mut self.then[node.index()];
            if blocks.len() <= usize::from(block.0) {
                blocks.resize(usize::from(block.0) + 1, vec![Permission::None]);
            }
            let known = &mut blocks[usize::from(block.0)];
            let now = permission(cache, block);
            // Several requests may have been seen in one event; between them it could do what it can do after, or less.
            let before = known[known.len() - 1];
            let first = known.len().min(seen);
            while known.len() <= seen {
                let last = known.len() == seen;
                known.push(if last { now } else { before.min(now) });
            }
            known[seen] = known[seen].max(now);
            for place in first..=seen {
                self.judge_place(block, place)?;
            }
        }
        Ok(())
    }

    /// Whether those who have come to a place of the bus's order go together there.
    fn judge_place(&self, block: Block, place: usize) -> Verdict {
        let mut judge = SingleWriter::default();
        for (node, blocks) in self.then.iter().enumerate() {
            let there = blocks.get(usize::from(block.0)).and_then(|places| places.get(place));
            if let Some(permission) = there {
                judge.observe(Permits { core: NodeId(node as u16), location: block, permission: *permission })?;
            }
        }
        Ok(())
    }
}

fn cache(world: &World<Coherence>, node: NodeId) -> Option<&Controller> {
    world.process(node).and_then(|process| process.inner().cache())
}

impl Property<Coherence> for OneWriter {
    fn name(&self) -> String {
        "coherence/single_writer".into()
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        let Some(node) = world.changed() else { return Ok(()) };
        match world.config().has_bus() {
            true => self.look_then(world, node),
            false => self.look_now(world, node),
        }
    }
}
