//! Atomicity, judged by the contents of stores during the run, and by a recovery at the end.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Commits, Entry, Ret, State};
use seedbed_models::transactions::store::Store;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use super::{DECIDED_WITHIN, changed_ledgers, entries, ledgers, touched};
use crate::checkers::atomic_commitment::Decision;
use crate::checkers::atomic_commitment::stores::{self, Effect, Event};
use crate::checkers::judge::{Judge, NewEntries};

/// All participants at which a transaction changes anything hold its effects, or none does, in agreement with the
/// answer to its client. At the end the stores are the result of a recovery from the disks, and every transaction that
/// was invoked long enough ago is decided.
#[derive(Clone, Debug, Default)]
pub struct StoresAgree {
    new_entries: NewEntries,
    judge: stores::StoresAgree<TxId, NodeId>,
}

impl<M: Commits> Property<M> for StoresAgree {
    fn name(&self) -> String {
        format!("{}/stores_agree", M::INFO.name)
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        for (node, ledger) in changed_ledgers(world) {
            for entry in self.new_entries.of(world, node, entries(world, node))? {
                if let Entry::Decided(tx, _) = entry
                    && touched(world, *tx, ledger, true).next().is_some()
                {
                    let present = ledger.store().is_committed(*tx);
                    let effect = if present { Effect::Present } else { Effect::Absent };
                    self.judge.observe(Event::Holds { node, transaction: *tx, effect })?;
                }
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        for (node, ledger) in ledgers(world) {
            let Some(recovered) = M::after_recovery(world, node) else {
                continue;
            };
            if !recovered.store().cells().eq(ledger.store().cells()) {
                let cells = |store: &Store| store.cells().collect::<Vec<_>>();
                let (here, there) = (cells(ledger.store()), cells(recovered.store()));
                return Err(Broken::new(
                    [node],
                    format!("{node} holds {here:?}, and after a crash it would hold {there:?}"),
                ));
            }
            for invocation in world.history().invocations() {
                let tx = TxId::from(invocation.id);
                if touched(world, tx, &recovered, true).next().is_none() {
                    continue;
                }
                let open = recovered.state(tx).and_then(State::in_doubt).is_some();
                let effect = if recovered.store().is_committed(tx) {
                    Effect::Present
                } else if open {
                    Effect::Open
                } else {
                    Effect::Absent
                };
                let recent = invocation.invoked + DECIDED_WITHIN > world.scenario().phases.end_at();
                if effect != Effect::Open || !recent {
                    self.judge.observe(Event::Holds { node, transaction: tx, effect })?;
                }
            }
        }
        for invocation in world.history().invocations() {
            let decision = match invocation.returned() {
                Some(Ret::Committed { .. }) => Decision::Commit,
                Some(Ret::Aborted) => Decision::Abort,
                None => continue,
            };
            self.judge.observe(Event::Answered { transaction: invocation.id.into(), decision })?;
        }
        Ok(self.judge.finish(&|node| world.process(*node).is_some())?)
    }
}
