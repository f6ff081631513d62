//! L: every saga ends after the faults have.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::{Outcome, Saga};
use seedbed_sim::{Broken, Span, Verdict, World};

/// The time within which a saga ends after the faults have ended, or after its invocation if that is later: a client
/// retries, followed by at most nine rounds, four steps forward and back and the pivot between, each with a few retries.
pub const END_WITHIN: Span = Span::ms(1_500);

/// The outcomes of sagas that have ended, from the answers to their clients or, without an answer, from the node at
/// which they began.
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

/// Every invoked saga has ended, its client and all services know, and none of its effects can still be undone.
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
    for (node, process) in world.processes() {
        if let Some(saga) = process.open().into_iter().find(|saga| !young(*saga)) {
            return Err(Broken::new([node], format!("{saga} has not ended at {node}, where it began")));
        }
        if let Some(saga) = process.telling().into_iter().find(|saga| !young(*saga)) {
            return Err(Broken::new([node], format!("{node} still tells others of {saga}, who do not acknowledge it")));
        }
    }
    for (node, service) in world.processes().filter_map(|(node, process)| Some((node, process.service()?))) {
        if let Some(saga) = service.pending().find(|saga| !young(*saga)) {
            return Err(Broken::new([node], format!("{saga} has left something at {node} that may still be undone")));
        }
    }
    Ok(())
}
