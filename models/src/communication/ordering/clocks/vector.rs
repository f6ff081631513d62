//! Vector clocks (Mattern, *Virtual Time and Global States of Distributed Systems*, 1989; Fidge 1988): of each member, how many
//! of its events happened before, this one included.

use std::cmp::Ordering;

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

/// A time of the clock: a count for each member. They are ordered partially, exactly as the events are.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VectorTime(Vec<u64>);

impl VectorTime {
    /// Before all events, in a group of so many.
    pub fn zero(members: usize) -> Self {
        VectorTime(vec![0; members])
    }

    /// The count of a member; zero for one that is not of the group.
    pub fn of(&self, member: NodeId) -> u64 {
        self.0.get(member.index()).copied().unwrap_or(0)
    }

    /// The counts, in the order of the members.
    pub fn counts(&self) -> &[u64] {
        &self.0
    }

    /// Counts one more event of a member.
    ///
    /// # Panics
    /// If it is not of the group.
    pub fn tick(&mut self, member: NodeId) {
        self.0[member.index()] += 1;
    }

    /// The least time that is not before either.
    pub fn merge(&mut self, other: &VectorTime) {
        assert!(self.0.len() == other.0.len(), "vector times of one group are of one length: {self:?}, {other:?}");
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
    }
}

/// `V ≤ W` if no count of V is greater; times of which neither is ≤ the other are concurrent.
impl PartialOrd for VectorTime {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let at_most =
            |a: &VectorTime, b: &VectorTime| a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(|(a, b)| a <= b);
        match (at_most(self, other), at_most(other, self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Less),
            (false, true) => Some(Ordering::Greater),
            (false, false) => None,
        }
    }
}
