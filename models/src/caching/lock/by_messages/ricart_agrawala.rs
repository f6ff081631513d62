//! Ricart and Agrawala, "An optimal algorithm for mutual exclusion in computer networks", CACM 24(1), 1981.
//!
//! Who wants to enter asks all others, with a number greater than any it has heard. Whoever is asked replies at once,
//! unless it is inside, or wants to enter itself with an older request: then it defers its reply until it has left. Who has
//! everybody's reply enters.

use std::collections::BTreeSet;

use seedbed_sim::NodeId;

use crate::caching::lock::by_messages::{Effects, Speech, Stamp};
use crate::caching::lock::marks;
use crate::caching::lock::messages::Token;

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct RicartAgrawala {
    me: NodeId,
    nodes: Vec<NodeId>,
    /// `Highest_Sequence_Number`.
    highest: u64,
    /// `Our_Sequence_Number`, while it wants to enter or is inside.
    wants: Option<Stamp>,
    /// Whose reply is outstanding.
    outstanding: BTreeSet<NodeId>,
    /// `Reply_Deferred`.
    deferred: BTreeSet<NodeId>,
}

impl RicartAgrawala {
    /// A node among others.
    pub fn new(me: NodeId, nodes: Vec<NodeId>) -> Self {
        let (outstanding, deferred) = (BTreeSet::new(), BTreeSet::new());
        RicartAgrawala { me, nodes, highest: 0, wants: None, outstanding, deferred }
    }

    pub(super) fn want(&mut self, effects: &mut Effects) {
        self.highest += 1;
        let stamp = Stamp { number: self.highest, node: self.me };
        self.wants = Some(stamp);
        self.outstanding = self.nodes.iter().copied().filter(|node| *node != self.me).collect();
        for node in &self.outstanding {
            effects.say(*node, Speech::Request(stamp));
        }
        self.enter_if_allowed(effects);
    }

    fn enter_if_allowed(&mut self, effects: &mut Effects) {
        if let (Some(stamp), true) = (self.wants, self.outstanding.is_empty()) {
            // Turns are taken in the order of their stamps, so the stamp is the token.
            effects.enters = Some(Token(stamp.number << 14 | u64::from(stamp.node.0)));
        }
    }

    pub(super) fn leave(&mut self, effects: &mut Effects) {
        assert!(self.wants.is_some() && self.outstanding.is_empty(), "who leaves was inside: {self:?}");
        self.wants = None;
        for node in std::mem::take(&mut self.deferred) {
            effects.say(node, Speech::Reply);
        }
    }

    pub(super) fn hear(&mut self, effects: &mut Effects, from: NodeId, speech: Speech) {
        match speech {
            Speech::Request(stamp) => {
                self.highest = self.highest.max(stamp.number);
                // `Defer_it := Requesting and (k > Ours or (k = Ours and j > me))`; who is inside is requesting too.
                if self.wants.is_some_and(|own| own < stamp) {
                    effects.marks.push(marks::REPLY_DEFERRED);
                    self.deferred.insert(from);
                    return;
                }
                effects.say(from, Speech::Reply);
            }
            Speech::Reply => {
                let awaited = self.outstanding.remove(&from);
                assert!(awaited, "a reply is to a request: {from} replied to {}", self.me);
                self.enter_if_allowed(effects);
            }
            speech => panic!("ricart-agrawala: a message of another protocol: {speech:?}"),
        }
    }
}
