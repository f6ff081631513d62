//! S2, S5, and to whom deliveries go.

use std::collections::BTreeSet;

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::journal::{Entry, Event};
use seedbed_models::communication::message_queue::client::consumer::Acks;
use seedbed_models::communication::message_queue::topology::WORK;

use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::{Ledger, Place};

/// S2: a message that is delivered was ready, so that nobody else has it; and what is not acknowledged has one owner, who is the
/// one to whom it was delivered.
#[derive(Clone, Default)]
pub struct OneOwner;

impl Rule for OneOwner {
    const NAME: &'static str = "message_queue/one_owner";

    fn entry(&mut self, _: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let Event::Delivered { copy, channel, .. } = &entry.event else { return Ok(()) };
        match ledger.copy(*copy).map(|copied| copied.place) {
            Some(Place::Ready) => Ok(()),
            place => Err(format!("{copy:?} is delivered on {channel:?}, and it is {place:?}")),
        }
    }

    fn books(&mut self, _: &MessageQueue, ledger: &Ledger, books: &Books) -> Finding {
        let mut owned = BTreeSet::new();
        for (channel, tag, unacked) in books.unacked() {
            let id = unacked.queued.id;
            if !owned.insert(id) {
                return Err(format!("{id:?} is not acknowledged on {channel:?}, and on another one"));
            }
            let place = ledger.copy(id).map(|copied| copied.place);
            if !matches!(place, Some(Place::Unacked(holder)) if (holder.channel, holder.tag) == (channel, tag)) {
                return Err(format!("{channel:?} owns {id:?} as {tag:?}, and the journal says that it is {place:?}"));
            }
        }
        Ok(())
    }
}

/// S5: no consumer has more deliveries that are not acknowledged than its prefetch allows, and no channel more than its own.
#[derive(Clone, Default)]
pub struct Prefetch;

impl Rule for Prefetch {
    const NAME: &'static str = "message_queue/prefetch";

    fn books(&mut self, model: &MessageQueue, _: &Ledger, books: &Books) -> Finding {
        if model.acks == Acks::Auto {
            return Ok(());
        }
        let exceeds = |count: usize, limit: u16| limit > 0 && count > usize::from(limit);
        for (id, channel) in books.channels() {
            let consumers: BTreeSet<_> = channel.unacked().filter_map(|(_, unacked)| unacked.consumer).collect();
            for consumer in &consumers {
                let count = channel.unacked_of(*consumer);
                if exceeds(count, model.prefetch) {
                    let limit = model.prefetch;
                    return Err(format!("{consumer:?} on {id:?} has {count} deliveries, and may have {limit}"));
                }
            }
            let count = channel.unacked().count();
            if !consumers.is_empty() && exceeds(count, model.global_prefetch) {
                return Err(format!("{id:?} has {count} deliveries, and may have {}", model.global_prefetch));
            }
        }
        Ok(())
    }
}

/// A delivery says whether the message was delivered before.
#[derive(Clone, Default)]
pub struct RedeliveredIsSaid;

impl Rule for RedeliveredIsSaid {
    const NAME: &'static str = "message_queue/redelivered_is_said";

    fn entry(&mut self, _: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let Event::Delivered { copy, redelivered, .. } = &entry.event else { return Ok(()) };
        let before = ledger.copy(*copy).map_or(0, |copied| copied.delivered);
        if *redelivered == (before > 0) {
            return Ok(());
        }
        Err(format!("{copy:?} was delivered {before} times, and is delivered with the flag {redelivered}"))
    }
}

/// In a queue with a single active consumer that is the one which has subscribed first, of those that are there.
#[derive(Clone, Default)]
pub struct SingleActive;

impl Rule for SingleActive {
    const NAME: &'static str = "message_queue/single_active_consumer";

    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let Event::Delivered { queue, channel, consumer: Some(consumer), .. } = &entry.event else { return Ok(()) };
        if !model.single_active || queue.as_str() != WORK {
            return Ok(());
        }
        match ledger.consumers(queue).first() {
            Some(active) if *active == (*channel, *consumer) => Ok(()),
            active => Err(format!("{consumer:?} on {channel:?} is served, and the active one is {active:?}")),
        }
    }
}
