//! A consumer and its poll loop.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedbed_sim::{Context, Kinded, NodeId, Process, Span, Time};

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::consumer::fetching::{Fetch, Owned};
use crate::communication::log_broker::consumer::membership::{Phase, Rejoin};
use crate::communication::log_broker::groups::assignors::Sizes;
use crate::communication::log_broker::groups::{Identity, Position, ToGroup};
use crate::communication::log_broker::groups::{Request as GroupRequest, Response as GroupResponse};
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Message, Op, Record, Request, Response, Ret, Timer};
use crate::communication::log_broker::names::{Generation, GroupId, InstanceId, MemberId, Offset, TopicPartition};
use crate::communication::log_broker::record::Value;
use crate::communication::log_broker::requests::Requests;
use crate::communication::log_broker::settings::{Commits, ConsumerSettings, Settings};

/// The group that all consumers belong to.
pub const GROUP: GroupId = GroupId(1);

/// What every consumer is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Config {
    /// The brokers (`bootstrap.servers`).
    pub brokers: Vec<NodeId>,
    /// The topics that it subscribes to, and how many partitions they have.
    pub sizes: Sizes,
    /// Its lasting name, if it is static.
    pub instance: Option<InstanceId>,
    /// How it is set up.
    pub settings: Settings,
}

/// What a consumer has sent a request for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sent {
    Metadata,
    FindCoordinator,
    Join,
    Sync,
    Heartbeat,
    Positions,
    /// The earliest offset of a partition.
    Earliest(TopicPartition),
    Fetch(BTreeMap<TopicPartition, Offset>),
    Commit(BTreeMap<TopicPartition, Position>),
}

/// A timer of a consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum ConsumerTimer {
    /// It shows that it lives.
    Heartbeat,
    /// It has processed a record.
    Work,
    /// It commits by itself.
    AutoCommit,
    /// It tries again what has failed.
    Retry,
    /// It leaves.
    Leave,
    /// It comes back.
    Return,
}

/// What a consumer has done, in order, for properties.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Did {
    /// It has got its assignment, and has these partitions now.
    Assigned(Generation, BTreeSet<TopicPartition>),
    /// It has processed a record.
    Processed(TopicPartition, Offset, Value),
    /// Its positions are committed.
    Committed(BTreeMap<TopicPartition, Position>),
}

/// A record that a poll has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Polled {
    /// Its partition.
    pub partition: TopicPartition,
    /// The record.
    pub fetch: Fetch,
}

/// A consumer. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Consumer {
    pub(super) config: Config,
    pub(super) requests: Requests<Sent>,
    asked: usize,
    pub(super) leaders: BTreeMap<TopicPartition, NodeId>,
    pub(super) coordinator: Option<NodeId>,
    pub(super) phase: Phase,
    pub(super) rejoin: Rejoin,
    pub(super) member: Option<MemberId>,
    /// The generation that it has joined.
    pub(super) generation: Option<Generation>,
    /// The generation in which it got what it has.
    pub(super) assigned_in: Option<Generation>,
    /// An assignment that takes effect with the next poll.
    pub(super) assigned: Option<BTreeSet<TopicPartition>>,
    /// What it had before it gave all back (the sticky assignor's `user data`, KIP-54).
    pub(super) previously: BTreeSet<TopicPartition>,
    pub(super) partitions: BTreeMap<TopicPartition, Owned>,
    polled: VecDeque<Polled>,
    pub(super) last_poll: Time,
    /// Whether its positions have to be committed before it goes on (`commitSync`).
    pub(super) must_commit: bool,
    pub(super) auto_commit_is_due: bool,
    /// Whether it has tried to commit what it is about to give back.
    pub(super) prepared: bool,
    /// Whether it waits before it asks anybody again where to find things.
    backs_off: bool,
    /// Whether it is about to leave.
    pub(super) closes: bool,
    pub(super) left: u16,
    pub(super) did: Vec<Did>,
}

impl Consumer {
    /// A consumer that knows nothing but the brokers.
    pub fn new(config: Config) -> Self {
        Consumer {
            config,
            requests: Requests::default(),
            asked: 0,
            leaders: BTreeMap::new(),
            coordinator: None,
            phase: Phase::Unjoined,
            rejoin: Rejoin::Keeping,
            member: None,
            generation: None,
            assigned_in: None,
            assigned: None,
            previously: BTreeSet::new(),
            partitions: BTreeMap::new(),
            polled: VecDeque::new(),
            last_poll: Time::ZERO,
            must_commit: false,
            auto_commit_is_due: false,
            prepared: false,
            backs_off: false,
            closes: false,
            left: 0,
            did: Vec::new(),
        }
    }

