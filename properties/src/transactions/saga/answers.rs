//! Answers are true when they are given: whoever tells a client that a saga has ended has ended it.

use std::collections::BTreeSet;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::Saga;
use seedbed_models::transactions::saga::messages::Entry;
use seedbed_sim::{Broken, Property, Verdict, World};

use super::rules::{done, journals};
use crate::transactions::journals::Journals;

/// At the instant at which a client is told that its saga is completed all `T_i` are in effect, and at that at which it is told
/// that it is cancelled none is.
#[derive(Clone)]
pub(super) struct EndedWhenTold {
    journals: Journals<Saga, Entry>,
    told: BTreeSet<TxId>,
}

impl Default for EndedWhenTold {
    fn default() -> Self {
        EndedWhenTold { journals: journals(), told: BTreeSet::new() }
    }
}

impl Property<Saga> for EndedWhenTold {
    fn name(&self) -> String {
        "saga/ended_when_told".into()
    }

    fn after_event(&mut self, world: &World<Saga>) -> Verdict {
        for node in world.changed() {
            self.journals.read(world, *node);
        }
        let is_client = |node| world.process(node).is_some_and(|process| process.client().is_some());
        if !world.changed().iter().any(|node| is_client(*node)) {
            return Ok(());
        }
        for asked in world.history().invocations() {
            let saga = TxId::from(asked.id);
            let Some(outcome) = asked.returned().filter(|_| !self.told.contains(&saga)) else { continue };
            self.told.insert(saga);
            if let Some(words) = done(&self.journals, saga).differs_from(*outcome, &asked.op.plan()) {
                return Err(Broken::new(
                    [asked.client],
                    format!("{} is told that {saga} ended as {outcome:?}, but {words}", asked.client),
                ));
            }
        }
        Ok(())
    }
}
