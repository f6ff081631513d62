//! S4 and S5: priorities of queues, and paused queues.

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::settings::Priority;
use seedbed_models::communication::task_queue::store::journal::{Entry, Event};

use crate::communication::task_queue::audit::{Finding, Rule};
use crate::communication::task_queue::book::Book;

fn no_higher_is_pending(book: &Book, entry: &Entry) -> Finding {
    let Event::Dequeued { id, queue, .. } = &entry.event else { return Ok(()) };
    match book.backlogged().find(|other| other < queue) {
        Some(higher) => Err(format!("{id:?} of {queue:?} starts, while a task is pending in {higher:?}")),
        None => Ok(()),
    }
}

/// S4: with strict priorities, no task starts while one of a higher queue is pending that is not paused.
#[derive(Clone, Default)]
pub struct StrictPriority;

impl Rule for StrictPriority {
    const NAME: &'static str = "task_queue/strict_priority";

    fn concerns(model: &TaskQueue) -> bool {
        model.priority == Priority::Strict && model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        no_higher_is_pending(book, entry)
    }
}

/// The same of scripts that look at one queue each: nobody promises it.
#[derive(Clone, Default)]
pub struct StrictPriorityQueueByQueue;

impl Rule for StrictPriorityQueueByQueue {
    const NAME: &'static str = "task_queue/strict_priority_queue_by_queue";

    fn concerns(model: &TaskQueue) -> bool {
        model.priority == Priority::Strict && !model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        no_higher_is_pending(book, entry)
    }
}

/// The exponent of the error probability of [`WeightedShares`].
const EXPONENT: u64 = 28;

/// S5: with weights, a queue's share of the tasks that start is that of its weight, among those that start while all queues have
/// pending tasks. The order of a dequeue is drawn before the broker is asked, so each such start is of the queue with the
/// probability `p` of its weight, whatever was before; by Hoeffding's inequality, its count among `n` starts is further than
/// `sqrt(28 n / 2)` from `p n` with a probability of at most `2 e^-28`, so for any of the first 700 `n` with less than 10⁻⁹ in all.
/// With few starts that says little, and of a long run of 300 that no share is off by more than 0.22.
#[derive(Clone, Default)]
pub struct WeightedShares {
    starts: u64,
    of_queue: Vec<u64>,
}

impl Rule for WeightedShares {
    const NAME: &'static str = "task_queue/weighted_shares";

    fn concerns(model: &TaskQueue) -> bool {
        model.priority == Priority::Weighted && model.is_guarded()
    }

    fn entry(&mut self, model: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let Event::Dequeued { queue, .. } = &entry.event else { return Ok(()) };
        if book.backlogged().count() == model.weights.len() {
            self.starts += 1;
            self.of_queue.resize(model.weights.len(), 0);
            self.of_queue[usize::from(queue.0)] += 1;
        }
        Ok(())
    }

    fn end(&self, model: &TaskQueue) -> Finding {
        let total: u64 = model.weights.iter().map(|weight| u64::from(*weight)).sum();
        for (weight, count) in model.weights.iter().zip(&self.of_queue) {
            // In whole numbers: (count / n − weight / total)² ≤ 28 / 2 n.
            let off = (count * total).abs_diff(self.starts * u64::from(*weight));
            if 2 * off * off > EXPONENT * self.starts * total * total {
                let (starts, counts) = (self.starts, &self.of_queue);
                return Err(format!(
                    "of {starts} tasks that started, queues had {counts:?}, and have {:?}",
                    model.weights
                ));
            }
        }
        Ok(())
    }
}

/// No task of a paused queue starts.
#[derive(Clone, Default)]
pub struct PausedIsNotServed;

impl Rule for PausedIsNotServed {
    const NAME: &'static str = "task_queue/paused_is_not_served";

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Dequeued { id, queue, .. } if book.is_paused(*queue) => {
                Err(format!("{id:?} of {queue:?} starts, which is paused"))
            }
            _ => Ok(()),
        }
    }
}
