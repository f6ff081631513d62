//! A consumer commits how far it is (Kafka, `ConsumerCoordinator.commitOffsetsSync`, `maybeAutoCommitOffsetsAsync`).

use std::collections::BTreeMap;

use seedbed_sim::Context;

use crate::communication::log_broker::consumer::membership::{Phase, Rejoin};
use crate::communication::log_broker::consumer::process::{Consumer, Did, Sent};
use crate::communication::log_broker::groups::{Error, Position, Request};
use crate::communication::log_broker::marks;
use crate::communication::log_broker::names::TopicPartition;
use crate::communication::log_broker::settings::Commits;

impl Consumer {
    fn uncommitted(&self) -> BTreeMap<TopicPartition, Position> {
        let behind = self.partitions.iter().filter(|(_, owned)| owned.processed > owned.committed);
        behind.filter_map(|(partition, owned)| Some((*partition, owned.processed?))).collect()
    }

    /// Whether it has processed more than it has committed.
    pub(super) fn has_uncommitted(&self) -> bool {
        !self.uncommitted().is_empty()
    }

    fn is_committing(&self) -> bool {
        self.requests.outstanding().any(|(_, sent)| matches!(sent, Sent::Commit(_)))
    }

    fn commit(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let (positions, Some(identity)) = (self.uncommitted(), self.identity()) else { return false };
        let timeout = self.config.settings.request_timeout;
        let request = Request::OffsetCommit(identity, positions.clone());
        self.ask_coordinator(ctx, request, Sent::Commit(positions), timeout)
    }

    /// Commits, and waits until that is done or refused. Returns whether it is.
    pub(super) fn commit_now(&mut self, ctx: &mut Context<'_, Self>) -> bool {
        let in_vain = self.rejoin == Rejoin::Lost || self.identity().is_none();
        if in_vain || !self.has_uncommitted() {
            self.must_commit = false;
            return true;
        }
        if !self.is_committing() {
            self.commit(ctx);
        }
        false
    }

    /// Commits what it is about to process, and does not wait.
    pub(super) fn commit_early(&mut self, ctx: &mut Context<'_, Self>) {
        self.commit(ctx);
    }

    /// Commits by itself, if it is time: what polls before have returned is processed by now.
    pub(super) fn auto_commit(&mut self, ctx: &mut Context<'_, Self>) {
        if self.settings().commits != Commits::Auto || !self.auto_commit_is_due {
            return;
        }
        self.auto_commit_is_due = false;
        if self.has_uncommitted() && !self.is_committing() {
            self.commit(ctx);
        }
    }

    /// The coordinator has committed, or not.
    pub(super) fn commit_answered(
        &mut self,
        ctx: &mut Context<'_, Self>,
        positions: BTreeMap<TopicPartition, Position>,
        answer: Result<(), Error>,
    ) {
        match answer {
            Ok(()) => {
                for (partition, position) in &positions {
                    if let Some(owned) = self.partitions.get_mut(partition) {
                        owned.committed = owned.committed.max(Some(*position));
                    }
                }
                self.did.push(Did::Committed(positions));
                if !self.has_uncommitted() {
                    self.must_commit = false;
                }
            }
            // It tries again, with another coordinator.
            Err(Error::NotCoordinator | Error::CoordinatorNotAvailable | Error::CoordinatorLoadInProgress) => {
                self.coordinator = None;
                self.retry_later(ctx);
            }
            // A generation has begun without this consumer, or this is none of its members: what it has processed others will process.
            Err(error) => {
                ctx.mark(marks::COMMIT_REFUSED);
                self.must_commit = false;
                if error != Error::RebalanceInProgress {
                    self.refused(ctx, error);
                } else if self.phase == Phase::Stable {
                    self.rejoin = self.rejoin.max(Rejoin::Keeping);
                }
            }
        }
    }
}
