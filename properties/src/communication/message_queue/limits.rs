//! The declared limit of a queue: what it pushes out and what it refuses, and that publishers are told so for no other reason.

use std::collections::BTreeSet;

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate, Origin};
use seedbed_models::communication::message_queue::books::message::Reason;
use seedbed_models::communication::message_queue::books::settings::Overflow;
use seedbed_models::communication::message_queue::messages::Outcome;
use seedbed_models::communication::message_queue::names::{BodyId, CopyId, QueueName};
use seedbed_models::communication::message_queue::topology::WORK;
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::Ledger;
use crate::communication::message_queue::order::goes_before;
use crate::communication::message_queue::reader::Reader;
use crate::communication::message_queue::routing::Ended;

/// The limit of a queue, and what it does with more. Only `work` has one.
fn limit(model: &MessageQueue, queue: &QueueName) -> Option<(usize, Overflow)> {
    let most = model.max_length.filter(|_| queue.as_str() == WORK)?;
    Some((most as usize, model.overflow))
}

/// What is ready in a queue, which is what counts (*Queue Length Limit*), is never more than its limit where the head is dropped; the
/// head is dropped only if it is, and it is the head. Where publishes are refused, none is taken that exceeds the limit, and none
/// refused that does not.
#[derive(Clone, Default)]
pub struct LengthLimit;

impl LengthLimit {
    fn is_dropped(model: &MessageQueue, ledger: &Ledger, copy: CopyId, queue: &QueueName) -> Finding {
        let ready = ledger.ready_in(queue).count();
        match limit(model, queue) {
            Some((most, Overflow::DropHead)) if ready > most => {}
            limit => {
                return Err(format!(
                    "{copy:?} is dropped from {queue:?}, where {ready} are ready, and the limit is {limit:?}"
                ));
            }
        }
        let Some(copied) = ledger.copy(copy) else { return Err(format!("{copy:?} is dropped, and was never there")) };
        let mut others = ledger.ready_in(queue).filter(|(other, _)| *other != copy);
        match others.find(|other| goes_before(model, *other, (copy, copied))) {
            Some((head, _)) => Err(format!("{copy:?} is dropped from {queue:?}, and {head:?} goes before it")),
            None => Ok(()),
        }
    }

    fn is_refused(model: &MessageQueue, ledger: &Ledger, body: BodyId, queue: &QueueName) -> Finding {
        let ready = ledger.ready_in(queue).count();
        match limit(model, queue) {
            Some((most, Overflow::RejectPublish | Overflow::RejectPublishDlx)) if ready >= most => Ok(()),
            limit => {
                Err(format!("{body:?} is refused by {queue:?}, where {ready} are ready, and the limit is {limit:?}"))
            }
        }
    }

    fn is_taken(model: &MessageQueue, ledger: &Ledger, copy: CopyId, queue: &QueueName) -> Finding {
        let ready = ledger.ready_in(queue).count();
        match limit(model, queue) {
            Some((most, Overflow::RejectPublish | Overflow::RejectPublishDlx)) if ready >= most => {
                Err(format!("{copy:?} comes into {queue:?}, where {ready} are ready, and may be {most}"))
            }
            _ => Ok(()),
        }
    }
}

impl Rule for LengthLimit {
    const NAME: &'static str = "message_queue/length_limit";

    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Left { copy, queue, fate: Fate::Died { reason: Reason::Maxlen, .. } } => {
                LengthLimit::is_dropped(model, ledger, *copy, queue)
            }
            Event::Refused { body, queue, .. } => LengthLimit::is_refused(model, ledger, *body, queue),
            Event::Entered { copy, queue, .. } => LengthLimit::is_taken(model, ledger, *copy, queue),
            _ => Ok(()),
        }
    }

    fn books(&mut self, model: &MessageQueue, _: &Ledger, books: &Books) -> Finding {
        for (name, queue) in books.queues() {
            let ready = queue.ready().len();
            if let Some((most, Overflow::DropHead)) = limit(model, name)
                && ready > most
            {
                return Err(format!("{ready} are ready in {name:?}, and may be {most}"));
            }
        }
        Ok(())
    }
}

/// A publisher is told that its message was refused only if a queue has refused it.
#[derive(Clone, Default)]
pub struct RefusedByAQueue {
    reader: Reader,
    ended: Ended,
    /// What queues have refused, in all that the books have ever said.
    refused: BTreeSet<BodyId>,
}

impl Property<MessageQueue> for RefusedByAQueue {
    fn name(&self) -> String {
        "message_queue/refused_by_a_queue".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        for entry in self.reader.news(world).map_or(&[][..], |news| news.entries) {
            if let Event::Refused { body, origin: Origin::Published, .. } = &entry.event {
                self.refused.insert(*body);
            }
        }
        for (node, published) in self.ended.read(world)? {
            if published.outcome == Outcome::Refused && !self.refused.contains(&published.body) {
                let words = format!("{node} is told that {:?} was refused, and no queue has", published.body);
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}
