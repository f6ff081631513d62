//! L: locks are freed, and everybody gets one.

use seedbed_models::lock::redlock::LOCK;
use seedbed_models::lock::{Kind, Lock, Node};
use seedbed_sim::{AtEnd, Broken, NodeId, Property, Span, Verdict, World};

/// Within this long after the world has healed, or after it was asked if that is later, an operation ends. Each of the four
/// clients may have one open and several that wait behind it; a lease of the longest sort may have to run out first, and a
/// leader to be elected.
pub const SERVED_WITHIN: Span = Span::ms(3_000);

/// How much longer than its time to live a dead holder's lock is kept: until the server that keeps it is up and looks.
pub const FREED_WITHIN: Span = Span::ms(1_000);

/// Nobody starves: whoever asks and lives is served.
pub fn everybody_served() -> impl Property<Lock> + Clone + Send + Sync {
    AtEnd::liveness("lock/everybody_served", |world: &World<Lock>| {
        let phases = &world.scenario().phases;
        for (node, process) in world.processes() {
            let Some(open) = process.client().and_then(|client| client.open()) else { continue };
            let asked = world.history().invocations().iter().find(|invocation| invocation.id == open);
            let Some(asked) = asked.map(|invocation| invocation.invoked) else { continue };
            if phases.end_at().since(asked.max(phases.heal_at())) >= SERVED_WITHIN && possible(world) {
                return Err(Broken::new([node], format!("{node} waits for the lock since {asked}")));
            }
        }
        Ok(())
    })
}

/// Whether the nodes are there that the lock needs: a trace that was shrunk may lack some.
fn possible(world: &World<Lock>) -> bool {
    let up = |node: u16| world.process(NodeId(node)).is_some();
    let servers = (0..seedbed_models::lock::SERVERS).filter(|node| up(*node)).count();
    let enough = match world.config().kind {
        Kind::Redis => up(0),
        Kind::RedisFailover => up(0) && up(1) && up(2) && up(3),
        Kind::Redlock => servers >= 3,
        Kind::Raft => servers >= 1,
        Kind::SuzukiKasami | Kind::RicartAgrawala | Kind::Maekawa => true,
    };
    enough && world.process(seedbed_models::lock::RESOURCE).is_some()
}

/// A lock whose holder has crashed, or has forgotten it, is free in the end: no server keeps it for longer than its time to
/// live and [`FREED_WITHIN`].
pub fn freed_after_crash() -> impl Property<Lock> + Clone + Send + Sync {
    AtEnd::liveness("lock/freed_after_crash", |world: &World<Lock>| {
        let phases = &world.scenario().phases;
        if phases.settle < world.config().terms.ttl + FREED_WITHIN {
            return Ok(());
        }
        world.processes().try_for_each(|(node, process)| kept_for_nobody(world, node, process))
    })
}

/// A server keeps a lock that its client does not know of, and that has no end.
fn kept_for_nobody(world: &World<Lock>, node: NodeId, process: &Node) -> Verdict {
    let idle = |client: NodeId| {
        let client = world.process(client).and_then(Node::client);
        client.is_none_or(|client| client.open().is_none())
    };
    if let Some(entry) = process.redis().and_then(|server| server.data().get(LOCK)) {
        let over = entry.expires.is_none_or(|at| world.clock(node).since(at) > FREED_WITHIN);
        if over && idle(entry.by) {
            let words = format!("{node} keeps the lock for {}, who holds nothing, and no time ends it", entry.by);
            return Err(Broken::new([node, entry.by], words));
        }
    }
    if let Some(service) = process.service().filter(|service| service.server().leads()) {
        let known = |lease| {
            let mut clients = world.processes().filter_map(|(_, process)| process.client());
            clients.any(|client| client.taker().lease() == Some(lease) && client.open().is_some())
        };
        if let Some((key, lease)) = service.server().machine().queue().find(|(_, lease)| !known(*lease)) {
            let words = format!("the group keeps key {key:?} of {lease:?}, which nobody has");
            return Err(Broken::new([node], words));
        }
    }
    Ok(())
}
