//! L: what is ready is delivered while a consumer lives.

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::message::Queued;
use seedbed_models::communication::message_queue::names::QueueName;
use seedbed_models::communication::message_queue::topology::{AUDIT, RETRY, WORK};
use seedbed_sim::{Broken, Property, Span, Verdict, World};

use crate::communication::message_queue::reader::books;

/// When the faults have ended, all that is in the queues which consumers process is delivered and settled: nothing is ready there, and
/// nothing is not acknowledged. What was delayed has come back: nothing waits in `retry`.
#[derive(Clone, Default)]
pub struct ReadyIsDelivered;

impl ReadyIsDelivered {
    fn left<'w>(books: &'w Books, name: &str) -> Option<&'w Queued> {
        books.copies().find(|(queue, _)| queue.as_str() == name).map(|(_, queued)| queued)
    }
}

impl Property<MessageQueue> for ReadyIsDelivered {
    fn name(&self) -> String {
        "message_queue/ready_is_delivered".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    /// Consumers may have much to do, and messages come back again and again from their delays.
    fn patience(&self) -> Span {
        Span::secs(20)
    }

    fn at_end(&mut self, world: &World<MessageQueue>) -> Verdict {
        let all = world.present().filter_map(|node| Some((node, books(world, node)?)));
        let Some((node, books)) = all.max_by_key(|(_, books)| books.journal().len()) else { return Ok(()) };
        let has_consumers = world.present().any(|node| world.config().consumer_ids().contains(&node.0));
        if !has_consumers {
            return Ok(());
        }
        for name in [WORK, AUDIT, RETRY] {
            if let Some(left) = ReadyIsDelivered::left(books, name) {
                let consumers = books.queue(&QueueName::from(name)).map_or(0, |queue| queue.consumers().len());
                let (id, body) = (left.id, left.message.body.id);
                let words = format!("{id:?} of {body:?} is still in {name:?}, which has {consumers} consumers");
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}
