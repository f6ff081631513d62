//! A service: its store, and the journal of what it did for sagas. It knows its own steps and nothing of sagas as a
//! whole, so it serves a coordinator and a choreography alike.
//!
//! Each `T_i` and `C_i` is a local transaction that commits at once (the paper's introduction). The journal makes them
//! idempotent: a repeated request is answered from there. A `C_i` that comes before its `T_i` is written down as an
//! *empty* compensation, and the `T_i` that comes after it is refused, so that nothing hangs.

use std::collections::BTreeMap;

use seedbed_sim::{Context, Process};

use crate::transactions::TxId;
use crate::transactions::ledger::{Effect, Ledger};
use crate::transactions::saga::bugs::Bug;
use crate::transactions::saga::business::{self, Request};
use crate::transactions::saga::job::DEEPEST;
use crate::transactions::saga::marks;
use crate::transactions::saga::messages::{Act, Entry, Why};
use crate::transactions::saga::plan::{Kind, ServiceId, StepId};
use crate::transactions::store::{Key, Prepared, Step as Local, Store};

impl Entry {
    /// Notes what was done, and marks what is worth reaching.
    pub(super) fn report<P: Process>(&self, ctx: &mut Context<'_, P>) {
        ctx.note(|| {
            let (saga, step) = (self.saga, self.request.plan()[self.step].name);
            match (self.act, &self.effect) {
                (Act::Execute, Effect::Refused(why)) => format!("refuses to {step} for {saga}: {why:?}"),
                (Act::Execute, _) => format!("executes {step} for {saga}"),
                (Act::Compensate, Effect::Empty) => format!("has no {step} to compensate for {saga}"),
                (Act::Compensate, _) => format!("compensates {step} for {saga}"),
            }
        });
        match (self.act, &self.effect) {
            (Act::Execute, Effect::Done(_)) => {}
            (Act::Execute, Effect::Refused(Why::Pending { .. })) => ctx.mark(marks::REFUSED_BY_A_SEMANTIC_LOCK),
            (Act::Execute, Effect::Refused(Why::Compensated)) => ctx.mark(marks::LATE_TRANSACTION_REFUSED),
            (Act::Execute, _) if self.step == self.request.plan().pivot() => ctx.mark(marks::PIVOT_REFUSED),
            (Act::Execute, _) => ctx.mark(marks::TRANSACTION_REFUSED),
            (Act::Compensate, Effect::Done(_)) => {
                ctx.mark(marks::COMPENSATED);
                if matches!(self.request, Request::Job(job) if job.depth() == DEEPEST) {
                    ctx.mark(marks::COMPENSATED_IN_A_DEEP_PLAN);
                }
            }
            (Act::Compensate, _) => ctx.mark(marks::EMPTY_COMPENSATION),
        }
    }
}

/// The store and the journal of a service.
#[derive(Clone, Debug, Hash)]
pub struct Service {
    id: ServiceId,
    semantic_locks: bool,
    ledger: Ledger<Entry>,
    /// The steps that may still be undone here, each with the cells that it has touched: the semantic locks of its saga.
    pending: BTreeMap<(TxId, StepId), Vec<Key>>,
}

impl Service {
    /// The service of this place in the business, before it has read its journal.
    pub fn new(id: ServiceId, semantic_locks: bool) -> Self {
        let ledger = Ledger::new(Store::holding(business::initial(id)));
        Service { id, semantic_locks, ledger, pending: BTreeMap::new() }
    }

    /// Its place among the services of the business.
    pub fn id(&self) -> ServiceId {
        self.id
    }

    /// Its data.
    pub fn store(&self) -> &Store {
        self.ledger.store()
    }

    /// The sagas that may still undo something here, each as often as it has steps that it may undo.
    pub fn pending(&self) -> impl Iterator<Item = TxId> {
        self.pending.keys().map(|(saga, _)| *saga)
    }

    /// The effect of `T_i` or `C_i`, if it was done here.
    pub fn effect(&self, saga: TxId, step: StepId, act: Act) -> Option<&Effect<Why>> {
        self.ledger.find(&(saga, step, act)).map(|entry| &entry.effect)
    }

    /// Why `T_i` was refused, if it was; `None` if it is executed.
    ///
    /// # Panics
    /// If it was not requested.
    pub fn refusal(&self, saga: TxId, step: StepId) -> Option<Why> {
        match self.effect(saga, step, Act::Execute) {
            Some(Effect::Refused(why)) => Some(*why),
            Some(Effect::Done(_)) => None,
            other => panic!("a requested step is executed or refused: step {step} of {saga} is {other:?}"),
        }
    }

    /// Applies an entry of the journal after a crash.
    pub fn restore(&mut self, entry: Entry) {
        self.track_pending(&entry);
        self.ledger.restore(entry);
    }

