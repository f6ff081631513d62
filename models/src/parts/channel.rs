//! A channel of events between services: the [`Outbox`] delivers at least once over a network that loses, duplicates and
//! reorders; the [`Inbox`] of the receiver drops duplicates, so that each event is handled once. (Hohpe & Woolf,
//! *Enterprise Integration Patterns*, 2003: Guaranteed Delivery, Idempotent Receiver.)
//!
//! Both ends are volatile and pure. A process writes what [`Outbox::publish`] returns, and what it has handled, into its
//! log *in the same record* as the effects (a transactional outbox), and rebuilds both ends from there after a crash.
//! Events keep no order.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

/// The number of an event among those from one node to another; the first is one.
pub type Seq = u64;

/// An event on its way to one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Published<E> {
    /// The receiver.
    pub to: NodeId,
    /// Its number among the events to this receiver.
    pub seq: Seq,
    /// The event itself.
    pub event: E,
}

/// The events that a node has published and that are not acknowledged.
#[derive(Clone, Debug, Hash)]
pub struct Outbox<E> {
    last: BTreeMap<NodeId, Seq>,
    unacknowledged: BTreeMap<(NodeId, Seq), E>,
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Outbox { last: BTreeMap::new(), unacknowledged: BTreeMap::new() }
    }
}

impl<E: Clone> Outbox<E> {
    /// Numbers an event for a node. It is to be sent until that node acknowledges it.
    pub fn publish(&mut self, to: NodeId, event: E) -> Published<E> {
        let seq = self.last.get(&to).copied().unwrap_or(0) + 1;
        let published = Published { to, seq, event };
        self.restore(published.clone());
        published
    }

    /// Adds an event that the log says was published.
    ///
    /// # Panics
    /// If it is not the next to its receiver.
    pub fn restore(&mut self, Published { to, seq, event }: Published<E>) {
        let last = self.last.entry(to).or_default();
        assert!(seq == *last + 1, "events are published in their order: {seq} to {to} after {last}");
        *last = seq;
        self.unacknowledged.insert((to, seq), event);
    }

    /// The receiver has handled an event. Returns whether that was not known before.
    pub fn acknowledge(&mut self, to: NodeId, seq: Seq) -> bool {
        self.unacknowledged.remove(&(to, seq)).is_some()
    }

    /// The events to send again.
    pub fn unacknowledged(&self) -> impl Iterator<Item = Published<E>> {
        self.unacknowledged.iter().map(|(&(to, seq), event)| Published { to, seq, event: event.clone() })
    }

    /// Whether all events are acknowledged.
    pub fn is_empty(&self) -> bool {
        self.unacknowledged.is_empty()
    }

    /// Forgets all events that are not acknowledged.
    pub fn clear(&mut self) {
        self.unacknowledged.clear();
    }
}

/// The events that a node has handled, by their senders.
#[derive(Clone, Debug, Default, Hash)]
pub struct Inbox {
    senders: BTreeMap<NodeId, Handled>,
}

/// All events up to a number, and some beyond it: what is remembered does not grow with the events that were handled.
#[derive(Clone, Debug, Default, Hash)]
struct Handled {
    upto: Seq,
    beyond: BTreeSet<Seq>,
}

impl Inbox {
    /// Whether this event was handled.
    pub fn contains(&self, from: NodeId, seq: Seq) -> bool {
        let handled = self.senders.get(&from);
        handled.is_some_and(|handled| seq <= handled.upto || handled.beyond.contains(&seq))
    }

    /// Remembers that this event is handled. Returns whether it was not before.
    pub fn insert(&mut self, from: NodeId, seq: Seq) -> bool {
        let handled = self.senders.entry(from).or_default();
        let new = seq > handled.upto && handled.beyond.insert(seq);
        while handled.beyond.remove(&(handled.upto + 1)) {
            handled.upto += 1;
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// However often and in whatever order events arrive, and whichever acknowledgements are lost: each is handled once.
        #[test]
        fn each_event_is_handled_once(
            receivers in prop::collection::vec(1u16..4, 1..20),
            arrivals in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..80),
        ) {
            let mut outbox = Outbox::default();
            let mut inboxes: BTreeMap<NodeId, Inbox> = BTreeMap::new();
            let mut handled: Vec<usize> = Vec::new();
            for (n, to) in receivers.iter().enumerate() {
                outbox.publish(NodeId(*to), n);
            }
            for (which, acknowledged) in arrivals {
                let unacknowledged: Vec<_> = outbox.unacknowledged().collect();
                if unacknowledged.is_empty() { break }
                let Published { to, seq, event } = unacknowledged[which.index(unacknowledged.len())].clone();
                if inboxes.entry(to).or_default().insert(NodeId(0), seq) { handled.push(event) }
                if acknowledged { prop_assert!(outbox.acknowledge(to, seq)) }
            }
            for Published { to, seq, event } in outbox.unacknowledged().collect::<Vec<_>>() {
                if inboxes.entry(to).or_default().insert(NodeId(0), seq) { handled.push(event) }
                outbox.acknowledge(to, seq);
            }
            handled.sort_unstable();
            prop_assert_eq!(handled, (0..receivers.len()).collect::<Vec<_>>());
            prop_assert!(outbox.is_empty());
        }
    }
}
