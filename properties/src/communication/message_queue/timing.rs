//! S6, and what expires: never early, never delivered afterwards; and, which nobody promises, in time.

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate};
use seedbed_models::communication::message_queue::books::message::Reason;
use seedbed_models::communication::message_queue::topology::{RETRY, WORK};
use seedbed_sim::{Broken, Property, Span, Time, Verdict, World};

use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::{Copied, Ledger};
use crate::communication::message_queue::reader::books;

/// When the time of a copy is over, on the clock of the books: by its queue's time to live or its own, whichever is lower.
fn expires(model: &MessageQueue, copied: &Copied) -> Option<Time> {
    let of_queue = match copied.queue.as_str() {
        RETRY => Some(model.delay),
        WORK => model.message_ttl,
        _ => None,
    };
    let ttl = of_queue.into_iter().chain(copied.message.properties.expiration).min();
    ttl.map(|ttl| copied.entered + ttl)
}

/// S6: a message expires when its time is over and not before; so a delayed message, which waits in a queue from which it expires
/// into another one, is not delivered early. The time is that of the books.
#[derive(Clone, Default)]
pub struct NeverEarly;

impl Rule for NeverEarly {
    const NAME: &'static str = "message_queue/never_early";

    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let Event::Left { copy, fate: Fate::Died { reason: Reason::Expired, .. }, .. } = &entry.event else {
            return Ok(());
        };
        let due = ledger.copy(*copy).and_then(|copied| expires(model, copied));
        if due.is_some_and(|due| due <= entry.at) {
            return Ok(());
        }
        Err(format!("{copy:?} expires at {}, and its time is over at {due:?}", entry.at))
    }
}

/// A message is not delivered when its time is over ("the server guarantees that expired messages will not be delivered"). One whose
/// time to live is zero may be delivered at the instant at which it comes.
#[derive(Clone, Default)]
pub struct ExpiredIsNotDelivered;

impl Rule for ExpiredIsNotDelivered {
    const NAME: &'static str = "message_queue/expired_is_not_delivered";

    fn entry(&mut self, model: &MessageQueue, ledger: &Ledger, entry: &Entry) -> Finding {
        let Event::Delivered { copy, .. } = &entry.event else { return Ok(()) };
        let Some(copied) = ledger.copy(*copy) else { return Ok(()) };
        match expires(model, copied) {
            Some(due) if due <= entry.at && copied.entered < entry.at => {
                Err(format!("{copy:?} is delivered at {}, and its time was over at {due}", entry.at))
            }
            _ => Ok(()),
        }
    }
}

/// For how long a message may be there whose time is over, where no other one is in its way.
const IN_TIME: Span = Span::ms(10);

/// A message is gone from its queue when its time is over: which nobody promises of one behind a head that has not expired.
#[derive(Clone, Default)]
pub struct ExpiredGoesInTime;

impl Property<MessageQueue> for ExpiredGoesInTime {
    fn name(&self) -> String {
        "message_queue/expired_goes_in_time".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        for &node in world.changed() {
            let Some(books) = books(world, node) else { continue };
            let now = world.clock(node);
            for (name, queue) in books.queues() {
                let overdue = |expires: Time| expires + IN_TIME < now;
                let late = queue.ready().iter().find(|queued| queued.expires.is_some_and(overdue));
                if let (Some(late), Some(head)) = (late, queue.ready().head()) {
                    let (id, over, head) = (late.id, late.expires.unwrap_or_default(), head.id);
                    let words =
                        format!("{id:?} is in {name:?} at {now}, its time was over at {over}; {head:?} is the head");
                    return Err(Broken::new([node], words));
                }
            }
        }
        Ok(())
    }
}
