//! Reliable broadcast: agreement and validity (Hadzilacos and Toueg 1994, section 3). Both are judged at the end, when
//! every message had time to arrive; correct processes are those that are obliged.
//!
//! A sender counts as having its own message, whether it delivers it or not.

use std::collections::{BTreeMap, BTreeSet};

use super::{Destination, Event};
use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// A message that one process delivers is delivered by all correct members to which it is addressed.
#[derive(Clone, Debug)]
pub struct Agreement<N, I> {
    uniform: bool,
    seen: Seen<N, I>,
}

/// A message that a correct member sends is delivered by all correct members to which it is addressed. (The literature
/// demands this of the sender only; with agreement it is the same.)
#[derive(Clone, Debug)]
pub struct Validity<N, I> {
    seen: Seen<N, I>,
}

#[derive(Clone, Debug)]
struct Seen<N, I> {
    group: BTreeSet<N>,
    sent: BTreeMap<I, (N, Destination<N>)>,
    delivered: BTreeMap<I, BTreeSet<N>>,
}

impl<N: Id, I: Name> Agreement<N, I> {
    /// Agreement on messages that a correct member of the group delivers.
    pub fn among(group: impl IntoIterator<Item = N>) -> Self {
        Agreement { uniform: false, seen: Seen::among(group) }
    }

    /// Uniform agreement, on messages that any member of the group delivers, even just before it fails.
    pub fn uniform(group: impl IntoIterator<Item = N>) -> Self {
        Agreement { uniform: true, seen: Seen::among(group) }
    }
}

impl<N: Id, I: Name> Validity<N, I> {
    /// Validity in this group.
    pub fn among(group: impl IntoIterator<Item = N>) -> Self {
        Validity { seen: Seen::among(group) }
    }
}

impl<N: Id, I: Name> Judge for Agreement<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        self.seen.note(event);
        Ok(())
    }

    fn finish(&mut self, obliged: &dyn Fn(&N) -> bool) -> Ruling<N> {
        for (message, receivers) in &self.seen.delivered {
            let Some(one) = receivers.iter().find(|node| self.uniform || obliged(node)) else {
                continue;
            };
            if let Some(missing) = self.seen.missing(message, obliged) {
                let words = format!("{one:?} delivered {message:?}, and {missing:?} never did");
                return Err(Refusal::new("agreement", [one.clone(), missing.clone()], words));
            }
        }
        Ok(())
    }

    fn is_liveness(&self) -> bool {
        true
    }
}

impl<N: Id, I: Name> Judge for Validity<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        self.seen.note(event);
        Ok(())
    }

    fn finish(&mut self, obliged: &dyn Fn(&N) -> bool) -> Ruling<N> {
        for (message, (by, _)) in self.seen.sent.iter().filter(|(_, (by, _))| obliged(by)) {
            if let Some(missing) = self.seen.missing(message, obliged) {
                let words = format!("{by:?} sent {message:?}, and {missing:?} never delivered it");
                return Err(Refusal::new("validity", [by.clone(), missing.clone()], words));
            }
        }
        Ok(())
    }

    fn is_liveness(&self) -> bool {
        true
    }
}

impl<N: Id, I: Name> Seen<N, I> {
    fn among(group: impl IntoIterator<Item = N>) -> Self {
        Seen { group: group.into_iter().collect(), sent: BTreeMap::new(), delivered: BTreeMap::new() }
    }

    fn note(&mut self, event: Event<N, I>) {
        match event {
            Event::Sent { by, message, to } => _ = self.sent.entry(message).or_insert((by, to)),
            Event::Delivered { at, message } => _ = self.delivered.entry(message).or_default().insert(at),
            Event::Owed { .. } | Event::Resumed { .. } => {}
        }
    }

    /// A correct member that has not delivered this message, and should have.
    fn missing(&self, message: &I, obliged: &dyn Fn(&N) -> bool) -> Option<&N> {
        let sent = self.sent.get(message);
        let concerned = |node: &&N| sent.is_none_or(|(by, to)| by != *node && to.includes(node));
        let has = |node: &N| self.delivered.get(message).is_some_and(|receivers| receivers.contains(node));
        self.group.iter().filter(concerned).find(|node| obliged(node) && !has(node))
    }
}
