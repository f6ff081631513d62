//! S3 and S6: the directory's state agrees with the caches.

use seedbed_models::caching::coherence::bus::Bus;
use seedbed_models::caching::coherence::controller::{Controller, Permission};
use seedbed_models::caching::coherence::messages::{Block, NodeSet};
use seedbed_models::caching::coherence::{Coherence, Interconnect, Node, Protocol};
use seedbed_models::parts::link::Segment;
use seedbed_sim::{Broken, Invariant, NodeId, Property, Verdict, World};

/// S3: the directory agrees with the caches, up to messages in flight. Of each cache: while neither it nor the home is in a
/// transient state for a block, and no message about the block is on its way from it or to it, the home knows whether it is the
/// owner, and whether it shares the block. (Where links are reliable by sending again, what is on its way is not told apart from
/// what has arrived; and on a bus the order of broadcasts says what the home knows.)
///
/// And of all of them: while a block is quiescent, its home knows its owner and, if it counts them, its sharers; and without an owner
/// that has changed the block, memory has the data of the sharers. A block is *quiescent* if no cache and no home is in
/// a transient state for it and no message of it waits at any node; in all these protocols every message is awaited by
/// a node in a transient state, so none is in flight. On a bus all controllers must also have snooped all broadcasts.
pub fn directory_agrees() -> impl Property<Coherence> + Clone + Send + Sync {
    Invariant::new("coherence/directory_agrees", |world: &World<Coherence>| {
        if !world.config().protocol.has_home() || is_behind(world) {
            return Ok(());
        }
        let changed = world.changed().iter().filter_map(|node| world.process(*node));
        let here = changed.filter_map(|process| process.inner().controllers().next());
        // Blocks in a transient state here are judged later; the others may have become quiescent just now.
        let mut at_rest = here.flat_map(|here| here.lines().filter(|(block, _)| !here.is_transient(*block)));
        at_rest.try_for_each(|(block, _)| {
            one_by_one(world, block)?;
            agree(world, block)
        })
    })
}

/// Each cache about which nothing is in flight agrees with the home.
fn one_by_one(world: &World<Coherence>, block: Block) -> Verdict {
    let config = world.config();
    let Some((at, home)) = home(world, block) else { return Ok(()) };
    if config.linked || config.has_bus() || home.is_transient(block) {
        return Ok(());
    }
    let concerned = concerned(world, block);
    let line = home.line(block);
    for (node, cache) in caches(world) {
        if concerned.has(node) || cache.is_transient(block) {
            continue;
        }
        let owns = cache.table().owns(cache.line(block).state);
        let shares = cache.has(block) && !owns;
        let counted = line.sharers.has(node) && line.owner != Some(node);
        if owns != (line.owner == Some(node)) || (counts_sharers(config) && shares != counted) {
            let (state, known) = (state(cache, block), state(home, block));
            let message = format!(
                "{node} has {block} in {state}, with nothing on its way; {at}, which has it in {known}, takes {:?} for the \
                 owner and {:?} for the sharers",
                line.owner, line.sharers
            );
            return Err(Broken::new([node, at], message));
        }
    }
    Ok(())
}

/// The nodes from which or to which a message about a block is on its way, waits, or is delayed before it is sent.
fn concerned(world: &World<Coherence>, block: Block) -> NodeSet {
    let mut concerned = NodeSet::default();
    for (from, to, segment) in world.in_flight() {
        if let Segment::Bare(message) = segment
            && message.block == block
        {
            concerned = concerned.with(from).with(to);
        }
    }
    for (node, process) in world.processes() {
        let Some(ports) = process.inner().ports() else { continue };
        for (other, message) in ports.inbox().waiting().map(|(from, message, _)| (from, message)).chain(ports.delayed())
        {
            if message.block == block {
                concerned = concerned.with(node).with(other);
            }
        }
    }
    concerned
}

/// S6: the directory is inclusive: if a cache lets its core read or write a block, the home knows that, or a node that
/// waits for the block is about to learn it; and a cache holds no more blocks than its capacity.
pub fn inclusion() -> impl Property<Coherence> + Clone + Send + Sync {
    Invariant::new("coherence/inclusion", |world: &World<Coherence>| {
        world.changed().iter().try_for_each(|node| includes(world, *node))
    })
}

