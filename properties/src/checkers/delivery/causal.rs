//! Causal order (Birman and Joseph 1987; Hadzilacos and Toueg 1994, section 3).

use std::collections::BTreeMap;

use super::{Destination, Event};
use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// No process delivers a message before the messages that causally precede it and are addressed to it: those that the
/// sender had sent or delivered before, and those that preceded them.
///
/// The causal past of a message contains a prefix of each sender's messages, so one number per sender is enough: the
/// judge's own vector clocks, which do not depend on those of the model. A message that was delivered but not reported
/// as sent is not judged.
#[derive(Clone, Debug)]
pub struct Causal<N, I> {
    own_are_delivered: bool,
    sent: BTreeMap<N, Vec<Sent<N, I>>>,
    place: BTreeMap<I, (N, usize)>,
    /// By process: the number of messages of each sender in its past.
    pasts: BTreeMap<N, Past<N>>,
    /// By receiver and sender.
    delivered: BTreeMap<(N, N), Delivered>,
}

type Past<N> = BTreeMap<N, usize>;

#[derive(Clone, Debug)]
struct Sent<N, I> {
    message: I,
    to: Destination<N>,
    past: Past<N>,
}

#[derive(Clone, Debug, Default)]
struct Delivered {
    places: Vec<bool>,
    /// All messages before this one that are addressed to the receiver were delivered.
    all_to: usize,
}

impl<N: Id, I: Name> Causal<N, I> {
    /// A process need not deliver its own messages, which are in its past once they are sent.
    pub fn new() -> Self {
        Causal {
            own_are_delivered: false,
            sent: BTreeMap::new(),
            place: BTreeMap::new(),
            pasts: BTreeMap::new(),
            delivered: BTreeMap::new(),
        }
    }

    /// A process delivers its own messages in causal order like all others, as the literature defines it.
    pub fn delivering_own() -> Self {
        Causal { own_are_delivered: true, ..Causal::new() }
    }

    fn deliver(&mut self, at: N, message: &I) -> Ruling<N> {
        let Some((by, place)) = self.place.get(message).cloned() else {
            return Ok(());
        };
        let past = self.sent[&by][place].past.clone();
        for (sender, count) in &past {
            if *sender == at && !self.own_are_delivered {
                continue;
            }
            let sent = &self.sent[sender];
            let delivered = self.delivered.entry((at.clone(), sender.clone())).or_default();
            while delivered.all_to < *count {
                let earlier = &sent[delivered.all_to];
                if earlier.to.includes(&at) && !delivered.places.get(delivered.all_to).is_some_and(|was| *was) {
                    let cause = &earlier.message;
                    let words = format!(
                        "{at:?} delivers {message:?} of {by:?} before {cause:?} of {sender:?}, which precedes it causally"
                    );
                    return Err(Refusal::new("causal order", [sender.clone(), by, at], words));
                }
                delivered.all_to += 1;
            }
        }
        let delivered = self.delivered.entry((at.clone(), by.clone())).or_default();
        if delivered.places.len() <= place {
            delivered.places.resize(place + 1, false);
        }
        delivered.places[place] = true;
        let mine = self.pasts.entry(at).or_default();
        for (sender, count) in past.into_iter().chain([(by, place + 1)]) {
            let known = mine.entry(sender).or_default();
            *known = count.max(*known);
        }
        Ok(())
    }
}

impl<N: Id, I: Name> Judge for Causal<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        match event {
            Event::Sent { by, message, to } => {
                if !self.place.contains_key(&message) {
                    let past = self.pasts.entry(by.clone()).or_default();
                    let sent = self.sent.entry(by.clone()).or_default();
                    self.place.insert(message.clone(), (by.clone(), sent.len()));
                    sent.push(Sent { message, to, past: past.clone() });
                    past.insert(by, sent.len());
                }
                Ok(())
            }
            Event::Delivered { at, message } => self.deliver(at, &message),
            Event::Owed { .. } | Event::Resumed { .. } => Ok(()),
        }
    }
}

impl<N: Id, I: Name> Default for Causal<N, I> {
    fn default() -> Self {
        Causal::new()
    }
}
