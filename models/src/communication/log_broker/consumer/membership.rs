//! The consumer's side of the group protocol (Kafka, `AbstractCoordinator`, `ConsumerCoordinator`).

use std::collections::BTreeSet;

use seedbed_sim::{Context, Span};

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::consumer::fetching::Owned;
use crate::communication::log_broker::consumer::process::{Consumer, ConsumerTimer, Did, GROUP, Sent};
use crate::communication::log_broker::groups::assignors::Assignment;
use crate::communication::log_broker::groups::{Error, Join, Joined, Request, Subscription, ToGroup};
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages;
use crate::communication::log_broker::messages::Timer;
use crate::communication::log_broker::names::TopicPartition;
use crate::communication::log_broker::settings::{Commits, Membership};

/// How long a consumer stays, and then stays away, at most.
const STAY: Span = Span::ms(600);

/// What a consumer is doing in its group (`MemberState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It is in no generation, or is about to join the next.
    Unjoined,
    /// It waits for the generation to begin.
    Joining,
    /// It waits for its assignment.
    Syncing,
    /// It has its assignment.
    Stable,
    /// Another process has its lasting name: it has stopped (KIP-345).
    Fenced,
    /// It has left.
    Away,
}

/// Whether it has to join again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rejoin {
    /// It has not.
    No,
    /// It has, and has what it has.
    Keeping,
    /// It has, and has lost what it had to others (`onPartitionsLost`).
    Lost,
}

impl Consumer {
    /// Does what the group asks for. Returns whether records may be polled.
    pub(super) fn go_on_with_the_group(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        if self.assigned.is_some() && self.rejoin != Rejoin::Lost && !self.take_up_assignment(ctx) {
            return false;
        }
        if self.rejoin != Rejoin::No && !matches!(self.phase, Phase::Joining | Phase::Syncing) && !self.join(ctx) {
            return false;
        }
        self.phase == Phase::Stable || self.settings().assignor.is_cooperative()
    }

    /// Joins the next generation (`onJoinPrepare`, `sendJoinGroupRequest`). With the eager protocol all is given back first, with the
    /// cooperative one nothing (KIP-429). Returns whether records may be polled meanwhile.
    fn join(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        if self.rejoin == Rejoin::Lost {
            ctx.mark(marks::PARTITIONS_LOST);
            self.partitions.clear();
            self.previously.clear();
            (self.generation, self.assigned_in, self.assigned) = (None, None, None);
            self.rejoin = Rejoin::Keeping;
        }
        let settings = self.settings();
        // What is about to be given back is to be taken on from where this consumer is.
        if !self.prepared && settings.commits == Commits::Auto {
            (self.prepared, self.must_commit) = (true, true);
            if !self.commit_now(ctx) {
                return false;
            }
        }
        let is_cooperative = settings.assignor.is_cooperative();
        if !is_cooperative {
            if !self.partitions.is_empty() {
                self.previously = self.owned().collect();
            }
            self.partitions.clear();
        }
        let subscription = Subscription {
            topics: self.config.sizes.keys().copied().collect(),
            owned: self.owned().collect(),
            previously: self.previously.clone(),
            generation: self.assigned_in,
        };
        let join = Join {
            member: self.member,
            instance: self.config.instance,
            session_timeout: settings.session_timeout,
            rebalance_timeout: settings.max_poll_interval,
            assignors: vec![settings.assignor],
            subscription,
        };
        let timeout = settings.max_poll_interval + self.config.settings.request_timeout;
        if self.ask_coordinator(ctx, Request::JoinGroup(join), Sent::Join, timeout) {
            (self.phase, self.rejoin, self.prepared) = (Phase::Joining, Rejoin::No, false);
        }
        is_cooperative
    }

