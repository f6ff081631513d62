//! What keeps the queues going: heartbeater, forwarder, recoverer, syncer, janitor.

use seedbed_sim::{Context, Span, Time};

use super::choosing::draw_backoff;
use super::processor::is_exhausted;
use super::{Phase, Purpose, Server};
use crate::communication::task_queue::command::{By, Command};
use crate::communication::task_queue::messages::Timer;
use crate::communication::task_queue::task::{LeaseId, Task, TaskId};

impl Server {
    /// Each part has an interval of its own, and those of different servers are not in step.
    pub(super) fn start_keeping(&mut self, ctx: &mut Context<'_, Self>) {
        let parts = [
            (Timer::Forward, self.forward_interval()),
            (Timer::Recover, self.settings.recover_interval()),
            (Timer::Aggregate, self.settings.aggregation_interval()),
            (Timer::Janitor, self.janitor_interval()),
        ];
        for (timer, interval) in parts {
            let after = ctx.draw_span("keeping", Span::ZERO..=interval);
            ctx.arm(timer, after);
        }
    }

    fn forward_interval(&self) -> Span {
        self.settings.check_interval * 2
    }

    fn janitor_interval(&self) -> Span {
        self.settings.check_interval * 4
    }

    /// Leases that this server has are extended; those that it has no more are lost (`heartbeater.beat`).
    pub(super) fn heartbeat(&mut self, ctx: &mut Context<'_, Self>) {
        let now = ctx.now();
        let lost: Vec<LeaseId> =
            self.running.iter().filter(|(_, running)| running.lease_until <= now).map(|(lease, _)| *lease).collect();
        lost.into_iter().for_each(|lease| self.lose(ctx, lease));
        if self.running.is_empty() {
            return;
        }
        let leases: Vec<(TaskId, LeaseId)> =
            self.running.iter().map(|(lease, running)| (running.task.id, *lease)).collect();
        self.session.call(ctx, Purpose::Heartbeat(now, leases.clone()), Command::ExtendLease(leases));
        ctx.arm(Timer::Heartbeat, self.settings.heartbeat_interval());
    }

    /// Leases count from when the heartbeat was sent. One that was not extended is another's, or nobody's.
    pub(super) fn extended(
        &mut self,
        ctx: &mut Context<'_, Self>,
        at: Time,
        asked: &[(TaskId, LeaseId)],
        extended: &[(TaskId, LeaseId)],
    ) {
        for (id, lease) in asked {
            let Some(running) = self.running.get_mut(lease).filter(|running| running.phase != Phase::Marking) else {
                continue;
            };
            if !extended.contains(&(*id, *lease)) {
                self.lose(ctx, *lease);
            } else if running.lease_until > ctx.now() {
                running.lease_until = running.lease_until.max(at + self.settings.lease);
            }
        }
    }

    pub(super) fn forward(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.call(ctx, Purpose::Nothing, Command::Forward);
        ctx.arm(Timer::Forward, self.forward_interval());
    }

    pub(super) fn look_for_orphans(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.call(ctx, Purpose::ListLeaseExpired, Command::ListLeaseExpired);
        self.session.call(ctx, Purpose::Nothing, Command::ReclaimStaleAggregationSets);
        ctx.arm(Timer::Recover, self.settings.recover_interval());
    }

    /// Orphaned tasks are retried, or archived if they have no retry left (`recoverLeaseExpiredTasks`). A lost worker is a failure.
    pub(super) fn recover(&mut self, ctx: &mut Context<'_, Self>, orphaned: Vec<(Task, LeaseId)>) {
        for (task, lease) in orphaned {
            let command = if is_exhausted(ctx, &task) {
                Command::Archive(task.id, lease, By::Recoverer)
            } else {
                let after = draw_backoff(ctx, self.settings.backoff, task.retried);
                Command::Retry { id: task.id, lease, by: By::Recoverer, after, counts: true }
            };
            self.session.call(ctx, Purpose::Nothing, command);
        }
    }

    /// The reply to a mark is lost: it is sent again, while this server has the lease, and the worker is free.
    pub(super) fn sync_later(&mut self, ctx: &mut Context<'_, Self>, lease: LeaseId, command: Command) {
        // It may have noticed in between that the lease is over.
        let Some(until) = self.running.get(&lease).map(|running| running.lease_until) else { return };
        self.await_sync(ctx, command, until);
        self.ended(ctx, lease);
    }

    pub(super) fn await_sync(&mut self, ctx: &mut Context<'_, Self>, command: Command, until: Time) {
        if self.unsynced.is_empty() {
            ctx.arm(Timer::Sync, self.settings.check_interval);
        }
        self.unsynced.push((command, until));
    }

    /// Marks are sent again, and those that are too late are dropped (`syncer.go`).
    pub(super) fn sync(&mut self, ctx: &mut Context<'_, Self>) {
        for (command, until) in std::mem::take(&mut self.unsynced) {
            if until <= ctx.now() {
                continue;
            }
            if !self.session.call(ctx, Purpose::Sync(command.clone(), until), command.clone()) {
                self.await_sync(ctx, command, until);
            }
        }
    }

    pub(super) fn delete_expired(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.call(ctx, Purpose::Nothing, Command::DeleteExpiredCompletedTasks);
        ctx.arm(Timer::Janitor, self.janitor_interval());
    }
}
