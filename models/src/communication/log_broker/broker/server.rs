//! A broker: what it has, and which of its parts handles what.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Process};

use crate::communication::log_broker::broker::groups::Groups;
use crate::communication::log_broker::broker::lifecycle::Registration;
use crate::communication::log_broker::broker::producer_ids::ProducerIds;
use crate::communication::log_broker::broker::purgatory::Purgatory;
use crate::communication::log_broker::broker::replica::Replica;
use crate::communication::log_broker::broker::transactional::Unverified;
use crate::communication::log_broker::controller::active::{Active, Asker};
use crate::communication::log_broker::controller::metadata::Metadata;
use crate::communication::log_broker::controller::quorum::Quorum;
use crate::communication::log_broker::messages::{
    Answered, Asked, Error, Message, Op, PartitionMetadata, Record, Request, Response, Ret, Timer,
};
use crate::communication::log_broker::names::{Offset, ProducerEpoch, TopicPartition};
use crate::communication::log_broker::numbers::{LeaderEpoch, TransactionalId};
use crate::communication::log_broker::record::Marker;
use crate::communication::log_broker::requests::Requests;
use crate::communication::log_broker::sessions::{FetchSessions, SessionHandler};
use crate::communication::log_broker::settings::Settings;
use crate::communication::log_broker::transactions::coordinator::Coordinator;
use crate::replication::raft;

/// What every broker is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The brokers.
    pub brokers: Vec<NodeId>,
    /// The partitions, with the brokers that have them.
    pub partitions: Vec<(TopicPartition, Vec<NodeId>)>,
    /// How it is set up.
    pub settings: Settings,
}

/// What a broker has sent a request for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::communication::log_broker) enum Sent {
    /// To be registered.
    Registration,
    /// To say that it lives.
    Heartbeat,
    /// To change the in-sync replicas of a partition that it leads in this epoch.
    AlterPartition(TopicPartition, LeaderEpoch),
    /// To add the partition of a batch to its transaction.
    Verification(Box<Unverified>),
    /// To end a transaction of this producer epoch in a partition.
    Marker(TransactionalId, ProducerEpoch, TopicPartition),
    /// To get producer ids.
    ProducerIds,
    /// To find out what of its log the leader has, in this epoch.
    EpochEnd(TopicPartition, LeaderEpoch),
    /// To fetch these partitions from these offsets on, each in the epoch of its leader.
    Fetch(Vec<(TopicPartition, LeaderEpoch, Offset)>),
}

/// A broker. All but its disk is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Broker {
    pub(in crate::communication::log_broker) config: Config,
    pub(in crate::communication::log_broker) quorum: Quorum,
    pub(in crate::communication::log_broker) active: Active,
    pub(super) registration: Registration,
    pub(in crate::communication::log_broker) replicas: BTreeMap<TopicPartition, Replica>,
    pub(in crate::communication::log_broker) requests: Requests<Sent>,
    pub(in crate::communication::log_broker) purgatory: Purgatory,
    /// The sessions of those who fetch from it.
    pub(super) fetch_sessions: FetchSessions,
    /// Its own, with leaders.
    pub(super) session_handlers: BTreeMap<NodeId, SessionHandler>,
    pub(super) producer_ids: ProducerIds,
    pub(super) groups: Groups,
    pub(in crate::communication::log_broker) coordinator: Coordinator,
}

impl Broker {
    /// A broker that has not read its disk yet.
    pub fn new(config: Config, server: raft::Server<Metadata>) -> Self {
        Broker {
            config,
            quorum: Quorum::new(server),
            active: Active::default(),
            registration: Registration::default(),
            replicas: BTreeMap::new(),
            requests: Requests::default(),
            purgatory: Purgatory::default(),
            fetch_sessions: FetchSessions::default(),
            session_handlers: BTreeMap::new(),
            producer_ids: ProducerIds::default(),
            groups: Groups::default(),
            coordinator: Coordinator::default(),
        }
    }

