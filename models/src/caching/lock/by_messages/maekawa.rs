//! Maekawa, "A √N algorithm for mutual exclusion in decentralized systems", ACM TOCS 3(2), 1985; with the additional
//! FAILED messages that Sanders, "The information structure of distributed mutual exclusion algorithms", ACM TOCS 5(3),
//! 1987, found to be needed against deadlock.
//!
//! Each node has a voting set, and any two of these have a node in common. Who wants to enter asks its voting set with a
//! timestamp; each voter has one permission to give. Two who wait for each other's votes would wait for ever; so a voter
//! that has given its permission and hears an older request *inquires* whether the permission can come back. Who knows that
//! it cannot enter yet, for some voter has told it that it *failed*, *relinquishes* the permission; who does not know waits
//! until it does, or enters.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

use crate::caching::lock::by_messages::{Effects, Speech, Stamp};
use crate::caching::lock::marks;
use crate::caching::lock::messages::Token;

/// The voting set of a node: of seven, a line of the projective plane, as in the paper; of any other number, its row and
/// its column of a grid that is as square as possible.
pub fn voting_set(me: NodeId, nodes: &[NodeId]) -> Vec<NodeId> {
    let place = nodes.iter().position(|node| *node == me).expect("a node is one of the nodes");
    if nodes.len() == 7 {
        const LINES: [[usize; 3]; 7] = [[0, 1, 2], [1, 3, 5], [2, 4, 5], [0, 3, 4], [1, 4, 6], [0, 5, 6], [2, 3, 6]];
        return LINES[place].map(|n| nodes[n]).to_vec();
    }
    let width = (1..).find(|width| width * width >= nodes.len()).expect("some square is large enough");
    // The last row may be short. Its nodes meet those of other rows where their own column crosses that row, which is whole.
    let meets = |(n, _): &(usize, &NodeId)| n / width == place / width || n % width == place % width;
    nodes.iter().enumerate().filter(meets).map(|(_, node)| *node).collect()
}

/// What a node knows as one that wants to enter.
#[derive(Clone, Debug, Default, Hash)]
struct Candidate {
    wants: Option<Stamp>,
    inside: bool,
    /// Who has given its permission, and the last token that it knows of.
    locked: BTreeMap<NodeId, u64>,
    /// Who has said that another goes first, or has got its permission back, and has not given it since.
    failed: BTreeSet<NodeId>,
    /// Whose inquiry has no answer yet.
    inquired: BTreeSet<NodeId>,
}

/// What a node knows as a voter.
#[derive(Clone, Debug, Default, Hash)]
struct Voter {
    /// Who has its permission.
    locked_for: Option<Stamp>,
    /// Whether it has asked for it back.
    inquired: bool,
    waiting: BTreeSet<Stamp>,
    /// Of those who wait, who has been told so.
    told: BTreeSet<Stamp>,
    /// The last token that it knows of.
    token: u64,
}

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct Maekawa {
    me: NodeId,
    voting_set: Vec<NodeId>,
    highest: u64,
    token: u64,
    candidate: Candidate,
    voter: Voter,
}

impl Maekawa {
    /// A node among others.
    pub fn new(me: NodeId, nodes: &[NodeId]) -> Self {
        let (candidate, voter) = (Candidate::default(), Voter::default());
        Maekawa { me, voting_set: voting_set(me, nodes), highest: 0, token: 0, candidate, voter }
    }

    pub(super) fn want(&mut self, effects: &mut Effects) {
        self.highest += 1;
        let stamp = Stamp { number: self.highest, node: self.me };
        self.candidate = Candidate { wants: Some(stamp), ..Candidate::default() };
        for node in &self.voting_set {
            effects.say(*node, Speech::Request(stamp));
        }
    }

    pub(super) fn leave(&mut self, effects: &mut Effects) {
        let Candidate { wants: Some(stamp), inside: true, .. } = self.candidate else {
            panic!("who leaves was inside: {self:?}");
        };
        self.candidate = Candidate::default();
        for node in &self.voting_set {
            effects.say(*node, Speech::Release(stamp, self.token));
        }
    }

