//! What time does: messages and queues expire (RabbitMQ, *Time-to-Live and Expiration*), and full queues drop their heads
//! (*Queue Length Limit*).

use seedbed_sim::Time;

use crate::communication::message_queue::books::command::Effects;
use crate::communication::message_queue::books::message::{Queued, Reason};
use crate::communication::message_queue::books::settings::QueueKind;
use crate::communication::message_queue::books::state::Books;
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::names::QueueName;

impl Books {
    /// When there is something to do next if nobody comes: a head expires, or a queue.
    pub fn next_due(&self) -> Option<Time> {
        let of_queues = self.queues.values().flat_map(|queue| [queue.ready.next_expiry(), queue.goes_at()]);
        of_queues.flatten().min()
    }

    /// Does all that can be done at this moment, until nothing changes: deliver, expire, drop, dead-letter. It ends: a dead letter
    /// comes into each queue once at most without a rejection ([`Books::publish_dead_letters`]).
    pub(super) fn run(&mut self, effects: &mut Effects) {
        self.expire_queues(effects);
        loop {
            let names: Vec<QueueName> = self.queues.keys().cloned().collect();
            let mut changed = false;
            for name in &names {
                changed |= self.run_queue(name, effects);
            }
            if !changed && self.dead_letters.is_empty() {
                return;
            }
            self.publish_dead_letters();
        }
    }

    fn run_queue(&mut self, name: &QueueName, effects: &mut Effects) -> bool {
        let now = self.now;
        let late = self.planted(Bug::DeliversExpired);
        let mut changed = self.drop_heads_of_requeued(name);
        changed |= !late && self.expire(name, |queued| !queued.may_be_delivered(now));
        changed |= self.deliver_all(name, effects);
        changed |= self.expire(name, |queued| queued.is_expired(now));
        changed | self.drop_heads(name)
    }

    fn expire(&mut self, name: &QueueName, is_over: impl Fn(&Queued) -> bool) -> bool {
        let mut expired = Vec::new();
        let Some(queue) = self.queues.get_mut(name) else { return false };
        while let Some(queued) = queue.ready.pop_overdue(&is_over) {
            expired.push(queued);
        }
        if !expired.is_empty() && self.bug == Some(Bug::ExpiresWithTheHead) {
            expired.extend(queue.ready.drain());
        }
        let any = !expired.is_empty();
        expired.into_iter().for_each(|queued| self.die(name, queued, Reason::Expired));
        any
    }

    /// A classic queue to which messages come back drops what is too much before it delivers any. (What is published is delivered first,
    /// if it can be, and in a quorum queue all is.)
    fn drop_heads_of_requeued(&mut self, name: &QueueName) -> bool {
        let Some(queue) = self.queues.get_mut(name) else { return false };
        let is_classic = queue.settings.kind == QueueKind::Classic;
        std::mem::take(&mut queue.requeued) && is_classic && self.drop_heads(name)
    }

    fn drop_heads(&mut self, name: &QueueName) -> bool {
        let mut dropped = false;
        let off_by_one = self.planted(Bug::LimitOffByOne);
        while let Some(queue) = self.queues.get_mut(name).filter(|queue| queue.drops_its_head(off_by_one)) {
            let queued = queue.ready.pop().expect("a queue that is too long has a head");
            self.die(name, queued, Reason::Maxlen);
            dropped = true;
        }
        dropped
    }

    /// `x-expires`: what is in a queue that expires is not dead-lettered.
    fn expire_queues(&mut self, effects: &mut Effects) {
        let now = self.now;
        let is_over = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let over: Vec<QueueName> =
            self.queues.iter().filter(|(_, queue)| is_over(queue.goes_at())).map(|(name, _)| name.clone()).collect();
        for name in over {
            self.remove_queue(&name, effects);
        }
    }
}
