//! Causal contexts: sets of dots, compressed to one number a replica wherever they have no gaps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::replication::crdt::clock::{Dot, ReplicaId};

/// A set of dots (the causal context of Almeida, Shoker and Baquero 2018): of each replica all updates up to some
/// number, which is a version vector, and the dots beyond a gap. Two that hold the same dots are equal.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Context {
    /// Of each replica: all dots from 1 to here are in it. Never zero.
    vector: BTreeMap<ReplicaId, u64>,
    /// Dots beyond a gap.
    cloud: BTreeSet<Dot>,
}

impl Context {
    /// Whether it holds this dot.
    pub fn contains(&self, dot: &Dot) -> bool {
        self.upto(&dot.replica) >= dot.counter || self.cloud.contains(dot)
    }

    /// Up to which number it holds all updates of a replica.
    pub fn upto(&self, replica: &ReplicaId) -> u64 {
        self.vector.get(replica).copied().unwrap_or(0)
    }

    /// Adds a dot.
    pub fn insert(&mut self, dot: Dot) {
        match self.upto(&dot.replica) + 1 {
            next if dot.counter < next => {}
            next if dot.counter == next => {
                self.vector.insert(dot.replica, next);
                self.compact(dot.replica);
            }
            _ => _ = self.cloud.insert(dot),
        }
    }

    /// Takes dots of a replica out of the cloud that its vector has come up to.
    fn compact(&mut self, replica: ReplicaId) {
        if self.cloud.is_empty() {
            return;
        }
        let mut upto = self.upto(&replica);
        let of_replica = Dot { replica, counter: 0 }..=Dot { replica, counter: u64::MAX };
        let beyond: Vec<Dot> = self.cloud.range(of_replica).copied().collect();
        for dot in beyond {
            if dot.counter > upto + 1 {
                break;
            }
            upto = upto.max(dot.counter);
            self.cloud.remove(&dot);
        }
        self.vector.insert(replica, upto);
    }

    /// Adds all that another holds.
    pub fn join(&mut self, other: &Context) {
        for (replica, upto) in &other.vector {
            if self.upto(replica) < *upto {
                self.vector.insert(*replica, *upto);
                self.compact(*replica);
            }
        }
        for dot in &other.cloud {
            self.insert(*dot);
        }
    }

    /// Whether it holds all that another holds.
    pub fn includes(&self, other: &Context) -> bool {
        let vector = other.vector.iter().all(|(replica, upto)| self.upto(replica) >= *upto);
        vector && other.cloud.iter().all(|dot| self.contains(dot))
    }

    /// What it and another both hold without a gap.
    pub fn meet(&self, other: &Context) -> Context {
        let both = self.vector.iter().map(|(replica, upto)| (*replica, (*upto).min(other.upto(replica))));
        Context { vector: both.filter(|(_, upto)| *upto > 0).collect(), cloud: BTreeSet::new() }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.vector.is_empty() && self.cloud.is_empty()
    }

    /// How many numbers and dots it is written down with.
    pub fn size(&self) -> usize {
        self.vector.len() + self.cloud.len()
    }
}

impl FromIterator<Dot> for Context {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Self {
        let mut context = Context::default();
        dots.into_iter().for_each(|dot| context.insert(dot));
        context
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let upto = self.vector.iter().map(|(replica, counter)| Dot { replica: *replica, counter: *counter });
        f.write_str("≤")?;
        f.debug_set().entries(upto).finish()?;
        if self.cloud.is_empty() { Ok(()) } else { f.debug_set().entries(&self.cloud).finish() }
    }
}

#[cfg(test)]
mod tests {
    use seedbed_sim::{NodeId, Time};

    use super::*;

    fn dot(node: u16, counter: u64) -> Dot {
        Dot { replica: ReplicaId { node: NodeId(node), born: Time::ZERO, nonce: 0 }, counter }
    }

    /// Whatever the order in which dots come, those without a gap before them are one number for each replica.
    #[test]
    fn what_has_no_gaps_is_written_down_as_a_vector() {
        let orders = [[1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3], [3, 1, 4, 2]];
        for order in orders {
            let context: Context = order.into_iter().map(|counter| dot(0, counter)).collect();
            assert_eq!(context.size(), 1, "{order:?}: {context:?}");
            assert_eq!(context, [1, 2, 3, 4].into_iter().map(|counter| dot(0, counter)).collect());
        }
        let gap: Context = [dot(0, 1), dot(0, 3), dot(1, 2)].into_iter().collect();
        assert_eq!(gap.size(), 3, "a number, and two dots beyond gaps: {gap:?}");
        let mut joined = gap.clone();
        joined.join(&[dot(0, 2), dot(0, 1), dot(1, 1)].into_iter().collect());
        assert_eq!(joined.size(), 2, "the gaps are closed: {joined:?}");
    }
}
