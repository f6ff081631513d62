//! The one queue of a world: events by time, and at one instant by name.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::process::NodeId;
use crate::time::Time;

/// The name of an event, as a number: how events at one instant are ordered. Faults come first, then operations, then
/// the rest; never by insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Order(u64);

impl Order {
    pub(crate) const HEAL: Order = Order(0);

    const RANK: u32 = 61;

    /// The end of the i-th fault: before any beginning, so that faults that touch do not overlap.
    pub(crate) fn fault_end(index: usize) -> Self {
        Order((1 << Self::RANK) | index as u64)
    }
    pub(crate) fn fault(index: usize) -> Self {
        Order((1 << Self::RANK) | (1 << 40) | index as u64)
    }
    pub(crate) fn start(node: NodeId) -> Self {
        Order((2 << Self::RANK) | u64::from(node.0))
    }
    pub(crate) fn operation(index: usize) -> Self {
        Order((3 << Self::RANK) | index as u64)
    }
    pub(crate) fn sync(node: NodeId) -> Self {
        Order((4 << Self::RANK) | u64::from(node.0))
    }
    pub(crate) fn timer(node: NodeId, kind: u16, n: u32) -> Self {
        Order((5 << Self::RANK) | (u64::from(node.0) << 46) | (u64::from(kind) << 32) | u64::from(n))
    }
    /// The n-th message on a link, or its copy. Fourteen bits a node, which is why a world has at most 16,384.
    pub(crate) fn message(from: NodeId, to: NodeId, n: u32, copy: bool) -> Self {
        let link = (u64::from(to.0) << 14) | u64::from(from.0);
        Order((6 << Self::RANK) | (link << 33) | (u64::from(n) << 1) | u64::from(copy))
    }
    /// A node goes on with what waits in its inbox.
    pub(crate) fn serve(node: NodeId) -> Self {
        Order((7 << Self::RANK) | u64::from(node.0))
    }
    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

/// What the queue moves: when and what, as one number, and where the payload is. Compared as a whole so that the heap
/// takes no branch that depends on chance, which is what heaps spend their time on.
#[derive(Clone, Copy, Debug)]
struct Entry {
    at: Time,
    order: Order,
    place: u32,
}

impl Entry {
    #[inline(always)]
    fn key(&self) -> u128 {
        (u128::from(self.at.0) << 64) | u128::from(self.order.0)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    #[inline(always)]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
    #[inline(always)]
    fn lt(&self, other: &Self) -> bool {
        other.key() < self.key()
    }
    #[inline(always)]
    fn le(&self, other: &Self) -> bool {
        other.key() <= self.key()
    }
}
impl Ord for Entry {
    /// The earliest is the greatest: the heap of the standard library gives the greatest first.
    #[inline(always)]
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// A priority queue whose payloads stay where they are: only times, names and places move.
///
/// Most worlds have few events in flight, and what is pushed is usually due soon. So the soonest events are a short
/// sorted list: popping takes its end, and pushing moves a few neighbours, which costs less than the way down a heap.
/// A heap holds the others.
#[derive(Clone, Debug)]
pub(crate) struct Queue<E> {
    /// The soonest, the very next at the end. Empty only if nothing is queued.
    soon: Vec<Entry>,
    /// All that come after those.
    later: BinaryHeap<Entry>,
    events: Vec<Option<E>>,
    free: Vec<u32>,
}

impl<E> Queue<E> {
    /// How many are kept sorted, at most.
    const SOON: usize = 48;

    pub(crate) fn new() -> Self {
        Queue {
            soon: Vec::with_capacity(Self::SOON),
            later: BinaryHeap::new(),
            events: Vec::with_capacity(Self::SOON),
            free: Vec::with_capacity(Self::SOON),
        }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, at: Time, order: Order, event: E) {
        let place = match self.free.pop() {
            Some(place) => {
                self.events[place as usize] = Some(event);
                place
            }
            None => {
                self.events.push(Some(event));
                (self.events.len() - 1) as u32
            }
        };
        let entry = Entry { at, order, place };
        if self.soon.len() == Self::SOON {
            self.spill();
        }
        match self.later.peek() {
            Some(first) if first.key() < entry.key() => self.later.push(entry),
            _ => self.push_soon(entry),
        }
    }

