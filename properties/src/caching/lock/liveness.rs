//! L: locks are freed, and every client gets one.

use std::collections::BTreeMap;

use seedbed_models::caching::lock::on_raft::{LeaseId, Revision};
use seedbed_models::caching::lock::redlock::LOCK;
use seedbed_models::caching::lock::{Client, Kind, Lock, Mutex, Node, RESOURCE};
use seedbed_models::parts::redis::Value;
use seedbed_models::parts::redis::server::Role;
use seedbed_sim::{AtEnd, Broken, NodeId, Property, Span, Time, Verdict, World};

/// The time within which an operation ends after the world has healed, or after its invocation if that is later. All other
/// clients may each go first, with seven steps and as many writes to a slow disk; the longest lease may have to expire
/// before, and a leader be elected.
pub fn served_within(config: &Lock) -> Span {
    Span::ms(1_050) + Span::ms(1_150) * u64::from(config.clients.saturating_sub(1))
}

/// How long after its time to live a dead holder's lock may be kept: until the server that keeps it is up and checks.
pub const FREED_WITHIN: Span = Span::ms(1_000);

/// A fair lock is free of starvation: every client that requests it and does not crash is served. The locks on Redis
/// are not fair: there it is enough that some client is served (deadlock freedom).
pub fn everybody_served() -> impl Property<Lock> + Clone + Send + Sync {
    AtEnd::liveness("lock/everybody_served", |world: &World<Lock>| {
        let phases = &world.scenario().phases;
        for (node, asked) in world.outstanding().map(|invocation| (invocation.client, invocation.invoked)) {
            let others = world.history().invocations().iter().filter_map(|invocation| invocation.ended()).max();
            let since = if world.config().kind.is_fair() { asked } else { asked.max(others.unwrap_or_default()) };
            let waited = phases.end_at().since(since.max(phases.heal_at()));
            if waited >= served_within(world.config()) && world.config().promises_progress() && possible(world) {
                return Err(Broken::new([node], format!("{node} waits for the lock since {asked}")));
            }
        }
        Ok(())
    })
}

/// Whether the nodes that the lock needs are present: a shrunk trace may lack some.
fn possible(world: &World<Lock>) -> bool {
    let up = |node: u16| world.process(NodeId(node)).is_some();
    let of = world.config().servers;
    let servers = (0..of).filter(|node| up(*node)).count();
    let enough = match world.config().kind {
        Kind::Redis => up(0),
        Kind::RedisFailover => up(0) && up(1) && up(2) && up(3),
        Kind::Redlock => servers > usize::from(of / 2),
        Kind::Raft => servers >= 1,
        Kind::SuzukiKasami | Kind::RicartAgrawala | Kind::Maekawa => true,
    };
    enough && world.process(RESOURCE).is_some()
}

/// In a healed world, a lock whose holder has crashed or has forgotten it is free within its time to live and
/// [`FREED_WITHIN`].
#[derive(Clone, Debug, Default)]
pub struct FreedAfterCrash {
    /// Orphaned locks, and since when they are.
    kept: BTreeMap<Kept, Time>,
}

/// Where a lock is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    /// On a Redis server, with this value, for a client.
    Redis(NodeId, Value, NodeId),
    /// In the Raft group.
    Raft(Revision, LeaseId),
}

impl Property<Lock> for FreedAfterCrash {
    fn name(&self) -> String {
        "lock/freed_after_crash".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Lock>) -> Verdict {
        if world.healed() && world.config().kind.is_leased() { self.check(world) } else { Ok(()) }
    }

    fn at_end(&mut self, world: &World<Lock>) -> Verdict {
        self.after_event(world)
    }
}

impl FreedAfterCrash {
    fn check(&mut self, world: &World<Lock>) -> Verdict {
        let now = kept_for_nobody(world);
        self.kept.retain(|kept, _| now.contains(kept));
        for kept in now {
            let since = *self.kept.entry(kept).or_insert(world.now());
            if world.now().since(since) > world.config().lease.ttl + FREED_WITHIN {
                let (nodes, words) = match kept {
                    Kept::Redis(server, _, client) => {
                        (vec![server, client], format!("{server} keeps the lock for {client}"))
                    }
                    Kept::Raft(key, lease) => (Vec::new(), format!("the group keeps {key:?} of {lease:?}")),
                };
                return Err(Broken::new(nodes, format!("{words}, and nobody wants it since {since}")));
            }
        }
        Ok(())
    }
}

/// Orphaned locks: those that no client knows to hold.
fn kept_for_nobody(world: &World<Lock>) -> Vec<Kept> {
    let mutex = |client: NodeId| world.process(client).and_then(Node::client).map(Client::mutex);
    let mut kept = Vec::new();
    for (node, process) in world.processes() {
        if let Some(server) = process.redis_server().filter(|server| server.role() == Role::Master)
            && let Some(entry) = server.data().get(LOCK)
            && mutex(entry.by.client).and_then(Mutex::value) != Some(entry.value)
        {
            kept.push(Kept::Redis(node, entry.value, entry.by.client));
        }
        if let Some(service) = process.service().filter(|service| service.server().is_leader()) {
            let known = |lease| {
                world
                    .processes()
                    .filter_map(|(_, process)| process.client())
                    .any(|client| client.outstanding().is_some() && client.mutex().lease() == Some(lease))
            };
            let unknown = service.server().machine().queue().filter(|(_, lease)| !known(*lease));
            kept.extend(unknown.map(|(key, lease)| Kept::Raft(key, lease)));
        }
    }
    kept
}
