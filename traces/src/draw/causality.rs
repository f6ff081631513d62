//! Causality: Lamport's happens-before over a timeline ("Time, clocks, and the ordering of events in a distributed
//! system", 1978), decided by vector clocks (Fidge 1988; Mattern 1989).

use std::collections::BTreeMap;

use seedbed_sim::timeline::{Entry, Happening, Undelivered};
use seedbed_sim::{NodeId, Time};

/// An event at one node.
#[derive(Clone, Debug)]
pub(super) struct Event<'a> {
    pub(super) at: Time,
    pub(super) what: &'a Happening,
    /// The index of its node in the picture.
    pub(super) node: usize,
    /// For the receipt of a message: the event that sent it.
    pub(super) sent: Option<usize>,
}

/// The events of a timeline, in order, and the fates of its messages.
pub(super) struct Events<'a> {
    pub(super) events: Vec<Event<'a>>,
    /// By message that did not arrive: the reason.
    pub(super) undelivered: BTreeMap<u64, Undelivered>,
}

impl<'a> Events<'a> {
    /// Reads a timeline, without events at other nodes than these.
    pub(super) fn of(nodes: &[NodeId], timeline: &'a [Entry]) -> Self {
        let places: BTreeMap<NodeId, usize> = nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut found = Events { events: Vec::new(), undelivered: BTreeMap::new() };
        let mut senders: BTreeMap<u64, usize> = BTreeMap::new();
        for Entry { at, what } in timeline {
            if let Happening::Undelivered { message, why, .. } = what {
                found.undelivered.insert(*message, *why);
            }
            let Some(node) = node_of(what).and_then(|node| places.get(&node).copied()) else { continue };
            let sent = match what {
                Happening::Delivered { message, .. } => senders.get(message).copied(),
                _ => None,
            };
            if let Happening::Sent { message, .. } = what {
                senders.insert(*message, found.events.len());
            }
            found.events.push(Event { at: *at, what, node, sent });
        }
        found
    }
}

/// The events of a timeline, with their vector clocks.
pub(super) struct Causality<'a> {
    events_of_timeline: Events<'a>,
    /// By event: its vector clock, which counts the events of each node up to and including it.
    clocks: Vec<Vec<u32>>,
}

impl<'a> std::ops::Deref for Causality<'a> {
    type Target = Events<'a>;
    fn deref(&self) -> &Events<'a> {
        &self.events_of_timeline
    }
}

impl<'a> Causality<'a> {
    /// Reads a timeline, without events at other nodes than these.
    pub(super) fn of(nodes: &[NodeId], timeline: &'a [Entry]) -> Self {
        let events_of_timeline = Events::of(nodes, timeline);
        let mut clocks: Vec<Vec<u32>> = Vec::with_capacity(events_of_timeline.events.len());
        let mut latest = vec![vec![0; nodes.len()]; nodes.len()];
        for Event { node, sent, .. } in &events_of_timeline.events {
            let clock = &mut latest[*node];
            if let Some(sent) = sent {
                join(clock, &clocks[*sent]);
            }
            clock[*node] += 1;
            clocks.push(clock.clone());
        }
        Causality { events_of_timeline, clocks }
    }

    /// The vector clock of an event, in the order of the picture's nodes.
    pub(super) fn clock(&self, event: usize) -> &[u32] {
        &self.clocks[event]
    }

    /// Whether the first event equals the second, or happened before it.
    pub(super) fn reaches(&self, first: usize, second: usize) -> bool {
        let node = self.events[first].node;
        self.clocks[second][node] >= self.clocks[first][node]
    }
}

fn join(clock: &mut [u32], other: &[u32]) {
    for (mine, theirs) in clock.iter_mut().zip(other) {
        *mine = (*mine).max(*theirs);
    }
}

/// The node of an entry; `None` if it does not concern a single node.
fn node_of(what: &Happening) -> Option<NodeId> {
    match what {
        Happening::Started { node }
        | Happening::Down { node, .. }
        | Happening::Invoked { node, .. }
        | Happening::Ended { node, .. }
        | Happening::Fired { node, .. }
        | Happening::Synced { node }
        | Happening::Marked { node, .. }
        | Happening::Noted { node, .. }
        | Happening::Sent { from: node, .. }
        | Happening::Delivered { to: node, .. } => Some(*node),
        Happening::Held { .. }
        | Happening::Undelivered { .. }
        | Happening::FaultBegan { .. }
        | Happening::FaultEnded { .. }
        | Happening::Healed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(at: u64, what: Happening) -> Entry {
        Entry { at: Time(at), what }
    }

    fn sent(message: u64, from: u16, to: u16) -> Happening {
        let (kind, text) = ("m".to_string(), "M".to_string());
        Happening::Sent { message, from: NodeId(from), to: NodeId(to), kind, text }
    }

    fn delivered(message: u64, from: u16, to: u16) -> Happening {
        Happening::Delivered { message, from: NodeId(from), to: NodeId(to), kind: "m".into() }
    }

    #[test]
    fn messages_carry_what_their_senders_know() {
        let nodes = [NodeId(0), NodeId(1), NodeId(2)];
        let timeline = [
            entry(0, sent(0, 0, 1)),
            entry(1, sent(1, 2, 1)),
            entry(2, delivered(0, 0, 1)),
            entry(3, sent(2, 1, 2)),
            entry(4, delivered(2, 1, 2)),
            // A copy of the first message.
            entry(5, delivered(0, 0, 1)),
        ];
        let causality = Causality::of(&nodes, &timeline);
        let reached = |first| (0..6).filter(|second| causality.reaches(first, *second)).collect::<Vec<_>>();
        assert_eq!(reached(0), [0, 2, 3, 4, 5]);
        assert_eq!(reached(1), [1, 4], "nobody got this one, but its sender got another later");
        assert_eq!(reached(2), [2, 3, 4, 5]);
        assert_eq!(reached(4), [4]);
        assert_eq!(causality.clock(4), [1, 2, 2]);
    }
}