    /// The generation begins, or not.
    pub(super) fn join_answered(&mut self, ctx: &mut Context<'_, Self>, answer: Result<Joined, Error>) {
        if self.phase != Phase::Joining {
            return;
        }
        let joined = match answer {
            Ok(joined) => joined,
            Err(Error::MemberIdRequired(member)) => {
                self.member = Some(member);
                (self.phase, self.rejoin) = (Phase::Unjoined, Rejoin::Keeping);
                return;
            }
            Err(error) => return self.refused(ctx, error),
        };
        (self.member, self.generation, self.phase) = (Some(joined.member), Some(joined.generation), Phase::Syncing);
        ctx.arm(Timer::Consumer(ConsumerTimer::Heartbeat), self.settings().heartbeat_interval);
        let assignment = if joined.leader == joined.member && !joined.skip_assignment {
            joined.assignor.assign(&self.config.sizes, &joined.members, ctx.bug().and_then(Bug::named))
        } else {
            Assignment::new()
        };
        let identity = self.identity().expect("who has joined is somebody");
        let timeout = self.settings().max_poll_interval + self.config.settings.request_timeout;
        if !self.ask_coordinator(ctx, Request::SyncGroup(identity, assignment), Sent::Sync, timeout) {
            (self.phase, self.rejoin) = (Phase::Unjoined, Rejoin::Keeping);
        }
    }

    /// The assignment has come. It takes effect with the next poll.
    pub(super) fn sync_answered(
        &mut self,
        ctx: &mut Context<'_, Self>,
        answer: Result<BTreeSet<TopicPartition>, Error>,
    ) {
        if self.phase != Phase::Syncing {
            return;
        }
        match answer {
            Ok(assigned) => (self.assigned, self.phase) = (Some(assigned), Phase::Stable),
            Err(error) => self.refused(ctx, error),
        }
    }

    /// Takes up what it is assigned, and gives back what it is not (`onJoinComplete`). Whoever has given something back joins again, so
    /// that others can have it (KIP-429). Returns whether that is done: what is given back is committed first.
    fn take_up_assignment(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let Some(assigned) = self.assigned.clone() else { return true };
        let revoked: BTreeSet<TopicPartition> = self.owned().filter(|owned| !assigned.contains(owned)).collect();
        if !revoked.is_empty() && !self.prepared && self.settings().commits == Commits::Auto {
            (self.prepared, self.must_commit) = (true, true);
            if !self.commit_now(ctx) {
                return false;
            }
        }
        (self.assigned, self.prepared) = (None, false);
        self.partitions.retain(|partition, _| assigned.contains(partition));
        for partition in &assigned {
            self.partitions.entry(*partition).or_insert_with(Owned::default);
        }
        self.assigned_in = self.generation;
        self.previously.clear();
        let generation = self.generation.expect("an assignment is of a generation");
        self.did.push(Did::Assigned(generation, assigned));
        if !revoked.is_empty() {
            ctx.mark(marks::PARTITIONS_REVOKED);
            self.rejoin = self.rejoin.max(Rejoin::Keeping);
        }
        true
    }

    /// The coordinator has refused something (`JoinGroupResponseHandler` and its like).
    pub(super) fn refused(&mut self, ctx: &mut Context<'_, Self>, error: Error) {
        match error {
            Error::FencedInstanceId => {
                ctx.mark(marks::CONSUMER_STOPPED);
                self.phase = Phase::Fenced;
                self.partitions.clear();
                ctx.cancel(&Timer::Consumer(ConsumerTimer::Heartbeat));
            }
            Error::UnknownMemberId => {
                self.member = None;
                (self.phase, self.rejoin) = (Phase::Unjoined, Rejoin::Lost);
            }
            Error::IllegalGeneration => (self.phase, self.rejoin) = (Phase::Unjoined, Rejoin::Lost),
            Error::RebalanceInProgress => {
                self.rejoin = self.rejoin.max(Rejoin::Keeping);
                if self.phase == Phase::Syncing {
                    self.phase = Phase::Unjoined;
                }
            }
            Error::NotCoordinator | Error::CoordinatorNotAvailable | Error::CoordinatorLoadInProgress => {
                self.coordinator = None;
                if matches!(self.phase, Phase::Joining | Phase::Syncing) {
                    self.phase = Phase::Unjoined;
                    self.rejoin = self.rejoin.max(Rejoin::Keeping);
                }
                self.retry_later(ctx);
            }
            Error::MemberIdRequired(_) | Error::InconsistentGroupProtocol | Error::UnstableOffsetCommit => {
                panic!("consumers of one group are set up alike: {error:?}")
            }
        }
    }

