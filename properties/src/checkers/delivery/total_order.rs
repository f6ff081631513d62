//! Total order (Hadzilacos and Toueg 1994, section 3), without gaps and with them.

use std::collections::BTreeMap;

use super::Event;
use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// All processes deliver the same sequence: at every instant, the deliveries of a process are a prefix of those of the
/// process furthest ahead. Uniform: it holds for all processes, correct or not.
#[derive(Clone, Debug)]
pub struct TotalOrder<N, I> {
    sequence: Vec<(I, N)>,
    behind: BTreeMap<N, usize>,
}

impl<N: Id, I: Name> Judge for TotalOrder<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        let length = self.sequence.len();
        match event {
            Event::Resumed { at, after } if after > length => {
                let words =
                    format!("{at:?} goes on after {after} messages, and nobody has delivered more than {length}");
                return Err(Refusal::new(RULE, [at], words));
            }
            Event::Resumed { at, after } => _ = self.behind.insert(at, after),
            Event::Delivered { at, message } => {
                let next = self.behind.entry(at.clone()).or_default();
                match self.sequence.get(*next) {
                    None => self.sequence.push((message, at)),
                    Some((same, _)) if *same == message => {}
                    Some((other, first)) => {
                        let n = *next + 1;
                        let words =
                            format!("as number {n} of all, {first:?} delivered {other:?} and {at:?} {message:?}");
                        return Err(Refusal::new(RULE, [first.clone(), at], words));
                    }
                }
                *next += 1;
            }
            Event::Sent { .. } | Event::Owed { .. } => {}
        }
        Ok(())
    }
}

/// No two processes deliver two messages in opposite orders. Messages may be missing. A process's first delivery of a
/// message counts.
#[derive(Clone, Debug)]
pub struct PairwiseOrder<N, I> {
    /// By process: the index of each of its deliveries.
    places: BTreeMap<N, BTreeMap<I, usize>>,
    /// By pair of receivers: among the messages that both have delivered, the latest delivery of the other one.
    furthest: BTreeMap<(N, N), (usize, I)>,
}

impl<N: Id, I: Name> Judge for PairwiseOrder<N, I> {
    type Event = Event<N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<N, I>) -> Ruling<N> {
        let Event::Delivered { at, message } = event else {
            return Ok(());
        };
        let mine = self.places.entry(at.clone()).or_default();
        let place = mine.len();
        if mine.contains_key(&message) {
            return Ok(());
        }
        mine.insert(message.clone(), place);
        for (other, theirs) in self.places.iter().filter(|(other, _)| **other != at) {
            let Some(there) = theirs.get(&message) else { continue };
            // All messages that both have delivered precede this one here.
            if let Some((furthest, later)) = self.furthest.get(&(at.clone(), other.clone()))
                && furthest > there
            {
                let words = format!("{at:?} delivers {message:?} after {later:?}, and {other:?} before it");
                return Err(Refusal::new(RULE, [other.clone(), at], words));
            }
            self.furthest.insert((at.clone(), other.clone()), (*there, message.clone()));
            let back = (other.clone(), at.clone());
            self.furthest.insert(back, (place, message.clone()));
        }
        Ok(())
    }
}

const RULE: &str = "total order";

impl<N, I> Default for TotalOrder<N, I> {
    fn default() -> Self {
        TotalOrder { sequence: Vec::new(), behind: BTreeMap::new() }
    }
}

impl<N, I> Default for PairwiseOrder<N, I> {
    fn default() -> Self {
        PairwiseOrder { places: BTreeMap::new(), furthest: BTreeMap::new() }
    }
}
