//! A service: its store, and the journal of what it did for sagas. It knows its own steps and nothing of sagas as a
//! whole, so it serves a coordinator and a choreography alike.
//!
//! Each `T_i` and `C_i` is a local transaction that commits at once (the paper's introduction). The journal makes them
//! idempotent: what is asked again is answered from there. A `C_i` that comes before its `T_i` is written down as an
//! *empty* compensation, and the `T_i` that comes after it is refused, so that nothing hangs.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId};

use crate::transactions::TxId;
use crate::transactions::ledger::{self, Effect, Ledger};
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::{self, Request};
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::Why;
use crate::transactions::saga::model::Node;
use crate::transactions::saga::plan::{Kind, StepId};
use crate::transactions::store::{Key, Prepared, Step as Local, Store};

/// Forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// `T_i`.
    Execute,
    /// `C_i`.
    Compensate,
}

/// An entry of a service's journal. The local transaction has the number of the entry, from zero on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Of which saga.
    pub saga: TxId,
    /// What the saga is about.
    pub request: Request,
    /// The `i`.
    pub step: StepId,
    /// Whether `T_i` or `C_i`.
    pub way: Way,
    /// What it came to.
    pub effect: Effect<Why>,
}

impl ledger::Entry for Entry {
    type Key = (TxId, StepId, Way);

    fn key(&self) -> Self::Key {
        (self.saga, self.step, self.way)
    }

    fn local(&self) -> Option<&Prepared> {
        self.effect.local()
    }
}

impl Entry {
    /// Tells what happened, and marks what is worth reaching.
    pub(super) fn mark(&self, ctx: &mut Context<'_, Node>) {
        ctx.note(|| {
            let (saga, step) = (self.saga, self.request.plan()[self.step].name);
            match (self.way, &self.effect) {
                (Way::Execute, Effect::Refused(why)) => format!("refuses to {step} for {saga}: {why:?}"),
                (Way::Execute, _) => format!("executes {step} for {saga}"),
                (Way::Compensate, Effect::Empty) => format!("has no {step} to compensate for {saga}"),
                (Way::Compensate, _) => format!("compensates {step} for {saga}"),
            }
        });
        match (self.way, &self.effect) {
            (Way::Execute, Effect::Done(_)) => {}
            (Way::Execute, Effect::Refused(Why::Pending { .. })) => ctx.mark(marks::REFUSED_BY_A_SEMANTIC_LOCK),
            (Way::Execute, Effect::Refused(Why::Compensated)) => ctx.mark(marks::LATE_TRANSACTION_REFUSED),
            (Way::Execute, _) if self.step == self.request.plan().pivot() => ctx.mark(marks::PIVOT_REFUSED),
            (Way::Execute, _) => ctx.mark(marks::TRANSACTION_REFUSED),
            (Way::Compensate, Effect::Done(_)) => ctx.mark(marks::COMPENSATED),
            (Way::Compensate, _) => ctx.mark(marks::EMPTY_COMPENSATION),
        }
    }
}

/// A service.
#[derive(Clone, Debug, Hash)]
pub struct Service {
    id: NodeId,
    semantic_locks: bool,
    bug: Option<Bug>,
    ledger: Ledger<Entry>,
    /// Of each saga that has left something here which may still be undone: the cells.
    pending: BTreeMap<TxId, Vec<Key>>,
}

impl Service {
    /// A service as it is at the beginning.
    pub fn new(id: NodeId, semantic_locks: bool, bug: Option<Bug>) -> Self {
        let ledger = Ledger::new(Store::holding(business::initial(id)));
        Service { id, semantic_locks, bug, ledger, pending: BTreeMap::new() }
    }

    /// Its data.
    pub fn store(&self) -> &Store {
        self.ledger.store()
    }

    /// The sagas that have left something here which may still be undone.
    pub fn pending(&self) -> impl Iterator<Item = TxId> {
        self.pending.keys().copied()
    }

    /// What a step came to, if it was settled here.
    pub fn effect(&self, saga: TxId, step: StepId, way: Way) -> Option<&Effect<Why>> {
        self.ledger.find(&(saga, step, way)).map(|entry| &entry.effect)
    }

    /// Why `T_i` was refused, if it was; `None` if it is executed.
    ///
    /// # Panics
    /// If it is not settled.
    pub fn refusal(&self, saga: TxId, step: StepId) -> Option<Why> {
        match self.effect(saga, step, Way::Execute) {
            Some(Effect::Refused(why)) => Some(*why),
            Some(Effect::Done(_)) => None,
            other => panic!("a step that was asked for is settled: step {step} of {saga} is {other:?}"),
        }
    }

