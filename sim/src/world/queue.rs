//! The event queue of a world, ordered by time, and at one instant by name.

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

use crate::process::NodeId;
use crate::time::Time;

/// The name of an event as a number, which orders events of one instant: faults, then operations, then the rest,
/// independent of the order of insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Order(u64);

impl Order {
    pub(crate) const HEAL: Order = Order(0);

    const RANK: u32 = 61;

    /// The end of the i-th fault: before all beginnings, so that faults that touch do not overlap.
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
    /// The name of the copy of the message with this name.
    pub(crate) fn of_copy(self) -> Self {
        Order(self.0 | 1)
    }
    /// The sender and the receiver of the message with this name.
    #[inline(always)]
    pub(crate) fn link(self) -> (NodeId, NodeId) {
        let node = |shift: u32| NodeId((self.0 >> shift) as u16 & 0x3fff);
        (node(33), node(47))
    }
    /// The handling of the next arrival in a node's inbox.
    pub(crate) fn serve(node: NodeId) -> Self {
        Order((7 << Self::RANK) | u64::from(node.0))
    }
    pub(crate) fn bits(self) -> u64 {
        self.0
    }
}

/// One of the soonest events: its time and name, and the slot of its payload.
#[derive(Clone, Copy, Debug)]
struct Soon {
    at: Time,
    place: u32,
}

/// A later event: its time and name, and the slot of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Later {
    at: Time,
    order: Order,
    place: u32,
}

impl Later {
    /// Compared as one number, to avoid unpredictable branches in the heap.
    #[inline(always)]
    fn key(&self) -> u128 {
        (u128::from(self.at.0) << 64) | u128::from(self.order.0)
    }
}

impl PartialOrd for Later {
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
impl Ord for Later {
    /// Reversed, because the standard library's heap pops the greatest item first.
    #[inline(always)]
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

/// The payload of a queued event.
#[derive(Clone, Debug)]
struct Slot<E> {
    order: Order,
    event: Option<E>,
}

/// A priority queue whose payloads stay in place: only times and slots move.
///
/// Most worlds have few events in flight, and most new events are due soon. So the soonest events are in a short sorted
/// list: popping takes its end, and pushing moves a few neighbours, which is cheaper than sifting through a heap. A
/// heap holds the others.
#[derive(Clone, Debug)]
pub(crate) struct Queue<E> {
    /// The soonest events, the next one at the end. Empty only if nothing is queued.
    soon: Vec<Soon>,
    /// All later events.
    later: BinaryHeap<Later>,
    slots: Vec<Slot<E>>,
    free: Vec<u32>,
}

impl<E> Queue<E> {
    /// The greatest length of the sorted list.
    const SOON: usize = 48;

    /// All that is queued, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Order, &E)> {
        self.slots.iter().filter_map(|slot| Some((slot.order, slot.event.as_ref()?)))
    }

    pub(crate) fn new() -> Self {
        Queue {
            soon: Vec::with_capacity(Self::SOON),
            later: BinaryHeap::new(),
            slots: Vec::with_capacity(Self::SOON),
            free: Vec::with_capacity(Self::SOON),
        }
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, at: Time, order: Order, event: E) {
        let slot = Slot { order, event: Some(event) };
        let place = match self.free.pop() {
            Some(place) => {
                self.slots[place as usize] = slot;
                place
            }
            None => {
                self.slots.push(slot);
                (self.slots.len() - 1) as u32
            }
        };
        if self.soon.len() == Self::SOON {
            self.spill();
        }
        let entry = Later { at, order, place };
        match self.later.peek() {
            Some(first) if first.key() < entry.key() => self.later.push(entry),
            _ => self.push_soon(at, order, place),
        }
    }

    #[inline(always)]
    fn push_soon(&mut self, at: Time, order: Order, place: u32) {
        let entry = Soon { at, place };
        self.soon.push(entry);
        let soon = Cell::from_mut(&mut self.soon[..]).as_slice_of_cells();
        for pair in soon.windows(2).rev() {
            let before = pair[0].get();
            if before.at > at || (before.at == at && self.slots[before.place as usize].order > order) {
                return pair[1].set(entry);
            }
            pair[1].set(before);
        }
        soon[0].set(entry);
    }

    /// Moves events from the full sorted list to the heap.
    #[cold]
    fn spill(&mut self) {
        let slots = &self.slots;
        let latest = self.soon.drain(..Self::SOON / 2);
        self.later.extend(latest.map(|Soon { at, place }| Later { at, order: slots[place as usize].order, place }));
    }

    #[inline]
    pub(crate) fn next_at(&self) -> Option<Time> {
        self.soon.last().map(|entry| entry.at)
    }

    /// The next event, if it is due by `limit`.
    #[inline(always)]
    pub(crate) fn pop_by(&mut self, limit: Time) -> Option<(Time, Order, E)> {
        let Soon { at, place } = self.soon.pop_if(|next| next.at <= limit)?;
        if self.soon.is_empty() {
            self.refill();
        }
        let slot = &mut self.slots[place as usize];
        let order = slot.order;
        let event = slot.event.take().expect("a queued event has its payload");
        self.free.push(place);
        Some((at, order, event))
    }

    #[cfg(test)]
    fn pop(&mut self) -> Option<(Time, Order, E)> {
        self.pop_by(Time::NEVER)
    }

    /// Moves events from the heap to the empty sorted list.
    #[cold]
    fn refill(&mut self) {
        let later = &mut self.later;
        let next = std::iter::from_fn(|| later.pop());
        self.soon.extend(next.take(Self::SOON / 2).map(|Later { at, place, .. }| Soon { at, place }));
        self.soon.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// For any mix of pushes and pops, and any distances between instants, the next event is the least.
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
