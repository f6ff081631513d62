//! S1 to S4: rules on what stands in the journals, each checked when something is written.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::plan::{Kind, Steps};
use seedbed_models::transactions::saga::service::{Effect, Entry, Way};
use seedbed_models::transactions::saga::{Outcome, Saga};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use super::books::{Books, took_effect};
use super::ends::outcomes;

/// A rule on the journals of the services.
#[derive(Clone, Debug)]
pub struct JournalRule {
    name: &'static str,
    /// What is wrong with a new entry, given all there is: the journal that it stands in, up to it and with it.
    each: fn(&Books, &[Entry], &Entry) -> Option<String>,
    /// What is wrong with a saga that has ended.
    ended: fn(&Books, TxId, Outcome, &World<Saga>) -> Option<String>,
    books: Books,
    healed: bool,
}

impl JournalRule {
    fn new(name: &'static str, each: fn(&Books, &[Entry], &Entry) -> Option<String>) -> Self {
        JournalRule { name, each, ended: |_, _, _, _| None, books: Books::default(), healed: false }
    }

    fn look(&mut self, world: &World<Saga>, node: NodeId) -> Verdict {
        let old = self.books.read(world, node);
        let entries = self.books.entries(node);
        for (place, entry) in entries.iter().enumerate().skip(old) {
            if let Some(words) = (self.each)(&self.books, &entries[..=place], entry) {
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}

impl Property<Saga> for JournalRule {
    fn name(&self) -> String {
        self.name.into()
    }

    fn after_event(&mut self, world: &World<Saga>) -> Verdict {
        // Healing may start several nodes in one event.
        if world.healed() && !self.healed {
            self.healed = true;
            return world.present().try_for_each(|node| self.look(world, node));
        }
        world.changed().map_or(Ok(()), |node| self.look(world, node))
    }

    fn at_end(&mut self, world: &World<Saga>) -> Verdict {
        world.present().try_for_each(|node| self.look(world, node))?;
        for (saga, outcome) in outcomes(world) {
            if let Some(words) = (self.ended)(&self.books, saga, outcome, world) {
                return Err(words.into());
            }
        }
        Ok(())
    }
}

/// S1: a saga ends with all `T_i`, or with every executed `T_i` compensated (section 2); and a `C_i` takes effect only
/// after those of the steps that depended on its `T_i` (section 8.2: in reverse order).
pub(super) fn all_or_compensated() -> JournalRule {
    let each = |books: &Books, _: &[Entry], entry: &Entry| {
        let (saga, done, plan) = (entry.saga, books.done(entry.saga), entry.request.plan());
        done.compensated.iter().find_map(|step| {
            let dependents = plan.dependents(Steps::of([step.0])).in_common(plan.compensatable());
            let left = dependents.in_common(done.executed).without(done.compensated).iter().next()?;
            let (step, left) = (plan[step].name, plan[left].name);
            Some(format!("{saga} has compensated '{step}' before '{left}', which depended on it"))
        })
    };
    let ended = |books: &Books, saga: TxId, outcome: Outcome, world: &World<Saga>| {
        let plan = world.history().invocations().iter().find(|asked| TxId::from(asked.id) == saga)?.op.plan();
        let done = books.done(saga);
        let effective = done.executed.without(done.compensated);
        let right = match outcome {
            Outcome::Completed => effective == plan.all(),
            Outcome::Cancelled(_) => effective.is_empty(),
        };
        (!right).then(|| format!("{saga} ended as {outcome:?}, but of its steps {effective:?} are in effect"))
    };
    JournalRule { ended, ..JournalRule::new("saga/all_or_compensated", each) }
}

/// S2: each `T_i` and each `C_i` takes effect at most once.
pub(super) fn at_most_once() -> JournalRule {
    JournalRule::new("saga/at_most_once", |_, journal, entry| {
        let times = journal.iter().filter(|other| took_effect(other, entry.saga, entry.step, entry.way)).count();
        let (saga, step, way) = (entry.saga, entry.request.plan()[entry.step].name, entry.way);
        (times > 1).then(|| format!("{saga}: {way:?} of '{step}' took effect {times} times"))
    })
}

/// S3: no `C_i` takes effect without its `T_i`, which is then written down as empty; and no `T_i` takes effect after it.
pub(super) fn transaction_before_compensation() -> JournalRule {
    JournalRule::new("saga/transaction_before_compensation", |_, journal, entry| {
        let before = &journal[..journal.len() - 1];
        let executed = before.iter().any(|other| took_effect(other, entry.saga, entry.step, Way::Execute));
        let same = |other: &&Entry| other.saga == entry.saga && other.step == entry.step;
        let compensated = before.iter().filter(same).any(|other| other.way == Way::Compensate);
        let wrong = match (entry.way, &entry.effect) {
            (Way::Execute, Effect::Done(_)) if compensated => "was executed after it was compensated, and hangs",
            (Way::Compensate, Effect::Done(_)) if !executed => "was compensated, but never executed",
            (Way::Compensate, Effect::Empty) if executed => "was executed, and its compensation was empty",
            _ => return None,
        };
        let step = entry.request.plan()[entry.step].name;
        Some(format!("{}: '{step}' {wrong}", entry.saga))
    })
}

/// S4: once the pivot is executed nothing is compensated any more; and what comes after it is not executed without it.
pub(super) fn forward_past_the_pivot() -> JournalRule {
    JournalRule::new("saga/forward_past_the_pivot", |books, _, entry| {
        let (saga, done, plan) = (entry.saga, books.done(entry.saga), entry.request.plan());
        let past = done.executed.has(plan.pivot());
        match done.compensated.iter().next() {
            Some(step) if past => {
                let (pivot, step) = (plan[plan.pivot()].name, plan[step].name);
                Some(format!("{saga}: '{pivot}', the pivot, is executed, and '{step}' is compensated"))
            }
            _ if !past && !done.executed.in_common(plan.of(Kind::Retriable)).is_empty() => {
                Some(format!("{saga} has executed {:?}, but not the pivot before it", done.executed))
            }
            _ => None,
        }
    })
}
