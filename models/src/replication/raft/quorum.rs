//! Quorum arithmetic: majorities, and joint majorities (thesis §4.3). Pure.

use seedbed_sim::NodeId;

use crate::replication::raft::types::Index;

/// How a vote stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoteResult {
    /// A quorum said yes.
    Won,
    /// A quorum can no longer say yes.
    Lost,
    /// Neither yet.
    Pending,
}

/// The greatest index that a majority has reached. Nobody's majority has reached everything: that is what makes the
/// second half of a joint quorum vanish when there is none.
pub fn committed(voters: &[NodeId], reached: impl Fn(NodeId) -> Index) -> Index {
    const USUAL: usize = 9;
    if voters.is_empty() {
        return Index::MAX;
    }
    // The k-th greatest of n, k = ⌊n/2⌋ + 1, stands at n − k when they ascend.
    let at = (voters.len() - 1) / 2;
    if voters.len() <= USUAL {
        let mut sorted = [Index::ZERO; USUAL];
        for (slot, voter) in sorted.iter_mut().zip(voters) {
            *slot = reached(*voter);
        }
        let sorted = &mut sorted[..voters.len()];
        sorted.sort_unstable();
        return sorted[at];
    }
    let mut sorted: Vec<Index> = voters.iter().map(|voter| reached(*voter)).collect();
    sorted.sort_unstable();
    sorted[at]
}

/// How a vote stands among `voters`; `None` is a voter that has not answered. Nobody's vote is won.
pub fn vote(voters: &[NodeId], answer: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
    let needed = match voters.len() {
        0 => return VoteResult::Won,
        n => n / 2 + 1,
    };
    let count = |wanted| voters.iter().filter(|voter| answer(**voter) == wanted).count();
    let (yes, silent) = (count(Some(true)), count(None));
    match () {
        () if yes >= needed => VoteResult::Won,
        () if yes + silent >= needed => VoteResult::Pending,
        () => VoteResult::Lost,
    }
}

/// The greatest index that both majorities have reached.
pub fn joint_committed(halves: [&[NodeId]; 2], reached: impl Fn(NodeId) -> Index) -> Index {
    committed(halves[0], &reached).min(committed(halves[1], &reached))
}

/// How a vote stands that both majorities must win.
pub fn joint_vote(halves: [&[NodeId]; 2], answer: impl Fn(NodeId) -> Option<bool>) -> VoteResult {
    match (vote(halves[0], &answer), vote(halves[1], &answer)) {
        (VoteResult::Lost, _) | (_, VoteResult::Lost) => VoteResult::Lost,
        (VoteResult::Won, VoteResult::Won) => VoteResult::Won,
        _ => VoteResult::Pending,
    }
}

#[cfg(test)]
mod tests;