    #[inline(always)]
    fn push_soon(&mut self, entry: Entry) {
        self.soon.push(entry);
        let soon = &mut self.soon[..];
        let mut place = soon.len() - 1;
        while place > 0 && soon[place - 1].key() < entry.key() {
            soon[place] = soon[place - 1];
            place -= 1;
        }
        soon[place] = entry;
    }

    /// Makes room among the soonest.
    #[cold]
    fn spill(&mut self) {
        self.later.extend(self.soon.drain(..Self::SOON / 2));
    }

    #[inline]
    pub(crate) fn next_at(&self) -> Option<Time> {
        self.soon.last().map(|entry| entry.at)
    }

    #[inline(always)]
    pub(crate) fn pop(&mut self) -> Option<(Time, Order, E)> {
        let Entry { at, order, place } = self.soon.pop()?;
        if self.soon.is_empty() {
            self.refill();
        }
        let event = self.events[place as usize].take().expect("a queued event has its payload");
        self.free.push(place);
        Some((at, order, event))
    }

    /// Sorts the next of what comes later.
    #[cold]
    fn refill(&mut self) {
        let later = &mut self.later;
        let next = std::iter::from_fn(|| later.pop());
        self.soon.extend(next.take(Self::SOON / 2));
        self.soon.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However pushes and pops are mixed, and however far apart the instants lie: what is next is the least.
        #[test]
        fn the_next_is_always_the_least(steps in prop::collection::vec((0u64..40, 0u32..1000, any::<bool>()), 0..600)) {
            let mut queue = Queue::new();
            let mut model = std::collections::BTreeSet::new();
            let step = |queue: &mut Queue<u32>, model: &mut std::collections::BTreeSet<(Time, Order)>| {
                prop_assert_eq!(queue.next_at(), model.first().map(|(at, _)| *at));
                let (popped, least) = (queue.pop(), model.pop_first());
                prop_assert_eq!(popped.map(|(at, order, _)| (at, order)), least);
                prop_assert!(popped.is_none_or(|(_, order, n)| order == Order::timer(NodeId(0), 0, n)));
                Ok(())
            };
            for (n, (bits, less, pop)) in steps.into_iter().enumerate() {
                let (at, n) = (Time(1 << bits | u64::from(less)), n as u32);
                queue.push(at, Order::timer(NodeId(0), 0, n), n);
                model.insert((at, Order::timer(NodeId(0), 0, n)));
                if pop { step(&mut queue, &mut model)?; }
            }
            while !model.is_empty() { step(&mut queue, &mut model)?; }
            prop_assert!(queue.pop().is_none());
        }
    }

    #[test]
    fn one_instant_runs_in_the_order_of_names_however_it_was_filled() {
        let (a, b) = (NodeId(1), NodeId(2));
        let orders = [
            Order::HEAL,
            Order::fault_end(7),
            Order::fault(0),
            Order::fault(3),
            Order::start(a),
            Order::operation(0),
            Order::operation(9),
            Order::sync(b),
            Order::timer(a, 3, 100),
            Order::timer(b, 0, 0),
            Order::message(b, a, 5, false),
            Order::message(b, a, 5, true),
            Order::message(b, a, 6, false),
            Order::message(a, b, 0, false),
            Order::serve(a),
        ];
        let mut queue = Queue::new();
        for (i, order) in orders.iter().enumerate().rev() {
            queue.push(Time::ms(5), *order, i);
        }
        queue.push(Time::ms(1), Order::serve(b), 99);
        assert_eq!(queue.pop().unwrap().2, 99);
        for i in 0..orders.len() {
            assert_eq!(queue.pop().unwrap().2, i);
        }
        assert!(queue.pop().is_none());
    }
}
