//! Who is in the group.

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::replication::raft::quorum::{self, VoteResult};
use crate::replication::raft::types::Index;

/// The servers of a group (paper §6, thesis ch. 4). While it moves from one set of voters to another, a decision needs
/// a majority of both.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Membership {
    /// The voters, ascending.
    pub voters: Vec<NodeId>,
    /// The voters that are being replaced, ascending; empty unless the change is under way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outgoing: Vec<NodeId>,
    /// Servers that receive entries and do not vote, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learners: Vec<NodeId>,
}

impl Membership {
    /// A group of these voters.
    pub fn of(voters: impl IntoIterator<Item = NodeId>) -> Self {
        let mut voters: Vec<NodeId> = voters.into_iter().collect();
        voters.sort_unstable();
        voters.dedup();
        Membership { voters, outgoing: Vec::new(), learners: Vec::new() }
    }

    /// Checks that it is one as [`Membership::of`] makes it: lists that ascend, with a voter.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(&self) -> Result<(), String> {
        let ascends = |nodes: &[NodeId]| nodes.windows(2).all(|pair| pair[0] < pair[1]);
        if self.voters.is_empty() {
            return Err("a group needs at least one voter".into());
        }
        if ![&self.voters, &self.outgoing, &self.learners].into_iter().all(|nodes| ascends(nodes)) {
            return Err("voters, outgoing and learners must ascend".into());
        }
        Ok(())
    }

    /// The same with these learners, as far as they have no vote.
    pub fn with_learners(self, learners: impl IntoIterator<Item = NodeId>) -> Self {
        let mut learners: Vec<NodeId> = learners.into_iter().filter(|node| !self.votes(*node)).collect();
        learners.sort_unstable();
        learners.dedup();
        Membership { learners, ..self }
    }

    /// Whether it is on the way from one set of voters to another (C_old,new).
    pub fn is_joint(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Whether a server has a vote.
    pub fn votes(&self, node: NodeId) -> bool {
        self.voters.contains(&node) || self.outgoing.contains(&node)
    }

    /// Every server once, ascending.
    pub fn everyone(&self) -> Vec<NodeId> {
        let mut all = [&self.voters[..], &self.outgoing, &self.learners].concat();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The greatest index that a quorum has reached.
    pub fn committed(&self, reached: impl Fn(NodeId) -> Index) -> Index {
        quorum::joint_committed([&self.voters, &self.outgoing], reached)
    }

    /// How a vote stands.
    pub fn vote(&self, answer: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
        quorum::joint_vote([&self.voters, &self.outgoing], answer)
    }

    /// Whether those for whom `is` holds are a quorum.
    pub fn quorum(&self, is: impl Fn(NodeId) -> bool) -> bool {
        self.vote(|node| Some(is(node))) == VoteResult::Won
    }
}
