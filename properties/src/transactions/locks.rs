//! A participant that has voted yes holds its locks until it knows the decision (the book, section 7.4: it must be able
//! to commit and to abort).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Commits, Entry, State, Vote};
use seedbed_models::transactions::store::Key;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use super::{Ledger, changed_ledgers, entries, touched};
use crate::checkers::judge::NewEntries;

/// In every later state of the participant, also after a restart, the transaction has locked all accounts that it
/// touches, until the participant has learnt the decision.
#[derive(Clone, Debug, Default)]
pub struct LocksHeld {
    new_entries: NewEntries,
    pledged: BTreeMap<(NodeId, TxId), BTreeSet<Key>>,
}

impl<M: Commits> Property<M> for LocksHeld {
    fn name(&self) -> String {
        format!("{}/locks_held_until_known", M::INFO.name)
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        changed_ledgers(world).try_for_each(|(node, ledger)| self.look(world, node, ledger))
    }
}

impl LocksHeld {
    fn look<M: Commits>(&mut self, world: &World<M>, node: NodeId, ledger: &Ledger) -> Verdict {
        for entry in self.new_entries.of(world, node, entries(world, node))? {
            match entry {
                Entry::Voted(tx, Vote::Yes) => {
                    let keys = || touched(world, *tx, ledger, false).collect();
                    self.pledged.entry((node, *tx)).or_insert_with(keys);
                }
                Entry::Decided(tx, _) => drop(self.pledged.remove(&(node, *tx))),
                _ => {}
            }
        }
        for ((_, tx), keys) in self.pledged.range((node, TxId(0))..=(node, TxId(u64::MAX))) {
            // The participant may know it already, before the record is durable.
            let knows = ledger.state(*tx).and_then(State::decision).is_some();
            let held: BTreeSet<Key> = ledger.store().locked_by(*tx).collect();
            if !knows && held != *keys {
                let message = format!(
                    "{node} voted yes on {tx}, holds locks on {held:?} and not on {keys:?}, and knows no decision"
                );
                return Err(Broken::new([node], message));
            }
        }
        Ok(())
    }
}
