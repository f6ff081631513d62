//! When and how often a task is tried: S2, S3, backoff, archiving, retention.

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::command::By;
use seedbed_models::communication::task_queue::store::journal::{Entry, Event, Fate, Gone};
use seedbed_models::communication::task_queue::task::{Behaviour, Payload};

use crate::communication::task_queue::audit::{Finding, Rule};
use crate::communication::task_queue::book::Book;

/// S2: a scheduled task, or one that is retried, is made pending when its time has come, and not before, by the broker's clock.
#[derive(Clone, Default)]
pub struct NeverEarly;

impl Rule for NeverEarly {
    const NAME: &'static str = "task_queue/never_early";

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let Event::Forwarded { id, .. } = entry.event else { return Ok(()) };
        match book.task(id).and_then(|known| known.due) {
            Some(due) if due <= entry.at => Ok(()),
            due => Err(format!("{id:?} is forwarded at {}, and its time is {due:?}", entry.at)),
        }
    }
}

/// S3: a task is tried once, and again for each of its retries. What ended without a failure is no try: an error that is none, a
/// shutdown of the server. Nor is what somebody asks for by hand.
#[derive(Clone, Default)]
pub struct AttemptsAreBounded;

impl Rule for AttemptsAreBounded {
    const NAME: &'static str = "task_queue/attempts_are_bounded";

    /// In Asynq whoever marks the execution of another knows of one failure less, and retries where it should archive.
    fn concerns(model: &TaskQueue) -> bool {
        model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let Event::Dequeued { id, .. } = entry.event else { return Ok(()) };
        let Some(known) = book.task(id) else { return Ok(()) };
        let attempts = (known.attempts + 1).saturating_sub(known.excused);
        if attempts <= known.task.max_retry + 1 {
            return Ok(());
        }
        Err(format!("{id:?} is tried for the {attempts}th time, and may be retried {} times", known.task.max_retry))
    }
}

/// Retries are delayed by an exponential backoff with jitter: twice as long with each that is counted (`RetryDelayFunc`), and no more
/// than the jitter longer. Whether they are counted is for others to ask.
#[derive(Clone, Default)]
pub struct Backoff;

impl Rule for Backoff {
    const NAME: &'static str = "task_queue/backoff";

    /// In Asynq a worker whose lease has expired may mark the next execution, and knows of one failure less.
    fn concerns(model: &TaskQueue) -> bool {
        model.is_guarded()
    }

    fn entry(&mut self, model: &TaskQueue, _: &Book, entry: &Entry) -> Finding {
        let Event::Finished { id, fate: Fate::Retried { due, retried, .. }, .. } = entry.event else { return Ok(()) };
        let doublings = u64::from(retried.min(6));
        let least = entry.at + model.backoff * (1 << doublings);
        let most = least + model.backoff * (doublings + 1);
        if (least..=most).contains(&due) {
            return Ok(());
        }
        Err(format!("{id:?} is retried at {due} after {retried} retries, and not from {least} to {most}"))
    }
}

/// A task is archived when it has failed as often as it may, or its handler has skipped its retries.
#[derive(Clone, Default)]
pub struct ArchivedForAReason;

impl Rule for ArchivedForAReason {
    const NAME: &'static str = "task_queue/archived_for_a_reason";

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let Event::Finished { id, fate: Fate::Archived, by, .. } = entry.event else { return Ok(()) };
        let Some(known) = book.task(id) else { return Ok(()) };
        let skips = by == By::Owner && known.task.payload == Payload::Single(Behaviour::SkipsRetry);
        if skips || known.failures >= known.task.max_retry {
            return Ok(());
        }
        let (failures, most) = (known.failures, known.task.max_retry);
        Err(format!(
            "{id:?} is archived by {by:?}, has failed {failures} times before, and may be retried {most} times"
        ))
    }
}

/// A completed task is kept for as long as it says. An archive loses a task only if it has more than it may.
#[derive(Clone, Default)]
pub struct KeptWhileRetained;

impl Rule for KeptWhileRetained {
    const NAME: &'static str = "task_queue/kept_while_retained";

    fn entry(&mut self, model: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let Event::Left(id, gone) = entry.event else { return Ok(()) };
        let Some(known) = book.task(id) else { return Ok(()) };
        match gone {
            Gone::Retention(_) if known.kept_until.is_none_or(|until| until > entry.at) => {
                Err(format!("{id:?} is deleted at {}, and is to be kept until {:?}", entry.at, known.kept_until))
            }
            Gone::ArchiveTrimmed => {
                let is_of_it = |state| state == seedbed_models::communication::task_queue::task::State::Archived;
                let queue = known.task.queue;
                let archived = book.tasks().filter(|(_, other)| other.task.queue == queue && is_of_it(other.state));
                let archived = archived.count();
                if archived >= usize::from(model.max_archived) {
                    return Ok(());
                }
                Err(format!("the archive of {queue:?} loses {id:?}, and has {archived} tasks"))
            }
            _ => Ok(()),
        }
    }
}