    /// What it has done in this life, in order.
    pub fn did(&self) -> &[Did] {
        &self.did
    }

    /// What it has.
    pub fn owned(&self) -> impl Iterator<Item = TopicPartition> {
        self.partitions.keys().copied()
    }

    /// What it is doing in its group.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Who it is, since it has joined a generation.
    pub fn identity(&self) -> Option<Identity> {
        let (member, generation) = (self.member?, self.generation?);
        Some(Identity { member, instance: self.config.instance, generation })
    }

    /// The generation in which it got what it has.
    pub fn assigned_in(&self) -> Option<Generation> {
        self.assigned_in
    }

    /// Its lasting name.
    pub fn instance(&self) -> Option<InstanceId> {
        self.config.instance
    }

    pub(super) fn settings(&self) -> ConsumerSettings {
        self.config.settings.consumer
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.polled.is_empty()
    }

    pub(super) fn backs_off(&self) -> bool {
        self.backs_off
    }

    pub(super) fn waits_for(&self, sent: &Sent) -> bool {
        self.requests.outstanding().any(|(_, other)| other == sent)
    }

    /// Asks any broker, each in turn.
    fn ask_somebody(&mut self, ctx: &mut Context<'_, Self>, request: Request, sent: Sent) {
        if self.backs_off || self.waits_for(&sent) {
            return;
        }
        self.asked += 1;
        let broker = self.config.brokers[self.asked % self.config.brokers.len()];
        self.requests.send(ctx, broker, request, sent, self.config.settings.request_timeout);
    }

    pub(super) fn refresh_metadata(&mut self, ctx: &mut Context<'_, Self>) {
        self.ask_somebody(ctx, Request::Metadata, Sent::Metadata);
    }

    /// Asks the coordinator of the group, if it is known. Returns whether it is.
    pub(super) fn ask_coordinator(
        &mut self,
        ctx: &mut Context<'_, Self>,
        request: GroupRequest,
        sent: Sent,
        timeout: Span,
    ) -> bool {
        let Some(coordinator) = self.coordinator else {
            self.ask_somebody(ctx, Request::FindCoordinator(GROUP), Sent::FindCoordinator);
            return false;
        };
        self.requests.send(ctx, coordinator, Request::Group(ToGroup { group: GROUP, request }), sent, timeout);
        true
    }

    pub(super) fn retry_later(&mut self, ctx: &mut Context<'_, Self>) {
        self.backs_off = true;
        ctx.arm(Timer::Consumer(ConsumerTimer::Retry), self.config.settings.retry_backoff);
    }

    /// The next poll, unless records are being processed (`KafkaConsumer.poll`). It is called whenever something has changed.
    pub(super) fn poll(&mut self, ctx: &mut Context<'_, Self>) {
        if self.is_busy() || matches!(self.phase, Phase::Fenced | Phase::Away) {
            return;
        }
        self.last_poll = ctx.now();
        let is_settled = self.phase == Phase::Stable && self.rejoin == Rejoin::No && self.assigned.is_none();
        if is_settled && self.settings().commits == Commits::AfterProcessing && self.has_uncommitted() {
            self.must_commit = true;
        }
        if self.must_commit && !self.commit_now(ctx) {
            return;
        }
        if self.closes {
            return self.leave(ctx);
        }
        if !self.go_on_with_the_group(ctx) {
            return;
        }
        self.auto_commit(ctx);
        self.find_positions(ctx);
        self.fetch(ctx);
        self.take_records(ctx);
    }

    /// Takes records that were fetched, up to `max.poll.records`, and begins to process them.
    fn take_records(&mut self, ctx: &mut Context<'_, Self>) {
        let mut most = self.settings().max_poll_records;
        for (partition, owned) in &mut self.partitions {
            while most > 0 {
                let Some(fetch) = owned.fetched.pop_front() else { break };
                self.polled.push_back(Polled { partition: *partition, fetch });
                most -= 1;
            }
        }
        if !self.is_busy() {
            return;
        }
        let early = self.settings().commits == Commits::BeforeProcessing || ctx.planted(Bug::CommitBeforeProcess);
        if early {
            for polled in self.polled.clone() {
                self.is_done(polled);
            }
            self.commit_early(ctx);
        }
        self.arm_work(ctx);
    }

    fn arm_work(&self, ctx: &mut Context<'_, Self>) {
        let after = ctx.draw_span("service", Span::ZERO..=self.settings().service);
        ctx.arm(Timer::Consumer(ConsumerTimer::Work), after);
    }

