//! Money is conserved: what one account pays the other gets, on whatever participants they are.

use std::collections::BTreeSet;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Commits, Ledger, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::INITIAL_BALANCE;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use super::ledgers;
use crate::checkers::conservation::over_cut;

/// At the end, all stores together, with what they are still about to install of transactions that others have installed,
/// hold what there was at the beginning; and so did all that an audit of all accounts saw.
#[derive(Clone, Copy, Debug, Default)]
pub struct MoneyConserved;

impl<M: Commits> Property<M> for MoneyConserved {
    fn name(&self) -> String {
        format!("{}/money_conserved", M::INFO.name)
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let should = i128::from(world.config().cluster().accounts) * i128::from(INITIAL_BALANCE);
        let all: BTreeSet<Key> = (0..world.config().cluster().accounts).map(Key).collect();
        for invocation in world.history().invocations() {
            let audit = all.iter().all(|key| invocation.op.reads.contains(key));
            if let (true, Some(Ret::Committed { reads: Some(reads) })) = (audit, invocation.returned()) {
                let tx = TxId::from(invocation.id);
                let saw: i128 = reads.values().map(|cell| i128::from(cell.value)).sum();
                if saw != should || reads.len() != all.len() {
                    let message = format!("there are {should} in all accounts, the audit {tx} saw {saw}: {reads:?}");
                    return Err(Broken::new([invocation.client], message));
                }
            }
        }
        let held: BTreeSet<Key> =
            ledgers(world).flat_map(|(_, ledger)| ledger.store().cells()).map(|(key, _)| key).collect();
        if held != all {
            // Somebody is down, and what it holds is not to be seen.
            return Ok(());
        }
        let committed: BTreeSet<TxId> = ledgers(world).flat_map(|(_, ledger)| ledger.store().committed()).collect();
        let states = ledgers(world).map(|(node, ledger)| (node, i128::from(ledger.store().total())));
        let coming = ledgers(world).map(|(node, ledger)| ((node, node), about_to_install(ledger, &committed)));
        over_cut::<NodeId>(should, states, coming)?;
        Ok(())
    }
}

/// What transactions that are committed elsewhere will change here.
fn about_to_install(ledger: &Ledger, committed: &BTreeSet<TxId>) -> i128 {
    let store = ledger.store();
    let coming = store.prepared().filter(|prepared| committed.contains(&prepared.tx));
    let change = coming.flat_map(|prepared| &prepared.writes).map(|(key, cell)| {
        let now = store.get(*key).expect("only what is here is prepared").value;
        i128::from(cell.value - now)
    });
    change.sum()
}
