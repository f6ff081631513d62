//! The leader's side of fetching, by followers and consumers (Kafka, `ReplicaManager.fetchMessages`).

use seedbed_sim::{Context, Span};

use crate::communication::log_broker::broker::purgatory::DelayedFetch;
use crate::communication::log_broker::broker::replica::Replica;
use crate::communication::log_broker::broker::server::Broker;
use crate::communication::log_broker::controller::active::Asker;
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, FetchPartition, Fetched, Fetcher, Isolation, Response};
use crate::communication::log_broker::names::{Offset, TopicPartition};
use crate::communication::log_broker::numbers::{LeaderEpoch, SessionEpoch, SessionId};
use crate::communication::log_broker::sessions::{Found, NO_SESSION, Wanted};

impl Broker {
    /// Records are fetched. The request waits for some, up to `max_wait`.
    pub(super) fn fetch(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asker: Asker,
        by: Fetcher,
        session: (SessionId, SessionEpoch),
        (partitions, forgotten): (Wanted, Vec<TopicPartition>),
        max_wait: Span,
    ) {
        let life = self.registration.incarnation;
        // Incarnations tell the sessions of one life from those of others.
        let name = |begun: u64| SessionId((life.0 << 16) | (begun & 0xffff));
        let slots = self.config.settings.fetch_session_slots.into();
        let (session, partitions) =
            match self.fetch_sessions.request(by, session, partitions, &forgotten, (name, slots)) {
                Ok(request) => request,
                Err(error) => {
                    ctx.mark(marks::FETCH_SESSION_LOST);
                    let refused = Response::Fetch { session: NO_SESSION, error: Some(error), partitions: Vec::new() };
                    return self.respond(ctx, asker, refused);
                }
            };
        // A fetcher has one request at a time: it has given up those before.
        let is_same = |waiting: &DelayedFetch| {
            let one = waiting.partitions.iter().map(|(partition, _)| partition);
            let is_follower = matches!(by, Fetcher::Replica(..));
            waiting.by == by && (is_follower || one.eq(partitions.iter().map(|(partition, _)| partition)))
        };
        self.purgatory.fetches.retain(|waiting| waiting.asker.node != asker.node || !is_same(waiting));
        if let Fetcher::Replica(..) = by {
            for (partition, fetch) in &partitions {
                self.follower_fetched(ctx, by, *partition, fetch);
            }
        }
        let deadline = ctx.now() + max_wait;
        self.purgatory.fetches.push(DelayedFetch { asker, session, by, partitions, deadline });
        self.complete_fetches(ctx);
        self.arm_purgatory(ctx);
    }

    /// A follower fetches: it has all below the offset.
    fn follower_fetched(
        &mut self,
        ctx: &mut Context<'_, Self>,
        by: Fetcher,
        partition: TopicPartition,
        fetch: &FetchPartition,
    ) {
        let Fetcher::Replica(node, broker_epoch) = by else { return };
        let Some(replica) = self.replicas.get_mut(&partition) else { return };
        let end = replica.log.end();
        if replica.led_in(fetch.leader_epoch).is_err() || fetch.offset > end {
            return;
        }
        let leading = replica.leading_mut().expect("just looked at");
        let Some(follower) = leading.followers.get_mut(&node) else { return };
        if follower.broker_epoch.is_some_and(|known| broker_epoch < known) {
            // A request of a life that is over.
            return;
        }
        follower.fetched(fetch.offset, broker_epoch, end, ctx.now());
        self.expand_isr(ctx, partition, node);
        self.progressed(ctx, partition);
    }

    /// Answers the fetches that have found something, or have waited long enough.
    pub(super) fn complete_fetches(&mut self, ctx: &mut Context<'_, Self>) {
        let now = ctx.now();
        for waiting in std::mem::take(&mut self.purgatory.fetches) {
            let found = self.find(&waiting);
            if now < waiting.deadline && !self.is_worth_telling(&waiting, &found) {
                self.purgatory.fetches.push(waiting);
                continue;
            }
            self.told(&waiting, &found);
            let partitions = self.fetch_sessions.response(waiting.session, found);
            let session = waiting.session;
            self.respond(ctx, waiting.asker, Response::Fetch { session, error: None, partitions });
        }
    }

