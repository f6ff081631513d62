//! Integrity and the number of deliveries.

use std::collections::{BTreeMap, BTreeSet};

use super::{Destination, Event};
use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// Integrity, first half: every delivered message was sent before, to the process that delivers it. Deliveries may be
/// repeated.
#[derive(Clone, Debug)]
pub struct NoCreation<N, I> {
    sent: BTreeMap<I, (N, Destination<N>)>,
}

impl<N: Id, I: Name> Judge for NoCreation<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        match event {
            Event::Sent { by, message, to } => _ = self.sent.entry(message).or_insert((by, to)),
            Event::Delivered { at, message } => match self.sent.get(&message) {
                None => {
                    let words = format!("{at:?} delivers {message:?}, which nobody has sent");
                    return Err(Refusal::new("no creation", [at], words));
                }
                Some((by, to)) if !to.includes(&at) => {
                    let words = format!("{at:?} delivers {message:?}, which {by:?} sent to others: {to:?}");
                    return Err(Refusal::new("no creation", [by.clone(), at], words));
                }
                Some(_) => {}
            },
            Event::Owed { .. } | Event::Resumed { .. } => {}
        }
        Ok(())
    }
}

/// Integrity, second half: no process delivers a message twice.
#[derive(Clone, Debug)]
pub struct AtMostOnce<N, I> {
    delivered: BTreeSet<(N, I)>,
}

impl<N: Id, I: Name> Judge for AtMostOnce<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        let Event::Delivered { at, message } = event else {
            return Ok(());
        };
        if self.delivered.insert((at.clone(), message.clone())) {
            return Ok(());
        }
        Err(Refusal::new("at most once", [at.clone()], format!("{at:?} delivers {message:?} for the second time")))
    }
}

/// At the end every owed message was delivered, by all correct processes.
#[derive(Clone, Debug)]
pub struct AtLeastOnce<N, I> {
    owed: BTreeSet<(N, I)>,
    delivered: BTreeSet<(N, I)>,
}

impl<N: Id, I: Name> Judge for AtLeastOnce<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        match event {
            Event::Owed { message, to } => {
                if !self.delivered.contains(&(to.clone(), message.clone())) {
                    self.owed.insert((to, message));
                }
            }
            Event::Delivered { at, message } => {
                let delivery = (at, message);
                self.owed.remove(&delivery);
                self.delivered.insert(delivery);
            }
            Event::Sent { .. } | Event::Resumed { .. } => {}
        }
        Ok(())
    }

    fn finish(&mut self, obliged: &dyn Fn(&N) -> bool) -> Ruling<N> {
        let mut missing = self.owed.iter().filter(|(node, _)| obliged(node));
        let Some((at, message)) = missing.next() else {
            return Ok(());
        };
        let more = match missing.count() {
            0 => String::new(),
            n => format!(", and {n} more deliveries are missing"),
        };
        let words = format!("{message:?} was promised to {at:?} and never delivered there{more}");
        Err(Refusal::new("at least once", [at.clone()], words))
    }

    fn is_liveness(&self) -> bool {
        true
    }
}

/// [`AtMostOnce`], and at the end [`AtLeastOnce`].
#[derive(Clone, Debug)]
pub struct ExactlyOnce<N, I> {
    most: AtMostOnce<N, I>,
    least: AtLeastOnce<N, I>,
}

impl<N: Id, I: Name> Judge for ExactlyOnce<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        self.most.observe(event.clone())?;
        self.least.observe(event)
    }

    fn finish(&mut self, obliged: &dyn Fn(&N) -> bool) -> Ruling<N> {
        self.least.finish(obliged)
    }
}

impl<N, I> Default for NoCreation<N, I> {
    fn default() -> Self {
        NoCreation { sent: BTreeMap::new() }
    }
}

impl<N, I> Default for AtMostOnce<N, I> {
    fn default() -> Self {
        AtMostOnce { delivered: BTreeSet::new() }
    }
}

impl<N, I> Default for AtLeastOnce<N, I> {
    fn default() -> Self {
        AtLeastOnce { owed: BTreeSet::new(), delivered: BTreeSet::new() }
    }
}

impl<N, I> Default for ExactlyOnce<N, I> {
    fn default() -> Self {
        ExactlyOnce { most: AtMostOnce::default(), least: AtLeastOnce::default() }
    }
}
