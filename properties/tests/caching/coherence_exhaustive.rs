//! The directories, exhaustively: every state that few caches and one block can reach, in any order of messages that the
//! network allows. Sweeps try large worlds at random; here nothing of a small one is left out.
//!
//! Cores may ask for anything at any time, and what waits may be tried at any time, so all that a node does is among what
//! is tried here. What a block holds is told apart only as far as it matters: it is what was last written, or it is not.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use seedbed_models::caching::coherence::controller::{Access, Controller, CoreRequest, Handled, Homes, Permission};
use seedbed_models::caching::coherence::messages::{Block, Data, Message, Part, VirtualNetwork};
use seedbed_models::caching::coherence::protocol::tables;
use seedbed_models::caching::coherence::{HOME, Interconnect, Protocol};
use seedbed_sim::NodeId;

const X: Block = Block(0);

/// A message on its way, and from whom to whom.
type Sent = (NodeId, NodeId, Message);

/// A home, caches, and what is on its way between them, the oldest first.
#[derive(Clone)]
struct Small {
    home: Controller,
    caches: Vec<Controller>,
    sent: Vec<Sent>,
    /// What was written last.
    last: Data,
    /// Whether forwards keep their order.
    ordered: bool,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    /// Two may write, or one may write and another read.
    Writers,
    /// A read gives something else than what was last written.
    Value,
    /// What the table calls impossible has happened.
    Impossible,
    /// Something is under way, and nothing can happen that ends it.
    Deadlock,
}

/// What was found in all states.
#[derive(Debug)]
struct Explored {
    states: usize,
    wrong: BTreeSet<Wrong>,
}

impl Small {
    fn new(protocol: Protocol, on: Interconnect, caches: u16, ordered: bool) -> Self {
        let tables = tables(protocol, on, None);
        let new = |table, me, part| Controller::new(table, me, part, Homes::Central(HOME), 1);
        let home = new(tables.home.as_ref().expect("a directory"), HOME, Part::Home);
        let caches = (1..=caches).map(|me| new(&tables.cache, NodeId(me), Part::Cache)).collect();
        Small { home, caches, sent: Vec::new(), last: 0, ordered: ordered && on != Interconnect::Unordered }
    }

    fn controllers(&self) -> impl Iterator<Item = &Controller> {
        self.caches.iter().chain([&self.home])
    }

    /// The places of what can be delivered now.
    fn deliverable(&self) -> Vec<usize> {
        let forward = |message: &Message| message.kind.network() == VirtualNetwork::Forward;
        let mut places = Vec::new();
        for (place, (from, to, message)) in self.sent.iter().enumerate() {
            let mut before = self.sent[..place].iter();
            let overtakes = |(f, t, m): &Sent| f == from && t == to && forward(m);
            let twin = self.sent[..place].iter().any(|(f, t, m)| (f, t, m) == (from, to, message));
            let held_up = self.ordered && forward(message) && before.any(overtakes);
            if !twin && !held_up {
                places.push(place);
            }
        }
        places
    }

    /// The same after a delivery; `None` if the message has to wait.
    fn delivered(&self, place: usize) -> Option<Small> {
        let mut next = self.clone();
        let (from, to, message) = next.sent.remove(place);
        let mut out = Vec::new();
        let controller = if to == HOME { &mut next.home } else { &mut next.caches[to.index() - 1] };
        let step = controller.message(from, &message, &|_, _| true, &mut out);
        next.send(to, out);
        (step != Handled::Stalled).then_some(next)
    }

    /// The same after a request of a core; `None` if nothing changes.
    fn requested(&self, core: usize, request: CoreRequest) -> Option<Result<Small, Wrong>> {
        let cache = &self.caches[core];
        if request == CoreRequest::Replace && !(cache.has(X) && cache.table().replaces()) {
            return None;
        }
        let mut next = self.clone();
        let mut out = Vec::new();
        let step = next.caches[core].request(X, request, &|_, _| true, &mut out);
        next.send(NodeId(core as u16 + 1), out);
        match (step, request) {
            (Handled::Done(Some(read)), CoreRequest::Access(Access::Load)) if read != self.last => {
                return Some(Err(Wrong::Value));
            }
            (Handled::Done(Some(_)), CoreRequest::Access(Access::Store(data))) => next.last = data,
            _ => {}
        }
        (step != Handled::Stalled).then_some(Ok(next))
    }

