//! What becomes of deliveries: acknowledged, requeued, dead (RabbitMQ, *Consumer Acknowledgements and Publisher Confirms*).

use crate::communication::message_queue::books::channel::Unacked;
use crate::communication::message_queue::books::command::{Answer, Exception};
use crate::communication::message_queue::books::journal::{Event, Fate, Return, Settlement};
use crate::communication::message_queue::books::message::{Queued, Reason};
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::names::{ChannelId, DeliveryTag, QueueName};

impl Books {
    /// `basic.ack`, `basic.nack`, `basic.reject`. An unknown tag closes the channel.
    pub(super) fn settle(
        &mut self,
        channel: ChannelId,
        tag: DeliveryTag,
        multiple: bool,
        how: Settlement,
    ) -> Result<Answer, Exception> {
        let meant = self.channels.get(&channel).and_then(|channel| channel.meant(tag, multiple));
        let mut meant = meant.ok_or(Exception::PreconditionFailed)?;
        self.record(Event::Settled { channel, tag, multiple, how });
        let of_channel = &self.channels[&channel];
        if self.planted(Bug::AckWrongTag) && how == Settlement::Ack && !multiple {
            meant = of_channel.oldest().into_iter().collect();
        }
        if self.planted(Bug::MultipleAckOffByOne) && how == Settlement::Ack && multiple {
            meant.extend(of_channel.behind(tag));
        }
        for tag in meant {
            let taken = self.channels.get_mut(&channel).and_then(|channel| channel.take(tag));
            let Unacked { queue, queued, orphaned, .. } = taken.expect("a tag that is meant is that of a delivery");
            match how {
                _ if orphaned => {}
                Settlement::Ack => self.record(Event::Left { copy: queued.id, queue, fate: Fate::Acked }),
                Settlement::Nack { requeue: true } if self.planted(Bug::RequeueIgnored) => {
                    self.die(&queue, queued, Reason::Rejected);
                }
                Settlement::Nack { requeue: true } => self.give_back(&queue, queued, Return::Nacked),
                Settlement::Reject { requeue: true } => self.give_back(&queue, queued, Return::Rejected),
                Settlement::Nack { requeue: false } | Settlement::Reject { requeue: false } => {
                    self.die(&queue, queued, Reason::Rejected);
                }
            }
        }
        Ok(Answer::Done)
    }

    /// A delivery comes back to its queue, unless it has failed too often (*Quorum Queues*, "Poison Message Handling").
    pub(super) fn give_back(&mut self, name: &QueueName, mut queued: Queued, why: Return) {
        let Some(queue) = self.queues.get(name) else { return };
        let limit = queue.settings.delivery_limit;
        queued.failed += u32::from(why.is_failure());
        let allowed = limit.map(|limit| limit.saturating_add(u32::from(self.planted(Bug::LimitIgnoresTheFirst))));
        if allowed.is_some_and(|allowed| queued.failed > allowed) {
            if self.planted(Bug::DeadLettersTwice) {
                self.put_back(name, queued.clone());
            }
            return self.die(name, queued, Reason::DeliveryLimit);
        }
        if self.planted(Bug::UnackedLostOnClose) && why == Return::Closed {
            return;
        }
        self.record(Event::Returned { copy: queued.id, queue: name.clone(), why });
        if self.planted(Bug::RequeueDuplicates) && why != Return::BrokerLost {
            let position = self.next_copy();
            self.put_back(name, Queued { position, ..queued.clone() });
        }
        if self.planted(Bug::RequeueToTail) {
            queued.position = self.next_copy();
        }
        self.put_back(name, queued);
    }

    fn put_back(&mut self, name: &QueueName, queued: Queued) {
        if let Some(queue) = self.queues.get_mut(name) {
            queue.requeued = true;
            queue.ready.give_back(queued);
        }
    }
}
