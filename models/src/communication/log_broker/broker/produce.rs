//! Producing: a leader appends a batch, and acknowledges it as its producer asks (Kafka, `ReplicaManager.appendRecords`).

use seedbed_sim::{Context, Span};

use crate::communication::log_broker::broker::purgatory::{Answer, DelayedProduce};
use crate::communication::log_broker::broker::replica::Replica;
use crate::communication::log_broker::broker::server::Broker;
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::controller::active::Asker;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, LogRecord, Response, Timer};
use crate::communication::log_broker::names::{Offset, TopicPartition};
use crate::communication::log_broker::numbers::LeaderEpoch;
use crate::communication::log_broker::producers::Check;
use crate::communication::log_broker::record::Draft;
use crate::communication::log_broker::settings::{Acks, TRANSACTION_STATE};

/// A batch that a leader has.
#[derive(Clone, Copy, Debug)]
pub(in crate::communication::log_broker) struct Written {
    /// The leader's epoch.
    pub(in crate::communication::log_broker) epoch: LeaderEpoch,
    /// The offset of its first record.
    pub(in crate::communication::log_broker) base: Offset,
    /// The offset behind it.
    pub(in crate::communication::log_broker) next: Offset,
}

impl Broker {
    /// A producer has sent a batch.
    pub(super) fn produce(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        partition: TopicPartition,
        acks: Acks,
        batch: Draft,
        timeout: Span,
    ) {
        let written = match self.append(ctx, partition, acks, batch) {
            Ok(written) => written,
            Err(_) if acks == Acks::None => return,
            Err(error) => return self.respond(ctx, asker, Response::Produce(Err(error))),
        };
        match acks {
            Acks::None => {}
            Acks::Leader => self.respond(ctx, asker, Response::Produce(Ok(written.base))),
            Acks::All => {
                let Written { epoch: leader_epoch, base, next: required } = written;
                let deadline = ctx.now() + timeout;
                let answer = Answer::Produce;
                self.purgatory.produces.push(DelayedProduce {
                    asker,
                    answer,
                    partition,
                    leader_epoch,
                    base,
                    required,
                    deadline,
                });
            }
        }
        self.progressed(ctx, partition);
    }

    /// Appends a batch to the log of a partition that this broker leads, unless it is there already.
    pub(in crate::communication::log_broker) fn append(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        acks: Acks,
        batch: Draft,
    ) -> Result<Written, Error> {
        let min_insync = self.config.settings.min_insync_replicas;
        let replica = self.replicas.get_mut(&partition).ok_or(Error::NotLeaderOrFollower)?;
        let leading = replica.led_in(None)?;
        if acks == Acks::All && leading.is_under_min(min_insync) {
            ctx.mark(marks::NOT_ENOUGH_REPLICAS);
            return Err(Error::NotEnoughReplicas);
        }
        let epoch = leading.epoch;
        if let Some(produced) = batch.produced {
            match replica.log.producers().check(produced, batch.len()) {
                Check::Next => {}
                Check::Duplicate(same) => {
                    ctx.mark(marks::DUPLICATE_APPENDED_ONCE);
                    return Ok(Written { epoch, base: same.base_offset, next: same.last_offset.next() });
                }
                Check::OutOfOrder => {
                    ctx.mark(marks::OUT_OF_ORDER);
                    return Err(Error::OutOfOrderSequenceNumber);
                }
                Check::Fenced => return Err(Error::InvalidProducerEpoch),
            }
        }
        let batch = replica.log.append_as_leader(batch, epoch);
        let written = Written { epoch, base: batch.base_offset, next: batch.next_offset() };
        self.write(ctx, partition, LogRecord::Append(batch));
        Ok(written)
    }

