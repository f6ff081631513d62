//! S1: at every instant one core may write a block and no other may read it, or any number may read it.

use std::collections::BTreeMap;

use seedbed_models::coherence::Coherence;
use seedbed_models::coherence::controller::{Controller, Granted, May};
use seedbed_models::coherence::message::Block;
use seedbed_sim::{NodeId, Property, Verdict, World};

use super::{Permission, Permits, SingleWriter};
use crate::judge::Judge;

fn permission(may: May) -> Permission {
    match may {
        May::Nothing => Permission::None,
        May::Read => Permission::Read,
        May::Write => Permission::Write,
    }
}

/// The single-writer, multiple-reader invariant (Primer §2.3.1). Where there is a bus, at each place of its order; what a
/// cache may do at one place is the most that it may do between seeing that request and the next.
#[derive(Clone, Debug, Default)]
pub struct OneWriter {
    now: SingleWriter<NodeId, Block>,
    /// Of each node, how many of its changes were read.
    read: Vec<usize>,
    /// Where there is a bus: of each block and each node, the most that it may do after so many requests.
    then: BTreeMap<(Block, NodeId), Vec<Permission>>,
    /// And what it may do now.
    last: BTreeMap<(Block, NodeId), Permission>,
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
            let places = self.then.entry((block, node)).or_insert_with(|| vec![Permission::None]);
            // The place where it stood is judged again: there it may do more now.
            let first = places.len() - 1;
            let last = self.last.entry((block, node)).or_insert(Permission::None);
            for granted in changes.iter().filter(|granted| granted.block == block) {
                carry(places, granted.seen, *last);
                let there = places.last_mut().expect("it was carried there");
                *last = permission(granted.may);
                *there = if granted.shown { *last } else { (*last).max(*there) };
            }
            carry(places, cache.seen(), *last);
            for place in first..places.len() {
                self.judge_place(block, place)?;
            }
        }
        Ok(())
    }

    /// Whether those who have come to a place of the bus's order go together there.
    fn judge_place(&self, block: Block, place: usize) -> Verdict {
        let mut judge = SingleWriter::default();
        for (&(location, core), places) in self.then.range((block, NodeId(0))..=(block, NodeId(u16::MAX))) {
            if let Some(&permission) = places.get(place) {
                judge.observe(Permits { core, location, permission })?;
            }
        }
        Ok(())
    }
}

/// Nothing changes up to a place.
fn carry(places: &mut Vec<Permission>, to: u64, permission: Permission) {
    let length = places.len().max(to as usize + 1);
    places.resize(length, permission);
}

impl Property<Coherence> for OneWriter {
    fn name(&self) -> String {
        "coherence/single_writer".into()
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        let Some(node) = world.changed() else { return Ok(()) };
        let Some(cache) = world.process(node).and_then(|process| process.inner().cache()) else { return Ok(()) };
        match world.config().has_bus() {
            true => self.look_then(cache, node),
            false => self.look_now(cache, node),
        }
    }
}
