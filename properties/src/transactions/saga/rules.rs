//! S1 to S4: rules for journal entries, each checked when one is written.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::ledger::Effect;
use seedbed_models::transactions::saga::messages::{Act, Entry, Record};
use seedbed_models::transactions::saga::plan::{Kind, Plan, StepId, Steps};
use seedbed_models::transactions::saga::{Outcome, Saga};
use seedbed_sim::{File, Verdict, World};

use super::ends::outcomes;
use crate::transactions::journals::{JournalRule, Journals};

/// The journals of the services, each in the first file of its disk.
pub(super) fn journals() -> Journals<Saga, Entry> {
    Journals::new(File(0), Record::entries)
}

/// The steps of one saga that all services have executed.
pub(super) struct Done {
    /// The `T_i` that took effect.
    executed: Steps,
    /// The `C_i` that were executed, with effect or without.
    compensated: Steps,
}

impl Done {
    /// What is wrong, if a saga with this plan has ended so.
    pub(super) fn differs_from(&self, outcome: Outcome, plan: &Plan) -> Option<String> {
        let in_effect = self.executed.difference(self.compensated);
        let expected = match outcome {
            Outcome::Completed => plan.all(),
            Outcome::Cancelled(_) => Steps::NONE,
        };
        (in_effect != expected).then(|| format!("of its steps {in_effect:?} are in effect"))
    }
}

pub(super) fn done(journals: &Journals<Saga, Entry>, saga: TxId) -> Done {
    let of = |act: Act| journals.entries().filter(move |entry| entry.saga == saga && entry.act == act);
    let executed = of(Act::Execute).filter(|entry| matches!(entry.effect, Effect::Done(_)));
    Done {
        executed: executed.map(|entry| entry.step).collect(),
        compensated: of(Act::Compensate).map(|entry| entry.step).collect(),
    }
}

/// Whether an entry is this `T_i` or `C_i`, with an effect.
fn took_effect(entry: &Entry, saga: TxId, step: StepId, act: Act) -> bool {
    entry.saga == saga && entry.step == step && entry.act == act && matches!(entry.effect, Effect::Done(_))
}

/// S1: a saga ends with all `T_i`, or with every executed `T_i` compensated (the paper's introduction); and a `C_i`
/// takes effect only after those of the steps that depend on its `T_i` (*Backward Recovery* and *Parallel Sagas*: in
/// reverse order).
pub(super) fn all_or_compensated() -> JournalRule<Saga, Entry> {
    let in_reverse_order = |journals: &Journals<Saga, Entry>, _: &[Entry], entry: &Entry| {
        let (saga, done, plan) = (entry.saga, done(journals, entry.saga), entry.request.plan());
        done.compensated.iter().find_map(|step| {
            let dependents = plan.descendants(step.into()).intersection(plan.compensatable());
            let left = dependents.intersection(done.executed).difference(done.compensated).iter().next()?;
            let (step, left) = (plan[step].name, plan[left].name);
            Some(format!("{saga} has compensated '{step}' before '{left}', which depended on it"))
        })
    };
    JournalRule::new("saga/all_or_compensated", journals(), in_reverse_order).at_end(ended_with_all_or_nothing)
}

fn ended_with_all_or_nothing(journals: &Journals<Saga, Entry>, world: &World<Saga>) -> Verdict {
    let outcomes = outcomes(world);
    for asked in world.history().invocations() {
        let saga = TxId::from(asked.id);
        let Some(outcome) = outcomes.get(&saga) else { continue };
        if let Some(words) = done(journals, saga).differs_from(*outcome, &asked.op.plan()) {
            return Err(format!("{saga} ended as {outcome:?}, but {words}").into());
        }
    }
    Ok(())
}

/// S2: each `T_i` and each `C_i` takes effect at most once.
pub(super) fn at_most_once() -> JournalRule<Saga, Entry> {
    JournalRule::new("saga/at_most_once", journals(), |_, journal, entry| {
        let times = journal.iter().filter(|other| took_effect(other, entry.saga, entry.step, entry.act)).count();
        let (saga, step, act) = (entry.saga, entry.request.plan()[entry.step].name, entry.act);
        (times > 1).then(|| format!("{saga}: {act:?} of '{step}' took effect {times} times"))
    })
}

/// S3: no `C_i` takes effect without its `T_i`: it is then recorded as empty, and the `T_i` never takes effect after
/// it.
pub(super) fn transaction_before_compensation() -> JournalRule<Saga, Entry> {
    JournalRule::new("saga/transaction_before_compensation", journals(), |_, journal, entry| {
        let before = &journal[..journal.len() - 1];
        let executed = before.iter().any(|other| took_effect(other, entry.saga, entry.step, Act::Execute));
        let same = |other: &&Entry| other.saga == entry.saga && other.step == entry.step;
        let compensated = before.iter().filter(same).any(|other| other.act == Act::Compensate);
        let wrong = match (entry.act, &entry.effect) {
            (Act::Execute, Effect::Done(_)) if compensated => "was executed after it was compensated, and hangs",
            (Act::Compensate, Effect::Done(_)) if !executed => "was compensated, but never executed",
            (Act::Compensate, Effect::Empty) if executed => "was executed, and its compensation was empty",
            _ => return None,
        };
        let step = entry.request.plan()[entry.step].name;
        Some(format!("{}: '{step}' {wrong}", entry.saga))
    })
}

/// S4: nothing is compensated after the pivot is executed, and later steps are not executed without it.
pub(super) fn forward_past_the_pivot() -> JournalRule<Saga, Entry> {
    JournalRule::new("saga/forward_past_the_pivot", journals(), |journals, _, entry| {
        let (saga, done, plan) = (entry.saga, done(journals, entry.saga), entry.request.plan());
        let past = done.executed.contains(plan.pivot());
        match done.compensated.iter().next() {
            Some(step) if past => {
                let (pivot, step) = (plan[plan.pivot()].name, plan[step].name);
                Some(format!("{saga}: '{pivot}', the pivot, is executed, and '{step}' is compensated"))
            }
            _ if !past && !done.executed.intersection(plan.of(Kind::Retriable)).is_empty() => {
                Some(format!("{saga} has executed {:?}, but not the pivot before it", done.executed))
            }
            _ => None,
        }
    })
}
