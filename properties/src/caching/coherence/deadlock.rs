//! No deadlock with bounded virtual channels: no cycle of waits.

use std::collections::BTreeMap;

use seedbed_models::caching::coherence::messages::{Block, Message, Part, VirtualNetwork};
use seedbed_models::caching::coherence::ports::WaitReason;
use seedbed_models::caching::coherence::{Coherence, Node};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

/// There is no cycle in the waits-for graph of messages and transactions (Primer ch. 9):
///
/// - a message that stalls waits for the end of its block's transaction at that node;
/// - a transaction waits for every message on its behalf, wherever it is; the home waits for responses that have
///   arrived;
/// - a message waits for the one before it in its channel;
/// - a message whose handling sends into a full channel waits for the first message from its node in that channel.
///
/// A node waits for all its successors, so a cycle is a deadlock. It is looked for only if channels are bounded.
#[derive(Clone, Copy, Debug)]
pub struct NoDeadlock;

/// A node of the waits-for graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Waiter {
    /// A message in the inbox of a node, by its position.
    Message(NodeId, usize),
    /// The active transaction of a node for a block.
    Transaction(NodeId, Block),
}

impl Property<Coherence> for NoDeadlock {
    fn name(&self) -> String {
        "coherence/no_deadlock".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Coherence>) -> Verdict {
        if world.config().channels.is_none() {
            return Ok(());
        }
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
        Waiter::Message(node, _) | Waiter::Transaction(node, _) => *node,
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
    let channels = world.config().channels.expect("they are bounded");
    for (node, place, _, message, why) in &all {
        let waiter = Waiter::Message(*node, *place);
        let next = match why {
            WaitReason::Stalled => Some(Waiter::Transaction(*node, message.block)),
            WaitReason::HeadOfLine => {
                let mut before = all
                    .iter()
                    .filter(|(at, _, _, other, _)| at == node && channels.of(other.kind) == channels.of(message.kind));
                before.next().map(|(at, place, ..)| Waiter::Message(*at, *place))
            }
            WaitReason::ChannelFull(to, kind) => {
                let mut full = all.iter().filter(|(at, _, from, other, _)| {
                    at == to && from == node && channels.of(other.kind) == channels.of(*kind)
                });
                let first = full.next().map(|(at, place, ..)| Waiter::Message(*at, *place));
                first.filter(|_| full.count() + 1 >= channels.slots.into())
            }
        };
        waits.entry(waiter).or_default().extend(next);
        let at_home = message.part == Part::Home && message.kind.network() == VirtualNetwork::Response;
        let whose = if at_home { *node } else { message.requestor };
        waits.entry(Waiter::Transaction(whose, message.block)).or_default().push(waiter);
    }
    waits.retain(|waiter, _| match waiter {
        Waiter::Transaction(node, block) => is_transient(world, *node, *block),
        Waiter::Message(..) => true,
    });
    waits
}

fn is_transient(world: &World<Coherence>, node: NodeId, block: Block) -> bool {
    let Some(inner) = world.process(node).map(|process| process.inner()) else { return false };
    inner.controllers().any(|controller| controller.is_transient(block))
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
        Waiter::Transaction(node, block) => {
            let transient = inner(node).controllers().find(|controller| controller.is_transient(block));
            let state = transient.map_or("", |part| part.table().state_name(part.line(block).state));
            format!("{node} has {block} in {state}")
        }
    }
}
