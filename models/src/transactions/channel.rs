//! A channel of events between services: at least once over a network that loses, doubles and reorders, and exactly
//! once together with [`Inbox`]. (Hohpe & Woolf, *Enterprise Integration Patterns*, 2003: Guaranteed Delivery,
//! Idempotent Receiver.)
//!
//! Both ends are volatile and pure. Who uses them writes what [`Outbox::publish`] returns, and what [`Inbox::admit`]
//! admitted, into its log *in the same record* as what it did for it (a transactional outbox), and rebuilds them from
//! there. Events keep no order. This is all that services need of a message queue, so that one can stand here instead.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

/// The number of an event among those from one node to another, from one on.
pub type Seq = u64;

/// An event on its way to one node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Published<E> {
    /// To whom.
    pub to: NodeId,
    /// Which it is of those to this node.
    pub seq: Seq,
    /// What happened.
    pub event: E,
}

/// What a node has published and does not know to be handled.
#[derive(Clone, Debug, Hash)]
pub struct Outbox<E> {
    last: BTreeMap<NodeId, Seq>,
    waiting: BTreeMap<(NodeId, Seq), E>,
}

impl<E> Default for Outbox<E> {
    fn default() -> Self {
        Outbox { last: BTreeMap::new(), waiting: BTreeMap::new() }
    }
}

impl<E: Clone> Outbox<E> {
    /// Numbers an event for a node, to be sent until it is handled there.
    pub fn publish(&mut self, to: NodeId, event: E) -> Published<E> {
        let seq = self.last.get(&to).copied().unwrap_or(0) + 1;
        let published = Published { to, seq, event };
        self.restore(published.clone());
        published
    }

    /// Takes up again what the log says was published.
    pub fn restore(&mut self, Published { to, seq, event }: Published<E>) {
        let last = self.last.entry(to).or_default();
        assert!(seq == *last + 1, "events are published in their order: {seq} to {to} after {last}");
        *last = seq;
        self.waiting.insert((to, seq), event);
    }

    /// An event has been handled. Says whether that is news.
    pub fn handled(&mut self, to: NodeId, seq: Seq) -> bool {
        self.waiting.remove(&(to, seq)).is_some()
    }

    /// All that waits, to be sent again.
    pub fn waiting(&self) -> impl Iterator<Item = Published<E>> {
        self.waiting.iter().map(|(&(to, seq), event)| Published { to, seq, event: event.clone() })
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Drops all that waits.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// Which events a node has handled.
#[derive(Clone, Debug, Default, Hash)]
pub struct Inbox {
    senders: BTreeMap<NodeId, Handled>,
}

/// All up to a number, and some beyond it.
#[derive(Clone, Debug, Default, Hash)]
struct Handled {
    upto: Seq,
    beyond: BTreeSet<Seq>,
}

impl Inbox {
    /// Whether this event has been admitted.
    pub fn has(&self, from: NodeId, seq: Seq) -> bool {
        let handled = self.senders.get(&from);
        handled.is_some_and(|handled| seq <= handled.upto || handled.beyond.contains(&seq))
    }

    /// Whether this event is new; from now on it is not.
    pub fn admit(&mut self, from: NodeId, seq: Seq) -> bool {
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
        /// However often and in whatever order events arrive, and whichever acknowledgements are lost: each is admitted
        /// once, and none waits when all are acknowledged.
        #[test]
        fn each_event_is_admitted_once(
            receivers in prop::collection::vec(1u16..4, 1..20),
            arrivals in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..80),
        ) {
            let mut outbox = Outbox::default();
            let mut inboxes: BTreeMap<NodeId, Inbox> = BTreeMap::new();
            let mut admitted: Vec<usize> = Vec::new();
            for (n, to) in receivers.iter().enumerate() {
                outbox.publish(NodeId(*to), n);
            }
            for (which, acknowledged) in arrivals {
                let waiting: Vec<_> = outbox.waiting().collect();
                if waiting.is_empty() { break }
                let Published { to, seq, event } = waiting[which.index(waiting.len())].clone();
                if inboxes.entry(to).or_default().admit(NodeId(0), seq) { admitted.push(event) }
                if acknowledged { prop_assert!(outbox.handled(to, seq)) }
            }
            for Published { to, seq, event } in outbox.waiting().collect::<Vec<_>>() {
                if inboxes.entry(to).or_default().admit(NodeId(0), seq) { admitted.push(event) }
                outbox.handled(to, seq);
            }
            admitted.sort_unstable();
            prop_assert_eq!(admitted, (0..receivers.len()).collect::<Vec<_>>());
            prop_assert!(outbox.is_empty());
        }
    }
}
