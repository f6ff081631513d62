//! The rules of locks.

use std::collections::{BTreeMap, VecDeque};

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// The events of a resource's lock, in the order in which the lock executes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<R, H> {
    /// A client queues for it. Not reported if it asks again for a lock that it holds.
    Asked {
        /// The locked resource.
        resource: R,
        /// The waiting client.
        by: H,
    },
    /// A waiting client gives up, or has failed.
    Withdrew {
        /// The locked resource.
        resource: R,
        /// The client that waited.
        by: H,
    },
    /// It is granted, perhaps again to its holder.
    Entered {
        /// The locked resource.
        resource: R,
        /// The holder.
        by: H,
        /// The depth of reentrance by the lock's own count: 1 for a lock that is not reentrant.
        depth: u32,
    },
    /// A release is accepted.
    Left {
        /// The locked resource.
        resource: R,
        /// The client that releases.
        by: H,
        /// The remaining depth by the lock's own count: 0 if it is free.
        depth: u32,
    },
    /// The lock revokes it from its holder: the lease has expired, the session is closed.
    Expired {
        /// The locked resource.
        resource: R,
    },
}

/// A guarantee of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// It is not granted while another client holds it.
    Exclusion,
    /// It is released only by its holder.
    OnlyHolderReleases,
    /// It is free exactly when it was released as often as it was acquired: the reported depths are right.
    Balanced,
    /// It is granted in the order of requests, and only to clients that requested it.
    InOrder,
}

/// Judges one of a lock's guarantees.
///
/// ```
/// use seedbed_properties::checkers::judge::Judge;
/// use seedbed_properties::checkers::mutual_exclusion::{Event, Lock, Rule};
///
/// let expired_then_left = [
///     Event::Entered { resource: 'r', by: 1u64, depth: 1 },
///     Event::Expired { resource: 'r' },
///     Event::Entered { resource: 'r', by: 2, depth: 1 },
///     Event::Left { resource: 'r', by: 1, depth: 0 },
/// ];
/// let refusal = Lock::judging(Rule::OnlyHolderReleases).judge(expired_then_left).unwrap_err();
/// assert_eq!(refusal.to_string(), "only the holder releases: 1 releases 'r', which 2 holds");
/// ```
#[derive(Clone, Debug)]
pub struct Lock<R, H> {
    rule: Rule,
    locks: BTreeMap<R, State<H>>,
}

#[derive(Clone, Debug)]
struct State<H> {
    /// The holder, and how often it has acquired the lock.
    held: Option<(H, u32)>,
    waiting: VecDeque<H>,
}

impl<R: Name, H: Id> Lock<R, H> {
    /// A judge of this guarantee.
    pub fn judging(rule: Rule) -> Self {
        Lock { rule, locks: BTreeMap::new() }
    }
}

impl Rule {
    /// Its name in words.
    pub fn name(self) -> &'static str {
        match self {
            Rule::Exclusion => "mutual exclusion",
            Rule::OnlyHolderReleases => "only the holder releases",
            Rule::Balanced => "counts balance",
            Rule::InOrder => "granted in order",
        }
    }

    fn refuse<H>(self, who: impl IntoIterator<Item = H>, words: String) -> Ruling<H> {
        Err(Refusal::new(self.name(), who, words))
    }
}

impl<R: Name, H: Id> Judge for Lock<R, H> {
    type Event = Event<R, H>;
    type Node = H;

    fn observe(&mut self, event: Event<R, H>) -> Ruling<H> {
        let rule = self.rule;
        let resource = match &event {
            Event::Asked { resource, .. }
            | Event::Withdrew { resource, .. }
            | Event::Entered { resource, .. }
            | Event::Left { resource, .. }
            | Event::Expired { resource } => resource,
        };
        let free = || State { held: None, waiting: VecDeque::new() };
        let lock = self.locks.entry(resource.clone()).or_insert_with(free);
        match event {
            Event::Asked { by, .. } => lock.waiting.push_back(by),
            Event::Withdrew { by, .. } => {
                lock.waiting.iter().position(|waiting| *waiting == by).map(|at| lock.waiting.remove(at));
            }
            Event::Entered { resource, by, depth } => lock.enter(rule, &resource, by, depth)?,
            Event::Left { resource, by, depth } => lock.leave(rule, &resource, by, depth)?,
            Event::Expired { .. } => lock.held = None,
        }
        Ok(())
    }
}

impl<H: Id> State<H> {
    fn enter<R: Name>(&mut self, rule: Rule, resource: &R, by: H, depth: u32) -> Ruling<H> {
        let again = match &self.held {
            Some((holder, times)) if *holder == by => *times,
            _ => 0,
        };
        if let (Rule::Exclusion, 0, Some((holder, _))) = (rule, again, &self.held) {
            let words = format!("{resource:?} is granted to {by:?} while {holder:?} holds it");
            return rule.refuse([holder.clone(), by], words);
        }
        if rule == Rule::Balanced && depth != again + 1 {
            let words = format!("{by:?} has entered {resource:?} {} times, the lock says {depth}", again + 1);
            return rule.refuse([by], words);
        }
        if again == 0 {
            let turn = self.waiting.iter().position(|waiting| *waiting == by);
            if let (Rule::InOrder, Some(1..)) = (rule, turn) {
                let first = self.waiting[0].clone();
                let words = format!("{resource:?} is granted to {by:?}, though {first:?} asked for it earlier");
                return rule.refuse([first, by], words);
            }
            match turn {
                None if rule == Rule::InOrder => {
                    let words = format!("{resource:?} is granted to {by:?}, who does not ask for it");
                    return rule.refuse([by], words);
                }
                None => {}
                Some(at) => _ = self.waiting.remove(at),
            }
        }
        self.held = Some((by, again + 1));
        Ok(())
    }

    fn leave<R: Name>(&mut self, rule: Rule, resource: &R, by: H, depth: u32) -> Ruling<H> {
        let times = match &self.held {
            Some((holder, times)) if *holder == by => *times,
            other => {
                if rule != Rule::OnlyHolderReleases {
                    // Other rules take the lock's word for it.
                    self.held = None;
                    return Ok(());
                }
                let (nodes, whose) = match other {
                    Some((holder, _)) => (vec![by.clone(), holder.clone()], format!("{holder:?} holds")),
                    None => (vec![by.clone()], "nobody holds".into()),
                };
                return rule.refuse(nodes, format!("{by:?} releases {resource:?}, which {whose}"));
            }
        };
        if rule == Rule::Balanced && depth != times - 1 {
            let left = times - 1;
            let words = format!("{by:?} still holds {resource:?} {left} times, the lock says {depth}");
            return rule.refuse([by], words);
        }
        self.held = (times > 1).then_some((by, times - 1));
        Ok(())
    }
}
