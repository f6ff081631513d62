//! S4: conservation, at every instant.

use std::collections::BTreeMap;

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate};
use seedbed_models::communication::message_queue::books::message::Reason;
use seedbed_models::communication::message_queue::names::{CopyId, QueueName};

use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::{Ledger, Place};

/// What has come into a queue, and what has become of it: published = acked + ready + unacked + dead-lettered + expired +
/// dropped by a limit, where what was dead-lettered has come into another queue; and besides rejected without a dead-letter exchange,
/// purged, deleted with the queue, not durable.
#[derive(Clone, Debug, Default)]
struct Counts {
    entered: u64,
    acked: u64,
    dead_lettered: u64,
    expired: u64,
    dropped: u64,
    rejected: u64,
    removed: u64,
}

impl Counts {
    fn left(&self) -> u64 {
        self.acked + self.dead_lettered + self.expired + self.dropped + self.rejected + self.removed
    }

    fn leaves(&mut self, fate: Fate) {
        let count = match fate {
            Fate::Acked | Fate::AutoAcked => &mut self.acked,
            Fate::Died { dead_lettered: true, .. } => &mut self.dead_lettered,
            Fate::Died { reason: Reason::Expired, .. } => &mut self.expired,
            Fate::Died { reason: Reason::Maxlen, .. } => &mut self.dropped,
            Fate::Died { reason: Reason::Rejected | Reason::DeliveryLimit, .. } => &mut self.rejected,
            Fate::Purged | Fate::QueueDeleted | Fate::NotDurable => &mut self.removed,
        };
        *count += 1;
    }
}

/// The copies in the books are those that have entered and not left, each once, and the sums are right in each queue. A copy that has
/// left does not leave again.
#[derive(Clone, Default)]
pub struct Conservation {
    counts: BTreeMap<QueueName, Counts>,
}

impl Rule for Conservation {
    const NAME: &'static str = "message_queue/conservation";

    fn entry(&mut self, _: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Entered { copy, queue, .. } => {
                if let Some(known) = ledger.copy(*copy) {
                    return Err(format!("{copy:?} enters {queue:?}, and was in {:?} before", known.queue));
                }
                self.counts.entry(queue.clone()).or_default().entered += 1;
            }
            Event::Left { copy, queue, fate } => {
                let place = ledger.copy(*copy).map(|copied| copied.place);
                if matches!(place, None | Some(Place::Left(_))) {
                    return Err(format!("{copy:?} leaves {queue:?} as {fate:?}, and it is {place:?}"));
                }
                self.counts.entry(queue.clone()).or_default().leaves(*fate);
            }
            _ => {}
        }
        Ok(())
    }

    fn books(&mut self, _: &MessageQueue, ledger: &Ledger, books: &Books) -> Finding {
        let mut unacked: BTreeMap<&QueueName, u64> = BTreeMap::new();
        for (_, _, delivery) in books.unacked() {
            *unacked.entry(&delivery.queue).or_default() += 1;
        }
        for (queue, counts) in &self.counts {
            let ready = books.queue(queue).map_or(0, |queue| queue.ready().len() as u64);
            let unacked = unacked.get(queue).copied().unwrap_or(0);
            if counts.entered != ready + unacked + counts.left() {
                return Err(format!("{queue:?} has {ready} ready and {unacked} not acknowledged, of {counts:?}"));
            }
        }
        let there: BTreeMap<CopyId, &QueueName> = books.copies().map(|(queue, queued)| (queued.id, queue)).collect();
        let is_in = |place: Place| !matches!(place, Place::Left(_));
        let should = ledger.copies().filter(|(_, copied)| is_in(copied.place)).map(|(id, copied)| (id, &copied.queue));
        if there.iter().map(|(id, queue)| (*id, *queue)).eq(should) {
            return Ok(());
        }
        Err(format!("the copies in the books are {:?}, and not those that have entered and not left", there.keys()))
    }
}
