//! The follower's side of replication: it truncates what its leader does not have (KIP-101, KIP-279), and then fetches.

use std::collections::BTreeSet;

use seedbed_sim::{Context, NodeId};

use crate::communication::log_broker::broker::replica::{Phase, Role};
use crate::communication::log_broker::broker::server::{Broker, Sent};
use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, FetchPartition, Fetched, Fetcher, LogRecord, Request, Timer};
use crate::communication::log_broker::names::{Offset, TopicPartition};
use crate::communication::log_broker::numbers::{LeaderEpoch, SessionId};

/// What a follower asks its leader about one partition.
type Asked = (TopicPartition, LeaderEpoch, Offset);

impl Broker {
    /// Asks all leaders for what this broker does not have.
    pub(super) fn fetch_from_all(&mut self, ctx: &mut Context<'_, Self>) {
        let followings = self.replicas.values().filter_map(|replica| replica.following());
        let leaders: BTreeSet<NodeId> = followings.filter_map(|following| following.leader).collect();
        for leader in leaders {
            self.fetch_from(ctx, leader);
        }
    }

    /// Asks a leader where epochs end, and fetches what is behind the ends of the logs that are truncated.
    fn fetch_from(&mut self, ctx: &mut Context<'_, Self>, leader: NodeId) {
        let (Some(broker_epoch), true) = (self.registration.epoch, self.registration.in_force) else { return };
        let timeout = self.config.settings.request_timeout;
        let mut asked: Vec<Asked> = Vec::new();
        let mut fetches = Vec::new();
        let mut ends = Vec::new();
        for (partition, replica) in &self.replicas {
            let Some(following) = replica.following().filter(|following| following.leader == Some(leader)) else {
                continue;
            };
            match following.phase {
                Phase::Truncating(epoch) => ends.push((*partition, following.epoch, epoch)),
                Phase::Fetching => {
                    let (offset, epoch) = (replica.log.end(), following.epoch);
                    asked.push((*partition, epoch, offset));
                    fetches.push((*partition, FetchPartition { offset, leader_epoch: Some(epoch) }));
                }
            }
        }
        for (partition, current, epoch) in ends {
            let sent = Sent::EpochEnd(partition, current);
            if !self.requests.outstanding().any(|(_, other)| *other == sent) {
                let request = Request::OffsetsForLeaderEpoch { partition, current, epoch };
                self.requests.send(ctx, leader, request, sent, timeout);
            }
        }
        let is_fetching = self.requests.outstanding().any(|(to, sent)| to == leader && matches!(sent, Sent::Fetch(_)));
        if fetches.is_empty() || is_fetching {
            return;
        }
        ctx.cancel(&Timer::Fetch(leader));
        let (session, partitions, forgotten) = self.session_handlers.entry(leader).or_default().request(&fetches);
        let request = Request::Fetch {
            by: Fetcher::Replica(ctx.id(), broker_epoch),
            session,
            partitions,
            forgotten,
            max_wait: self.config.settings.fetch_wait,
        };
        self.requests.send(ctx, leader, request, Sent::Fetch(asked), timeout + self.config.settings.fetch_wait);
    }

    /// A fetch is given up, and with it the session.
    pub(super) fn fetch_lost(&mut self, ctx: &mut Context<'_, Self>, leader: NodeId) {
        self.session_handlers.entry(leader).or_default().lost();
        self.fetch_later(ctx, leader);
    }

    /// Asks a leader again, but not at once.
    pub(super) fn fetch_later(&self, ctx: &mut Context<'_, Self>, leader: NodeId) {
        ctx.arm(Timer::Fetch(leader), self.config.settings.retry_backoff);
    }

    /// Asks a leader again.
    pub(super) fn fetch_again(&mut self, ctx: &mut Context<'_, Self>, leader: NodeId) {
        self.fetch_from(ctx, leader);
    }