fn includes(world: &World<Coherence>, node: NodeId) -> Verdict {
    let Some(processor) = world.process(node).and_then(|process| process.inner().processor()) else { return Ok(()) };
    let cache = processor.cache();
    let held = cache.lines().filter(|(block, _)| cache.has(*block)).count();
    let room = processor.capacity();
    if held > room {
        return Err(Broken::new([node], format!("{node} holds {held} blocks and has room for {room}")));
    }
    if !counts_sharers(world.config()) {
        return Ok(());
    }
    cache.lines().try_for_each(|(block, _)| known_to_home(world, node, cache, block))
}

/// Whether the home tracks each sharer: on a bus it does not, and IVY without managers has no home.
fn counts_sharers(config: &Coherence) -> bool {
    config.interconnect != Interconnect::Bus && config.protocol.has_home()
}

fn caches(world: &World<Coherence>) -> impl Iterator<Item = (NodeId, &Controller)> {
    world.processes().filter_map(|(node, process)| Some((node, process.inner().cache()?)))
}

fn home(world: &World<Coherence>, block: Block) -> Option<(NodeId, &Controller)> {
    let node = world.config().homes().of(block);
    Some((node, world.process(node)?.inner().home_controller()?))
}

fn known_to_home(world: &World<Coherence>, node: NodeId, cache: &Controller, block: Block) -> Verdict {
    if cache.permission(block) == Permission::None || cache.is_transient(block) {
        return Ok(());
    }
    let Some((at, home)) = home(world, block) else { return Ok(()) };
    let line = home.line(block);
    if line.owner == Some(node) || line.sharers.has(node) || home.is_transient(block) {
        return Ok(());
    }
    let others_wait = caches(world).any(|(other, cache)| other != node && cache.is_transient(block));
    if others_wait {
        return Ok(());
    }
    let (state, known) = (state(cache, block), state(home, block));
    let message = format!("{node} has {block} in {state}, and {at}, which has it in {known}, does not know");
    Err(Broken::new([node, at], message))
}

fn state(controller: &Controller, block: Block) -> String {
    controller.table().state_name(controller.line(block).state).to_string()
}

fn agree(world: &World<Coherence>, block: Block) -> Verdict {
    let Some((at, home)) = home(world, block) else { return Ok(()) };
    if home.is_transient(block) || !is_quiet(world, block) {
        return Ok(());
    }
    let line = home.line(block);
    let owns = |(_, cache): &(NodeId, &Controller)| cache.table().owns(cache.line(block).state);
    let owners: NodeSet = caches(world).filter(owns).map(|(node, _)| node).collect();
    if owners != line.owner.into_iter().collect() {
        let message = format!("{at} has {:?} as the owner of {block}; the caches say {owners:?}", line.owner);
        return Err(Broken::new(owners.iter().chain([at]), message));
    }
    let holders = caches(world).filter(|(node, cache)| cache.has(block) && Some(*node) != line.owner);
    let holders: NodeSet = holders.map(|(node, _)| node).collect();
    let known = line.sharers;
    if counts_sharers(world.config()) && holders != known {
        let message = format!("{at} has {known:?} as the sharers of {block}; those who have copies are {holders:?}");
        return Err(Broken::new(holders.iter().chain([at]), message));
    }
    let stale = |(_, cache): &(NodeId, &Controller)| cache.has(block) && cache.line(block).data != line.data;
    // German's home gets no data from readers, and IVY's manager has none.
    let has_data = world.config().protocol != Protocol::IvyFixed;
    if line.owner.is_some() || !has_data {
        return Ok(());
    }
    match caches(world).find(stale) {
        Some((node, cache)) => {
            let (here, there) = (line.data, cache.line(block).data);
            Err(Broken::new([node, at], format!("nobody owns {block}; memory has {here} and {node} has {there}")))
        }
        None => Ok(()),
    }
}

/// Whether a block is quiescent.
fn is_quiet(world: &World<Coherence>, block: Block) -> bool {
    world.processes().map(|(_, process)| process.inner()).all(|node| {
        let transient = node.cache().is_some_and(|cache| cache.is_transient(block));
        !transient && !node.inbox().is_some_and(|inbox| inbox.has(block))
    })
}

/// Whether a controller has not snooped all broadcasts of the bus.
fn is_behind(world: &World<Coherence>) -> bool {
    if !world.config().has_bus() {
        return false;
    }
    let nodes = || world.processes().map(|(_, process)| process.inner());
    let time = nodes().filter_map(Node::bus).map(Bus::time).max().unwrap_or(0);
    nodes().flat_map(Node::controllers).any(|controller| controller.bus_time() < time)
}