    /// `T_i`. Returns the entry to be written into the log; `None` if the step was executed or refused before.
    pub fn execute<P: Process>(
        &mut self,
        ctx: &Context<'_, P>,
        saga: TxId,
        request: Request,
        step: StepId,
    ) -> Option<Entry> {
        if self.effect(saga, step, Act::Execute).is_some() {
            return None;
        }
        let kind = request.plan()[step].kind;
        let compensated = self.effect(saga, step, Act::Compensate).is_some();
        let effect = if compensated && !ctx.planted(Bug::Hanging) {
            Effect::Refused(Why::Compensated)
        } else {
            let left_pending = ctx.planted(Bug::OrderLeftPending) && self.id == business::ORDER;
            let locals = match request {
                Request::Order(_) if kind == Kind::Retriable && left_pending => Vec::new(),
                _ => request.transaction(step, |key| self.last_read(saga, key)),
            };
            self.execute_once(saga, &locals, kind).map_or_else(Effect::Refused, Effect::Done)
        };
        let lost = kind == Kind::Retriable && matches!(effect, Effect::Refused(_));
        assert!(!lost, "a retriable step is never refused: step {step} of {saga} is {effect:?}");
        Some(self.enter(Entry { saga, request, step, act: Act::Execute, effect }))
    }

    fn execute_once(&mut self, saga: TxId, locals: &[Local], kind: Kind) -> Result<Prepared, Why> {
        // What is retriable only touches what this saga has a lock on.
        if kind != Kind::Retriable
            && let Some((key, by)) = self.conflicting_lock(saga, locals)
        {
            return Err(Why::Pending { key, by });
        }
        Ok(self.ledger.transact(locals)?)
    }

    /// `C_i`. Returns the entry to be written into the log; `None` if the step was compensated before.
    pub fn compensate<P: Process>(
        &mut self,
        ctx: &Context<'_, P>,
        saga: TxId,
        request: Request,
        step: StepId,
    ) -> Option<Entry> {
        let kind = request.plan()[step].kind;
        assert!(kind == Kind::Compensatable, "only compensatable steps are undone: step {step} of {saga} is {kind:?}");
        let again = self.effect(saga, step, Act::Compensate).is_some();
        let executed = matches!(self.effect(saga, step, Act::Execute), Some(Effect::Done(_)));
        if again && !(executed && ctx.planted(Bug::CompensationNotIdempotent)) {
            return None;
        }
        let effect = if executed {
            match self.ledger.transact(&request.compensation(step)) {
                Ok(prepared) => Effect::Done(prepared),
                Err(_) if again => return None,
                Err(why) => panic!("a compensation is never refused: of step {step} of {saga}: {why}"),
            }
        } else {
            Effect::Empty
        };
        Some(self.enter(Entry { saga, request, step, act: Act::Compensate, effect }))
    }

    /// A cell that the steps touch, on which another saga has a semantic lock: it has touched it, and may still undo
    /// what it did (Frank & Zahle, *Semantic ACID properties in multidatabases using remote procedure calls and update
    /// propagations*, 1998; Richardson, *Microservices Patterns*, section 4.3.2).
    fn conflicting_lock(&self, saga: TxId, locals: &[Local]) -> Option<(Key, TxId)> {
        let others = self.pending.iter().filter(|((other, _), _)| self.semantic_locks && *other != saga);
        let mut held = others.flat_map(|((other, _), keys)| keys.iter().map(|key| (*key, *other)));
        held.find(|(key, _)| locals.iter().any(|local| local.key() == *key))
    }

    /// The value that this saga last read in a cell.
    fn last_read(&self, saga: TxId, key: Key) -> i64 {
        let entries =
            self.ledger.journal().iter().rev().filter(|entry| entry.saga == saga && entry.act == Act::Execute);
        let mut reads = entries.filter_map(|entry| match &entry.effect {
            Effect::Done(prepared) => prepared.reads.get(&key),
            _ => None,
        });
        reads.next().unwrap_or_else(|| panic!("a step writes what an earlier one read: {key} for {saga}")).value
    }

    fn enter(&mut self, entry: Entry) -> Entry {
        self.track_pending(&entry);
        self.ledger.enter(entry.clone());
        entry
    }

    /// A compensatable step can be undone from when it is executed until it is compensated, or until a retriable step
    /// makes all steps of its saga final that were executed here.
    fn track_pending(&mut self, entry: &Entry) {
        let step = entry.request.plan()[entry.step];
        assert!(step.service == self.id, "a service does its own steps: {} at {:?}", step.name, self.id);
        match (step.kind, entry.act, &entry.effect) {
            (Kind::Compensatable, Act::Execute, Effect::Done(prepared)) => {
                let touched = prepared.reads.keys().chain(prepared.writes.keys()).copied().collect();
                self.pending.insert((entry.saga, entry.step), touched);
            }
            (_, Act::Compensate, _) => drop(self.pending.remove(&(entry.saga, entry.step))),
            (Kind::Retriable, ..) => self.pending.retain(|(saga, _), _| *saga != entry.saga),
            _ => {}
        }
    }
}
