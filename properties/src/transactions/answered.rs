//! Clients are answered once failures are repaired.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::Commits;
use seedbed_sim::{Broken, Property, Span, Verdict, World};

/// The time within which a request is answered after the faults have ended, or after its invocation if that is later.
pub const ANSWERED_WITHIN: Span = Span::ms(2_800);

/// Every request of a waiting client is answered within [`ANSWERED_WITHIN`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Answered;

impl<M: Commits> Property<M> for Answered {
    fn name(&self) -> String {
        format!("{}/requests_answered", M::INFO.name)
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let phases = &world.scenario().phases;
        for invocation in world.history().invocations() {
            let asked = invocation.invoked.max(phases.heal_at());
            let tx = TxId::from(invocation.id);
            let waits = world.process(invocation.client).is_some_and(|client| client.outstanding() == Some(tx));
            if waits && phases.end_at().since(asked) >= ANSWERED_WITHIN {
                let (client, invoked) = (invocation.client, invocation.invoked);
                return Err(Broken::new(
                    [client],
                    format!("{tx}, asked for by {client} at {invoked}, was never answered"),
                ));
            }
        }
        Ok(())
    }
}
