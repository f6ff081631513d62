//! What consumers do with entries.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::stream::consumer::Event;
use seedbed_models::communication::stream::effect::{Effect, GroupEffect};
use seedbed_models::communication::stream::settings::{DEAD, DELIVERIES, PAYLOAD, STREAM, field};
use seedbed_models::communication::stream::{Command, Fields, Id, Node, Reply, Stream};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::stream::watched::Watched;

fn payload(fields: &Fields) -> u64 {
    field(fields, PAYLOAD).unwrap_or_default()
}

/// The new events of consumers, with their nodes.
fn news<'w>(seen: &mut NewEntries, world: &'w World<Stream>) -> Result<Vec<(NodeId, &'w Event)>, Broken> {
    let mut all = Vec::new();
    for &node in world.changed() {
        if let Some(consumer) = world.process(node).and_then(Node::consumer) {
            all.extend(seen.of(world, node, consumer.journal())?.iter().map(|event| (node, event)));
        }
    }
    Ok(all)
}

/// An entry that is in the stream when it is acknowledged was processed or buried by somebody before. Where a crash or a failover
/// may bring back what was trimmed or deleted, that is not asked of what was.
#[derive(Clone, Default)]
pub struct AckedWhenDone {
    seen: NewEntries,
    watched: Watched,
    /// What was processed or buried: the entry, and the operation by which it was added. A failover may give an identifier
    /// again.
    done: BTreeSet<(Id, u64)>,
    gone: BTreeSet<Id>,
    /// The entries of each master, by what it has executed.
    entries: BTreeMap<NodeId, BTreeMap<Id, u64>>,
}

impl AckedWhenDone {
    fn executed(&mut self, world: &World<Stream>, node: NodeId) -> Verdict {
        let Some(news) = self.watched.of(world, node) else { return Ok(()) };
        if news.begins {
            let stream = news.server.engine().keys().stream(STREAM);
            let all = stream.map(|stream| stream.entries().map(|(id, fields)| (id, payload(fields))).collect());
            self.entries.insert(node, all.unwrap_or_default());
        }
        let entries = self.entries.entry(node).or_default();
        for executed in news.executed {
            if let (Command::XAck(STREAM, ..), Reply::Number(1..)) = (&executed.command, &executed.reply) {
                let acked = executed.effects.iter().filter_map(|effect| match effect {
                    Effect::Group(STREAM, _, GroupEffect::NotPending(ids)) => Some(ids),
                    _ => None,
                });
                for id in acked.flatten() {
                    let Some(payload) = entries.get(id) else { continue };
                    let excused = self.gone.contains(id) && !world.config().promises_durability();
                    if !self.done.contains(&(*id, *payload)) && !excused {
                        let words = format!("{} acknowledges {id}, which nobody has processed", executed.by.client);
                        return Err(Broken::new([executed.by.client, node], words));
                    }
                }
            }
            for effect in &executed.effects {
                match effect {
                    Effect::Added(STREAM, id, fields) => _ = entries.insert(*id, payload(fields)),
                    Effect::Trimmed(STREAM, count) => {
                        self.gone.extend((0..*count).filter_map(|_| entries.pop_first()).map(|(id, _)| id));
                    }
                    Effect::Deleted(STREAM, ids) => {
                        entries.retain(|id, _| !ids.contains(id));
                        self.gone.extend(ids);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

impl Property<Stream> for AckedWhenDone {
    fn name(&self) -> String {
        "stream/acked_when_done".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        for (_, event) in news(&mut self.seen, world)? {
            match *event {
                Event::Processed(id, payload) | Event::Buried(id, payload) => _ = self.done.insert((id, payload)),
                _ => {}
            }
        }
        world.changed().iter().try_for_each(|node| self.executed(world, *node))
    }
}

/// A dead letter was delivered more often than is allowed.
#[derive(Clone, Default)]
pub struct DeadForAReason(Watched);

impl Property<Stream> for DeadForAReason {
    fn name(&self) -> String {
        "stream/dead_for_a_reason".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        let most = u64::from(world.config().max_deliveries);
        for &node in world.changed() {
            let Some(news) = self.0.of(world, node) else { continue };
            for executed in news.executed {
                let Command::XAdd { key: DEAD, fields, .. } = &executed.command else { continue };
                let deliveries = field(fields, DELIVERIES).unwrap_or_default();
                if deliveries <= most {
                    let words = format!(
                        "{} takes operation {} for dead, which was delivered {deliveries} times, and {most} are allowed",
                        executed.by.client,
                        payload(fields)
                    );
                    return Err(Broken::new([executed.by.client], words));
                }
            }
        }
        Ok(())
    }
}

/// An entry is processed once. Nobody promises that.
#[derive(Clone, Default)]
pub struct ProcessedOnce {
    seen: NewEntries,
    processed: BTreeMap<(Id, u64), NodeId>,
}

impl Property<Stream> for ProcessedOnce {
    fn name(&self) -> String {
        "stream/processed_once".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        for (node, event) in news(&mut self.seen, world)? {
            let Event::Processed(id, payload) = *event else { continue };
            if let Some(first) = self.processed.insert((id, payload), node) {
                let words = format!("{node} processes {id}, and {first} has processed it");
                return Err(Broken::new([first, node], words));
            }
        }
        Ok(())
    }
}

/// An operation adds one entry. Nobody promises that.
#[derive(Clone, Default)]
pub struct AddedOnce {
    watched: Watched,
    added: BTreeMap<u64, Id>,
}

impl Property<Stream> for AddedOnce {
    fn name(&self) -> String {
        "stream/added_once".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        for &node in world.changed() {
            let Some(news) = self.watched.of(world, node) else { continue };
            for executed in news.executed {
                let Command::XAdd { key: STREAM, fields, .. } = &executed.command else { continue };
                let Reply::Id(id) = executed.reply else { continue };
                if let Some(first) = self.added.insert(payload(fields), id) {
                    let client = executed.by.client;
                    let words = format!("{client} has added {first}, and adds the same again as {id}");
                    return Err(Broken::new([client, node], words));
                }
            }
        }
        Ok(())
    }
}
