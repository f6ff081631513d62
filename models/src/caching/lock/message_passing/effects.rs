//! What the algorithms answer to what they hear: they are pure, and [`crate::caching::lock::message_passing::peer`] runs them.

use seedbed_sim::{Mark, NodeId};

use crate::caching::lock::message_passing::messages::PeerMessage;
use crate::caching::lock::messages::Token;

/// The effects of one step of an algorithm.
#[derive(Debug, Default)]
pub struct Effects {
    pub(super) sent: Vec<(NodeId, PeerMessage)>,
    /// The fencing token, if the node enters the critical section.
    pub(super) entered: Option<Token>,
    pub(super) marks: Vec<Mark>,
}

impl Effects {
    pub(super) fn send(&mut self, to: NodeId, message: PeerMessage) {
        self.sent.push((to, message));
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.push(mark);
    }
}
