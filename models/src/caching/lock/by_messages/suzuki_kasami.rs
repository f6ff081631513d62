//! Suzuki and Kasami, "A distributed mutual exclusion algorithm", ACM TOCS 3(4), 1985.
//!
//! There is one token, the *privilege*. Who wants to enter and does not have it asks everybody, with a number that counts
//! its requests; `RN[j]` is the greatest number heard of node `j`. The token knows `LN[j]`, the number of the request of
//! `j` that was granted last: if `RN[j] = LN[j] + 1`, then `j` waits. Who leaves puts all who wait, and are not in it yet,
//! into the token's queue, and sends the token to the first. Who has the token and does not need it sends it at once.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;

use crate::caching::lock::by_messages::{Effects, Privilege, Speech, Stamp};
use crate::caching::lock::marks;
use crate::caching::lock::messages::Token;

/// A node.
#[derive(Clone, Debug, Hash)]
pub struct SuzukiKasami {
    me: NodeId,
    nodes: Vec<NodeId>,
    /// `RN`.
    requested: BTreeMap<NodeId, u64>,
    /// `HavePrivilege`, with the token.
    privilege: Option<Privilege>,
    /// `Requesting`, or inside.
    wants: bool,
    inside: bool,
}

impl SuzukiKasami {
    /// A node among others. The first of them begins with the token.
    pub fn new(me: NodeId, nodes: Vec<NodeId>) -> Self {
        let privilege = (nodes.first() == Some(&me)).then(Privilege::default);
        SuzukiKasami { me, nodes, requested: BTreeMap::new(), privilege, wants: false, inside: false }
    }

    /// The token, if it is here.
    pub fn privilege(&self) -> Option<&Privilege> {
        self.privilege.as_ref()
    }

    pub(super) fn want(&mut self, effects: &mut Effects) {
        self.wants = true;
        if self.privilege.is_some() {
            effects.marks.push(marks::TOKEN_WAS_HERE);
            return self.enter(effects);
        }
        let number = self.requested.entry(self.me).or_default();
        *number += 1;
        let request = Speech::Request(Stamp { number: *number, node: self.me });
        for node in self.nodes.iter().copied().filter(|node| *node != self.me) {
            effects.say(node, request.clone());
        }
    }

    fn enter(&mut self, effects: &mut Effects) {
        let privilege = self.privilege.as_mut().expect("who enters has the token");
        privilege.turns += 1;
        self.inside = true;
        effects.enters = Some(Token(privilege.turns));
    }

    pub(super) fn leave(&mut self, effects: &mut Effects) {
        assert!(self.inside, "who leaves was inside: {self:?}");
        (self.wants, self.inside) = (false, false);
        let own = self.requested.get(&self.me).copied().unwrap_or(0);
        let privilege = self.privilege.as_mut().expect("who is inside has the token");
        privilege.granted.insert(self.me, own);
        self.pass_on(effects);
    }

    pub(super) fn hear(&mut self, effects: &mut Effects, speech: Speech) {
        match speech {
            Speech::Request(Stamp { number, node }) => {
                let known = self.requested.entry(node).or_default();
                *known = number.max(*known);
                if self.privilege.is_some() && !self.wants {
                    self.pass_on(effects);
                }
            }
            Speech::Privilege(privilege) => {
                assert!(self.privilege.is_none(), "there is one token: {} has two", self.me);
                assert!(self.wants, "the token goes to those who want it: {} got it", self.me);
                self.privilege = Some(privilege);
                self.enter(effects);
            }
            speech => panic!("suzuki-kasami: a message of another protocol: {speech:?}"),
        }
    }

    /// Queues all who wait, and sends the token to the first, if there is one.
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
                effects.marks.push(marks::TOKEN_KNOWS_OF_SEVERAL);
            }
            effects.say(next, Speech::Privilege(self.privilege.take().expect("just looked at")));
        }
    }
}
