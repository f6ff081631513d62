//! The coordinator of transactions: the leader of the partition of `__transaction_state` to which a transactional id belongs (KIP-98).
//! What it decides is in force when its record is committed; markers are sent, again and again, until all partitions have them.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, NodeId, Span};

use crate::communication::log_broker::broker::purgatory::DelayedAppend;
use crate::communication::log_broker::broker::server::{Broker, Sent};
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::controller::active::Asker;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, Request, Response, Timer};
use crate::communication::log_broker::names::{ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::{CoordinatorEpoch, LeaderEpoch, TransactionalId};
use crate::communication::log_broker::record::{Data, Draft};
use crate::communication::log_broker::settings::{Acks, TRANSACTION_PARTITIONS, TRANSACTION_STATE};
use crate::communication::log_broker::transactions::machine::Step;
use crate::communication::log_broker::transactions::record::{State, TransactionRecord};

/// What is to be done when a record is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Then {
    /// Tell a producer its id and epoch.
    Init(Asker),
    /// Tell a leader that the partitions are part of the transaction.
    Add(Asker),
    /// Tell a producer that the end is decided.
    End(Asker),
    /// Nothing besides what the state asks for.
    Nothing,
}

/// What is known of a transactional id.
#[derive(Clone, Debug, Hash)]
struct Known {
    record: TransactionRecord,
    /// What it becomes when its record is committed.
    pending: Option<(TransactionRecord, Then)>,
    /// The partitions that have no marker yet.
    unmarked: BTreeSet<TopicPartition>,
}

/// A partition of `__transaction_state` that this broker leads.
#[derive(Clone, Debug, Hash)]
struct Coordinating {
    epoch: LeaderEpoch,
    /// Whether what leaders before have written was read.
    loaded: bool,
    ids: BTreeMap<TransactionalId, Known>,
}

/// The transactions that a broker coordinates.
#[derive(Clone, Debug, Default, Hash)]
pub struct Coordinator {
    partitions: BTreeMap<TopicPartition, Coordinating>,
}

/// The partition of `__transaction_state` that a transactional id belongs to.
pub fn partition_of(id: TransactionalId) -> TopicPartition {
    TopicPartition::new(TRANSACTION_STATE, id.0 % TRANSACTION_PARTITIONS)
}

impl Coordinator {
    /// What is known of transactional ids where this broker is their coordinator.
    pub fn records(&self) -> impl Iterator<Item = &TransactionRecord> {
        self.partitions.values().flat_map(|coordinating| coordinating.ids.values()).map(|known| &known.record)
    }

    fn known_mut(&mut self, id: TransactionalId) -> Option<&mut Known> {
        self.partitions.get_mut(&partition_of(id))?.ids.get_mut(&id)
    }

    /// Those that this broker is ready to coordinate.
    fn ready(&self, id: TransactionalId) -> Result<&Coordinating, Error> {
        let coordinating = self.partitions.get(&partition_of(id)).ok_or(Error::NotCoordinator)?;
        if coordinating.loaded { Ok(coordinating) } else { Err(Error::CoordinatorLoadInProgress) }
    }

    /// What is known of an id of which nothing is being written.
    fn settled(&self, id: TransactionalId) -> Result<Option<&TransactionRecord>, Error> {
        match self.ready(id)?.ids.get(&id) {
            Some(Known { pending: Some(_), .. }) => Err(Error::ConcurrentTransactions),
            known => Ok(known.map(|known| &known.record)),
        }
    }
}

impl Broker {
    /// The coordinator of transactions.
    pub fn coordinator(&self) -> &Coordinator {
        &self.coordinator
    }

    /// This broker leads a partition of `__transaction_state`, or does not any more. What is being written is forgotten: who asked will
    /// ask the next coordinator.
    pub(in crate::communication::log_broker) fn coordinate(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        epoch: Option<LeaderEpoch>,
    ) {
        self.coordinator.partitions.remove(&partition);
        if let Some(epoch) = epoch {
            let coordinating = Coordinating { epoch, loaded: false, ids: BTreeMap::new() };
            self.coordinator.partitions.insert(partition, coordinating);
            ctx.arm(Timer::Transactions, self.transactions_interval());
        }
    }

    fn transactions_interval(&self) -> Span {
        Span(self.config.settings.transaction_timeout.0 / 4).max(Span(1))
    }

