//! Maekawa, "A √N algorithm for mutual exclusion in decentralized systems", ACM TOCS 3(2), 1985; with the additional
//! FAILED messages that Sanders, "The information structure of distributed mutual exclusion algorithms", ACM TOCS 5(3),
//! 1987, found to be needed against deadlock.
//!
//! Each node has a quorum (the paper's `S_i`), and any two quorums intersect. A node that wants to enter sends a timestamped
//! request to its quorum, whose members are *arbiters* and have one permission each. Two nodes that wait for each other's
//! permissions would be deadlocked; so an arbiter that has given its permission and receives an older request *inquires*
//! whether it can have the permission back. A node that cannot enter yet, because an arbiter has told it that its request
//! *failed*, *relinquishes* the permission; a node that does not know waits until it does, or until it has entered and left.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::NodeId;

use crate::caching::lock::marks;
use crate::caching::lock::message_passing::effects::Effects;
use crate::caching::lock::message_passing::messages::{PeerMessage, Timestamp};
use crate::caching::lock::messages::Token;

/// The quorum of a node: of seven nodes, a line of the projective plane, as in the paper; of any other number, the row and the
/// column of the node in a grid that is as square as possible.
pub fn quorum(me: NodeId, nodes: &[NodeId]) -> Vec<NodeId> {
    let place = nodes.iter().position(|node| *node == me).expect("a node is one of the nodes");
    if nodes.len() == 7 {
        const LINES: [[usize; 3]; 7] = [[0, 1, 2], [1, 3, 5], [2, 4, 5], [0, 3, 4], [1, 4, 6], [0, 5, 6], [2, 3, 6]];
        return LINES[place].map(|n| nodes[n]).to_vec();
    }
    let width = (1..).find(|width| width * width >= nodes.len()).expect("some square is large enough");
    // The last row may be short. Its nodes meet those of other rows where their own column crosses that row, which is full.
    let is_member = |(n, _): &(usize, &NodeId)| n / width == place / width || n % width == place % width;
    nodes.iter().enumerate().filter(is_member).map(|(_, node)| *node).collect()
}

/// The state of a node that wants to enter.
#[derive(Clone, Debug, Default, Hash)]
struct Requester {
    requesting: Option<Timestamp>,
    inside: bool,
    /// The arbiters that have given their permission, and the last fencing token that each knows of.
    locked: BTreeMap<NodeId, u64>,
    /// The arbiters where another request goes first, or that have got their permission back.
    failed: BTreeSet<NodeId>,
    /// The arbiters whose inquiries are not answered yet.
    inquired: BTreeSet<NodeId>,
}

/// The state of an arbiter.
#[derive(Clone, Debug, Default, Hash)]
struct Arbiter {
    /// The request that has its permission.
    locked_for: Option<Timestamp>,
    /// Whether it has inquired for the permission.
    inquired: bool,
    /// The requests that wait for its permission.
    waiting: BTreeSet<Timestamp>,
    /// Those of them whose nodes know that they have failed.
    failed: BTreeSet<Timestamp>,
    /// The last fencing token that it knows of.
    token: u64,
}

/// The state of a node.
#[derive(Clone, Debug, Hash)]
pub struct Maekawa {
    me: NodeId,
    quorum: Vec<NodeId>,
    /// The greatest sequence number that was sent or received.
    highest: u64,
    token: u64,
    requester: Requester,
    arbiter: Arbiter,
}

impl Maekawa {
    /// The node `me` of all `nodes`.
    pub fn new(me: NodeId, nodes: &[NodeId]) -> Self {
        let (requester, arbiter) = (Requester::default(), Arbiter::default());
        Maekawa { me, quorum: quorum(me, nodes), highest: 0, token: 0, requester, arbiter }
    }

    /// The node wants to enter.
    pub(super) fn request(&mut self, effects: &mut Effects) {
        assert!(self.requester.requesting.is_none(), "a node requests once at a time: {self:?}");
        self.highest += 1;
        let timestamp = Timestamp { sequence: self.highest, node: self.me };
        self.requester = Requester { requesting: Some(timestamp), ..Requester::default() };
        for node in &self.quorum {
            effects.send(*node, PeerMessage::Request(timestamp));
        }
    }

    /// The node leaves the critical section.
    pub(super) fn release(&mut self, effects: &mut Effects) {
        let Requester { requesting: Some(timestamp), inside: true, .. } = self.requester else {
            panic!("a node that leaves was inside: {self:?}");
        };
        self.requester = Requester::default();
        for node in &self.quorum {
            effects.send(*node, PeerMessage::Release(timestamp, self.token));
        }
    }

