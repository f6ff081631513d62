//! The data of a service that does local transactions for others: its store, and a journal of the operations that it has
//! done. The journal makes operations idempotent: a repeated request is answered from it, and takes no effect again.

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

/// The effect of a local transaction, or why it has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect<Why> {
    /// It took effect: the reads and the writes.
    Done(Prepared),
    /// It was refused: it has no effect, and never will.
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

/// A store with the journal of its changes. Volatile and pure: a process writes each entry into its log, and rebuilds the
/// ledger from there after a crash. A local transaction has the number of its entry, from zero on.
#[derive(Clone, Debug, Hash)]
pub struct Ledger<E: Entry> {
    store: Store,
    journal: Vec<E>,
    /// Where in the journal the latest entry of each key is.
    places: BTreeMap<E::Key, usize>,
}

impl<E: Entry> Ledger<E> {
    /// A ledger with an empty journal.
    pub fn new(store: Store) -> Self {
        Ledger { store, journal: Vec::new(), places: BTreeMap::new() }
    }

    /// The data.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// All entries, in their order.
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
    /// Why it is refused: then nothing has changed.
    pub fn transact(&mut self, steps: &[Step]) -> Result<Prepared, Refused> {
        let tx = TxId(self.journal.len() as u64);
        let prepared = self.store.prepare(tx, steps)?;
        self.store.commit(tx);
        Ok(prepared)
    }

    /// Appends an entry to the journal.
    ///
    /// # Panics
    /// If its local transaction is not the last one.
    pub fn enter(&mut self, entry: E) {
        let place = self.journal.len();
        let local = entry.local().map_or(place as u64, |prepared| prepared.tx.0);
        assert!(local == place as u64, "an entry tells of the transaction before it: {local} at {place}");
        self.places.insert(entry.key(), place);
        self.journal.push(entry);
    }

    /// Applies an entry of the log after a crash.
    pub fn restore(&mut self, entry: E) {
        if let Some(prepared) = entry.local() {
            self.store.hold(prepared.clone());
            self.store.commit(prepared.tx);
        }
        self.enter(entry);
    }
}
