//! What a member holds of the others: of each the claim that overrides all that it has heard.

use seedbed_sim::NodeId;

use crate::communication::gossip::bugs::Bug;
use crate::communication::gossip::swim::claim::{Claim, State};

/// What a member holds of the others, by node.
#[derive(Clone, Debug, Hash)]
pub struct View {
    claims: Vec<Claim>,
    bug: Option<Bug>,
}

/// What a claim has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is held now; before it was this.
    From(Claim),
    /// It is held already.
    Same,
    /// What is held overrides it.
    Old,
}

impl View {
    /// A view of a group of so many, none of whom was heard of.
    pub fn new(members: u16, bug: Option<Bug>) -> Self {
        View { claims: (0..members).map(|n| Claim::unheard(NodeId(n))).collect(), bug }
    }

    /// What is held of a member.
    pub fn of(&self, member: NodeId) -> Claim {
        self.claims[member.index()]
    }

    /// Whether a member is not held dead.
    pub fn counts(&self, member: NodeId) -> bool {
        self.of(member).state != State::Dead
    }

    /// All claims, by node.
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Takes a claim if it overrides what is held.
    pub fn take(&mut self, claim: Claim) -> Change {
        let held = &mut self.claims[claim.member.index()];
        if claim.precedence() == held.precedence() {
            return Change::Same;
        }
        let overrides = match self.bug {
            Some(Bug::OldIncarnationWins) if claim.state != held.state => claim.state > held.state,
            Some(Bug::AliveOverridesDead) if claim.incarnation == held.incarnation && held.state == State::Dead => {
                claim.state == State::Alive
            }
            _ => claim.precedence() > held.precedence(),
        };
        if overrides { Change::From(std::mem::replace(held, claim)) } else { Change::Old }
    }
}
