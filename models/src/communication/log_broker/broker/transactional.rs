//! The leader's part in transactions: it asks the coordinator before it appends the first batch of one (KIP-890), and writes markers.

use seedbed_sim::{Context, Span};

use crate::communication::log_broker::broker::purgatory::{Answer, DelayedProduce};
use crate::communication::log_broker::broker::server::{Broker, Sent};
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::controller::active::Asker;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, Request, Response};
use crate::communication::log_broker::names::{ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::{CoordinatorEpoch, LeaderEpoch, TransactionalId};
use crate::communication::log_broker::producers::Check;
use crate::communication::log_broker::record::{Contents, Draft, Marker, Produced};
use crate::communication::log_broker::settings::Acks;
use crate::communication::log_broker::transactions::coordinator::partition_of;

/// A batch that is appended when the coordinator has added its partition to the transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::communication::log_broker) struct Unverified {
    asker: Asker,
    partition: TopicPartition,
    leader_epoch: LeaderEpoch,
    acks: Acks,
    batch: Draft,
    timeout: Span,
}

impl Broker {
    /// A producer has sent a batch of a transaction. If the transaction is not under way here, the coordinator is asked to add the
    /// partition to it, or says that it is over.
    pub(super) fn produce_in_transaction(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        (id, produced): (TransactionalId, Produced),
        partition: TopicPartition,
        acks: Acks,
        batch: Draft,
        timeout: Span,
    ) {
        let Some((leading, replica)) =
            self.replicas.get(&partition).and_then(|replica| Some((replica.leading()?, replica)))
        else {
            return self.respond(ctx, asker, Response::Produce(Err(Error::NotLeaderOrFollower)));
        };
        let producers = replica.log.producers();
        let known = producers.get(produced.id).filter(|known| known.epoch == produced.epoch);
        let is_under_way = known.is_some_and(|known| known.transaction.is_some());
        if is_under_way || producers.check(produced, batch.len()) != Check::Next {
            return self.produce(ctx, asker, partition, acks, batch, timeout);
        }
        let leader_epoch = leading.epoch;
        let coordinator = self.quorum.metadata().partition(partition_of(id)).and_then(|state| state.leader);
        let Some(coordinator) = coordinator else {
            return self.respond(ctx, asker, Response::Produce(Err(Error::NotCoordinator)));
        };
        let request = Request::AddPartitionsToTxn {
            transactional_id: id,
            producer: (produced.id, produced.epoch),
            partitions: vec![partition],
            verify_only: false,
        };
        let unverified = Unverified { asker, partition, leader_epoch, acks, batch, timeout };
        let give_up = self.config.settings.request_timeout;
        self.requests.send(ctx, coordinator, request, Sent::Verification(Box::new(unverified)), give_up);
    }

    /// The coordinator has answered. If the transaction has ended since, its marker has raised the epoch, and the batch is refused.
    pub(super) fn verified(&mut self, ctx: &mut Context<'_, Self>, unverified: Unverified, answer: Result<(), Error>) {
        let Unverified { asker, partition, leader_epoch, acks, batch, timeout } = unverified;
        let leads = self.replicas.get(&partition).is_some_and(|replica| replica.led_in(Some(leader_epoch)).is_ok());
        match answer {
            Ok(()) if leads => self.produce(ctx, asker, partition, acks, batch, timeout),
            Ok(()) => self.respond(ctx, asker, Response::Produce(Err(Error::NotLeaderOrFollower))),
            Err(error) => self.respond(ctx, asker, Response::Produce(Err(error))),
        }
    }

    /// The coordinator ends a transaction here. A marker is of a later epoch than all records of its transaction (KIP-890): one of the
    /// epoch that is known has come before, and is not to end what has begun since.
    pub(super) fn write_marker(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        partition: TopicPartition,
        (id, epoch): (ProducerId, ProducerEpoch),
        marker: Marker,
    ) {
        let checked =
            self.check_marker(ctx.planted(Bug::EndTxnAppliesToNext), partition, (id, epoch), marker.coordinator_epoch);
        let produced = Produced { id, epoch, sequence: None, transactional: true };
        let appended = match checked {
            Ok(true) => {
                let draft = Draft { produced: Some(produced), contents: Contents::Control(marker) };
                self.append(ctx, partition, Acks::All, draft).map(|_| ())
            }
            Ok(false) => {
                ctx.mark(marks::MARKER_CAME_TWICE);
                Ok(())
            }
            Err(error) => Err(error),
        };
        let leading =
            self.replicas.get(&partition).and_then(|replica| Some((replica.leading()?.epoch, replica.log.end())));
        match (appended, leading) {
            (Ok(()), Some((leader_epoch, end))) => {
                // One that has come before may not be committed yet.
                let deadline = ctx.now() + self.config.settings.request_timeout;
                let (answer, base, required) = (Answer::Marker, end, end);
                self.purgatory.produces.push(DelayedProduce {
                    asker,
                    answer,
                    partition,
                    leader_epoch,
                    base,
                    required,
                    deadline,
                });
                self.progressed(ctx, partition);
            }
            (Ok(()), None) => self.respond(ctx, asker, Response::WriteTxnMarkers(Err(Error::NotLeaderOrFollower))),
            (Err(error), _) => self.respond(ctx, asker, Response::WriteTxnMarkers(Err(error))),
        }
    }

    /// Whether a marker is to be written, and was not before.
    fn check_marker(
        &self,
        accepts_same_epoch: bool,
        partition: TopicPartition,
        (id, epoch): (ProducerId, ProducerEpoch),
        coordinator_epoch: CoordinatorEpoch,
    ) -> Result<bool, Error> {
        let replica = self.replicas.get(&partition).ok_or(Error::NotLeaderOrFollower)?;
        replica.led_in(None)?;
        let Some(known) = replica.log.producers().get(id) else { return Ok(true) };
        if known.coordinator_epoch.is_some_and(|before| coordinator_epoch < before) {
            return Err(Error::TransactionCoordinatorFenced);
        }
        match () {
            () if epoch < known.epoch => Err(Error::InvalidProducerEpoch),
            () if epoch == known.epoch => Ok(accepts_same_epoch),
            () => Ok(true),
        }
    }
}
