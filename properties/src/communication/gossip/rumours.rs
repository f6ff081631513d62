//! That rumours are true, are delivered once, and reach all.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::gossip::messages::{Op, Rumour, RumourId};
use seedbed_models::communication::gossip::{Gossip, Member};
use seedbed_sim::{Broken, PerLife, Property, Verdict, World};

use crate::checkers::judge::NewEntries;

/// No creation: what is delivered a client of its origin has begun, as often as it has.
#[derive(Clone, Debug, Default)]
pub struct RumoursAreTrue {
    entries: NewEntries,
    /// The content of each rumour, as it was first delivered.
    contents: BTreeMap<RumourId, u32>,
}

impl Property<Gossip> for RumoursAreTrue {
    fn name(&self) -> String {
        "gossip/rumours_are_true".into()
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        for &node in world.changed() {
            let Some(member) = world.process(node) else { continue };
            for rumour in self.entries.of(world, node, member.rumours().delivered())? {
                let known = *self.contents.entry(rumour.id).or_insert(rumour.content);
                let same =
                    |(id, content): &(&RumourId, &u32)| id.origin == rumour.id.origin && **content == rumour.content;
                let named = self.contents.iter().filter(same).count();
                let invocations = world.history().invocations().iter();
                let begun = invocations
                    .filter(|asked| asked.client == rumour.id.origin && asked.op == Op::Spread(rumour.content))
                    .count();
                if known != rumour.content || named > begun {
                    let words = format!(
                        "{node} delivers {:?}: {}. That was begun {begun} times there, and has {named} names",
                        rumour.id, rumour.content
                    );
                    return Err(Broken::new([node, rumour.id.origin], words));
                }
            }
        }
        Ok(())
    }
}

/// Each member delivers a rumour once in a life.
#[derive(Clone, Debug, Default)]
pub struct DeliveredOnce {
    entries: NewEntries,
    delivered: PerLife<BTreeSet<RumourId>>,
}

impl Property<Gossip> for DeliveredOnce {
    fn name(&self) -> String {
        "gossip/delivered_once".into()
    }

    fn after_event(&mut self, world: &World<Gossip>) -> Verdict {
        for &node in world.changed() {
            let Some(member) = world.process(node) else { continue };
            let delivered = self.delivered.of(world, node);
            for rumour in self.entries.of(world, node, member.rumours().delivered())? {
                if !delivered.insert(rumour.id) {
                    return Err(Broken::new([node], format!("{node} delivers {:?} again", rumour.id)));
                }
            }
        }
        Ok(())
    }
}

/// L: what a member has heard that is there in the end, all have that are there (Demers 1987, §1.3: anti-entropy reaches all with
/// probability 1).
#[derive(Clone, Debug, Default)]
pub struct RumoursReachAll;

impl Property<Gossip> for RumoursReachAll {
    fn name(&self) -> String {
        "gossip/rumours_reach_all".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<Gossip>) -> Verdict {
        let there = || world.processes().filter(|(_, member): &(_, &Member)| !member.is_gone());
        for (teller, told) in there() {
            for (node, member) in there() {
                let lacks = |rumour: &&Rumour| !member.rumours().knows(rumour.id);
                if let Some(rumour) = told.rumours().delivered().iter().find(lacks) {
                    let words = format!("{teller} has heard {:?}, and {node} has not", rumour.id);
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}