    /// Takes up what the log says was done.
    pub fn restore(&mut self, entry: Entry) {
        self.note(&entry);
        self.ledger.restore(entry);
    }

    /// `T_i`. Returns what is to be written into the log; nothing if it was settled before.
    pub fn execute(&mut self, saga: TxId, request: Request, step: StepId) -> Option<Entry> {
        if self.effect(saga, step, Way::Execute).is_some() {
            return None;
        }
        let kind = request.plan()[step].kind;
        let effect = match self.execute_once(saga, request, step, kind) {
            Ok(prepared) => Effect::Done(prepared),
            Err(why) => Effect::Refused(why),
        };
        let lost = kind == Kind::Retriable && matches!(effect, Effect::Refused(_));
        assert!(!lost, "a retriable step is never refused: step {step} of {saga} is {effect:?}");
        Some(self.enter(Entry { saga, request, step, way: Way::Execute, effect }))
    }

    fn execute_once(&mut self, saga: TxId, request: Request, step: StepId, kind: Kind) -> Result<Prepared, Why> {
        if self.effect(saga, step, Way::Compensate).is_some() && self.bug != Some(Bug::Hanging) {
            return Err(Why::Compensated);
        }
        let locals = request.transaction(step, |key| self.seen(saga, key));
        // What is retriable only touches what this saga has a lock on.
        if kind != Kind::Retriable
            && let Some((key, by)) = self.locked(saga, &locals)
        {
            return Err(Why::Pending { key, by });
        }
        Ok(self.ledger.transact(&locals)?)
    }

    /// `C_i`. Returns what is to be written into the log; nothing if it was settled before.
    pub fn compensate(&mut self, saga: TxId, request: Request, step: StepId) -> Option<Entry> {
        let again = self.effect(saga, step, Way::Compensate).is_some();
        let executed = matches!(self.effect(saga, step, Way::Execute), Some(Effect::Done(_)));
        if again && (self.bug != Some(Bug::CompensationNotIdempotent) || !executed) {
            return None;
        }
        let effect = match executed {
            false => Effect::Empty,
            true => match self.ledger.transact(&request.compensation(step)) {
                Ok(prepared) => Effect::Done(prepared),
                Err(_) if again => return None,
                Err(why) => panic!("a compensation is never refused: of step {step} of {saga}: {why}"),
            },
        };
        Some(self.enter(Entry { saga, request, step, way: Way::Compensate, effect }))
    }

    /// A cell that the steps touch, on which another saga has a semantic lock: it has touched it, and may still undo
    /// what it did (Frank & Zahle, *Semantic ACID properties in multidatabases using remote procedure calls and update
    /// propagations*, 1998; Richardson, *Microservices Patterns*, section 4.3.2).
    fn locked(&self, saga: TxId, locals: &[Local]) -> Option<(Key, TxId)> {
        let others = self.pending.iter().filter(|(other, _)| self.semantic_locks && **other != saga);
        let mut held = others.flat_map(|(other, keys)| keys.iter().map(|key| (*key, *other)));
        held.find(|(key, _)| locals.iter().any(|local| local.key() == *key))
    }

    /// What the last step of this saga that read a cell found in it.
    fn seen(&self, saga: TxId, key: Key) -> i64 {
        let entries =
            self.ledger.journal().iter().rev().filter(|entry| entry.saga == saga && entry.way == Way::Execute);
        let mut reads = entries.filter_map(|entry| match &entry.effect {
            Effect::Done(prepared) => prepared.reads.get(&key),
            _ => None,
        });
        reads.next().unwrap_or_else(|| panic!("a step writes what an earlier one read: {key} for {saga}")).value
    }

    fn enter(&mut self, entry: Entry) -> Entry {
        self.note(&entry);
        self.ledger.enter(entry.clone());
        entry
    }

    /// Notes what may still be undone, and what not any more.
    fn note(&mut self, entry: &Entry) {
        let step = entry.request.plan()[entry.step];
        debug_assert_eq!(step.at, self.id, "a service does its own steps");
        match (step.kind, entry.way, &entry.effect) {
            (Kind::Compensatable, Way::Execute, Effect::Done(prepared)) => {
                let touched = prepared.reads.keys().chain(prepared.writes.keys()).copied().collect();
                self.pending.insert(entry.saga, touched);
            }
            (_, Way::Compensate, _) | (Kind::Retriable, ..) => drop(self.pending.remove(&entry.saga)),
            _ => {}
        }
    }
}
