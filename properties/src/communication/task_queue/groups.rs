//! Groups: when they are aggregated, and how often their members are.

use std::collections::BTreeMap;

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::store::journal::{Entry, Event};
use seedbed_models::communication::task_queue::task::{Payload, SetId, State, TaskId};
use seedbed_sim::{Span, Time};

use crate::communication::task_queue::audit::{Finding, Rule};
use crate::communication::task_queue::book::Book;

/// Members of a group are gathered when there are as many as the most, or the first has waited for the longest delay, or none has
/// come in the grace period; the oldest of them, and no more than the most.
#[derive(Clone, Default)]
pub struct GatheredForAReason;

impl Rule for GatheredForAReason {
    const NAME: &'static str = "task_queue/gathered_for_a_reason";

    fn entry(&mut self, model: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let Event::Gathered { queue, group, members, .. } = &entry.event else { return Ok(()) };
        let waits = |id: TaskId| book.task(id).filter(|known| known.state == State::Aggregating && known.set.is_none());
        let of_group = book.tasks().filter_map(|(id, _)| {
            let known = waits(id).filter(|known| known.task.queue == *queue && known.task.group == Some(*group))?;
            Some((known.joined?, id))
        });
        let mut waiting: Vec<(Time, TaskId)> = of_group.collect();
        waiting.sort();
        let (Some((first, _)), Some((last, _))) = (waiting.first(), waiting.last()) else {
            return Err(format!("{group:?} of {queue:?} is gathered, and has no members"));
        };
        let most = if model.max_size == 0 { waiting.len() } else { usize::from(model.max_size) };
        let is_full = model.max_size > 0 && waiting.len() >= most;
        let is_late = model.max_delay > Span::ZERO && *first + model.max_delay <= entry.at;
        let is_quiet = *last + model.grace_period <= entry.at;
        if !(is_full || is_late || is_quiet) {
            return Err(format!("{group:?} of {queue:?} is gathered at {} with {waiting:?}", entry.at));
        }
        if waiting[..most.min(waiting.len())] != members[..] {
            return Err(format!("{members:?} are gathered, of {waiting:?}"));
        }
        Ok(())
    }
}

/// The sets that members were aggregated in. A task that is enqueued again is another one.
fn aggregated_once(sets: &mut BTreeMap<TaskId, SetId>, book: &Book, entry: &Entry) -> Finding {
    match &entry.event {
        Event::Entered { task, .. } => {
            sets.remove(&task.id);
            match (task.id, &task.payload) {
                (TaskId::Aggregated(set), Payload::Members(members))
                    if book.members(set) != Some(members.as_slice()) =>
                {
                    Err(format!("{set:?} is aggregated with {members:?}, and has {:?}", book.members(set)))
                }
                // The task has the members from now on, whether or not their set is deleted.
                (TaskId::Aggregated(set), Payload::Members(members)) => {
                    members.iter().try_for_each(|member| note(sets, *member, set))
                }
                _ => Ok(()),
            }
        }
        Event::Aggregated(set, members) => members.iter().try_for_each(|member| note(sets, *member, *set)),
        _ => Ok(()),
    }
}

fn note(sets: &mut BTreeMap<TaskId, SetId>, member: TaskId, set: SetId) -> Finding {
    match sets.insert(member, set) {
        Some(other) if other != set => Err(format!("{member:?} is aggregated with {set:?}, and was with {other:?}")),
        _ => Ok(()),
    }
}

/// A member of a group is aggregated into one task, which has all members of its set.
#[derive(Clone, Default)]
pub struct AggregatedOnce(BTreeMap<TaskId, SetId>);

impl Rule for AggregatedOnce {
    const NAME: &'static str = "task_queue/aggregated_once";

    fn concerns(model: &TaskQueue) -> bool {
        model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        aggregated_once(&mut self.0, book, entry)
    }
}

/// The same where the task is enqueued by one script and the set deleted by another: nobody promises it.
#[derive(Clone, Default)]
pub struct AggregatedOnceInTwoScripts(BTreeMap<TaskId, SetId>);

impl Rule for AggregatedOnceInTwoScripts {
    const NAME: &'static str = "task_queue/aggregated_once_in_two_scripts";

    fn concerns(model: &TaskQueue) -> bool {
        !model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        aggregated_once(&mut self.0, book, entry)
    }
}