    /// Something has changed in a partition that this broker may lead: what waits for it goes on.
    pub(in crate::communication::log_broker) fn progressed(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
    ) {
        let (min_insync, lag) = (self.config.settings.min_insync_replicas, self.config.settings.replica_lag_time);
        if let Some(replica) = self.replicas.get_mut(&partition) {
            if ctx.planted(Bug::HwAdvancesOnLeaderAlone) && replica.leading().is_some() {
                replica.high_watermark = replica.log.end();
            }
            replica.advance_high_watermark(min_insync, ctx.now(), lag);
        }
        self.complete_produces(ctx);
        self.complete_fetches(ctx);
        self.complete_group_appends(ctx);
        self.arm_purgatory(ctx);
        if partition.topic == TRANSACTION_STATE {
            self.load_transactions(ctx, partition);
            self.complete_appends(ctx);
        }
    }

    /// Answers the produce requests whose batches all in-sync replicas have (Kafka, `Partition.checkEnoughReplicasReachOffset`), and those
    /// whose leader this broker is no longer.
    fn complete_produces(&mut self, ctx: &mut Context<'_, Self>) {
        for waiting in std::mem::take(&mut self.purgatory.produces) {
            match self.outcome(&waiting) {
                Some(outcome) => {
                    if let (Answer::Marker, Ok(at)) = (waiting.answer, outcome) {
                        self.offsets_transaction_ended(ctx, waiting.partition, at);
                    }
                    self.answer_produce(ctx, &waiting, outcome);
                }
                None if ctx.now() >= waiting.deadline => {
                    self.answer_produce(ctx, &waiting, Err(Error::RequestTimedOut))
                }
                None => self.purgatory.produces.push(waiting),
            }
        }
    }

    fn answer_produce(&self, ctx: &mut Context<'_, Self>, waiting: &DelayedProduce, outcome: Result<Offset, Error>) {
        let response = match waiting.answer {
            Answer::Produce => Response::Produce(outcome),
            Answer::Marker => Response::WriteTxnMarkers(outcome.map(|_| ())),
        };
        self.respond(ctx, waiting.asker, response);
    }

    /// The records of coordinators that are committed are in force.
    fn complete_appends(&mut self, ctx: &mut Context<'_, Self>) {
        for waiting in std::mem::take(&mut self.purgatory.appends) {
            let replica = self.replicas.get(&waiting.partition);
            let Some(replica) = replica.filter(|replica| replica.led_in(Some(waiting.leader_epoch)).is_ok()) else {
                continue;
            };
            if replica.high_watermark >= waiting.required {
                self.transaction_written(ctx, waiting.id);
            } else {
                self.purgatory.appends.push(waiting);
            }
        }
    }

    fn outcome(&self, waiting: &DelayedProduce) -> Option<Result<Offset, Error>> {
        let replica = self.replicas.get(&waiting.partition);
        let leading = replica.and_then(Replica::leading).filter(|leading| leading.epoch == waiting.leader_epoch);
        let (Some(replica), Some(leading)) = (replica, leading) else { return Some(Err(Error::NotLeaderOrFollower)) };
        if replica.high_watermark < waiting.required {
            return None;
        }
        if leading.is_under_min(self.config.settings.min_insync_replicas) {
            return Some(Err(Error::NotEnoughReplicasAfterAppend));
        }
        Some(Ok(waiting.base))
    }

    /// This broker has no partitions any more: nobody waits here.
    pub(super) fn end_waiting_for_others(&mut self, ctx: &mut Context<'_, Self>) {
        self.complete_produces(ctx);
        self.complete_fetches(ctx);
        self.complete_group_appends(ctx);
        self.arm_purgatory(ctx);
    }

    /// Those that have waited long enough are answered.
    pub(super) fn end_waiting(&mut self, ctx: &mut Context<'_, Self>) {
        self.end_waiting_for_others(ctx);
    }

    /// Arms the timer of what waits.
    pub(super) fn arm_purgatory(&self, ctx: &mut Context<'_, Self>) {
        match self.purgatory.next_deadline().into_iter().chain(self.groups.next_deadline()).min() {
            Some(deadline) => ctx.arm(Timer::Purgatory, deadline.since(ctx.now()).max(Span(1))),
            None => ctx.cancel(&Timer::Purgatory),
        }
    }
}
