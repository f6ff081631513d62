//! Leases: who has them, who marks, and when a worker counts as lost.

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::command::By;
use seedbed_models::communication::task_queue::store::journal::{Entry, Event};

use crate::communication::task_queue::audit::{Finding, Rule};
use crate::communication::task_queue::book::Book;

fn has_the_lease(book: &Book, entry: &Entry) -> Finding {
    let Event::Finished { id, lease, .. } = entry.event else { return Ok(()) };
    match book.task(id).and_then(|known| known.lease) {
        Some(held) if held == lease => Ok(()),
        held => Err(format!("{id:?} is marked by {lease:?}, and is worked on under {held:?}")),
    }
}

/// A lease has one owner, and who had one before does not mark what its next owner does.
#[derive(Clone, Default)]
pub struct MarkedByItsOwner;

impl Rule for MarkedByItsOwner {
    const NAME: &'static str = "task_queue/marked_by_its_owner";

    fn concerns(model: &TaskQueue) -> bool {
        model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        has_the_lease(book, entry)
    }
}

/// The same of marks that name the task alone: nobody promises it.
#[derive(Clone, Default)]
pub struct MarkedByItsOwnerUnfenced;

impl Rule for MarkedByItsOwnerUnfenced {
    const NAME: &'static str = "task_queue/marked_by_its_owner_unfenced";

    fn concerns(model: &TaskQueue) -> bool {
        !model.is_guarded()
    }

    fn entry(&mut self, _: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        has_the_lease(book, entry)
    }
}

/// A recoverer takes a task when its worker was not heard of for the length of a lease and the margin, by the broker's clock: neither
/// at the dequeue nor by a heartbeat since.
#[derive(Clone, Default)]
pub struct RecoveredWhenExpired;

impl Rule for RecoveredWhenExpired {
    const NAME: &'static str = "task_queue/recovered_when_expired";

    fn concerns(model: &TaskQueue) -> bool {
        model.is_guarded()
    }

    fn entry(&mut self, model: &TaskQueue, book: &Book, entry: &Entry) -> Finding {
        let Event::Finished { id, by: By::Recoverer, .. } = entry.event else { return Ok(()) };
        let Some(known) = book.task(id) else { return Ok(()) };
        if known.heard + model.lease + model.lease_margin <= entry.at {
            return Ok(());
        }
        Err(format!("{id:?} is recovered at {}, and its worker was heard of at {}", entry.at, known.heard))
    }
}
