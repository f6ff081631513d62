//! Causal broadcast: a message waits for all that its sender had delivered before (Birman, Schiper & Stephenson, *Lightweight
//! Causal and Atomic Group Multicast*, 1991, §5.1; Cachin, Guerraoui & Rodrigues 2011, Algorithm 3.15).

use std::collections::BTreeMap;

use seedbed_sim::NodeId;

use crate::communication::ordering::bugs::Bug;
use crate::communication::ordering::clocks::{LamportTime, VectorTime};
use crate::communication::ordering::envelope::{Envelope, MessageId};

/// What has come before its causes.
#[derive(Clone, Debug, Hash)]
pub struct Causal {
    /// How many of each sender's messages are delivered.
    delivered: VectorTime,
    /// By the times of Lamport's clock, which respect causes, so that those which can be delivered stand in front; messages
    /// of one time differ by their names.
    waiting: BTreeMap<(LamportTime, Option<MessageId>), (MessageId, VectorTime)>,
    bug: Option<Bug>,
}

impl Causal {
    pub(super) fn new(members: usize, bug: Option<Bug>) -> Self {
        Causal { delivered: VectorTime::zero(members), waiting: BTreeMap::new(), bug }
    }

    pub(super) fn arrived(&mut self, message: &Envelope) {
        let name = (self.bug != Some(Bug::CausalBufferDropsTies)).then_some(message.id);
        self.waiting.insert((message.stamp.lamport, name), (message.id, message.after.clone()));
    }

    pub(super) fn next(&self) -> Option<MessageId> {
        self.waiting.values().find(|(id, after)| self.has_causes(*id, after)).map(|(id, _)| *id)
    }

    fn has_causes(&self, id: MessageId, after: &VectorTime) -> bool {
        let members = (0..after.counts().len() as u16).map(NodeId);
        let mut others = members.filter(|member| *member != id.sender);
        let has_others = self.bug == Some(Bug::OtherCausesIgnored)
            || others.all(|member| after.of(member) <= self.delivered.of(member));
        has_others && id.seq == self.delivered.of(id.sender) + 1
    }

    pub(super) fn delivered(&mut self, id: MessageId) {
        self.waiting.retain(|_, (waiting, _)| *waiting != id);
        self.delivered.tick(id.sender);
    }
}
