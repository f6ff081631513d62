//! What a service that does local transactions for others keeps: its store, and a journal of what it did by whose
//! order. The journal makes it idempotent: what is asked for again is found there, and is not done again.

use std::collections::BTreeMap;

use crate::transactions::TxId;
use crate::transactions::store::{Prepared, Refused, Step, Store};

/// An entry of a journal.
pub trait Entry: Clone {
    /// What identifies an operation that takes effect at most once (an idempotency key).
    type Key: Ord + Clone;

    /// The key of the operation that the entry tells of.
    fn key(&self) -> Self::Key;

    /// The local transaction, if it had an effect.
    fn local(&self) -> Option<&Prepared>;
}

/// What a local transaction came to, or why it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect<Why> {
    /// It took effect: what it read and what it wrote.
    Done(Prepared),
    /// It did not, and never will.
    Refused(Why),
    /// There was nothing to undo.
    Empty,
}

impl<Why> Effect<Why> {
    /// The local transaction, if it took effect.
    pub fn local(&self) -> Option<&Prepared> {
        match self {
            Effect::Done(prepared) => Some(prepared),
            Effect::Refused(_) | Effect::Empty => None,
        }
    }
}

/// A store with the journal of its changes. Volatile and pure: who uses it writes each entry into its log, and
/// rebuilds it from there. A local transaction has the number of the entry that tells of it, from zero on.
#[derive(Clone, Debug, Hash)]
pub struct Ledger<E: Entry> {
    store: Store,
    journal: Vec<E>,
    places: BTreeMap<E::Key, usize>,
}

impl<E: Entry> Ledger<E> {
    /// A ledger with nothing done yet.
    pub fn new(store: Store) -> Self {
        Ledger { store, journal: Vec::new(), places: BTreeMap::new() }
    }

    /// The data.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// All that was done.
    pub fn journal(&self) -> &[E] {
        &self.journal
    }

    /// The latest entry under this key.
    pub fn find(&self, key: &E::Key) -> Option<&E> {
        self.places.get(key).map(|place| &self.journal[*place])
    }

    /// A local transaction that commits at once. Its entry has to be [entered](Ledger::enter) next.
    ///
    /// # Errors
    /// Why it cannot be: then nothing has changed.
    pub fn transact(&mut self, steps: &[Step]) -> Result<Prepared, Refused> {
        let tx = TxId(self.journal.len() as u64);
        let prepared = self.store.prepare(tx, steps)?;
        self.store.commit(tx);
        Ok(prepared)
    }

    /// Writes down what was done.
    pub fn enter(&mut self, entry: E) {
        let place = self.journal.len();
        let local = entry.local().map_or(place as u64, |prepared| prepared.tx.0);
        assert!(local == place as u64, "an entry tells of the transaction before it: {local} at {place}");
        self.places.insert(entry.key(), place);
        self.journal.push(entry);
    }

    /// Does again what the log says was done.
    pub fn restore(&mut self, entry: E) {
        if let Some(prepared) = entry.local() {
            self.store.hold(prepared.clone());
            self.store.commit(prepared.tx);
        }
        self.enter(entry);
    }
}
