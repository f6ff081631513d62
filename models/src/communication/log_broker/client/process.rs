//! A client: it does one operation at a time.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::communication::log_broker::client::accumulator::{Accumulator, Pending};
use crate::communication::log_broker::client::reader::Reading;
use crate::communication::log_broker::client::transaction::{Phase, Transaction};
use crate::communication::log_broker::messages::{
    Isolation, Message, Op, Outcome, Post, Record, Request, Response, Ret, Timer, value_of,
};
use crate::communication::log_broker::names::{Offset, ProducerEpoch, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::TransactionalId;
use crate::communication::log_broker::partitioner::{Draw, Partitioner, Queues};
use crate::communication::log_broker::record::Value;
use crate::communication::log_broker::requests::Requests;
use crate::communication::log_broker::settings::{Acks, ORDERS, Settings};

/// What every client is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The brokers (`bootstrap.servers`).
    pub brokers: Vec<NodeId>,
    /// Its transactional id, through all of its lives.
    pub transactional_id: TransactionalId,
    /// How many partitions [`ORDERS`] has.
    pub partitions: u16,
    /// How it is set up.
    pub settings: Settings,
}

/// What a client has sent a request for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sent {
    Metadata,
    ProducerId,
    Coordinator,
    Produce(TopicPartition),
    ListOffsets(TopicPartition),
    Fetch(TopicPartition, Offset),
}

/// What a client has done, in order, for properties.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Did {
    /// It has put a record into the queue of a partition, behind all that it had put there before.
    Queued(Value, TopicPartition),
    /// A record was acknowledged.
    Acked {
        /// The record.
        value: Value,
        /// Its partition.
        partition: TopicPartition,
        /// Its offset.
        offset: Offset,
        /// When it was to be acknowledged.
        acks: Acks,
    },
    /// A record was given up.
    GivenUp(Value),
    /// All records of a transaction are settled, and the coordinator will be asked to end it.
    Decided {
        /// The operation.
        op: OpId,
        /// Whether to commit it.
        commit: bool,
    },
    /// A transaction has ended.
    Ended {
        /// The operation.
        op: OpId,
        /// Whether it was committed, if that is known.
        outcome: Option<bool>,
    },
    /// All was read of these partitions that they had when this client asked for their ends.
    Read(Isolation, Vec<(TopicPartition, Vec<(Offset, Value)>)>),
}

/// What is under way.
#[derive(Clone, Debug, Hash)]
enum Work {
    Sending {
        op: OpId,
        posts: Vec<Post>,
        /// How many of them are queued.
        queued: usize,
        outcomes: Vec<Option<Outcome>>,
        /// The transaction that they belong to.
        transaction: Option<Transaction>,
    },
    Reading(OpId, Reading),
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    pub(super) config: Config,
    pub(super) requests: Requests<Sent>,
    /// Which broker is asked next where partitions are led.
    asked: usize,
    pub(super) leaders: BTreeMap<TopicPartition, Option<NodeId>>,
    pub(super) accumulator: Accumulator,
    pub(super) producer: Option<(ProducerId, ProducerEpoch)>,
    /// The producer id and epoch of its transactional id.
    pub(super) transactional: Option<(ProducerId, ProducerEpoch)>,
    /// Where records without a key go, until a batch is full (KIP-480).
    partitioner: Partitioner,
    work: Option<Work>,
    pub(super) did: Vec<Did>,
}

impl Client {
    /// A client that knows nothing but the brokers.
    pub fn new(config: Config) -> Self {
        let producer = config.settings.producer;
        let partitioner = Partitioner::new(producer.partitioning, producer.batch_size.into());
        Client {
            config,
            requests: Requests::default(),
            asked: 0,
            leaders: BTreeMap::new(),
            accumulator: Accumulator::default(),
            producer: None,
            transactional: None,
            partitioner,
            work: None,
            did: Vec::new(),
        }
    }

    /// What it has done in this life, in order.
    pub fn did(&self) -> &[Did] {
        &self.did
    }

    /// How many of its records are not acknowledged.
    pub fn waiting(&self) -> usize {
        self.accumulator.queues.values().flat_map(|queue| &queue.batches).map(|batch| batch.records.len()).sum()
    }

    /// One of the brokers, each in turn.
    pub(super) fn some_broker(&mut self) -> NodeId {
        self.asked += 1;
        self.config.brokers[self.asked % self.config.brokers.len()]
    }

    /// Asks where partitions are led, unless it is asking.
    pub(super) fn refresh_metadata(&mut self, ctx: &mut Context<'_, Self>) {
        if self.requests.outstanding().any(|(_, sent)| *sent == Sent::Metadata) {
            return;
        }
        let (broker, timeout) = (self.some_broker(), self.config.settings.request_timeout);
        self.requests.send(ctx, broker, Request::Metadata, Sent::Metadata, timeout);
    }