    fn find(&self, waiting: &DelayedFetch) -> Found {
        let find = |(partition, fetch): &(TopicPartition, FetchPartition)| {
            let replica = self.replicas.get(partition).ok_or(Error::NotLeaderOrFollower);
            (*partition, replica.and_then(|replica| read(replica, waiting.by, fetch, self.config.settings.fetch_size)))
        };
        waiting.partitions.iter().map(find).collect()
    }

    /// Whether there are records, or errors, or a follower does not know the high watermark (KIP-392).
    fn is_worth_telling(&self, waiting: &DelayedFetch, found: &Found) -> bool {
        found.iter().any(|(partition, fetched)| match fetched {
            Err(_) => true,
            Ok(fetched) if !fetched.batches.is_empty() => true,
            Ok(fetched) => {
                let Fetcher::Replica(node, _) = waiting.by else { return false };
                let leading = self.replicas.get(partition).and_then(Replica::leading);
                let follower = leading.and_then(|leading| leading.followers.get(&node));
                follower.is_some_and(|follower| follower.told < fetched.high_watermark)
            }
        })
    }

    fn told(&mut self, waiting: &DelayedFetch, found: &Found) {
        let Fetcher::Replica(node, _) = waiting.by else { return };
        for (partition, fetched) in found {
            let leading = self.replicas.get_mut(partition).and_then(Replica::leading_mut);
            let follower = leading.and_then(|leading| leading.followers.get_mut(&node));
            if let (Some(follower), Ok(fetched)) = (follower, fetched) {
                follower.told = fetched.high_watermark;
            }
        }
    }

    /// Where an epoch ends in the log of this leader (KIP-101).
    pub(super) fn epoch_end(
        &self,
        partition: TopicPartition,
        current: LeaderEpoch,
        epoch: LeaderEpoch,
    ) -> Result<Option<(LeaderEpoch, Offset)>, Error> {
        let replica = self.replicas.get(&partition).ok_or(Error::NotLeaderOrFollower)?;
        replica.led_in(Some(current))?;
        Ok(replica.log.epochs().end_of(epoch, replica.log.end()))
    }

    /// The first or the last offset that a consumer can read. A leader that does not know yet what was committed in epochs before its
    /// own says so (KIP-207).
    pub(super) fn list_offset(
        &self,
        partition: TopicPartition,
        earliest: bool,
        isolation: Isolation,
    ) -> Result<Offset, Error> {
        let replica = self.replicas.get(&partition).ok_or(Error::NotLeaderOrFollower)?;
        let leading = replica.led_in(None)?;
        if earliest {
            return Ok(replica.log.start());
        }
        if replica.high_watermark < leading.epoch_start {
            return Err(Error::OffsetNotAvailable);
        }
        Ok(readable_to(replica, isolation))
    }
}

/// Up to where a consumer reads.
fn readable_to(replica: &Replica, isolation: Isolation) -> Offset {
    match isolation {
        Isolation::ReadUncommitted => replica.high_watermark,
        Isolation::ReadCommitted => replica.log.last_stable(replica.high_watermark),
    }
}

/// What a leader sends: to followers all that it has, to consumers what is committed.
fn read(replica: &Replica, by: Fetcher, fetch: &FetchPartition, most: u32) -> Result<Fetched, Error> {
    replica.led_in(fetch.leader_epoch)?;
    let log = &replica.log;
    if fetch.offset < log.start() || fetch.offset > log.end() {
        return Err(Error::OffsetOutOfRange);
    }
    let to = match by {
        Fetcher::Replica(..) => log.end(),
        Fetcher::Consumer(isolation) => readable_to(replica, isolation),
    };
    let batches = log.read(fetch.offset, to, most);
    let read_to = batches.last().map_or(fetch.offset, |batch| batch.next_offset());
    let aborted = match by {
        Fetcher::Consumer(Isolation::ReadCommitted) => log.aborted_between(fetch.offset, read_to),
        _ => Vec::new(),
    };
    let high_watermark = replica.high_watermark;
    let last_stable = log.last_stable(high_watermark);
    Ok(Fetched { batches, high_watermark, last_stable, log_start: log.start(), aborted })
}