    pub(super) fn receive(&mut self, effects: &mut Effects, from: NodeId, message: PeerMessage) {
        match message {
            PeerMessage::Request(timestamp) => {
                self.highest = self.highest.max(timestamp.sequence);
                self.arbiter.request(effects, timestamp);
            }
            PeerMessage::Release(timestamp, token) => self.arbiter.released(effects, timestamp, token),
            PeerMessage::Relinquish(timestamp) => self.arbiter.relinquished(effects, timestamp),
            PeerMessage::Locked(timestamp, token) if self.requester.requesting == Some(timestamp) => {
                self.locked(effects, from, token)
            }
            PeerMessage::Failed(timestamp) if self.requester.requesting == Some(timestamp) => {
                self.requester.failed.insert(from);
                self.requester.answer_inquiries(effects);
            }
            PeerMessage::Inquire(timestamp) if self.requester.requesting == Some(timestamp) => {
                self.requester.inquired.insert(from);
                self.requester.answer_inquiries(effects);
            }
            // The node has left since: its release is on the way to the arbiter.
            PeerMessage::Inquire(_) => {}
            message => panic!("no message of Maekawa in this state: {from} sent {message:?} to {self:?}"),
        }
    }

    fn locked(&mut self, effects: &mut Effects, from: NodeId, token: u64) {
        let requester = &mut self.requester;
        requester.failed.remove(&from);
        requester.locked.insert(from, token);
        if requester.locked.len() == self.quorum.len() {
            assert!(requester.failed.is_empty(), "a node with all permissions has failed nowhere: {requester:?}");
            requester.inside = true;
            self.token = requester.locked.values().copied().max().unwrap_or(0) + 1;
            effects.entered = Some(Token(self.token));
        }
    }
}

impl Requester {
    /// A node that cannot enter yet gives the permissions back that are inquired for. One that is inside does when it leaves.
    fn answer_inquiries(&mut self, effects: &mut Effects) {
        if self.inside || self.failed.is_empty() {
            return;
        }
        let timestamp = self.requesting.expect("an arbiter inquires at a node that requests");
        for arbiter in std::mem::take(&mut self.inquired) {
            if self.locked.remove(&arbiter).is_some() {
                effects.mark(marks::PERMISSION_RELINQUISHED);
                self.failed.insert(arbiter);
                effects.send(arbiter, PeerMessage::Relinquish(timestamp));
            }
        }
    }
}

impl Arbiter {
    fn request(&mut self, effects: &mut Effects, timestamp: Timestamp) {
        let Some(current) = self.locked_for else {
            return self.grant(effects, timestamp);
        };
        let first = self.waiting.first().copied();
        self.waiting.insert(timestamp);
        if current < timestamp || first.is_some_and(|first| first < timestamp) {
            effects.mark(marks::REQUEST_FAILED);
            return self.fail(effects, timestamp);
        }
        // The request that was first of those that wait is overtaken, and its node must know (Sanders 1987).
        if let Some(first) = first.filter(|first| !self.failed.contains(first)) {
            effects.mark(marks::OVERTAKEN_REQUEST_FAILED);
            self.fail(effects, first);
        }
        if !self.inquired {
            effects.mark(marks::INQUIRED);
            self.inquired = true;
            effects.send(current.node, PeerMessage::Inquire(current));
        }
    }

    fn fail(&mut self, effects: &mut Effects, timestamp: Timestamp) {
        self.failed.insert(timestamp);
        effects.send(timestamp.node, PeerMessage::Failed(timestamp));
    }

    fn grant(&mut self, effects: &mut Effects, timestamp: Timestamp) {
        (self.locked_for, self.inquired) = (Some(timestamp), false);
        effects.send(timestamp.node, PeerMessage::Locked(timestamp, self.token));
    }

    fn grant_next(&mut self, effects: &mut Effects) {
        (self.locked_for, self.inquired) = (None, false);
        if let Some(next) = self.waiting.pop_first() {
            self.failed.remove(&next);
            self.grant(effects, next);
        }
    }

    fn released(&mut self, effects: &mut Effects, timestamp: Timestamp, token: u64) {
        assert!(
            self.locked_for == Some(timestamp),
            "an arbiter gets back the permission that it gave: {timestamp:?}, it is {self:?}"
        );
        self.token = self.token.max(token);
        self.grant_next(effects);
    }

    /// The request waits again, and the oldest that waits gets the permission.
    fn relinquished(&mut self, effects: &mut Effects, timestamp: Timestamp) {
        assert!(
            self.locked_for == Some(timestamp),
            "an arbiter gets back the permission that it gave: {timestamp:?}, it is {self:?}"
        );
        self.waiting.insert(timestamp);
        // Its node knows that it has failed.
        self.failed.insert(timestamp);
        self.grant_next(effects);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_quorums_intersect_and_hold_their_node() {
        for count in 1..40u16 {
            let nodes: Vec<NodeId> = (0..count).map(NodeId).collect();
            let sets: Vec<_> = nodes.iter().map(|node| quorum(*node, &nodes)).collect();
            for (n, set) in sets.iter().enumerate() {
                assert!(set.contains(&NodeId(n as u16)), "{count}: {set:?}");
                assert!(sets.iter().all(|other| other.iter().any(|node| set.contains(node))), "{count}: {set:?}");
            }
            let largest = sets.iter().map(Vec::len).max().unwrap();
            assert!((largest * largest) <= 4 * usize::from(count) + 4, "{count}: {largest}");
        }
    }
}
