//! The producer's sender (Kafka, `Sender`): it sends batches that are full or have lingered, up to five of a partition at a time, again
//! those that were refused, and gives up those that take too long.

use seedbed_sim::{Context, Time};

use crate::communication::log_broker::client::accumulator::{Attempt, Batch, Numbered, Queue};
use crate::communication::log_broker::client::process::{Client, Did, Sent};
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, Outcome, Request, Timer};
use crate::communication::log_broker::names::{Offset, ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::Correlation;
use crate::communication::log_broker::producers::REMEMBERED;
use crate::communication::log_broker::settings::{Acks, ProducerSettings};

impl Client {
    /// Sends what can be sent, and gives up what takes too long.
    pub(super) fn pump(&mut self, ctx: &mut Context<'_, Self>) {
        self.expire(ctx);
        if self.accumulator.is_empty() {
            return ctx.cancel(&Timer::Sender);
        }
        let is_plain = self.transaction().is_none();
        if is_plain && self.config.settings.producer.idempotent && self.producer.is_none() {
            self.ask_for_producer_id(ctx);
        } else {
            for partition in self.accumulator.queues.keys().copied().collect::<Vec<_>>() {
                while self.send_next(ctx, partition) {}
            }
        }
        let ProducerSettings { linger, delivery_timeout, .. } = self.config.settings.producer;
        if let Some(due) = self.accumulator.next_due(linger, delivery_timeout, ctx.now()) {
            ctx.arm(Timer::Sender, due.since(ctx.now()));
        }
    }

    /// Sends the next batch of a partition, if one can be sent: batches go in their order, and one that has to be sent again goes before
    /// those behind it.
    fn send_next(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) -> bool {
        let ProducerSettings { acks, max_in_flight, linger, batch_size, .. } = self.config.settings.producer;
        let now = ctx.now();
        let transaction = self.transaction().map(|_| self.config.transactional_id);
        // A transaction needs the acknowledgements of all, and sequence numbers.
        let acks = if transaction.is_some() { Acks::All } else { acks };
        let max_in_flight = if transaction.is_some() { max_in_flight.min(REMEMBERED as u32) } else { max_in_flight };
        let identity = if transaction.is_some() { self.transactional } else { self.producer };
        let queue = self.accumulator.queues.get_mut(&partition).expect("it is one of them");
        let in_flight = queue.in_flight();
        let Some(place) = queue.batches.iter().position(|batch| batch.attempt.is_none()) else { return false };
        let batch = &queue.batches[place];
        let is_ready =
            batch.attempts > 0 || batch.records.len() >= batch_size as usize || now >= batch.created + linger;
        if in_flight >= max_in_flight as usize || !is_ready || now < batch.not_before {
            return false;
        }
        let Some(leader) = self.leaders.get(&partition).copied().flatten() else {
            self.refresh_metadata(ctx);
            return false;
        };
        if let Some((id, epoch)) = identity {
            number(queue, place, id, epoch);
        }
        let batch = &mut queue.batches[place];
        batch.attempts += 1;
        let request = Request::Produce {
            partition,
            acks,
            transactional_id: transaction,
            batch: batch.draft(transaction.is_some()),
            timeout: self.config.settings.request_timeout,
        };
        if acks == Acks::None {
            let batch = queue.batches.remove(place).expect("it was found there");
            self.requests.tell(ctx, leader, request);
            for record in batch.records {
                self.settle(ctx, record.index, record.value, Outcome::Sent);
            }
            return true;
        }
        // The leader waits for followers as long as the client waits for the leader, and then says so.
        let timeout = self.config.settings.request_timeout * 2;
        let correlation = self.requests.send(ctx, leader, request, Sent::Produce(partition), timeout);
        batch.attempt = Some(Attempt { correlation, is_first: place == 0 });
        true
    }

    /// A batch has come to the leader, or has not.
    pub(super) fn produced(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        correlation: Correlation,
        answer: Result<Offset, Error>,
    ) {
        let Some((place, batch)) = self.accumulator.sent_in(partition, correlation) else { return };
        let attempt = batch.attempt.take().expect("it is under way");
        match answer {
            Ok(base) => {
                if batch.attempts > 1 {
                    ctx.mark(marks::ACKED_AFTER_A_RETRY);
                }
                let acks = if self.transaction().is_some() { Acks::All } else { self.config.settings.producer.acks };
                let queue = self.accumulator.queues.get_mut(&partition).expect("the batch was in it");
                let batch = queue.batches.remove(place).expect("it was found there");
                for (record, offset) in batch.records.into_iter().zip(base.0..) {
                    let offset = Offset(offset);
                    self.did.push(Did::Acked { value: record.value, partition, offset, acks });
                    self.settle(ctx, record.index, record.value, Outcome::Acked(partition, offset));
                }
            }
            // Nothing was under way before it: something that was acknowledged is gone, or a later epoch has been here.
            Err(Error::OutOfOrderSequenceNumber) if attempt.is_first => self.give_up(ctx, partition, place),
            Err(error) if error.ends_transaction() => self.give_up(ctx, partition, place),
            Err(error) => {
                batch.not_before = ctx.now() + self.config.settings.retry_backoff;
                if matches!(error, Error::NotLeaderOrFollower | Error::RequestTimedOut) {
                    self.leaders.remove(&partition);
                    self.refresh_metadata(ctx);
                }
            }
        }
        self.pump(ctx);
    }

    /// Nobody has answered: the leader may be another one.
    pub(super) fn produce_timed_out(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        correlation: Correlation,
    ) {
        self.produced(ctx, partition, correlation, Err(Error::RequestTimedOut));
    }

    /// Gives up the batches that take too long (`delivery.timeout.ms`).
    fn expire(&mut self, ctx: &mut Context<'_, Self>) {
        let (now, timeout) = (ctx.now(), self.config.settings.producer.delivery_timeout);
        for partition in self.accumulator.queues.keys().copied().collect::<Vec<_>>() {
            let is_late = |batch: &Batch| now >= batch.created + timeout;
            while let Some(place) = self.accumulator.queues[&partition].batches.iter().position(is_late) {
                self.give_up(ctx, partition, place);
            }
        }
    }

    /// Gives up a batch. If it was numbered, it may come into the log yet or not, and so nothing behind it can be numbered in the same
    /// epoch: those that were are given up too, and the producer goes on in the next epoch, which fences them (KIP-360). Kafka sends
    /// them again in the next epoch, and what had come in before is then there twice.
    fn give_up(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition, place: usize) {
        if self.transaction().is_some() {
            return self.give_up_all(ctx);
        }
        let queue = self.accumulator.queues.get_mut(&partition).expect("the batch is in it");
        let given_up: Vec<Batch> = match queue.batches[place].numbered {
            None => queue.batches.remove(place).into_iter().collect(),
            Some(_) => {
                let (numbered, rest): (Vec<Batch>, Vec<Batch>) =
                    std::mem::take(&mut queue.batches).into_iter().partition(|batch| batch.numbered.is_some());
                queue.batches = rest.into();
                numbered
            }
        };
        if let (Some(numbered), Some((_, epoch))) =
            (given_up.iter().find_map(|batch| batch.numbered), &mut self.producer)
        {
            *epoch = (*epoch).max(ProducerEpoch(numbered.epoch.0 + 1));
        }
        for record in given_up.into_iter().flat_map(|batch| batch.records) {
            ctx.mark(marks::RECORD_GIVEN_UP);
            self.settle(ctx, record.index, record.value, Outcome::GivenUp);
        }
    }

    /// A transaction of which something is given up will be aborted: nothing more of it is sent.
    fn give_up_all(&mut self, ctx: &mut Context<'_, Self>) {
        let mut given_up = Vec::new();
        for queue in self.accumulator.queues.values_mut() {
            given_up.extend(std::mem::take(&mut queue.batches));
        }
        for record in given_up.into_iter().flat_map(|batch| batch.records) {
            ctx.mark(marks::RECORD_GIVEN_UP);
            self.settle(ctx, record.index, record.value, Outcome::GivenUp);
        }
    }

    fn ask_for_producer_id(&mut self, ctx: &mut Context<'_, Self>) {
        if self.requests.outstanding().any(|(_, sent)| *sent == Sent::ProducerId) {
            return;
        }
        let broker = self.some_broker();
        let timeout = self.config.settings.request_timeout;
        let request = Request::InitProducerId { transactional_id: None, current: None, timeout };
        self.requests.send(ctx, broker, request, Sent::ProducerId, timeout);
    }

    /// The producer has an id.
    pub(super) fn producer_id_given(
        &mut self,
        ctx: &mut Context<'_, Self>,
        answer: Result<(ProducerId, ProducerEpoch), Error>,
    ) {
        match answer {
            Ok(identity) => {
                self.producer = Some(identity);
                self.pump(ctx);
            }
            Err(_) => ctx.arm(Timer::Sender, self.config.settings.retry_backoff),
        }
    }

    /// When the records of this operation are late.
    pub(super) fn latest(&self, now: Time) -> Time {
        now + self.config.settings.producer.delivery_timeout
    }
}

/// Numbers a batch, if it has no number: by the producer's id and epoch, or by those of the batches that are under way before it.
fn number(queue: &mut Queue, place: usize, id: ProducerId, epoch: ProducerEpoch) {
    if queue.batches[place].numbered.is_some() {
        return;
    }
    let before = queue.batches.iter().rev().find_map(|batch| batch.numbered);
    let (id, epoch) = before.map_or((id, epoch), |numbered| (numbered.id, numbered.epoch));
    let records = queue.batches[place].records.len() as u32;
    let next = queue.next.entry((id, epoch)).or_default();
    queue.batches[place].numbered = Some(Numbered { id, epoch, sequence: *next });
    *next = next.plus(records);
}
