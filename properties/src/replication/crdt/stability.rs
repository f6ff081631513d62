//! S5, garbage collection: when tombstones and messages are removed, and that none are left at the end.

use std::collections::BTreeMap;

use seedbed_models::replication::crdt::clock::{Dot, ReplicaId};
use seedbed_models::replication::crdt::ghost::{Entry, Updates};
use seedbed_models::replication::crdt::replica::FILE;
use seedbed_models::replication::crdt::{Crdt, Kind, Replica, Style};
use seedbed_sim::{Broken, NodeId, OpId, Property, Verdict, World};

use super::execution::Execution;

/// S5: a tombstone, or a message kept for others, is removed only when every member has its update. Members that are
/// down count; those with an empty disk do not. To have an update is to have it on disk: a member that comes back with its
/// disk still has what others have forgotten.
#[derive(Clone, Debug, Default)]
pub struct TombstonesStay {
    execution: Execution,
    /// By member: its updates when it was last up.
    members: BTreeMap<NodeId, Updates>,
    /// By member: its life when it was last up, and its name then.
    lives: BTreeMap<NodeId, (u32, Option<ReplicaId>)>,
    /// By node: which updates it has forgotten, of those that it has.
    forgotten: BTreeMap<NodeId, Updates>,
}

impl TombstonesStay {
    /// The update with this dot: the last one, if a crash lost another before it was sent.
    fn update(&self, dot: &Dot) -> Option<OpId> {
        let named = self.execution.events().filter(|(_, event)| event.stamp.dot == *dot);
        named.max_by_key(|(_, event)| event.at).map(|(op, _)| op)
    }

    /// A member that has come back with its disk has what others had forgotten by then.
    fn came_back(&mut self, world: &World<Crdt>, node: NodeId, replica: &Replica) -> Verdict {
        let now = (world.life(node), replica.id());
        let before = self.lives.insert(node, now);
        if before.is_none_or(|before| before == now || before.1 != now.1) {
            return Ok(());
        }
        let seen = &replica.ghost().seen;
        // What was forgotten on a disk that is lost nobody builds on any more.
        let of_others =
            self.forgotten.iter().filter(|(other, _)| **other != node && !world.disk(**other, FILE).is_empty());
        let lost = of_others.into_iter().find(|(_, gone)| !seen.includes(gone));
        lost.map_or(Ok(()), |(other, gone)| {
            let words = format!(
                "{node} has come back with {seen:?}; {other} has forgotten {gone:?}, which members are to have"
            );
            Err(Broken::new([*other, node], words))
        })
    }

    /// A replica that has lost its disk, or begins again from nothing, has forgotten nothing of what it has.
    fn starts_from(&mut self, node: NodeId, seen: &Updates) {
        let Some(gone) = self.forgotten.get_mut(&node).filter(|gone| !seen.includes(gone)) else { return };
        let mut still = Updates::default();
        gone.iter().filter(|op| seen.contains(*op)).for_each(|op| still.insert(op));
        *gone = still;
    }

    fn judge(&mut self, world: &World<Crdt>, node: NodeId, dot: &Dot) -> Verdict {
        let Some(op) = self.update(dot) else {
            return Err(Broken::new([node], format!("{node} forgets {dot:?}, an update that nobody has made")));
        };
        let others = self.members.iter().filter(|(other, _)| **other != node && !world.disk(**other, FILE).is_empty());
        for (other, seen) in others {
            if !seen.contains(op) {
                let words = format!("{node} forgets what {dot:?} removed or did; {other} does not have it yet");
                return Err(Broken::new([node, *other], words));
            }
        }
        self.forgotten.entry(node).or_default().insert(op);
        Ok(())
    }
}

impl Property<Crdt> for TombstonesStay {
    fn name(&self) -> String {
        "crdt/tombstones_stay".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        if !world.config().forgets {
            return Ok(());
        }
        for &node in world.changed() {
            let Some(replica) = world.process(node) else { continue };
            let entries = self.execution.look(world, node)?.map_or(&[][..], |changed| changed.entries);
            self.starts_from(node, &replica.ghost().seen);
            if replica.is_member() {
                self.came_back(world, node, replica)?;
                self.members.insert(node, replica.ghost().seen.clone());
            } else {
                self.members.remove(&node);
            }
            for entry in entries {
                if let Entry::Forgot(dots) = entry {
                    dots.iter().try_for_each(|dot| self.judge(world, node, dot))?;
                }
            }
        }
        Ok(())
    }
}

/// If replicas collect garbage, none is left at the end: no message, and no tombstone but those of a 2P-Set, which are
/// permanent.
pub fn nothing_is_kept(world: &World<Crdt>) -> Verdict {
    let Crdt { kind, style, forgets, .. } = world.config();
    if !forgets || *style != Style::Operation {
        return Ok(());
    }
    for (node, replica) in world.processes() {
        let Replica::Operation(replica) = replica else { continue };
        let broadcast = replica.broadcast();
        let tombstones = if *kind == Kind::TwoPhaseSet { 0 } else { replica.payload().weight().tombstones };
        let (kept, waiting) = (broadcast.log().len(), broadcast.waiting());
        if (kept, waiting, tombstones) != (0, 0, 0) {
            let words = format!(
                "{node} still has {kept} messages, {waiting} that wait, and {tombstones} tombstones: {:?}",
                replica.payload()
            );
            return Err(Broken::new([node], words));
        }
    }
    Ok(())
}
