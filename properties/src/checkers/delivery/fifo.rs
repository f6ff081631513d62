//! FIFO order (Hadzilacos and Toueg 1994, section 3).

use std::collections::{BTreeMap, BTreeSet};

use super::{Destination, Event};
use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// Messages of one sender are delivered in the order in which it sent them. A receiver's first delivery of a message
/// counts; [`super::AtMostOnce`] judges repetitions, and [`super::NoCreation`] messages that were not sent.
#[derive(Clone, Debug)]
pub struct Fifo<N, I> {
    gaps: bool,
    /// By sender: its messages in order.
    sent: BTreeMap<N, Vec<(I, Destination<N>)>>,
    /// By message: its sender, and the number of earlier messages of that sender.
    place: BTreeMap<I, (N, usize)>,
    /// By receiver and sender: the delivered messages.
    delivered: BTreeMap<(N, N), Delivered>,
}

#[derive(Clone, Debug, Default)]
struct Delivered {
    /// The index after the last delivered one.
    next: usize,
    /// The indices of all delivered ones, if gaps are allowed.
    places: BTreeSet<usize>,
}

impl<N: Id, I: Name> Fifo<N, I> {
    /// No message is delivered before an earlier message of its sender to the same receiver: FIFO broadcast.
    pub fn gapless() -> Self {
        Fifo { gaps: false, sent: BTreeMap::new(), place: BTreeMap::new(), delivered: BTreeMap::new() }
    }

    /// No message is delivered after a later message of its sender. Messages may be missing: the order of a lossy
    /// channel.
    pub fn in_order() -> Self {
        Fifo { gaps: true, ..Fifo::gapless() }
    }
}

impl<N: Id, I: Name> Judge for Fifo<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        match event {
            Event::Sent { by, message, to } => {
                if !self.place.contains_key(&message) {
                    let sent = self.sent.entry(by.clone()).or_default();
                    self.place.insert(message.clone(), (by, sent.len()));
                    sent.push((message, to));
                }
                Ok(())
            }
            Event::Delivered { at, message } => self.deliver(at, &message),
            Event::Owed { .. } | Event::Resumed { .. } => Ok(()),
        }
    }
}

impl<N: Id, I: Name> Fifo<N, I> {
    fn deliver(&mut self, at: N, message: &I) -> Ruling<N> {
        let Some((by, place)) = self.place.get(message) else {
            return Ok(());
        };
        let sent = &self.sent[by];
        let delivered = self.delivered.entry((at.clone(), by.clone())).or_default();
        if *place < delivered.next {
            // Without gaps it must be a repetition.
            if !self.gaps || delivered.places.contains(place) {
                return Ok(());
            }
            let (later, _) = &sent[delivered.next - 1];
            let words = format!("{at:?} delivers {message:?} of {by:?} after {later:?}, which {by:?} sent later");
            return Err(Refusal::new(RULE, [by.clone(), at], words));
        }
        let skipped = sent[delivered.next..*place].iter().find(|(_, to)| to.includes(&at));
        if let (false, Some((earlier, _))) = (self.gaps, skipped) {
            let words = format!("{at:?} delivers {message:?} of {by:?} before {earlier:?}, which {by:?} sent earlier");
            return Err(Refusal::new(RULE, [by.clone(), at], words));
        }
        if self.gaps {
            delivered.places.insert(*place);
        }
        delivered.next = place + 1;
        Ok(())
    }
}

const RULE: &str = "FIFO order";
