//! That members fall silent.

use seedbed_models::communication::ordering::{Node, Ordering};
use seedbed_sim::{Broken, Property, Verdict, World};

/// Members that tell each other what they have, until each knows that the others have it, come to an end with that: a while after
/// the faults and the last broadcast nobody repairs any more. (A reliable broadcast that does this is called *quiescent*: Aguilera,
/// Chen & Toueg, *On Quiescent Reliable Communication*, 2000, §1.)
#[derive(Clone, Debug, Default)]
pub struct MembersFallSilent;

impl Property<Ordering> for MembersFallSilent {
    fn name(&self) -> String {
        "ordering/members_fall_silent".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<Ordering>) -> Verdict {
        for (node, process) in world.processes() {
            if let Node::Member(member) = process
                && member.behind() > 0
            {
                let words = format!("{node} still asks {} others what they have", member.behind());
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}
