//! The in-sync replicas of a partition, which its leader asks the controller to change (KIP-497).

use seedbed_sim::{Context, NodeId};

use crate::communication::log_broker::broker::replica::Replica;
use crate::communication::log_broker::broker::server::{Broker, Sent};
use crate::communication::log_broker::controller::metadata::PartitionState;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, Request, Timer};
use crate::communication::log_broker::names::TopicPartition;
use crate::communication::log_broker::numbers::LeaderEpoch;

impl Broker {
    /// Followers that have not caught up for `replica.lag.time.max.ms` are not in sync any more (Kafka, `Partition.maybeShrinkIsr`).
    pub(super) fn check_followers(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.arm(Timer::Isr, self.isr_interval());
        let (now, lag) = (ctx.now(), self.config.settings.replica_lag_time);
        for partition in self.replicas.keys().copied().collect::<Vec<_>>() {
            let replica = self.replicas.get_mut(&partition).expect("it is one of them");
            let end = replica.log.end();
            let Some(leading) = replica.leading_mut().filter(|leading| leading.pending_isr.is_none()) else { continue };
            let followers = &leading.followers;
            let stays = |node: &NodeId| followers.get(node).is_none_or(|follower| follower.is_caught_up(end, now, lag));
            let rest: Vec<NodeId> = leading.isr.iter().copied().filter(stays).collect();
            if rest.len() < leading.isr.len() {
                ctx.mark(marks::ISR_SHRUNK);
                leading.pending_isr = Some(rest);
                self.alter_partition(ctx, partition);
            }
        }
    }

    /// A follower that has all that is committed, and all that was there when its leader began, is in sync again (Kafka,
    /// `Partition.maybeExpandIsr`).
    pub(super) fn expand_isr(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition, node: NodeId) {
        let metadata = self.quorum.metadata();
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        let high_watermark = replica.high_watermark;
        let Some(leading) = replica.leading_mut() else { return };
        let Some(follower) = leading.followers.get(&node) else { return };
        let has_all = follower.end >= high_watermark && follower.end >= leading.epoch_start;
        let is_eligible =
            metadata.broker(node).is_some_and(|broker| !broker.fenced && Some(broker.epoch) == follower.broker_epoch);
        if leading.pending_isr.is_some() || leading.isr.contains(&node) || !has_all || !is_eligible {
            return;
        }
        ctx.mark(marks::ISR_EXPANDED);
        leading.pending_isr = Some([&leading.isr[..], &[node]].concat());
        self.alter_partition(ctx, partition);
    }

    /// Asks the controller for the change that is pending.
    fn alter_partition(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) {
        let Some(leading) = self.replicas.get(&partition).and_then(Replica::leading) else { return };
        let (Some(isr), Some(broker_epoch)) = (&leading.pending_isr, self.registration.epoch) else { return };
        let epoch = leading.epoch;
        let Some(controller) = self.quorum.active() else { return self.alter_partition_later(ctx, partition, epoch) };
        let id = ctx.id();
        let registered = |node: &NodeId| {
            let fetched_as = leading.followers.get(node).and_then(|follower| follower.broker_epoch);
            let known = || self.quorum.metadata().broker(*node).map(|broker| broker.epoch);
            let epoch = if *node == id { Some(broker_epoch) } else { fetched_as.or_else(known) };
            (*node, epoch.unwrap_or_default())
        };
        let request = Request::AlterPartition {
            broker_epoch,
            partition,
            leader_epoch: epoch,
            partition_epoch: leading.partition_epoch,
            isr: isr.iter().map(registered).collect(),
        };
        let timeout = self.config.settings.request_timeout;
        self.requests.send(ctx, controller, request, Sent::AlterPartition(partition, epoch), timeout);
    }

    /// Asks again, but not at once.
    pub(super) fn alter_partition_later(
        &self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        epoch: LeaderEpoch,
    ) {
        let leading = self.replicas.get(&partition).and_then(Replica::leading);
        if leading.is_some_and(|leading| leading.epoch == epoch && leading.pending_isr.is_some()) {
            ctx.arm(Timer::AlterPartition(partition), self.config.settings.retry_backoff);
        }
    }

    /// Asks again, if the change is still pending.
    pub(super) fn alter_partition_again(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) {
        let waits = |sent: &Sent| matches!(sent, Sent::AlterPartition(other, _) if *other == partition);
        if !self.requests.outstanding().any(|(_, sent)| waits(sent)) {
            self.alter_partition(ctx, partition);
        }
    }

    /// The controller has answered. What it refuses because it knows better stays pending until this broker knows as well: the change
    /// may have been made, and the answer lost, so that all of those must count that may be in sync.
    pub(super) fn partition_altered(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        epoch: LeaderEpoch,
        answer: Result<PartitionState, Error>,
    ) {
        match answer {
            Ok(state) => self.take_up(ctx, partition, &state),
            Err(Error::IneligibleReplica) => {
                let leading = self.replicas.get_mut(&partition).and_then(Replica::leading_mut);
                if let Some(leading) = leading.filter(|leading| leading.epoch == epoch) {
                    leading.pending_isr = None;
                }
            }
            Err(Error::NotController) => self.alter_partition_later(ctx, partition, epoch),
            Err(_) => {}
        }
    }
}