    fn metadata_given(&mut self, ctx: &mut Context<'_, Self>, response: Response) {
        let Response::Metadata { partitions, .. } = response else { panic!("no metadata: {response:?}") };
        self.leaders = partitions.into_iter().map(|(partition, known)| (partition, known.leader)).collect();
        let knows_all = (0..self.config.partitions)
            .all(|number| self.leaders.get(&TopicPartition::new(ORDERS, number)).copied().flatten().is_some());
        if !knows_all {
            ctx.arm(Timer::Metadata, self.config.settings.retry_backoff * 2);
        }
        self.go_on(ctx);
    }

    fn go_on(&mut self, ctx: &mut Context<'_, Self>) {
        self.pump(ctx);
        self.read_on(ctx);
        self.transact(ctx);
    }

    /// Queues the records of the operation: a synchronous producer one, and the next when that is settled.
    fn queue(&mut self, ctx: &mut Context<'_, Self>) {
        let settings = self.config.settings.producer;
        let partitions = self.config.partitions;
        let Some(Work::Sending { op, posts, queued, outcomes, .. }) = &mut self.work else { return };
        let settled = outcomes.iter().filter(|outcome| outcome.is_some()).count();
        let until = if settings.synchronous { (settled + 1).min(posts.len()) } else { posts.len() };
        while *queued < until {
            let (index, post) = (*queued, posts[*queued]);
            *queued += 1;
            let available = available(&self.leaders, &self.accumulator, partitions);
            let queues = Queues { partitions, available: &available };
            let draw: Draw<'_> = &mut |below| ctx.draw("partition", 0..=below - 1);
            let key = post.key.map(|key| key.0.to_be_bytes());
            let key = key.as_ref().map(<[u8; 2]>::as_slice);
            let mut number = self.partitioner.partition(ORDERS, key, queues, draw);
            let is_full = |number| self.accumulator.is_full(TopicPartition::new(ORDERS, number), settings.batch_size);
            if key.is_none() && is_full(number) {
                number = self.partitioner.on_new_batch(ORDERS, number, queues, draw).unwrap_or(number);
            }
            let partition = TopicPartition::new(ORDERS, number);
            let value = value_of(*op, index);
            let pending = Pending { index, key: post.key, value, timestamp: ctx.now() };
            self.accumulator.append(partition, pending, settings.batch_size);
            if post.key.is_none() {
                self.partitioner.appended(ORDERS, 1, self.accumulator.is_full(partition, settings.batch_size));
            }
            self.did.push(Did::Queued(value, partition));
        }
    }

    /// A record is acknowledged, or given up. The operation ends with its last one.
    pub(super) fn settle(&mut self, ctx: &mut Context<'_, Self>, index: usize, value: Value, outcome: Outcome) {
        if outcome == Outcome::GivenUp {
            self.did.push(Did::GivenUp(value));
        }
        let Some(Work::Sending { op, outcomes, transaction, .. }) = &mut self.work else { return };
        assert!(value == value_of(*op, index), "what is settled belongs to the operation that is under way: {value:?}");
        outcomes[index] = Some(outcome);
        if let Some(outcomes) = outcomes.iter().copied().collect::<Option<Vec<Outcome>>>() {
            if transaction.is_some() {
                let all_acked = outcomes.iter().all(|outcome| matches!(outcome, Outcome::Acked(..)));
                return self.begin_ending(ctx, all_acked);
            }
            ctx.complete(*op, Ret::Sent(outcomes));
            self.work = None;
            return;
        }
        self.queue(ctx);
    }

