//! The protocols, exhaustively: every state that few caches and one block can reach, in any order of messages that the
//! interconnect allows. Sweeps try large worlds at random; here nothing of a small one is left out.
//!
//! Cores may ask for anything at any time, and what waits may be tried at any time, so all that a node does is among what
//! is tried here. What a block holds is told apart only as far as it matters for what may still be read.

mod directory;
mod snooping;

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

use seedbed_models::caching::coherence::controller::{Access, Controller, CoreRequest};
use seedbed_models::caching::coherence::messages::{Block, Data, NodeSet};
use seedbed_sim::NodeId;

/// The only block.
const X: Block = Block(0);

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

/// A small world: caches of one block, what they agree with, and what is on its way between them.
trait Small: Clone {
    /// Something on its way that can arrive, or go on, now.
    type Move: Copy;

    fn moves(&self) -> Vec<Self::Move>;

    /// The same after a move; `None` if what arrives has to wait.
    fn moved(&self, this: Self::Move) -> Option<Self>;

    fn caches(&self) -> &[Controller];

    /// The same after a request of a core; `None` if nothing changes.
    fn requested(&self, core: usize, request: CoreRequest) -> Option<Result<Self, Wrong>>;

    /// What a core may store that nobody has stored yet.
    fn new_data(&self) -> Data;

    /// Whether a message is on its way or a transaction is not complete.
    fn is_under_way(&self) -> bool;

    /// What is wrong in this state, whatever comes next.
    fn wrong(&self) -> Option<Wrong>;

    /// What tells the cache at a place from others without their names.
    fn kind(&self, place: usize) -> Kind;

    /// What makes it another state, if the caches stand in this order.
    fn code_in(&self, order: &Order) -> Vec<u8>;
}

/// What tells a cache from others without their names.
type Kind = [u8; 4];

/// An order of the caches, of which the names in a code are the places.
struct Order(Vec<u16>);

impl Order {
    /// All orders of the caches in which they stand by their kinds: only those that are alike have to be tried in each other's
    /// place.
    fn all(small: &impl Small) -> Vec<Order> {
        let kinds: Vec<Kind> = (0..small.caches().len()).map(|place| small.kind(place)).collect();
        let kind = |node: &u16| kinds[usize::from(*node) - 1];
        let mut sorted = kinds.clone();
        sorted.sort_unstable();
        let mut orders = vec![Vec::new()];
        for wanted in sorted {
            let longer = |order: &Vec<u16>| {
                let alike = (1..=kinds.len() as u16).filter(|node| !order.contains(node) && kind(node) == wanted);
                alike.map(|node| [order.clone(), vec![node]].concat()).collect::<Vec<_>>()
            };
            orders = orders.iter().flat_map(longer).collect();
        }
        orders.into_iter().map(Order).collect()
    }

    /// The name of a node; zero is that of the home.
    fn name(&self, node: NodeId) -> u8 {
        self.0.iter().position(|other| *other == node.0).map_or(0, |place| place as u8 + 1)
    }

    fn names(&self, nodes: NodeSet) -> u8 {
        nodes.iter().fold(0, |names, node| names | 1 << self.name(node))
    }

    /// The caches by their places in a list that has that of `n1` first.
    fn places(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|node| usize::from(*node) - 1)
    }
}

/// What was found in all states.
#[derive(Debug, PartialEq, Eq)]
struct Explored {
    states: usize,
    wrong: Vec<Wrong>,
}

impl Explored {
    /// So many states, and nothing is wrong in any.
    fn right(states: usize) -> Self {
        Explored { states, wrong: Vec::new() }
    }
}

/// Explores all states. What is wrong is not explored further.
fn explore<S: Small>(start: S) -> Explored {
    explore_while(start, |_| true)
}

/// What is wrong first: in one of the states that the fewest steps lead to.
fn first_wrong<S: Small>(start: S) -> Vec<Wrong> {
    explore_while(start, BTreeSet::is_empty).wrong
}

fn explore_while<S: Small>(start: S, goes_on: impl Fn(&BTreeSet<Wrong>) -> bool) -> Explored {
    // Caches that stand in each other's place make no other state.
    let code = |small: &S| Order::all(small).iter().map(|order| small.code_in(order)).min().expect("there is an order");
    let mut wrong = BTreeSet::new();
    let mut seen = BTreeSet::from([code(&start)]);
    let mut todo = VecDeque::from([start]);
    while let Some(small) = todo.pop_front().filter(|_| goes_on(&wrong)) {
        for next in successors(&small, &mut wrong) {
            if let Some(found) = next.wrong() {
                wrong.insert(found);
            } else if seen.insert(code(&next)) {
                todo.push_back(next);
            }
        }
    }
    Explored { states: seen.len(), wrong: wrong.into_iter().collect() }
}

fn successors<S: Small>(small: &S, wrong: &mut BTreeSet<Wrong>) -> Vec<S> {
    let mut next = Vec::new();
    let mut is_stuck = true;
    for this in small.moves() {
        // What the tables call impossible is an assertion that fails: here it is one of the answers. What it says is caught
        // with the test's output, for the panic hook belongs to the whole program.
        match catch_unwind(AssertUnwindSafe(|| small.moved(this))) {
            Ok(None) => continue,
            Ok(Some(moved)) => next.push(moved),
            Err(_) => {
                wrong.insert(Wrong::Impossible);
            }
        }
        is_stuck = false;
    }
    if is_stuck && small.is_under_way() {
        wrong.insert(Wrong::Deadlock);
    }
    let store = CoreRequest::Access(Access::Store(small.new_data()));
    let requests = [CoreRequest::Access(Access::Load), store, CoreRequest::Replace];
    for (core, request) in (0..small.caches().len()).flat_map(|core| requests.map(|request| (core, request))) {
        let cache = &small.caches()[core];
        let is_possible = match request {
            // A core that has asked for something does not ask again where that is answered without it.
            CoreRequest::Access(access) => !cache.is_transient(X) || cache.handles(X, access),
            _ => cache.has(X) && cache.table().replaces(),
        };
        if !is_possible {
            continue;
        }
        match small.requested(core, request) {
            Some(Ok(requested)) => next.push(requested),
            Some(Err(found)) => {
                wrong.insert(found);
            }
            None => {}
        }
    }
    next
}
