//! S1, S3, S4, S5 of the lock's own books: it is granted when it is free, only the holder releases, as often as it has
//! acquired, and the queue is in order.

use seedbed_models::caching::lock::on_raft::machine::Change;
use seedbed_models::caching::lock::redlock::{LOCK, acquisition_of};
use seedbed_models::caching::lock::{Lock, Node, Token, Transition};
use seedbed_models::parts::redis::Caller;
use seedbed_models::parts::redis::dataset::Effect;
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use crate::checkers::judge::{Judge as _, NewEntries, journal};
use crate::checkers::mutual_exclusion::{Event, Lock as Judge, Rule};

/// One node's view of the lock, in one of its lives.
type View = (NodeId, u32);

/// S3: a key is deleted only for the acquisition that set it, on whichever server. One client's are told apart: its late release
/// must not delete its next lock.
pub fn only_holder_releases_on_redis() -> impl Property<Lock> + Clone + Send + Sync {
    let keys = |world: &World<Lock>, node: NodeId, effect: &Effect| {
        let resource: View = (node, world.life(node));
        let of = |caller: Caller| acquisition_of(caller.request).0;
        match *effect {
            Effect::Put(LOCK, entry) => Some(Event::Entered { resource, by: of(entry.by), depth: 1 }),
            Effect::Deleted(LOCK, by) => Some(Event::Left { resource, by: of(by), depth: 0 }),
            Effect::Expired(LOCK) => Some(Event::Expired { resource }),
            _ => None,
        }
    };
    journal("lock/only_holder_releases", Judge::judging(Rule::OnlyHolderReleases), redis_journal, keys)
}

/// S1 at a server: it does not grant the lock while it is granted to another, until that one's key is deleted or has expired.
/// This needs no clock, so it is checked under every class of faults, and where tokens are relied on too.
pub fn granted_when_free_on_redis() -> impl Property<Lock> + Clone + Send + Sync {
    let keys = |world: &World<Lock>, node: NodeId, effect: &Effect| {
        let resource: View = (node, world.life(node));
        match *effect {
            Effect::Put(LOCK, entry) => Some(Event::Entered { resource, by: entry.by.request, depth: 1 }),
            Effect::Deleted(LOCK, _) | Effect::Expired(LOCK) => Some(Event::Expired { resource }),
            _ => None,
        }
    };
    journal("lock/granted_when_free", Judge::judging(Rule::Exclusion), redis_journal, keys)
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

/// S4: a client leaves as often as it enters, by its own counts of entries, and before it asks for the lock again.
#[derive(Clone)]
pub struct CountsBalance {
    judge: Judge<View, u64>,
    /// The acquisition under which each client is inside.
    inside: PerLife<Option<u64>>,
    new_entries: NewEntries,
}

impl Default for CountsBalance {
    fn default() -> Self {
        let judge = Judge::judging(Rule::Balanced);
        CountsBalance { judge, inside: PerLife::default(), new_entries: NewEntries::default() }
    }
}

impl Property<Lock> for CountsBalance {
    fn name(&self) -> String {
        "lock/counts_balance".into()
    }

    fn after_event(&mut self, world: &World<Lock>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}

impl CountsBalance {
    fn look(&mut self, world: &World<Lock>, node: NodeId) -> Verdict {
        let resource: View = (node, world.life(node));
        let news = self.new_entries.of(world, node, client_journal(world, node))?;
        for transition in news {
            let inside = self.inside.of(world, node);
            match *transition {
                Transition::Requested(_) => {
                    if let Some(still) = inside {
                        let words =
                            format!("{node} asks for the lock, and has not left as often as it entered for {still}");
                        return Err(Broken::new([node], words));
                    }
                }
                Transition::Entered { acquisition, depth, .. } => {
                    *inside = Some(acquisition.0);
                    self.judge.observe(Event::Entered { resource, by: acquisition.0, depth })?;
                }
                Transition::Left { acquisition, depth } => {
                    *inside = inside.filter(|_| depth > 0);
                    self.judge.observe(Event::Left { resource, by: acquisition.0, depth })?;
                }
                Transition::Lost(_) => {
                    *inside = None;
                    self.judge.observe(Event::Expired { resource })?;
                }
            }
        }
        Ok(())
    }
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
