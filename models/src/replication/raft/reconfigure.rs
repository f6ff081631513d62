//! Changing the group (thesis ch. 4): one server at a time, or all at once through a joint configuration.
//!
//! Servers that are new receive the log as learners first, and get their vote when they have caught up (§4.2.1). A
//! configuration is in force as soon as it is in the log (§4.1), so a leader begins the next step only when the last is
//! committed, and the first only when it has committed an entry of its own term (Ongaro, *bug in single-server
//! membership changes*, raft-dev, 10 July 2015).

use seedbed_sim::{Context, NodeId};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::entry::Payload;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::messages::Message;
use crate::replication::raft::progress::Progress;
use crate::replication::raft::role::{CatchingUp, Goal, LeaderState, Role};
use crate::replication::raft::server::Server;
use crate::replication::raft::settings::{Changes, Timer};
use crate::replication::raft::types::Index;

impl<S: StateMachine> Server<S> {
    /// A client wants another group. The leader takes one change at a time; a client that is not answered asks again.
    pub(super) fn handle_reconfigure(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, goal: Membership) {
        assert!(!goal.is_joint() && !goal.voters.is_empty(), "raft is asked for a group that can decide: {goal:?}");
        if !self.is_leader() {
            return ctx.send(client, Message::NotLeader { leader: self.leader });
        }
        if self.transferring() {
            return ctx.mark(marks::REQUEST_WAITS_FOR_A_TRANSFER);
        }
        let Some(leading) = self.leader_state() else { return };
        match &leading.goal {
            Some(other) if (&other.membership, other.client) != (&goal, client) => return,
            Some(_) => {}
            None => leading.goal = Some(Goal { membership: goal, client, catching_up: CatchingUp::NotYet }),
        }
        ctx.arm(Timer::Change, self.settings.election_max * 4);
        self.advance_change(ctx);
    }

    /// Takes the next step towards the group that is wanted, if the last one is committed.
    pub(super) fn advance_change(&mut self, ctx: &mut Context<'_, Self>) {
        let Role::Leader(leading) = &self.role else { return };
        let idle = leading.goal.is_none() && !self.membership.is_joint() && self.membership.votes(self.id);
        // (Nothing is appended while leadership is handed over, thesis §3.10.)
        if idle || self.configuration_index > self.commit_index || self.transferring() {
            return;
        }
        let committed_in_term = self.log.term(self.commit_index) == Some(self.current_term);
        if !committed_in_term && !ctx.planted(Bug::SingleServerChangeWithoutCommitInTerm) {
            return;
        }
        match self.next_step(leading) {
            Step::To(membership) => self.change_to(ctx, membership),
            Step::CatchUp(newcomers) => self.catch_up(ctx, &newcomers),
            Step::Done => self.finish_change(ctx),
        }
    }

    /// What comes next on the way to the goal.
    fn next_step(&self, leading: &LeaderState<S>) -> Step {
        let now = &self.membership;
        // C_old,new is left for C_new by whoever leads, asked or not (§4.3).
        if now.is_joint() {
            return Step::To(Membership { outgoing: Vec::new(), ..now.clone() });
        }
        let Some(Goal { membership: goal, catching_up, .. }) = &leading.goal else { return Step::Done };
        let here = now.everyone();
        let newcomers: Vec<NodeId> = goal.everyone().into_iter().filter(|node| !here.contains(node)).collect();
        if !newcomers.is_empty() {
            let learners = now.learners.iter().copied().chain(newcomers);
            return Step::To(now.clone().with_learners(learners));
        }
        let newcomers = goal.voters.iter().copied().filter(|node| !now.votes(*node) && *node != self.id);
        let newcomers: Vec<NodeId> = newcomers.collect();
        if !newcomers.is_empty() && *catching_up != CatchingUp::Done {
            return Step::CatchUp(newcomers);
        }
        if now.voters == goal.voters {
            return if now.learners == goal.learners { Step::Done } else { Step::To(goal.clone()) };
        }
        let learners = now.everyone();
        Step::To(match self.settings.changes {
            Changes::Joint => Membership { outgoing: now.voters.clone(), ..goal.clone() },
            Changes::Never => panic!("raft changes a group that never changes: from {now:?} to {goal:?}"),
            Changes::SingleServer => one_server_nearer(now, goal).with_learners(learners),
        })
    }

    /// Servers that are to get a vote catch up in rounds: in each they receive what was in the log when it began. They have
    /// caught up if a round takes less than an election timeout; if none of so many does, the change is given up, for the
    /// group would have to wait for them (thesis §4.2.1).
    fn catch_up(&mut self, ctx: &mut Context<'_, Self>, newcomers: &[NodeId]) {
        const ROUNDS: u32 = 10;
        let (last, now, timeout) = (self.log.last(), ctx.now(), self.settings.election_min);
        let Some(LeaderState { peers, goal: Some(goal), .. }) = self.leader_state() else { return };
        let received = |upto: Index| {
            newcomers.iter().all(|node| peers.iter().any(|(peer, known)| peer == node && known.matched >= upto))
        };
        let next = match goal.catching_up {
            CatchingUp::NotYet => 1,
            CatchingUp::Round { upto, .. } if !received(upto) => return,
            CatchingUp::Round { began, .. } if now < began || now.since(began) < timeout => {
                goal.catching_up = CatchingUp::Done;
                return self.advance_change(ctx);
            }
            CatchingUp::Round { number: ROUNDS, .. } => return self.abandon_change(ctx),
            CatchingUp::Round { number, .. } => {
                ctx.mark(marks::NEWCOMER_NEEDS_ANOTHER_ROUND);
                number + 1
            }
            CatchingUp::Done => return,
        };
        goal.catching_up = CatchingUp::Round { number: next, upto: last, began: now };
        if received(last) {
            self.catch_up(ctx, newcomers);
        }
    }

