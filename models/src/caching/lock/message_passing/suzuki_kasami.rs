//! Suzuki and Kasami, "A distributed mutual exclusion algorithm", ACM TOCS 3(4), 1985.
//!
//! There is one token, the *privilege*. A node that wants to enter and does not have it sends a request to all others, with a
//! sequence number that counts its requests; `RN[j]` is the greatest that was received from node `j`. The token has `LN[j]`,
//! the sequence number of the request of `j` that was granted last: if `RN[j] = LN[j] + 1`, then `j` waits. A node that leaves
//! appends to the token's queue the nodes that wait and are not in it, and sends the token to the first. A node that has the
//! token and does not want to enter sends it at once.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;

use crate::caching::lock::marks;
use crate::caching::lock::message_passing::effects::Effects;
use crate::caching::lock::message_passing::messages::{PeerMessage, Privilege, Timestamp};
use crate::caching::lock::messages::Token;

/// The state of a node.
#[derive(Clone, Debug, Hash)]
pub struct SuzukiKasami {
    me: NodeId,
    nodes: Vec<NodeId>,
    /// `RN`.
    requested: BTreeMap<NodeId, u64>,
    /// The token, if this node has it: `HavePrivilege`.
    privilege: Option<Privilege>,
    /// `Requesting`: from the request to the release.
    requesting: bool,
    inside: bool,
}

impl SuzukiKasami {
    /// The node `me` of all `nodes`, the first of which has the token at the beginning.
    pub fn new(me: NodeId, nodes: Vec<NodeId>) -> Self {
        let privilege = (nodes.first() == Some(&me)).then(Privilege::default);
        SuzukiKasami { me, nodes, requested: BTreeMap::new(), privilege, requesting: false, inside: false }
    }

    /// The token, if this node has it.
    pub fn privilege(&self) -> Option<&Privilege> {
        self.privilege.as_ref()
    }

    /// The node wants to enter.
    pub(super) fn request(&mut self, effects: &mut Effects) {
        assert!(!self.requesting, "a node requests once at a time: {self:?}");
        self.requesting = true;
        if self.privilege.is_some() {
            effects.mark(marks::TOKEN_WAS_HERE);
            return self.enter(effects);
        }
        let sequence = self.requested.entry(self.me).or_default();
        *sequence += 1;
        let request = PeerMessage::Request(Timestamp { sequence: *sequence, node: self.me });
        for node in self.nodes.iter().copied().filter(|node| *node != self.me) {
            effects.send(node, request.clone());
        }
    }

    fn enter(&mut self, effects: &mut Effects) {
        let privilege = self.privilege.as_mut().expect("a node that enters has the token");
        privilege.uses += 1;
        self.inside = true;
        effects.entered = Some(Token(privilege.uses));
    }

    /// The node leaves the critical section.
    pub(super) fn release(&mut self, effects: &mut Effects) {
        assert!(self.inside, "a node that leaves was inside: {self:?}");
        (self.requesting, self.inside) = (false, false);
        let own = self.requested.get(&self.me).copied().unwrap_or(0);
        let privilege = self.privilege.as_mut().expect("a node that is inside has the token");
        privilege.granted.insert(self.me, own);
        self.pass_on(effects);
    }

    pub(super) fn receive(&mut self, effects: &mut Effects, message: PeerMessage) {
        match message {
            PeerMessage::Request(Timestamp { sequence, node }) => {
                let known = self.requested.entry(node).or_default();
                *known = sequence.max(*known);
                if self.privilege.is_some() && !self.requesting {
                    self.pass_on(effects);
                }
            }
            PeerMessage::Privilege(privilege) => {
                assert!(self.privilege.is_none(), "there is one token: {} has two", self.me);
                assert!(self.requesting, "the token is sent to a node that requests it: {} got it", self.me);
                self.privilege = Some(privilege);
                self.enter(effects);
            }
            message => panic!("no message of Suzuki and Kasami: {message:?}"),
        }
    }

    /// Appends the nodes that wait to the token's queue, and sends the token to the first of the queue, if there is one.
    fn pass_on(&mut self, effects: &mut Effects) {
        let Some(privilege) = &mut self.privilege else { return };
        for node in self.nodes.iter().filter(|node| **node != self.me) {
            let requested = self.requested.get(node).copied().unwrap_or(0);
            let granted = privilege.granted.get(node).copied().unwrap_or(0);
            if requested == granted + 1 && !privilege.queue.contains(node) {
                privilege.queue.push_back(*node);
            }
        }
        if let Some(next) = privilege.queue.pop_front() {
            if !privilege.queue.is_empty() {
                effects.mark(marks::TOKEN_KNOWS_OF_SEVERAL);
            }
            effects.send(next, PeerMessage::Privilege(self.privilege.take().expect("the token is here")));
        }
    }
}