    fn send(&mut self, from: NodeId, out: Vec<(NodeId, Message)>) {
        self.sent.extend(out.into_iter().map(|(to, message)| (from, to, message)));
    }

    fn two_writers(&self) -> bool {
        let permissions: Vec<Permission> = self
            .caches
            .iter()
            .map(|cache| cache.permission(X))
            .filter(|permission| *permission > Permission::None)
            .collect();
        permissions.len() > 1 && permissions.contains(&Permission::Write)
    }

    /// What makes it another state; caches that stand in each other's place do not. Only those that are alike have to be
    /// tried in each other's place: the others stand in the order of what they are.
    fn code(&self) -> Vec<u8> {
        let kind = |node: u16| {
            let line = self.caches[usize::from(node) - 1].line(X);
            (line.state, line.acks, line.data == self.last)
        };
        let mut kinds: Vec<_> = (1..=self.caches.len() as u16).map(kind).collect();
        kinds.sort_unstable();
        let mut orders = vec![Vec::new()];
        for wanted in kinds {
            let longer = |order: &Vec<u16>| {
                let alike =
                    (1..=self.caches.len() as u16).filter(|node| !order.contains(node) && kind(*node) == wanted);
                alike.map(|node| [order.clone(), vec![node]].concat()).collect::<Vec<_>>()
            };
            orders = orders.iter().flat_map(longer).collect();
        }
        orders.iter().map(|order| self.code_in(order)).min().expect("there is an order")
    }

    fn code_in(&self, order: &[u16]) -> Vec<u8> {
        let name = |node: NodeId| order.iter().position(|other| *other == node.0).map_or(0, |place| place as u8 + 1);
        let set = |nodes: seedbed_models::caching::coherence::messages::NodeSet| {
            nodes.iter().fold(0, |set, node| set | 1 << name(node))
        };
        let mut code = Vec::with_capacity(64);
        let caches = order.iter().map(|node| &self.caches[usize::from(*node) - 1]);
        for controller in caches.chain([&self.home]) {
            let line = controller.line(X);
            let owner = line.owner.map_or(u8::MAX, name);
            code.extend([line.state.0, line.acks as u8, owner, set(line.sharers), u8::from(line.data == self.last)]);
        }
        let coded = |(from, to, m): &Sent| {
            let current = u8::from(m.data == self.last);
            [name(*to), m.kind as u8, name(*from), name(m.requestor), m.acks, set(m.sharers), current]
        };
        let keeps_order = |(.., message): &Sent| self.ordered && message.kind.network() == VirtualNetwork::Forward;
        let mut any_order: Vec<_> = self.sent.iter().filter(|sent| !keeps_order(sent)).map(coded).collect();
        any_order.sort_unstable();
        // A stable sort: what goes to one cache stays in order.
        let mut in_order: Vec<_> = self.sent.iter().filter(|sent| keeps_order(sent)).map(coded).collect();
        in_order.sort_by_key(|sent| sent[0]);
        code.push(any_order.len() as u8);
        code.extend(any_order.iter().chain(&in_order).flatten());
        code
    }
}