    /// Its controller.
    pub fn quorum(&self) -> &Quorum {
        &self.quorum
    }

    /// What it knows of its registration.
    pub fn registration(&self) -> &Registration {
        &self.registration
    }

    /// Its replicas.
    pub fn replicas(&self) -> impl Iterator<Item = (TopicPartition, &Replica)> {
        self.replicas.iter().map(|(partition, replica)| (*partition, replica))
    }

    /// Its replica of a partition.
    pub fn replica(&self, partition: TopicPartition) -> Option<&Replica> {
        self.replicas.get(&partition)
    }

    /// How it is set up.
    pub fn settings(&self) -> &Settings {
        &self.config.settings
    }

    fn host(
        &mut self,
        ctx: &mut Context<'_, Self>,
        handler: impl FnOnce(&mut raft::Server<Metadata>, &mut Context<'_, raft::Server<Metadata>>),
    ) {
        let changes = self.quorum.host(ctx, handler);
        self.decided(ctx, changes);
    }

    /// Clients ask any broker where partitions are led; it says what it knows.
    fn describe(&self, ctx: &mut Context<'_, Self>, asker: Asker) {
        let metadata = self.quorum.metadata();
        let brokers = metadata.brokers().filter(|(_, broker)| !broker.fenced).map(|(node, _)| node).collect();
        let partition = |(partition, state): (
            TopicPartition,
            &crate::communication::log_broker::controller::metadata::PartitionState,
        )| {
            (partition, PartitionMetadata { leader: state.leader, leader_epoch: state.leader_epoch })
        };
        let partitions = metadata.partitions().map(partition).collect();
        self.respond(ctx, asker, Response::Metadata { brokers, partitions });
    }

    fn request(&mut self, ctx: &mut Context<'_, Self>, asker: Asker, request: Request) {
        match request {
            Request::BrokerRegistration { .. }
            | Request::BrokerHeartbeat { .. }
            | Request::AlterPartition { .. }
            | Request::AllocateProducerIds { .. } => self.control(ctx, asker, request),
            Request::Metadata => self.describe(ctx, asker),
            Request::Produce { partition, acks, transactional_id, batch, timeout } => {
                let transaction = transactional_id.zip(batch.produced);
                match transaction {
                    Some(by) => self.produce_in_transaction(ctx, asker, by, partition, acks, batch, timeout),
                    None => self.produce(ctx, asker, partition, acks, batch, timeout),
                }
            }
            Request::FindCoordinator(group) => {
                let coordinator = self.find_coordinator(group);
                self.respond(ctx, asker, Response::FindCoordinator(coordinator));
            }
            Request::Group(to_group) => self.group_request(ctx, asker, to_group),
            Request::Fetch { by, session, partitions, forgotten, max_wait } => {
                self.fetch(ctx, asker, by, session, (partitions, forgotten), max_wait);
            }
            Request::OffsetsForLeaderEpoch { partition, current, epoch } => {
                let ends = self.epoch_end(partition, current, epoch);
                self.respond(ctx, asker, Response::OffsetsForLeaderEpoch(ends));
            }
            Request::ListOffsets { partition, earliest, isolation } => {
                let offset = self.list_offset(partition, earliest, isolation);
                self.respond(ctx, asker, Response::ListOffsets(offset));
            }
            Request::InitProducerId { transactional_id: None, .. } => self.give_producer_id(ctx, asker),
            Request::InitProducerId { transactional_id: Some(id), current, timeout } => {
                self.init_producer(ctx, asker, id, current, timeout);
            }
            Request::AddPartitionsToTxn { transactional_id, producer, partitions, verify_only } => {
                self.add_partitions(ctx, asker, transactional_id, producer, &partitions, verify_only);
            }
            Request::EndTxn { transactional_id, producer, committed } => {
                self.end_transaction(ctx, asker, transactional_id, producer, committed);
            }
            Request::WriteTxnMarkers { partition, producer, coordinator_epoch, committed } => {
                self.write_marker(ctx, asker, partition, producer, Marker { committed, coordinator_epoch });
            }
        }
    }

    fn response(&mut self, ctx: &mut Context<'_, Self>, answered: Answered) {
        let Some((from, sent, response)) = self.requests.answered(ctx, answered) else { return };
        match (sent, response) {
            (Sent::Registration, Response::BrokerRegistration(answer)) => self.registered(ctx, answer),
            (Sent::Heartbeat, Response::BrokerHeartbeat(answer)) => self.heartbeat_answered(ctx, answer),
            (Sent::AlterPartition(partition, epoch), Response::AlterPartition(answer)) => {
                self.partition_altered(ctx, partition, epoch, answer);
            }
            (Sent::EpochEnd(partition, epoch), Response::OffsetsForLeaderEpoch(answer)) => {
                self.epoch_end_answered(ctx, partition, epoch, answer);
            }
            (Sent::ProducerIds, Response::AllocateProducerIds(answer)) => self.producer_ids_allocated(ctx, answer),
            (Sent::Verification(unverified), Response::AddPartitionsToTxn(answer)) => {
                self.verified(ctx, *unverified, answer)
            }
            (Sent::Marker(id, epoch, partition), Response::WriteTxnMarkers(answer)) => {
                self.marker_written(ctx, id, epoch, partition, answer);
            }
            (Sent::Fetch(asked), Response::Fetch { session, error, partitions }) => {
                self.fetched(ctx, from, &asked, (session, error), partitions);
            }
            (sent, response) => panic!("no response to {sent:?}: {response:?}"),
        }
    }

    fn given_up(&mut self, ctx: &mut Context<'_, Self>, to: NodeId, sent: Sent) {
        match sent {
            // The next heartbeat asks again.
            Sent::Registration | Sent::Heartbeat => {}
            // So does the coordinator's timer.
            Sent::Marker(..) => {}
            Sent::Verification(unverified) => self.verified(ctx, *unverified, Err(Error::RequestTimedOut)),
            Sent::AlterPartition(partition, epoch) => self.alter_partition_later(ctx, partition, epoch),
            Sent::ProducerIds => self.producer_ids_allocated(ctx, Err(Error::RequestTimedOut)),
            Sent::EpochEnd(..) => self.fetch_later(ctx, to),
            Sent::Fetch(_) => self.fetch_lost(ctx, to),
        }
    }
}

impl Process for Broker {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.recover(ctx) {
            return;
        }
        self.host(ctx, |server, ctx| server.start(ctx));
        self.begin_life(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Request(Asked { correlation, request }) => {
                self.request(ctx, Asker { node: from, correlation }, request);
            }
            Message::Response(answered) => self.response(ctx, answered),
            Message::Raft(message) => self.host(ctx, |server, ctx| server.message(ctx, from, message)),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Raft(timer) => self.host(ctx, |server, ctx| server.timer(ctx, timer)),
            Timer::Request(correlation) => {
                if let Some((to, sent)) = self.requests.given_up(correlation) {
                    self.given_up(ctx, to, sent);
                }
            }
            Timer::Heartbeat => self.heartbeat(ctx),
            Timer::Sessions => self.check_sessions(ctx),
            Timer::Isr => self.check_followers(ctx),
            Timer::Fetch(leader) => self.fetch_again(ctx, leader),
            Timer::Group(timer) => self.group_timer(ctx, timer),
            Timer::Transactions => self.check_transactions(ctx),
            Timer::Purgatory => self.end_waiting(ctx),
            Timer::AlterPartition(partition) => self.alter_partition_again(ctx, partition),
            timer => panic!("no timer of a broker: {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.host(ctx, |server, ctx| server.synced(ctx));
    }
}