    pub(super) fn hear(&mut self, effects: &mut Effects, from: NodeId, speech: Speech) {
        match speech {
            Speech::Request(stamp) => {
                self.highest = self.highest.max(stamp.number);
                self.voter.request(effects, stamp);
            }
            Speech::Release(stamp, token) => self.voter.released(effects, stamp, token),
            Speech::Relinquish(stamp) => self.voter.relinquished(effects, stamp),
            Speech::Locked(stamp, token) if self.candidate.wants == Some(stamp) => self.locked(effects, from, token),
            Speech::Failed(stamp) if self.candidate.wants == Some(stamp) => {
                self.candidate.failed.insert(from);
                self.candidate.answer_inquiries(effects);
            }
            Speech::Inquire(stamp) if self.candidate.wants == Some(stamp) => {
                self.candidate.inquired.insert(from);
                self.candidate.answer_inquiries(effects);
            }
            // It has left since: the voter hears of that as well.
            Speech::Inquire(_) => {}
            speech => panic!("maekawa: a message that means nothing here: {from} said {speech:?} to {self:?}"),
        }
    }

    fn locked(&mut self, effects: &mut Effects, from: NodeId, token: u64) {
        let candidate = &mut self.candidate;
        candidate.failed.remove(&from);
        candidate.locked.insert(from, token);
        if candidate.locked.len() == self.voting_set.len() {
            assert!(candidate.failed.is_empty(), "who has all permissions has failed nowhere: {candidate:?}");
            candidate.inside = true;
            self.token = candidate.locked.values().copied().max().unwrap_or(0) + 1;
            effects.enters = Some(Token(self.token));
        }
    }
}

impl Candidate {
    /// Who knows that it cannot enter yet gives back what it is asked for; who is inside will, when it leaves.
    fn answer_inquiries(&mut self, effects: &mut Effects) {
        if self.inside || self.failed.is_empty() {
            return;
        }
        let stamp = self.wants.expect("who is asked wants to enter");
        for voter in std::mem::take(&mut self.inquired) {
            if self.locked.remove(&voter).is_some() {
                effects.marks.push(marks::PERMISSION_RELINQUISHED);
                self.failed.insert(voter);
                effects.say(voter, Speech::Relinquish(stamp));
            }
        }
    }
}

impl Voter {
    fn request(&mut self, effects: &mut Effects, stamp: Stamp) {
        let Some(current) = self.locked_for else {
            return self.give(effects, stamp);
        };
        let first = self.waiting.first().copied();
        self.waiting.insert(stamp);
        if current < stamp || first.is_some_and(|first| first < stamp) {
            effects.marks.push(marks::REQUEST_FAILED);
            return self.tell(effects, stamp);
        }
        // The one that was first so far is not any more, and must know (Sanders 1987).
        if let Some(first) = first.filter(|first| !self.told.contains(first)) {
            effects.marks.push(marks::OVERTAKEN_REQUEST_FAILED);
            self.tell(effects, first);
        }
        if !self.inquired {
            effects.marks.push(marks::INQUIRED);
            self.inquired = true;
            effects.say(current.node, Speech::Inquire(current));
        }
    }

    fn tell(&mut self, effects: &mut Effects, stamp: Stamp) {
        self.told.insert(stamp);
        effects.say(stamp.node, Speech::Failed(stamp));
    }

    fn give(&mut self, effects: &mut Effects, stamp: Stamp) {
        (self.locked_for, self.inquired) = (Some(stamp), false);
        effects.say(stamp.node, Speech::Locked(stamp, self.token));
    }

    fn give_to_next(&mut self, effects: &mut Effects) {
        (self.locked_for, self.inquired) = (None, false);
        if let Some(next) = self.waiting.pop_first() {
            self.told.remove(&next);
            self.give(effects, next);
        }
    }

    fn released(&mut self, effects: &mut Effects, stamp: Stamp, token: u64) {
        assert!(self.locked_for == Some(stamp), "a voter gets its permission back: {stamp:?}, it is {self:?}");
        self.token = self.token.max(token);
        self.give_to_next(effects);
    }

    /// The request goes back into the queue, and the oldest gets the permission.
    fn relinquished(&mut self, effects: &mut Effects, stamp: Stamp) {
        assert!(self.locked_for == Some(stamp), "a voter gets its permission back: {stamp:?}, it is {self:?}");
        self.waiting.insert(stamp);
        // It knows that it waits.
        self.told.insert(stamp);
        self.give_to_next(effects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_voting_sets_meet_and_hold_their_node() {
        for count in 1..40u16 {
            let nodes: Vec<NodeId> = (0..count).map(NodeId).collect();
            let sets: Vec<_> = nodes.iter().map(|node| voting_set(*node, &nodes)).collect();
            for (n, set) in sets.iter().enumerate() {
                assert!(set.contains(&NodeId(n as u16)), "{count}: {set:?}");
                assert!(sets.iter().all(|other| other.iter().any(|node| set.contains(node))), "{count}: {set:?}");
            }
            let largest = sets.iter().map(Vec::len).max().unwrap();
            assert!((largest * largest) <= 4 * usize::from(count) + 4, "{count}: {largest}");
        }
    }
}