/// All states. Beyond what is wrong nothing is explored.
fn explore(start: Small) -> Explored {
    let mut explored = Explored { states: 1, wrong: BTreeSet::new() };
    let mut seen = BTreeSet::from([start.code()]);
    let mut todo = vec![start];
    while let Some(small) = todo.pop() {
        let mut next = Vec::new();
        let mut moved = false;
        for place in small.deliverable() {
            match catch_unwind(AssertUnwindSafe(|| small.delivered(place))) {
                Ok(Some(delivered)) => {
                    moved = true;
                    next.push(delivered);
                }
                Ok(None) => {}
                Err(_) => {
                    moved = true;
                    explored.wrong.insert(Wrong::Impossible);
                }
            }
        }
        let under_way = !small.sent.is_empty() || small.controllers().any(|controller| controller.is_transient(X));
        if under_way && !moved {
            explored.wrong.insert(Wrong::Deadlock);
        }
        let requests = [
            CoreRequest::Access(Access::Load),
            CoreRequest::Access(Access::Store(small.last + 1)),
            CoreRequest::Replace,
        ];
        for (core, request) in (0..small.caches.len()).flat_map(|core| requests.map(|request| (core, request))) {
            match small.requested(core, request) {
                Some(Ok(requested)) => next.push(requested),
                Some(Err(wrong)) => {
                    explored.wrong.insert(wrong);
                }
                None => {}
            }
        }
        for small in next {
            if small.two_writers() {
                explored.wrong.insert(Wrong::Writers);
            } else if seen.insert(small.code()) {
                explored.states += 1;
                todo.push(small);
            }
        }
    }
    explored
}

fn explored(protocol: Protocol, on: Interconnect, caches: u16, ordered: bool) -> (usize, Vec<Wrong>) {
    // What the tables call impossible is an assertion that fails: here it is one of the answers. What it says is caught with
    // the test's output, for the panic hook belongs to the whole program.
    let explored = explore(Small::new(protocol, on, caches, ordered));
    (explored.states, explored.wrong.into_iter().collect())
}

const DIRECTORIES: [Protocol; 5] = [Protocol::Msi, Protocol::Mesi, Protocol::Moesi, Protocol::Mesif, Protocol::German];

/// With the order that they ask for, nothing is ever wrong.
#[test]
fn directories_are_coherent_in_every_state() {
    let states =
        [2, 3].map(|caches| DIRECTORIES.map(|protocol| explored(protocol, Interconnect::Directory, caches, true)));
    let right = |states: [usize; 5]| states.map(|states| (states, Vec::new()));
    assert_eq!(states, [right([645, 721, 814, 768, 86]), right([11352, 14830, 22379, 19154, 617])]);
}

/// And with a home that is blocked during each transaction, without any order.
#[test]
fn blocked_directories_are_coherent_in_every_state() {
    let four = [Protocol::Msi, Protocol::Mesi, Protocol::Moesi, Protocol::Mesif];
    let states = [2, 3].map(|caches| four.map(|protocol| explored(protocol, Interconnect::Unordered, caches, false)));
    let right = |states: [usize; 4]| states.map(|states| (states, Vec::new()));
    assert_eq!(states, [right([689, 813, 887, 885]), right([9217, 13057, 16993, 17043])]);
}

/// What forwards without order break. MSI and MESI, where the home stalls while an owner is read from, only ever meet what
/// their tables call impossible, or a deadlock: a writer never sees another. In MOESI the home goes on, so the owner hears
/// of a writer before it hears of a reader that came earlier, and coherence itself is broken. German's grants wait for the
/// acknowledgements, and it needs no order.
#[test]
fn forwards_without_order_break_coherence_where_the_home_goes_on() {
    let wrong = |protocol, caches| explored(protocol, Interconnect::Directory, caches, false).1;
    for (protocol, caches) in [(Protocol::Msi, 2), (Protocol::Msi, 3), (Protocol::Mesi, 2), (Protocol::Mesi, 3)] {
        assert_eq!(wrong(protocol, caches), [Wrong::Impossible, Wrong::Deadlock], "{protocol}, {caches} caches");
    }
    let all = [Wrong::Writers, Wrong::Value, Wrong::Impossible, Wrong::Deadlock];
    assert_eq!(wrong(Protocol::Moesi, 2), all);
    assert_eq!(wrong(Protocol::German, 3), []);
}
