//! Money is conserved: a transfer credits what it debits, whatever participants the accounts are on.

use std::collections::BTreeSet;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Commits, Ledger, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::INITIAL_BALANCE;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use super::ledgers;
use crate::checkers::conservation::over_cut;

/// At the end, all stores together have the initial total, including pending installs of transactions that others have
/// installed. So has every audit of all accounts.
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
            // A node is down, and its accounts cannot be seen.
            return Ok(());
        }
        let committed: BTreeSet<TxId> = ledgers(world).flat_map(|(_, ledger)| ledger.store().committed()).collect();
        let states = ledgers(world).map(|(node, ledger)| (node, i128::from(ledger.store().total())));
        let coming = ledgers(world).map(|(node, ledger)| ((node, node), about_to_install(ledger, &committed)));
        over_cut::<NodeId>(should, states, coming)?;
        Ok(())
    }
}

/// The changes here by transactions that are committed elsewhere.
fn about_to_install(ledger: &Ledger, committed: &BTreeSet<TxId>) -> i128 {
    let store = ledger.store();
    let coming = store.prepared().filter(|prepared| committed.contains(&prepared.tx));
    let change = coming.flat_map(|prepared| &prepared.writes).map(|(key, cell)| {
        let now = store.get(*key).expect("only what is here is prepared").value;
        i128::from(cell.value - now)
    });
    change.sum()
}