    /// Reads what leaders before have written, when all of that is committed. (Kafka reads up to the end of its log, and may act on a
    /// record that the next leader does not have.)
    pub(in crate::communication::log_broker) fn load_transactions(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
    ) {
        let Some(coordinating) =
            self.coordinator.partitions.get_mut(&partition).filter(|coordinating| !coordinating.loaded)
        else {
            return;
        };
        let Some(replica) = self.replicas.get(&partition) else { return };
        let Some(leading) = replica.leading().filter(|_| true) else { return };
        if replica.high_watermark < leading.epoch_start {
            return;
        }
        coordinating.loaded = true;
        for (_, record) in replica.log.batches().iter().flat_map(|batch| batch.records()) {
            let Data::Transaction(record) = &record.data else { continue };
            let unmarked = if record.state.is_preparing() { record.partitions.clone() } else { BTreeSet::new() };
            coordinating.ids.insert(record.id, Known { record: record.clone(), pending: None, unmarked });
        }
        let decided = coordinating.ids.values().filter(|known| known.record.state.is_preparing());
        let decided: Vec<TransactionalId> = decided.map(|known| known.record.id).collect();
        for id in decided {
            ctx.mark(marks::TRANSACTION_TAKEN_OVER);
            self.go_on_with(ctx, id);
        }
    }

    /// A producer begins a life.
    pub(in crate::communication::log_broker) fn init_producer(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        id: TransactionalId,
        current: Option<(ProducerId, ProducerEpoch)>,
        timeout: Span,
    ) {
        let step = match self.coordinator.settled(id) {
            Err(error) => Err(error),
            Ok(Some(record)) => record.init(current, timeout),
            Ok(None) => match self.next_producer_id(ctx) {
                Some(producer) => Ok(Step::Write(TransactionRecord::first(id, producer, timeout))),
                None => Err(Error::CoordinatorLoadInProgress),
            },
        };
        match step {
            Ok(Step::Write(record)) => self.write_transaction(ctx, record, Then::Init(asker)),
            Ok(Step::Done) => {
                let record = &self.coordinator.known_mut(id).expect("it was just looked at").record;
                let given = (record.producer, record.epoch);
                self.respond(ctx, asker, Response::InitProducerId(Ok(given)));
            }
            Ok(Step::Fence) => {
                self.fence(ctx, id);
                self.respond(ctx, asker, Response::InitProducerId(Err(Error::ConcurrentTransactions)));
            }
            Err(error) => self.respond(ctx, asker, Response::InitProducerId(Err(error))),
        }
    }

    /// Fences the producer that runs a transaction, and aborts that.
    fn fence(&mut self, ctx: &mut Context<'_, Self>, id: TransactionalId) {
        let Some(known) = self.coordinator.known_mut(id) else { return };
        ctx.mark(marks::PRODUCER_FENCED);
        known.record = known.record.fenced();
        let aborted = known.record.aborted();
        self.write_transaction(ctx, aborted, Then::Nothing);
    }

    /// A transaction writes to partitions.
    pub(in crate::communication::log_broker) fn add_partitions(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        id: TransactionalId,
        producer: (ProducerId, ProducerEpoch),
        partitions: &[TopicPartition],
        verify_only: bool,
    ) {
        let now = ctx.now();
        let known = self.coordinator.settled(id);
        let known = known.and_then(|known| known.ok_or(Error::InvalidProducerIdMapping));
        let step = known.and_then(|record| match verify_only {
            true => record.verify(producer, partitions).map(|()| Step::Done),
            false => record.add(producer, partitions, now),
        });
        match step {
            Ok(Step::Write(record)) => self.write_transaction(ctx, record, Then::Add(asker)),
            Ok(Step::Done) => self.respond(ctx, asker, Response::AddPartitionsToTxn(Ok(()))),
            Ok(Step::Fence) => panic!("who adds partitions fences nobody"),
            Err(error) => self.respond(ctx, asker, Response::AddPartitionsToTxn(Err(error))),
        }
    }

    /// A producer ends its transaction.
    pub(in crate::communication::log_broker) fn end_transaction(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        id: TransactionalId,
        producer: (ProducerId, ProducerEpoch),
        commit: bool,
    ) {
        let keeps_epoch = ctx.planted(Bug::EndTxnAppliesToNext);
        let known = self.coordinator.settled(id);
        let known = known.and_then(|known| known.ok_or(Error::InvalidProducerIdMapping));
        match known.and_then(|record| record.end(producer, commit, keeps_epoch)) {
            Ok(Step::Write(record)) => self.write_transaction(ctx, record, Then::End(asker)),
            Ok(Step::Done) => {
                let record = &self.coordinator.known_mut(id).expect("it was just looked at").record;
                let next = (record.producer, record.epoch);
                self.respond(ctx, asker, Response::EndTxn(Ok(next)));
            }
            Ok(Step::Fence) => panic!("who ends a transaction fences nobody"),
            Err(error) => self.respond(ctx, asker, Response::EndTxn(Err(error))),
        }
    }

    /// Writes a record to the coordinator's log. It is in force when it is committed.
    fn write_transaction(&mut self, ctx: &mut Context<'_, Self>, record: TransactionRecord, then: Then) {
        let id = record.id;
        let partition = partition_of(id);
        let draft = Draft::plain([(ctx.now(), Data::Transaction(record.clone()))]);
        match self.append(ctx, partition, Acks::All, draft) {
            Ok(written) => {
                let coordinating =
                    self.coordinator.partitions.get_mut(&partition).expect("a coordinator writes for its own ids");
                let unmarked = BTreeSet::new();
                let known = coordinating.ids.entry(id).or_insert_with(|| Known {
                    record: record.clone(),
                    pending: None,
                    unmarked,
                });
                known.pending = Some((record, then));
                let (leader_epoch, required) = (written.epoch, written.next);
                self.purgatory.appends.push(DelayedAppend { partition, leader_epoch, required, id });
                self.progressed(ctx, partition);
            }
            Err(error) => self.tell(ctx, then, Err(error)),
        }
    }

