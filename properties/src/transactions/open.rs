//! Nothing is open in the end: a decision that is sent for ever, because somebody never acknowledges it, and work that
//! nobody votes on any more, are found though all clients are answered.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::Commits;
use seedbed_sim::{Broken, Model, Property, Span, Time, Verdict, World};

use super::ANSWERED_WITHIN;

/// At the end no node that is up has anything left to do for a transaction: no coordinator collects votes, or sends a
/// decision that was not acknowledged; no participant works, or is in doubt. Transactions that were asked for within
/// [`ANSWERED_WITHIN`] may be under way.
#[derive(Clone, Copy, Debug, Default)]
pub struct NothingOpen;

impl<M: Commits> Property<M> for NothingOpen {
    fn name(&self) -> String {
        format!("{}/nothing_open", M::INFO.name)
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        for (node, process) in world.processes() {
            if let Some((tx, invoked)) = process.open().into_iter().find_map(|tx| overdue(world, tx, ANSWERED_WITHIN)) {
                let words = format!("{node} still has something to do for {tx}, which was asked for at {invoked}");
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}

/// The transaction, and when it was asked for, if that is at least `within` ago, not counting the time before the world
/// healed.
pub(super) fn overdue<M: Model>(world: &World<M>, tx: TxId, within: Span) -> Option<(TxId, Time)> {
    let asked = world.history().invocations().iter().find(|asked| TxId::from(asked.id) == tx)?;
    let heal_at = world.scenario().phases.heal_at();
    (world.now().since(asked.invoked.max(heal_at)) >= within).then_some((tx, asked.invoked))
}
