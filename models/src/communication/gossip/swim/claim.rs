//! What members claim of each other (SWIM §4.2).

use std::fmt;

use seedbed_sim::NodeId;

/// What a member is held to be. Of one incarnation the later overrides the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It answers, or it says so itself.
    Alive,
    /// It has not answered.
    Suspect,
    /// It has not answered, and not refuted it; or it has left.
    Dead,
}

/// A claim.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// Of whom.
    pub member: NodeId,
    /// The member's incarnation, which it alone raises.
    pub incarnation: u64,
    /// What it is held to be.
    pub state: State,
    /// Who was the first to say so.
    pub by: NodeId,
}

impl Claim {
    /// What is held of a member that was never heard of.
    pub fn unheard(member: NodeId) -> Self {
        Claim { member, incarnation: 0, state: State::Alive, by: member }
    }

    /// A member's own claim.
    pub fn alive(member: NodeId, incarnation: u64) -> Self {
        Claim { member, incarnation, state: State::Alive, by: member }
    }

    /// Claims that override others are greater. `Alive i` overrides all of `j < i`; `Suspect i` overrides `Alive j` where `j ≤ i`, and
    /// `Suspect j` where `j < i`; `Dead i` overrides both where `j ≤ i` (SWIM §4.2, where it overrides them whatever `j` is).
    pub fn precedence(&self) -> (u64, State) {
        (self.incarnation, self.state)
    }
}

/// `n1 suspect@3`.
impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Alive => "alive",
            State::Suspect => "suspect",
            State::Dead => "dead",
        };
        write!(f, "{} {state}@{}", self.member, self.incarnation)
    }
}
