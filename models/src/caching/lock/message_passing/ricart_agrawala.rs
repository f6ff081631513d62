//! Ricart and Agrawala, "An optimal algorithm for mutual exclusion in computer networks", CACM 24(1), 1981.
//!
//! A node that wants to enter requests permission of all others, with a sequence number greater than any it has received.
//! A node that is asked replies at once, unless it is in the critical section or has an older request itself: then it defers
//! its reply until it has left. A node that has the replies of all others enters.

use std::collections::BTreeSet;

use seedbed_sim::NodeId;

use crate::caching::lock::marks;
use crate::caching::lock::message_passing::effects::Effects;
use crate::caching::lock::message_passing::messages::{PeerMessage, Timestamp};
use crate::caching::lock::messages::Token;

/// The state of a node.
#[derive(Clone, Debug, Hash)]
pub struct RicartAgrawala {
    me: NodeId,
    nodes: Vec<NodeId>,
    /// `Highest_Sequence_Number`.
    highest: u64,
    /// `Our_Sequence_Number`, while `Requesting_Critical_Section`: from the request to the release.
    requesting: Option<Timestamp>,
    /// The nodes whose replies are awaited: `Outstanding_Reply_Count` counts them.
    outstanding: BTreeSet<NodeId>,
    /// The nodes whose replies are deferred: `Reply_Deferred`.
    deferred: BTreeSet<NodeId>,
}

impl RicartAgrawala {
    /// The node `me` of all `nodes`.
    pub fn new(me: NodeId, nodes: Vec<NodeId>) -> Self {
        let (outstanding, deferred) = (BTreeSet::new(), BTreeSet::new());
        RicartAgrawala { me, nodes, highest: 0, requesting: None, outstanding, deferred }
    }

    /// Whether the node is in the critical section.
    fn is_inside(&self) -> bool {
        self.requesting.is_some() && self.outstanding.is_empty()
    }

    /// The node wants to enter.
    pub(super) fn request(&mut self, effects: &mut Effects) {
        assert!(self.requesting.is_none(), "a node requests once at a time: {self:?}");
        self.highest += 1;
        let timestamp = Timestamp { sequence: self.highest, node: self.me };
        self.requesting = Some(timestamp);
        self.outstanding = self.nodes.iter().copied().filter(|node| *node != self.me).collect();
        for node in &self.outstanding {
            effects.send(*node, PeerMessage::Request(timestamp));
        }
        self.enter_if_permitted(effects);
    }

    fn enter_if_permitted(&mut self, effects: &mut Effects) {
        if let (Some(timestamp), true) = (self.requesting, self.outstanding.is_empty()) {
            // Nodes enter in the order of their timestamps, so the timestamp is the fencing token.
            effects.entered = Some(Token(timestamp.sequence << 14 | u64::from(timestamp.node.0)));
        }
    }

    /// The node leaves the critical section.
    pub(super) fn release(&mut self, effects: &mut Effects) {
        assert!(self.is_inside(), "a node that leaves was inside: {self:?}");
        self.requesting = None;
        for node in std::mem::take(&mut self.deferred) {
            effects.send(node, PeerMessage::Reply);
        }
    }

    pub(super) fn receive(&mut self, effects: &mut Effects, from: NodeId, message: PeerMessage) {
        match message {
            PeerMessage::Request(timestamp) => {
                self.highest = self.highest.max(timestamp.sequence);
                // `Defer_it := Requesting and (k > Ours or (k = Ours and j > me))`; a node that is inside is requesting.
                if self.requesting.is_some_and(|own| own < timestamp) {
                    effects.mark(marks::REPLY_DEFERRED);
                    self.deferred.insert(from);
                    return;
                }
                effects.send(from, PeerMessage::Reply);
            }
            PeerMessage::Reply => {
                let awaited = self.outstanding.remove(&from);
                assert!(awaited, "a reply is to an outstanding request: {from} replied to {}", self.me);
                self.enter_if_permitted(effects);
            }
            message => panic!("no message of Ricart and Agrawala: {from} sent {message:?}"),
        }
    }
}
