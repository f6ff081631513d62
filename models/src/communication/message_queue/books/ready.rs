//! The messages of a queue that are ready, in the order in which they are delivered.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::Time;

use crate::communication::message_queue::books::message::Queued;
use crate::communication::message_queue::books::settings::QueueKind;

/// A place in a queue: the highest priority first, and then as messages have come.
type Place = (Reverse<u8>, u64);

/// The messages that are ready.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ready {
    kind: QueueKind,
    in_order: BTreeMap<Place, Queued>,
    /// What was returned to a quorum queue: it is delivered first, in the order in which it was returned, whatever its priority
    /// (*Quorum Queues*, "Redelivery of Returned Messages").
    returned: VecDeque<Queued>,
}

impl Ready {
    /// Nothing, in a queue of this kind.
    pub(super) fn none(kind: QueueKind) -> Self {
        Ready { kind, in_order: BTreeMap::new(), returned: VecDeque::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.in_order.len() + self.returned.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, the first to be delivered first.
    pub fn iter(&self) -> impl Iterator<Item = &Queued> {
        self.returned.iter().chain(self.in_order.values())
    }

    /// The first to be delivered.
    pub fn head(&self) -> Option<&Queued> {
        self.iter().next()
    }

    /// A message that is new here.
    pub(super) fn push(&mut self, queued: Queued) {
        let before = self.in_order.insert(place(&queued), queued);
        assert!(before.is_none(), "a copy is in its queue once: {before:?}");
    }

    /// A message that was delivered comes back: to its original position in a classic queue (*Consumer Acknowledgements*, "Negative
    /// Acknowledgement and Requeuing"), and behind what has come back before in a quorum queue.
    pub(super) fn give_back(&mut self, queued: Queued) {
        match self.kind {
            QueueKind::Classic => self.push(queued),
            QueueKind::Quorum => self.returned.push_back(queued),
        }
    }

    /// Takes the head.
    pub(super) fn pop(&mut self) -> Option<Queued> {
        self.returned.pop_front().or_else(|| self.in_order.pop_first().map(|(_, queued)| queued))
    }

    /// Takes all.
    pub(super) fn drain(&mut self) -> Vec<Queued> {
        let all = self.iter().cloned().collect();
        (self.in_order, self.returned) = (BTreeMap::new(), VecDeque::new());
        all
    }

    /// Takes those that satisfy `is`, from a classic queue.
    pub(super) fn extract(&mut self, is: impl Fn(&Queued) -> bool) -> Vec<Queued> {
        let (gone, kept): (Vec<Queued>, Vec<Queued>) = self.drain().into_iter().partition(is);
        kept.into_iter().for_each(|queued| self.push(queued));
        gone
    }

    /// The messages at whose expiry the queue looks. In a classic queue that is the head alone: what is behind it does not expire
    /// before it (*Time-to-Live*, "Caveats"). A quorum queue looks at the head of each priority, and of what was returned
    /// (*Quorum Queues*, "Priority-Aware Message Expiration").
    fn heads(&self) -> impl Iterator<Item = &Queued> {
        let of_levels = matches!(self.kind, QueueKind::Quorum).then(|| self.heads_of_levels());
        let head = matches!(self.kind, QueueKind::Classic).then(|| self.head()).flatten();
        of_levels.into_iter().flatten().chain(head)
    }

    fn heads_of_levels(&self) -> impl Iterator<Item = &Queued> {
        let mut last = None;
        let first_of_level = move |queued: &&Queued| last.replace(queued.priority) != Some(queued.priority);
        self.returned.front().into_iter().chain(self.in_order.values().filter(first_of_level))
    }

    /// Takes a message that has come to its head, and whose time is over.
    pub(super) fn pop_overdue(&mut self, is_over: impl Fn(&Queued) -> bool) -> Option<Queued> {
        let id = self.heads().find(|queued| is_over(queued)).map(|queued| queued.id)?;
        if self.returned.front().is_some_and(|queued| queued.id == id) {
            return self.returned.pop_front();
        }
        let place = self.in_order.iter().find(|(_, queued)| queued.id == id).map(|(place, _)| *place)?;
        self.in_order.remove(&place)
    }

    /// When the next message expires, of those that have come to their heads.
    pub(super) fn next_expiry(&self) -> Option<Time> {
        self.heads().filter_map(|queued| queued.expires).min()
    }
}

fn place(queued: &Queued) -> Place {
    (Reverse(queued.priority), queued.position)
}