    fn tell(&mut self, ctx: &mut Context<'_, Self>, then: Then, answer: Result<(ProducerId, ProducerEpoch), Error>) {
        match then {
            Then::Init(asker) => self.respond(ctx, asker, Response::InitProducerId(answer)),
            Then::Add(asker) => self.respond(ctx, asker, Response::AddPartitionsToTxn(answer.map(|_| ()))),
            Then::End(asker) => self.respond(ctx, asker, Response::EndTxn(answer)),
            Then::Nothing => {}
        }
    }

    /// A record is committed.
    pub(in crate::communication::log_broker) fn transaction_written(
        &mut self,
        ctx: &mut Context<'_, Self>,
        id: TransactionalId,
    ) {
        let Some(known) = self.coordinator.known_mut(id) else { return };
        let Some((record, then)) = known.pending.take() else { return };
        if record.state.is_preparing() {
            known.unmarked = record.partitions.clone();
        }
        let answer = (record.producer, record.epoch);
        known.record = record;
        self.tell(ctx, then, Ok(answer));
        self.go_on_with(ctx, id);
    }

    /// Carries out what is decided: markers are written to all partitions of the transaction, and then it is complete.
    fn go_on_with(&mut self, ctx: &mut Context<'_, Self>, id: TransactionalId) {
        let Some(coordinating) = self.coordinator.partitions.get(&partition_of(id)) else { return };
        let coordinator_epoch = CoordinatorEpoch(coordinating.epoch.0);
        let Some(known) = coordinating.ids.get(&id).filter(|known| known.pending.is_none()) else { return };
        let record = &known.record;
        if !record.state.is_preparing() {
            return;
        }
        if known.unmarked.is_empty() {
            let completed = record.completed();
            return self.write_transaction(ctx, completed, Then::Nothing);
        }
        let (producer, committed) = ((record.producer, record.epoch), record.state == State::PrepareCommit);
        let metadata = self.quorum.metadata();
        let led = |partition: &TopicPartition| Some((*partition, metadata.partition(*partition)?.leader?));
        let unmarked: Vec<(TopicPartition, NodeId)> = known.unmarked.iter().filter_map(led).collect();
        let timeout = self.config.settings.request_timeout;
        for (partition, leader) in unmarked {
            let sent = Sent::Marker(id, producer.1, partition);
            if !self.requests.outstanding().any(|(_, other)| *other == sent) {
                let request = Request::WriteTxnMarkers { partition, producer, coordinator_epoch, committed };
                self.requests.send(ctx, leader, request, sent, timeout);
            }
        }
    }

    /// A partition has its marker, or another coordinator's.
    pub(in crate::communication::log_broker) fn marker_written(
        &mut self,
        ctx: &mut Context<'_, Self>,
        id: TransactionalId,
        epoch: ProducerEpoch,
        partition: TopicPartition,
        answer: Result<(), Error>,
    ) {
        let Some(known) = self.coordinator.known_mut(id) else { return };
        let is_meant = known.record.state.is_preparing() && known.record.epoch == epoch;
        // What has a later epoch has had this transaction's end before.
        let is_there = matches!(answer, Ok(()) | Err(Error::InvalidProducerEpoch));
        if is_meant && is_there && known.unmarked.remove(&partition) && known.unmarked.is_empty() {
            self.go_on_with(ctx, id);
        }
    }

    /// Aborts what takes too long, and sends markers again.
    pub(in crate::communication::log_broker) fn check_transactions(&mut self, ctx: &mut Context<'_, Self>) {
        let now = ctx.now();
        let ready = self.coordinator.partitions.values().filter(|coordinating| coordinating.loaded);
        let settled = ready.flat_map(|coordinating| coordinating.ids.values()).filter(|known| known.pending.is_none());
        let (late, rest): (Vec<_>, Vec<_>) = settled.map(|known| &known.record).partition(|record| record.is_late(now));
        let late: Vec<TransactionalId> = late.into_iter().map(|record| record.id).collect();
        let decided: Vec<TransactionalId> =
            rest.into_iter().filter(|record| record.state.is_preparing()).map(|record| record.id).collect();
        for id in late {
            ctx.mark(marks::TRANSACTION_TIMED_OUT);
            self.fence(ctx, id);
        }
        for id in decided {
            self.go_on_with(ctx, id);
        }
        if !self.coordinator.partitions.is_empty() {
            ctx.arm(Timer::Transactions, self.transactions_interval());
        }
    }
}