    /// Appends a configuration, and uses it from now on.
    fn change_to(&mut self, ctx: &mut Context<'_, Self>, membership: Membership) {
        ctx.mark(match &membership {
            joint if joint.is_joint() => marks::JOINT_CONFIGURATION_ENTERED,
            settled if settled.voters == self.membership.voters && self.membership.is_joint() => {
                marks::JOINT_CONFIGURATION_LEFT
            }
            same if same.voters == self.membership.voters => marks::LEARNERS_CHANGED,
            _ => marks::VOTERS_CHANGED_ONE_AT_A_TIME,
        });
        ctx.note(|| format!("changes the group to {membership:?}"));
        self.append_own(ctx, Payload::Config(membership));
        let (id, everyone, last) = (self.id, self.membership.everyone(), self.log.last());
        let Some(leading) = self.leader_state() else { return };
        leading.peers.retain(|(peer, _)| everyone.contains(peer));
        for node in everyone.into_iter().filter(|node| *node != id) {
            if leading.peers.iter().all(|(peer, _)| *peer != node) {
                leading.peers.push((node, Progress::new(last)));
            }
        }
        leading.peers.sort_by_key(|(peer, _)| *peer);
        leading.lease.begin_anew();
        self.replicate(ctx);
        self.apply(ctx);
    }

    /// The group is what was wanted: who asked is told, and a leader that is no more in it steps down (§4.2.2).
    fn finish_change(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(leading) = self.leader_state() else { return };
        let done = if ctx.planted(Bug::ChangeBlocksTheNext) { leading.goal.clone() } else { leading.goal.take() };
        if let Some(Goal { membership: goal, client, .. }) = done {
            ctx.cancel(&Timer::Change);
            ctx.send(client, Message::Reconfigured { goal, done: true });
        }
        if !self.membership.votes(self.id) {
            ctx.mark(marks::LEADER_LEFT_THE_GROUP);
            self.leader = None;
            self.become_follower(ctx, self.current_term, None);
        }
    }

    /// Newcomers do not keep up: who asked is told, and others may have their change (§4.2.1).
    pub(super) fn abandon_change(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(leading) = self.leader_state() else { return };
        if let Some(Goal { membership: goal, client, .. }) = leading.goal.take() {
            ctx.mark(marks::CHANGE_OF_THE_GROUP_GIVEN_UP);
            ctx.cancel(&Timer::Change);
            ctx.send(client, Message::Reconfigured { goal, done: false });
        }
    }

    /// The configuration whose quorums are counted.
    pub(super) fn quorum_configuration(&self, ctx: &Context<'_, Self>) -> std::borrow::Cow<'_, Membership> {
        if ctx.planted(Bug::JointUsesOneMajority) && self.membership.is_joint() {
            std::borrow::Cow::Owned(Membership { outgoing: Vec::new(), ..self.membership.clone() })
        } else {
            std::borrow::Cow::Borrowed(&self.membership)
        }
    }

    /// Looks for the configuration that is in force: the latest in the log, or what it began with.
    pub(super) fn use_latest_configuration(&mut self) {
        (self.configuration_index, self.membership) = self.config_at(self.log.last());
    }

    /// The configuration as of an entry that is in the log, or that the snapshot ends in.
    pub(super) fn membership_at(&self, index: Index) -> Membership {
        if self.configuration_index <= index { self.membership.clone() } else { self.config_at(index).1 }
    }

    fn config_at(&self, index: Index) -> (Index, Membership) {
        let mut at = index;
        while let Some(entry) = self.log.entry(at) {
            if let Payload::Config(membership) = &entry.payload {
                return (at, membership.clone());
            }
            at = at.before();
        }
        (Index::ZERO, self.base_membership.clone())
    }
}

/// What a leader does about a change.
enum Step {
    /// Appends this configuration.
    To(Membership),
    /// These servers have to catch up first.
    CatchUp(Vec<NodeId>),
    /// The group is what was wanted.
    Done,
}

/// One voter more, or one fewer, on the way to the goal: first those who come, so that the group does not shrink first.
fn one_server_nearer(now: &Membership, goal: &Membership) -> Membership {
    let joins = goal.voters.iter().find(|node| !now.votes(**node));
    let leaves = now.voters.iter().find(|node| !goal.votes(**node));
    let voters = now.voters.iter().copied();
    match (joins, leaves) {
        (Some(joins), _) => Membership::of(voters.chain([*joins])),
        (None, Some(leaves)) => Membership::of(voters.filter(|node| node != leaves)),
        (None, None) => now.clone(),
    }
}
