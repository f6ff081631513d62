//! Claims that are still to be told (SWIM §4.1): they travel on other messages, those that were sent least often first, and each only
//! so many times.

use seedbed_sim::NodeId;

use crate::communication::gossip::swim::claim::Claim;

/// How many claims a message carries at most.
pub const MOST_CLAIMS: usize = 6;

/// Claims to be told: of each member one, the latest.
#[derive(Clone, Debug, Default, Hash)]
pub struct Piggyback {
    claims: Vec<(u32, Claim)>,
}

impl Piggyback {
    /// Tells a claim from now on, instead of what was told of that member.
    pub fn tell(&mut self, claim: Claim) {
        self.drop(claim.member);
        self.claims.push((0, claim));
    }

    /// Tells nothing more of a member.
    pub fn drop(&mut self, member: NodeId) {
        self.claims.retain(|(_, known)| known.member != member);
    }

    /// The claims for the next message. Those that were sent `often` times with it are not sent again: their number.
    pub fn take(&mut self, often: u32) -> (Vec<Claim>, usize) {
        self.claims.sort_by_key(|(sent, _)| *sent);
        let mut taken = Vec::with_capacity(self.claims.len().min(MOST_CLAIMS));
        for (sent, claim) in self.claims.iter_mut().take(MOST_CLAIMS) {
            *sent += 1;
            taken.push(*claim);
        }
        let before = self.claims.len();
        self.claims.retain(|(sent, _)| *sent < often);
        (taken, before - self.claims.len())
    }
}
