//! What a producer knows to be added is there, until it is trimmed or deleted.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::stream::effect::Effect;
use seedbed_models::communication::stream::messages::Ret;
use seedbed_models::communication::stream::settings::{Durability, STREAM};
use seedbed_models::communication::stream::{Id, Stream};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::stream::master;
use crate::communication::stream::watched::Watched;

/// Of which configurations it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Of one server with `appendfsync always`, which promises it.
    WherePromised,
    /// Of a replicated server, which does not.
    OfFailover,
    /// Of one server with another durability, which does not either.
    OfPowerLoss,
}

impl Asked {
    fn concerns(self, config: &Stream) -> bool {
        match self {
            Asked::WherePromised => config.promises_durability(),
            Asked::OfFailover => config.replicated,
            Asked::OfPowerLoss => !config.replicated && config.durability != Durability::Always,
        }
    }
}

/// S6 across crashes: an entry that a producer knows to be added is in the stream of the master, unless a command that was
/// executed has trimmed or deleted it.
#[derive(Clone)]
pub struct AcknowledgedEntriesStay {
    asked: Asked,
    watched: Watched,
    /// The entries of each master, by what it has executed.
    entries: BTreeMap<NodeId, BTreeSet<Id>>,
    /// What was ever trimmed or deleted.
    gone: BTreeSet<Id>,
}

impl AcknowledgedEntriesStay {
    /// The property of these configurations.
    pub fn asked(asked: Asked) -> Self {
        AcknowledgedEntriesStay { asked, watched: Watched::default(), entries: BTreeMap::new(), gone: BTreeSet::new() }
    }

    fn read(&mut self, world: &World<Stream>, node: NodeId) {
        let Some(news) = self.watched.of(world, node) else { return };
        if news.begins {
            let stream = news.server.engine().keys().stream(STREAM);
            let ids = stream.map(|stream| stream.entries().map(|(id, _)| id).collect());
            self.entries.insert(node, ids.unwrap_or_default());
        }
        let entries = self.entries.entry(node).or_default();
        for effect in news.executed.iter().flat_map(|executed| &executed.effects) {
            match effect {
                Effect::Added(STREAM, id, _) => _ = entries.insert(*id),
                Effect::Trimmed(STREAM, count) => {
                    self.gone.extend((0..*count).filter_map(|_| entries.pop_first()));
                }
                Effect::Deleted(STREAM, ids) => {
                    entries.retain(|id| !ids.contains(id));
                    self.gone.extend(ids);
                }
                _ => {}
            }
        }
    }
}

impl Property<Stream> for AcknowledgedEntriesStay {
    fn name(&self) -> String {
        let name = match self.asked {
            Asked::WherePromised => "acknowledged_entries_stay",
            Asked::OfFailover => "acknowledged_entries_survive_failover",
            Asked::OfPowerLoss => "acknowledged_entries_survive_power_loss",
        };
        format!("stream/{name}")
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        if !self.asked.concerns(world.config()) {
            return Ok(());
        }
        for &node in world.changed() {
            self.read(world, node);
        }
        let Some((node, server)) = master(world) else { return Ok(()) };
        let stream = server.engine().keys().stream(STREAM);
        let is_there = |id: Id| stream.is_some_and(|stream| stream.get(id).is_some());
        for invocation in world.history().invocations() {
            let Some(Ret::Added(id)) = invocation.returned() else { continue };
            if !self.gone.contains(id) && !is_there(*id) {
                let words = format!("{} was told that {id} is added, and {node} does not have it", invocation.client);
                return Err(Broken::new([node, invocation.client], words));
            }
        }
        Ok(())
    }
}
