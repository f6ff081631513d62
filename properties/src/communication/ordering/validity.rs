//! Validity.

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::What;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::ordering::journals;

/// Validity: a member delivers what it has broadcast itself, also where a crash came between (Cachin, Guerraoui & Rodrigues 2011,
/// Module 3.2, RB1).
#[derive(Clone, Default)]
pub struct Validity;

impl Property<Ordering> for Validity {
    fn name(&self) -> String {
        "ordering/validity".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<Ordering>) -> Verdict {
        let journals = journals().of_world(world);
        let delivers =
            |node: NodeId, id: MessageId| journals.of(node).iter().any(|event| event.what == What::Deliver(id));
        for (node, _) in world.processes() {
            let own = journals.of(node).iter().filter_map(|event| match &event.what {
                What::Broadcast(message) => Some(message.id),
                What::Receive(_) | What::Deliver(_) => None,
            });
            if let Some(id) = own.into_iter().find(|id| !delivers(node, *id)) {
                return Err(Broken::new([node], format!("{node} has broadcast {id:?}, and not delivered it")));
            }
        }
        Ok(())
    }
}