    /// A record is processed.
    fn work(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(polled) = self.polled.pop_front() else { return };
        if !self.partitions.contains_key(&polled.partition) || self.rejoin == Rejoin::Lost {
            ctx.mark(marks::ZOMBIE_PROCESSED);
        }
        self.did.push(Did::Processed(polled.partition, polled.fetch.offset, polled.fetch.value));
        self.is_done(polled);
        if self.is_busy() {
            return self.arm_work(ctx);
        }
        self.must_commit = self.settings().commits == Commits::AfterProcessing;
        self.poll(ctx);
    }

    fn is_done(&mut self, polled: Polled) {
        if let Some(owned) = self.partitions.get_mut(&polled.partition) {
            let position = Position { offset: polled.fetch.offset.next(), leader_epoch: Some(polled.fetch.epoch) };
            owned.processed = owned.processed.max(Some(position));
        }
    }

    fn group_response(&mut self, ctx: &mut Context<'_, Self>, sent: Sent, response: GroupResponse) {
        match (sent, response) {
            (Sent::Join, GroupResponse::JoinGroup(answer)) => self.join_answered(ctx, answer),
            (Sent::Sync, GroupResponse::SyncGroup(answer)) => self.sync_answered(ctx, answer),
            (Sent::Heartbeat, GroupResponse::Heartbeat(answer)) => {
                if let Err(error) = answer {
                    self.refused(ctx, error);
                }
            }
            (Sent::Positions, GroupResponse::OffsetFetch(answer)) => self.positions_given(ctx, answer),
            (Sent::Commit(positions), GroupResponse::OffsetCommit(answer)) => {
                self.commit_answered(ctx, positions, answer);
            }
            (sent, response) => panic!("a consumer that has sent {sent:?} gets no {response:?}"),
        }
    }
}

impl Process for Consumer {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if self.settings().leaves > 0 {
            self.arm_leaving(ctx);
        }
        if self.settings().commits == Commits::Auto {
            ctx.arm(Timer::Consumer(ConsumerTimer::AutoCommit), self.settings().auto_commit_interval);
        }
        self.poll(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let Message::Response(answered) = message else { panic!("no message for a consumer: {from} sent {message:?}") };
        let Some((_, sent, response)) = self.requests.answered(ctx, answered) else { return };
        match (sent, response) {
            (Sent::Metadata, Response::Metadata { partitions, .. }) => {
                let led = partitions.into_iter().filter_map(|(partition, known)| Some((partition, known.leader?)));
                self.leaders = led.collect();
                self.retry_if_leaderless(ctx);
            }
            (Sent::FindCoordinator, Response::FindCoordinator(coordinator)) => {
                self.coordinator = coordinator;
                if coordinator.is_none() {
                    return self.retry_later(ctx);
                }
            }
            (sent, Response::Group(response)) => self.group_response(ctx, sent, response),
            (Sent::Earliest(partition), Response::ListOffsets(answer)) => self.earliest_given(ctx, partition, answer),
            (Sent::Fetch(asked), Response::Fetch { partitions, .. }) => self.fetched(ctx, &asked, partitions),
            (sent, response) => panic!("a consumer that has sent {sent:?} gets no {response:?}"),
        }
        self.poll(ctx);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Request(correlation) => {
                let Some((_, sent)) = self.requests.given_up(correlation) else { return };
                match sent {
                    Sent::Metadata | Sent::FindCoordinator => {}
                    Sent::Earliest(_) | Sent::Fetch(_) => self.leaders.clear(),
                    Sent::Join | Sent::Sync | Sent::Heartbeat | Sent::Positions | Sent::Commit(_) => {
                        self.coordinator_lost(&sent);
                    }
                }
            }
            Timer::Consumer(ConsumerTimer::Heartbeat) => return self.heartbeat(ctx),
            Timer::Consumer(ConsumerTimer::Work) => return self.work(ctx),
            Timer::Consumer(ConsumerTimer::AutoCommit) => {
                ctx.arm(Timer::Consumer(ConsumerTimer::AutoCommit), self.settings().auto_commit_interval);
                self.auto_commit_is_due = true;
            }
            Timer::Consumer(ConsumerTimer::Retry) => self.backs_off = false,
            Timer::Consumer(ConsumerTimer::Leave) => {
                self.closes = true;
                self.must_commit = self.settings().commits != Commits::BeforeProcessing;
            }
            Timer::Consumer(ConsumerTimer::Return) => self.come_back(ctx),
            timer => panic!("no timer of a consumer: {timer:?}"),
        }
        self.poll(ctx);
    }
}
