//! S3, S4, S5: only the holder releases, as often as it has acquired, and the queue is in order.

use seedbed_models::caching::lock::on_raft::machine::Change;
use seedbed_models::caching::lock::redlock::LOCK;
use seedbed_models::caching::lock::{Lock, Node, Token, Transition};
use seedbed_models::parts::redis::dataset::Effect;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::judge::{NewEntries, journal};
use crate::checkers::mutual_exclusion::{Event, Lock as Judge, Rule};

/// One node's view of the lock, in one of its lives.
type View = (NodeId, u32);

/// S3: a key is deleted only by the client that set it, on whichever server.
pub fn only_holder_releases_on_redis() -> impl Property<Lock> + Clone + Send + Sync {
    let keys = |world: &World<Lock>, node: NodeId, effect: &Effect| {
        let resource: View = (node, world.life(node));
        match *effect {
            Effect::Put(LOCK, entry) => Some(Event::Entered { resource, by: entry.by, depth: 1 }),
            Effect::Deleted(LOCK, by) => Some(Event::Left { resource, by, depth: 0 }),
            Effect::Expired(LOCK) => Some(Event::Expired { resource }),
            _ => None,
        }
    };
    journal("lock/only_holder_releases", Judge::judging(Rule::OnlyHolderReleases), redis_journal, keys)
}

fn redis_journal(world: &World<Lock>, node: NodeId) -> &[Effect] {
    world.process(node).and_then(Node::redis_server).map_or(&[], |server| server.journal())
}

/// S3 and S5 of the queue on Raft, as each server has executed it: the lease of the first key has the lock, in the
/// order of creation.
pub fn queue_in_order() -> impl Property<Lock> + Clone + Send + Sync {
    let changes = |world: &World<Lock>, node: NodeId, change: &Change| {
        let resource: View = (node, world.life(node));
        match *change {
            Change::Queued(_, lease) => vec![Event::Asked { resource, by: lease.0 }],
            // Only the first key can have had the lock: it enters and leaves.
            Change::Deleted(_, lease) => vec![
                Event::Entered { resource, by: lease.0, depth: 1 },
                Event::Left { resource, by: lease.0, depth: 0 },
            ],
            Change::Expired(_, lease) => vec![Event::Withdrew { resource, by: lease.0 }],
        }
    };
    journal("lock/queue_in_order", Judge::judging(Rule::InOrder), queue_journal, changes)
}

fn queue_journal(world: &World<Lock>, node: NodeId) -> &[Change] {
    world.process(node).and_then(Node::service).map_or(&[], |service| service.server().machine().changes())
}

/// S4: a client leaves as often as it enters, by its own counts of entries.
pub fn counts_balance() -> impl Property<Lock> + Clone + Send + Sync {
    let steps = |world: &World<Lock>, node: NodeId, transition: &Transition| {
        let resource: View = (node, world.life(node));
        match *transition {
            Transition::Requested(_) => None,
            Transition::Entered { acquisition, depth, .. } => {
                Some(Event::Entered { resource, by: acquisition.0, depth })
            }
            Transition::Left { acquisition, depth } => Some(Event::Left { resource, by: acquisition.0, depth }),
            Transition::Lost(_) => Some(Event::Expired { resource }),
        }
    };
    journal("lock/counts_balance", Judge::judging(Rule::Balanced), client_journal, steps)
}

fn client_journal(world: &World<Lock>, node: NodeId) -> &[Transition] {
    world.process(node).and_then(Node::client).map_or(&[], |client| client.journal())
}

/// S5: queues grant the lock in the order of tickets: of the revisions that created the keys, or of timestamps. Checked
/// if the lock alone is relied on.
#[derive(Clone, Debug, Default)]
pub struct GrantedInOrder {
    last: Option<(NodeId, Token)>,
    new_entries: NewEntries,
}

impl Property<Lock> for GrantedInOrder {
    fn name(&self) -> String {
        "lock/granted_in_order".into()
    }

    fn after_event(&mut self, world: &World<Lock>) -> Verdict {
        if !world.config().kind.is_queue() || !world.config().promises_exclusion() {
            return Ok(());
        }
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}

impl GrantedInOrder {
    fn look(&mut self, world: &World<Lock>, node: NodeId) -> Verdict {
        for transition in self.new_entries.of(world, node, client_journal(world, node))? {
            let Transition::Entered { depth: 1, token, .. } = *transition else { continue };
            if let Some((before, last)) = self.last.filter(|(_, last)| token <= *last) {
                let words = format!("{node} enters with {token:?}, after {before} has entered with {last:?}");
                return Err(Broken::new([before, node], words));
            }
            self.last = Some((node, token));
        }
        Ok(())
    }
}
