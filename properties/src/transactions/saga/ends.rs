//! L: every saga ends after the faults have.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::{Outcome, Saga};
use seedbed_sim::{Broken, Span, Verdict, World};

/// Within this long after the faults have ended, or after it was asked for if that is later, a saga has ended: a client
/// asks again, and then come at most seven rounds, each with a few retries.
pub const END_WITHIN: Span = Span::ms(1_500);

/// The sagas that have ended, as their clients were told; or, where a client has not been, as it stands where they
/// began.
pub(super) fn outcomes(world: &World<Saga>) -> BTreeMap<TxId, Outcome> {
    let begun = |saga| world.processes().find_map(|(_, process)| process.outcome(saga));
    let asked = world.history().invocations().iter();
    asked
        .filter_map(|asked| {
            let saga = TxId::from(asked.id);
            Some((saga, asked.returned().copied().or_else(|| begun(saga))?))
        })
        .collect()
}

/// Every saga that was asked for has ended, its client knows, and it has left nothing that may still be undone.
pub(super) fn every_saga_ends(world: &World<Saga>) -> Verdict {
    let phases = &world.scenario().phases;
    let young = |saga: TxId| {
        let asked = world.history().invocations().iter().find(|asked| TxId::from(asked.id) == saga);
        asked.is_some_and(|asked| phases.end_at().since(asked.invoked.max(phases.heal_at())) < END_WITHIN)
    };
    if let Some(asked) = world.overdue(END_WITHIN).next() {
        let (saga, op, invoked) = (TxId::from(asked.id), asked.op, asked.invoked);
        return Err(Broken::new([asked.client], format!("{saga}, {op:?}, asked for at {invoked}, has not ended")));
    }
    for (node, service) in world.processes().filter_map(|(node, process)| Some((node, process.service()?))) {
        if let Some(saga) = service.pending().find(|saga| !young(*saga)) {
            return Err(Broken::new([node], format!("{saga} has left something at {node} that may still be undone")));
        }
    }
    Ok(())
}
