//! S7: dead letters, with their reasons and counts.

use std::collections::BTreeSet;

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate, Origin};
use seedbed_models::communication::message_queue::books::message::{DeathMark, Message, Reason};
use seedbed_models::communication::message_queue::books::settings::{Overflow, QueueKind};
use seedbed_models::communication::message_queue::names::{CopyId, QueueName};
use seedbed_models::communication::message_queue::topology::{DEAD, DeadLetters, RETRY, WORK};

use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::{Copied, Ledger, Place};

/// Where the dead letters of a queue go.
fn dead_letter_queue(model: &MessageQueue, queue: &QueueName) -> Option<&'static str> {
    match (queue.as_str(), model.dead_letters) {
        (RETRY, _) => Some(WORK),
        (WORK, DeadLetters::Kept) => Some(DEAD),
        (WORK, DeadLetters::Retried) => Some(RETRY),
        _ => None,
    }
}

/// The queue that a copy has left for this reason, before its dead letter comes anywhere. What a full queue has refused was never in
/// it: that is `work`, which alone has a limit.
fn left_for(model: &MessageQueue, ledger: &Ledger, copy: CopyId, reason: Reason) -> Result<QueueName, String> {
    let died = Place::Left(Fate::Died { reason, dead_lettered: true });
    match ledger.copy(copy) {
        Some(copied) if copied.place == died => Ok(copied.queue.clone()),
        Some(Copied { place, .. }) => Err(format!("{copy:?} is {place:?}, and its dead letter of {reason:?} arrives")),
        None if reason == Reason::Maxlen && model.overflow == Overflow::RejectPublishDlx => Ok(QueueName::from(WORK)),
        None => Err(format!("{copy:?} was never there, and its dead letter of {reason:?} arrives")),
    }
}

/// A message that dies in a queue with a dead-letter exchange comes into the queue behind that, once and at once; unless that refuses it,
/// or it goes in circles without a rejection. One that dies elsewhere comes nowhere.
#[derive(Clone, Default)]
pub struct DeadLettersArrive {
    /// The copies that have died in this event, and have come nowhere yet.
    pending: BTreeSet<CopyId>,
    /// The copies whose dead letter has come somewhere.
    arrived: BTreeSet<CopyId>,
}

impl Rule for DeadLettersArrive {
    const NAME: &'static str = "message_queue/dead_letters_arrive";

    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Left { copy, queue, fate: Fate::Died { dead_lettered, .. } } => {
                if *dead_lettered != dead_letter_queue(model, queue).is_some() {
                    return Err(format!("{copy:?} dies in {queue:?}, and dead-lettered is {dead_lettered}"));
                }
                if *dead_lettered {
                    self.pending.insert(*copy);
                }
            }
            Event::Entered { queue, origin: Origin::DeadLetter(parent, reason), .. } => {
                let from = left_for(model, ledger, *parent, *reason)?;
                if dead_letter_queue(model, &from) != Some(queue.as_str()) {
                    return Err(format!("the dead letter of {parent:?} comes from {from:?} into {queue:?}"));
                }
                if !self.arrived.insert(*parent) {
                    return Err(format!("{parent:?} is dead-lettered twice, the second time into {queue:?}"));
                }
                self.pending.remove(parent);
            }
            Event::Refused { origin: Origin::DeadLetter(parent, _), .. } => _ = self.pending.remove(parent),
            Event::Unroutable { copy } => {
                let rejected = ledger.copy(*copy).map(|copied| {
                    let deaths = &copied.message.deaths;
                    let last =
                        copied.queue.as_str() == RETRY && deaths.iter().all(|death| death.reason == Reason::Rejected);
                    last && !deaths.is_empty()
                });
                if rejected == Some(true) {
                    return Err(format!("{copy:?} was rejected, and goes nowhere when its delay is over"));
                }
                self.pending.remove(copy);
            }
            _ => {}
        }
        Ok(())
    }

    fn books(&mut self, _: &MessageQueue, _: &Ledger, _: &Books) -> Finding {
        match self.pending.first() {
            Some(copy) => Err(format!("{copy:?} has died, and its dead letter has come nowhere")),
            None => Ok(()),
        }
    }
}

/// A dead letter says how often it has died where and why: `x-death` is what it was before, with this death counted, and first.
#[derive(Clone, Default)]
pub struct DeathsAreCounted;

impl Rule for DeathsAreCounted {
    const NAME: &'static str = "message_queue/deaths_are_counted";

    fn entry(&mut self, _: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let Event::Entered { copy, message, origin: Origin::DeadLetter(parent, reason), .. } = &entry.event else {
            return Ok(());
        };
        let Some(died) = ledger.copy(*parent) else { return Ok(()) };
        let is_it = |queue: &QueueName, why: Reason| *queue == died.queue && why == *reason;
        let others = |message: &Message| -> Vec<_> {
            let others = message.deaths.iter().filter(|death| !is_it(&death.queue, death.reason));
            others.map(|death| (death.queue.clone(), death.reason, death.count)).collect()
        };
        let before = died.message.death_count(&died.queue, *reason);
        let first = message.deaths.first().map(|death| (is_it(&death.queue, death.reason), death.count));
        let last = DeathMark { queue: died.queue.clone(), reason: *reason, exchange: died.message.exchange.clone() };
        let marks = (message.first_death.as_ref(), message.last_death.as_ref());
        let should = (died.message.first_death.as_ref().or(Some(&last)), Some(&last));
        if first != Some((true, before + 1)) || others(message) != others(&died.message) || marks != should {
            let deaths = &message.deaths;
            return Err(format!(
                "{copy:?} was {:?}, died in {:?} for {reason:?}, and says {deaths:?}",
                died.message.deaths, died.queue
            ));
        }
        if message.properties.expiration.is_some() {
            return Err(format!("{copy:?} is a dead letter, and would expire again"));
        }
        Ok(())
    }
}

/// A message of a quorum queue comes back for a failure as often as the limit says, and the next time it dies of it: not before, and
/// not elsewhere.
#[derive(Clone, Default)]
pub struct DeliveryLimit;

impl Rule for DeliveryLimit {
    const NAME: &'static str = "message_queue/delivery_limit";

    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let limit = |queue: &QueueName| {
            let is_limited = model.queues == QueueKind::Quorum && queue.as_str() == WORK;
            model.delivery_limit.filter(|_| is_limited)
        };
        match &entry.event {
            Event::Returned { copy, queue, why } => {
                let failed = ledger.copy(*copy).map_or(0, |copied| copied.failed) + u32::from(why.is_failure());
                match limit(queue) {
                    Some(limit) if failed > limit => Err(format!(
                        "{copy:?} comes back to {queue:?} after {failed} failures, and the limit is {limit}"
                    )),
                    _ => Ok(()),
                }
            }
            Event::Left { copy, queue, fate: Fate::Died { reason: Reason::DeliveryLimit, .. } } => {
                let failed = ledger.copy(*copy).map_or(0, |copied| copied.failed);
                if limit(queue) == Some(failed) {
                    return Ok(());
                }
                Err(format!("{copy:?} dies in {queue:?} after {failed} failures, and the limit is {:?}", limit(queue)))
            }
            _ => Ok(()),
        }
    }
}
