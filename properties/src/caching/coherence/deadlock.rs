//! No deadlock: no cycle of waits, with bounded virtual channels or without.

use std::collections::BTreeMap;

use seedbed_models::caching::coherence::controller::Controller;
use seedbed_models::caching::coherence::messages::{Block, Message, MessageKind, Part, VirtualNetwork};
use seedbed_models::caching::coherence::ports::WaitReason;
use seedbed_models::caching::coherence::{Coherence, Node};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

/// There is no cycle in the waits-for graph of messages and transactions (Primer ch. 9):
///
/// - a message that stalls waits for the end of its block's transaction in that part of the node;
/// - a transaction of a cache waits for every message on its behalf, wherever it is;
/// - a transaction of a home waits for the responses that have arrived in their time, and for the forward to the owner whose data it wants;
/// - a message waits for the one before it that holds it up;
/// - a message whose handling sends into a full channel waits for the first message from its node in that channel.
///
/// A node waits for all its successors, so a cycle is a deadlock. (Broadcasts of a bus stall for nobody.)
#[derive(Clone, Copy, Debug)]
pub struct NoDeadlock;

/// A node of the waits-for graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waiter {
    /// A message in the inbox of a node, by its position.
    Message(NodeId, usize),
    /// The active transaction of a part of a node for a block.
    Transaction(NodeId, Part, Block),
}

impl Property<Coherence> for NoDeadlock {
    fn name(&self) -> String {
        "coherence/no_deadlock".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        let mut changed = world.changed().iter().filter_map(|node| world.process(*node));
        if changed.any(|process| waiting(process.inner()).next().is_some()) {
            find_cycle(world)?;
        }
        Ok(())
    }
}

fn find_cycle(world: &World<Coherence>) -> Verdict {
    let waits = graph(world);
    let Some(cycle) = cycle(&waits) else { return Ok(()) };
    let waits: Vec<String> = cycle.iter().map(|waiter| describe(world, *waiter)).collect();
    let nodes = cycle.iter().map(|waiter| match waiter {
        Waiter::Message(node, _) | Waiter::Transaction(node, ..) => *node,
    });
    let message = format!("each waits for the next, and the last for the first: {}", waits.join("; "));
    Err(Broken::new(nodes.collect::<std::collections::BTreeSet<_>>(), message))
}

fn nodes(world: &World<Coherence>) -> impl Iterator<Item = (NodeId, &Node)> {
    world.processes().map(|(node, process)| (node, process.inner()))
}

/// The waiting messages of a node, with their senders.
fn waiting(node: &Node) -> impl Iterator<Item = (NodeId, &Message, WaitReason)> {
    node.inbox().into_iter().flat_map(|inbox| inbox.waiting())
}

fn graph(world: &World<Coherence>) -> BTreeMap<Waiter, Vec<Waiter>> {
    let mut waits: BTreeMap<Waiter, Vec<Waiter>> = BTreeMap::new();
    let all: Vec<(NodeId, usize, NodeId, &Message, WaitReason)> = nodes(world)
        .flat_map(|(node, inner)| {
            waiting(inner).enumerate().map(move |(place, (from, message, why))| (node, place, from, message, why))
        })
        .collect();
    let channels = world.config().channels;
    let same_channel =
        |one: MessageKind, other: MessageKind| channels.is_some_and(|channels| channels.of(one) == channels.of(other));
    for (node, place, _, message, why) in &all {
        let waiter = Waiter::Message(*node, *place);
        let next = match why {
            WaitReason::Stalled => Some(Waiter::Transaction(*node, message.part, message.block)),
            WaitReason::HeadOfLine => held_up_by(world, *node, *place).map(|before| Waiter::Message(*node, before)),
            WaitReason::ChannelFull(to, kind) => {
                let mut full = all
                    .iter()
                    .filter(|(at, _, from, other, _)| at == to && from == node && same_channel(other.kind, *kind));
                let first = full.next().map(|(at, place, ..)| Waiter::Message(*at, *place));
                let slots = channels.map_or(usize::MAX, |channels| channels.slots.into());
                first.filter(|_| full.count() + 1 >= slots)
            }
        };
        waits.entry(waiter).or_default().extend(next);
        let whose = if message.part == Part::Home && message.kind.network() == VirtualNetwork::Response {
            // A response that stalls came before its time: it is not what the home waits for.
            (*why != WaitReason::Stalled).then_some(Waiter::Transaction(*node, Part::Home, message.block))
        } else {
            Some(Waiter::Transaction(message.requestor, Part::Cache, message.block))
        };
        if let Some(whose) = whose {
            waits.entry(whose).or_default().push(waiter);
        }
        if message.kind == MessageKind::FwdGetS && world.config().protocol.has_home() {
            let home = world.config().homes().of(message.block);
            waits.entry(Waiter::Transaction(home, Part::Home, message.block)).or_default().push(waiter);
        }
    }
    waits.retain(|waiter, _| match waiter {
        Waiter::Transaction(node, part, block) => {
            controller(world, *node, *part).is_some_and(|c| c.is_transient(*block))
        }
        Waiter::Message(..) => true,
    });
    waits
}

/// The place of the message that holds one up.
fn held_up_by(world: &World<Coherence>, node: NodeId, place: usize) -> Option<usize> {
    world.process(node)?.inner().inbox()?.held_up_by(place)
}

fn controller(world: &World<Coherence>, node: NodeId, part: Part) -> Option<&Controller> {
    let inner = world.process(node)?.inner();
    if part == Part::Cache { inner.cache() } else { inner.home_controller() }
}

/// A cycle, if there is one, by depth-first search.
fn cycle(waits: &BTreeMap<Waiter, Vec<Waiter>>) -> Option<Vec<Waiter>> {
    let mut done = std::collections::BTreeSet::new();
    for start in waits.keys() {
        let mut path: Vec<(Waiter, usize)> = vec![(*start, 0)];
        while let Some((waiter, next)) = path.last_mut() {
            let Some(to) = waits.get(waiter).and_then(|to| to.get(*next)).copied() else {
                done.insert(*waiter);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(place) = path.iter().position(|(on_path, _)| *on_path == to) {
                return Some(path[place..].iter().map(|(waiter, _)| *waiter).collect());
            }
            if !done.contains(&to) && waits.contains_key(&to) {
                path.push((to, 0));
            }
        }
    }
    None
}

fn describe(world: &World<Coherence>, waiter: Waiter) -> String {
    let inner = |node: NodeId| world.process(node).map(|process| process.inner()).expect("it waits there");
    match waiter {
        Waiter::Message(node, place) => {
            let (from, message, why) = waiting(inner(node)).nth(place).expect("it waits there");
            let why = match why {
                WaitReason::Stalled => "stalls".to_string(),
                WaitReason::HeadOfLine => "waits behind another in its channel".to_string(),
                WaitReason::ChannelFull(to, kind) => format!("has no room for a {kind:?} to {to}"),
            };
            format!("{message:?} from {from} {why} at {node}")
        }
        Waiter::Transaction(node, part, block) => {
            let state =
                controller(world, node, part).map_or("", |part| part.table().state_name(part.line(block).state));
            format!("{node} has {block} in {state}")
        }
    }
}