    /// A request to the coordinator is not answered: another may be.
    pub(super) fn coordinator_lost(&mut self, sent: &Sent) {
        self.coordinator = None;
        if matches!(sent, Sent::Join | Sent::Sync) && matches!(self.phase, Phase::Joining | Phase::Syncing) {
            self.phase = Phase::Unjoined;
            self.rejoin = self.rejoin.max(Rejoin::Keeping);
        }
    }

    /// It shows that it lives, also while it processes: but who has not polled for too long leaves (KIP-62).
    pub(super) fn heartbeat(&mut self, ctx: &mut Context<'_, Self>) {
        let settings = self.settings();
        if matches!(self.phase, Phase::Fenced | Phase::Away) {
            return;
        }
        ctx.arm(Timer::Consumer(ConsumerTimer::Heartbeat), settings.heartbeat_interval);
        let Some(identity) = self.identity() else { return };
        let is_late = self.is_busy() && ctx.now().since(self.last_poll) > settings.max_poll_interval;
        if is_late && self.config.instance.is_none() && self.rejoin != Rejoin::Lost {
            ctx.mark(marks::POLLED_TOO_LATE);
            self.tell_leaving(ctx);
            self.member = None;
            (self.phase, self.rejoin) = (Phase::Unjoined, Rejoin::Lost);
            return;
        }
        let expected = matches!(self.phase, Phase::Syncing | Phase::Stable) && self.rejoin != Rejoin::Lost;
        if expected && !self.waits_for(&Sent::Heartbeat) {
            let timeout = self.config.settings.request_timeout;
            self.ask_coordinator(ctx, Request::Heartbeat(identity), Sent::Heartbeat, timeout);
        }
    }

    fn tell_leaving(&mut self, ctx: &mut Context<'_, Self>) {
        let (Some(coordinator), Some(identity)) = (self.coordinator, self.identity()) else { return };
        let request = ToGroup { group: GROUP, request: Request::LeaveGroup(identity) };
        self.requests.tell(ctx, coordinator, messages::Request::Group(request));
    }

    /// Leaves the group, for a while (`KafkaConsumer.close`). Static members do not say so: they come back (KIP-345).
    pub(super) fn leave(&mut self, ctx: &mut Context<'_, Self>) {
        self.closes = false;
        self.left += 1;
        if self.settings().membership == Membership::Dynamic {
            self.tell_leaving(ctx);
        }
        self.requests.clear(ctx);
        self.partitions.clear();
        self.previously.clear();
        (self.member, self.generation, self.assigned_in, self.assigned) = (None, None, None, None);
        self.phase = Phase::Away;
        let after = ctx.draw_span("away", Span::ms(1)..=STAY);
        ctx.arm(Timer::Consumer(ConsumerTimer::Return), after);
    }

    /// Comes back.
    pub(super) fn come_back(&mut self, ctx: &mut Context<'_, Self>) {
        if self.phase == Phase::Away {
            (self.phase, self.rejoin, self.must_commit) = (Phase::Unjoined, Rejoin::Keeping, false);
        }
        if self.left < self.settings().leaves {
            self.arm_leaving(ctx);
        }
    }

    pub(super) fn arm_leaving(&self, ctx: &mut Context<'_, Self>) {
        let after = ctx.draw_span("stay", Span::ms(1)..=STAY);
        ctx.arm(Timer::Consumer(ConsumerTimer::Leave), after);
    }
}