    /// The transaction that is under way.
    pub(super) fn transaction(&self) -> Option<Transaction> {
        match &self.work {
            Some(Work::Sending { transaction, .. }) => *transaction,
            _ => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn transaction_mut(&mut self) -> Option<&mut Transaction> {
        match &mut self.work {
            Some(Work::Sending { transaction, .. }) => transaction.as_mut(),
            _ => None,
        }
    }

    /// The transaction has its epoch.
    pub(super) fn begin_sending(&mut self, ctx: &mut Context<'_, Self>) {
        if let Some(transaction) = self.transaction_mut() {
            transaction.phase = Phase::Sending;
        }
        self.queue(ctx);
        self.pump(ctx);
    }

    /// Nothing is under way any more.
    pub(super) fn work_is_done(&mut self) {
        self.work = None;
    }

    pub(super) fn reading(&mut self) -> Option<&mut Reading> {
        match &mut self.work {
            Some(Work::Reading(_, reading)) => Some(reading),
            _ => None,
        }
    }

    /// The reading has come to its end, or takes too long.
    pub(super) fn read_to_the_end(
        &mut self,
        ctx: &mut Context<'_, Self>,
        read: Option<Vec<(TopicPartition, Vec<(Offset, Value)>)>>,
    ) {
        let Some(Work::Reading(op, reading)) = &self.work else { return };
        let isolation = reading.isolation();
        match read {
            Some(read) => {
                self.did.push(Did::Read(isolation, read.clone()));
                ctx.complete(*op, Ret::Read(read));
            }
            None => ctx.fail(*op, "a partition could not be read in time"),
        }
        self.work = None;
    }
}

impl Process for Client {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, _: &mut Context<'_, Self>) {}

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        assert!(self.work.is_none(), "a client does one operation at a time: {op:?} came during {:?}", self.work);
        match input {
            Op::Send(posts) => {
                let outcomes = vec![None; posts.len()];
                self.work = Some(Work::Sending { op, posts, queued: 0, outcomes, transaction: None });
                self.queue(ctx);
            }
            Op::Read(isolation) => {
                let partitions = (0..self.config.partitions).map(|number| TopicPartition::new(ORDERS, number));
                let reading = Reading::new(partitions, isolation, self.latest(ctx.now()));
                self.work = Some(Work::Reading(op, reading));
            }
            Op::Transact { posts, commit } => {
                let outcomes = vec![None; posts.len()];
                let transaction = Transaction { op, commit, phase: Phase::Beginning, deadline: self.latest(ctx.now()) };
                self.work = Some(Work::Sending { op, posts, queued: 0, outcomes, transaction: Some(transaction) });
            }
        }
        self.go_on(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let Message::Response(answered) = message else { panic!("no message for a client: {from} sent {message:?}") };
        let correlation = answered.correlation;
        let Some((_, sent, response)) = self.requests.answered(ctx, answered) else { return };
        match (sent, response) {
            (Sent::Metadata, response) => self.metadata_given(ctx, response),
            (Sent::ProducerId, Response::InitProducerId(answer)) => self.producer_id_given(ctx, answer),
            (Sent::Coordinator, Response::InitProducerId(answer)) => self.epoch_given(ctx, answer),
            (Sent::Coordinator, Response::EndTxn(answer)) => self.end_given(ctx, answer),
            (Sent::Produce(partition), Response::Produce(answer)) => self.produced(ctx, partition, correlation, answer),
            (Sent::ListOffsets(partition), Response::ListOffsets(answer)) => {
                self.end_offset_given(ctx, partition, answer)
            }
            (Sent::Fetch(partition, offset), Response::Fetch { partitions, .. }) => {
                self.records_given(ctx, partition, offset, partitions);
            }
            (sent, response) => panic!("a client that has sent {sent:?} gets no {response:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Request(correlation) => match self.requests.given_up(correlation) {
                Some((_, Sent::Metadata)) => self.refresh_metadata(ctx),
                Some((_, Sent::Produce(partition))) => self.produce_timed_out(ctx, partition, correlation),
                Some((_, Sent::ProducerId)) => self.pump(ctx),
                Some((_, Sent::Coordinator)) => {
                    self.leaders.clear();
                    self.refresh_metadata(ctx);
                    self.transact(ctx);
                }
                Some((_, Sent::ListOffsets(_) | Sent::Fetch(..))) => {
                    self.leaders.clear();
                    self.refresh_metadata(ctx);
                }
                None => {}
            },
            Timer::Sender => self.pump(ctx),
            Timer::Coordinator => self.transact(ctx),
            Timer::Metadata => {
                self.refresh_metadata(ctx);
                self.go_on(ctx);
            }
            timer => panic!("no timer of a client: {timer:?}"),
        }
    }
}

/// How long a reader waits for records that it knows to be there.
pub(super) const READ_WAIT: Span = Span::ms(20);

/// The partitions that have a leader, as far as a client knows, and how many batches wait for each. Where it knows of none, any may have
/// one.
fn available(
    leaders: &BTreeMap<TopicPartition, Option<NodeId>>,
    accumulator: &Accumulator,
    partitions: u16,
) -> Vec<(u16, u64)> {
    let partition = |number| TopicPartition::new(ORDERS, number);
    let is_led = |number: &u16| leaders.get(&partition(*number)).copied().flatten().is_some();
    let waiting = |number| accumulator.queues.get(&partition(number)).map_or(0, |queue| queue.batches.len() as u64);
    (0..partitions).filter(is_led).map(|number| (number, waiting(number))).collect()
}