    /// A planted bug: what is above the high watermark goes, whether the leader has it or not (Kafka before KIP-101).
    pub(super) fn truncate_to_high_watermark(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) {
        let replica = self.replicas.get_mut(&partition).expect("it is one of them");
        let end = replica.high_watermark;
        let goes = replica.log.end() > end;
        replica.truncate_to(end);
        if let Role::Follower(following) = &mut replica.role {
            following.phase = Phase::Fetching;
        }
        if goes {
            self.write(ctx, partition, LogRecord::Truncate(end));
        }
    }

    /// The leader has said where an epoch ends in its log. What this log has behind that in the same epoch, the leader does not have:
    /// it goes. If the leader has skipped the epoch, the one before is asked for (KIP-279).
    pub(super) fn epoch_end_answered(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        epoch: LeaderEpoch,
        answer: Result<Option<(LeaderEpoch, Offset)>, Error>,
    ) {
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        let (log, role) = (&replica.log, &mut replica.role);
        let Role::Follower(following) = role else { return };
        let Phase::Truncating(asked) = following.phase else { return };
        let Some(leader) = following.leader.filter(|_| following.epoch == epoch) else { return };
        let Ok(found) = answer else { return self.fetch_later(ctx, leader) };
        // `None`: the leader's log begins with a later epoch. Nothing of this one is in it.
        let own = found.and_then(|(found, _)| log.epochs().end_of(found, log.end()));
        let (end, next) = match (found, own) {
            (Some((found, leader_end)), Some((own, own_end))) if own == found => (leader_end.min(own_end), None),
            (Some((found, _)), Some((own, own_end))) => {
                assert!(own < found && found <= asked, "a leader answers with no later epoch: {found:?} for {asked:?}");
                (own_end, Some(own))
            }
            _ => (log.start(), None),
        };
        following.phase = next.map_or(Phase::Fetching, Phase::Truncating);
        if end < log.end() {
            ctx.mark(marks::TRUNCATED);
            let was = log.end();
            ctx.note(|| format!("truncates {partition} from {was} to {end}"));
            replica.truncate_to(end);
            self.write(ctx, partition, LogRecord::Truncate(end));
        }
        self.fetch_from(ctx, leader);
    }

    /// A leader has sent what it has.
    pub(super) fn fetched(
        &mut self,
        ctx: &mut Context<'_, Self>,
        leader: NodeId,
        asked: &[Asked],
        (session, error): (SessionId, Option<Error>),
        partitions: Vec<(TopicPartition, Result<Fetched, Error>)>,
    ) {
        self.session_handlers.entry(leader).or_default().answered(session, error);
        let mut failed = false;
        for (partition, fetched) in partitions {
            let asked = asked.iter().find(|(other, ..)| *other == partition);
            let Some((_, epoch, offset)) = asked else {
                panic!("a leader sends what it is asked for, and not {partition}")
            };
            match fetched {
                Ok(fetched) => self.append_fetched(ctx, partition, (*epoch, *offset), fetched),
                Err(_) => failed = true,
            }
        }
        if failed { self.fetch_later(ctx, leader) } else { self.fetch_from(ctx, leader) }
    }

    fn append_fetched(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        (epoch, offset): (LeaderEpoch, Offset),
        fetched: Fetched,
    ) {
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        let follows =
            replica.following().is_some_and(|following| following.epoch == epoch && following.phase == Phase::Fetching);
        if !follows || replica.log.end() != offset {
            return;
        }
        for batch in &fetched.batches {
            assert!(
                batch.leader_epoch <= epoch,
                "a leader has no batches of later epochs: {:?} in {epoch:?}",
                batch.leader_epoch
            );
            if ctx.planted(Bug::SequenceNotReplicated) {
                replica.log.append_unknown(batch.clone());
            } else {
                replica.log.append(batch.clone());
            }
        }
        // It learns of the high watermark one fetch later than the leader.
        let reached = fetched.high_watermark.min(replica.log.end());
        replica.high_watermark = replica.high_watermark.max(reached);
        for batch in fetched.batches {
            self.write(ctx, partition, LogRecord::Append(batch));
        }
    }
}
