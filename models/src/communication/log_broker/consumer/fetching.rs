//! Where a consumer begins, and what it fetches (Kafka, `Fetcher`, `SubscriptionState`).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedbed_sim::{Context, NodeId};

use crate::communication::log_broker::consumer::process::{Consumer, Sent};
use crate::communication::log_broker::groups::{self, Position};
use crate::communication::log_broker::marks;
use crate::communication::log_broker::messages::{Error, FetchPartition, Fetched, Fetcher, Isolation, Request};
use crate::communication::log_broker::names::{Offset, ProducerId, TopicPartition};
use crate::communication::log_broker::numbers::LeaderEpoch;
use crate::communication::log_broker::record::Value;
use crate::communication::log_broker::sessions::{FINAL, NO_SESSION};

/// A record that was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fetch {
    /// Its offset.
    pub offset: Offset,
    /// The leader that has appended it.
    pub epoch: LeaderEpoch,
    /// Its value.
    pub value: Value,
}

/// Where a consumer begins with a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Start {
    /// It asks what is committed.
    #[default]
    Unknown,
    /// Nothing is committed, or what is committed is gone: it asks for the first record (`auto.offset.reset=earliest`).
    Earliest,
    /// It goes on from here.
    From(Offset),
}

/// A partition that a consumer has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Owned {
    /// From where it fetches next.
    pub next: Start,
    /// What was fetched and no poll has returned.
    pub fetched: VecDeque<Fetch>,
    /// How far it has processed.
    pub processed: Option<Position>,
    /// How far it has committed.
    pub committed: Option<Position>,
    /// The producers whose transactions, aborted later on, are being read (KIP-98).
    pub aborted: BTreeSet<ProducerId>,
}

impl Consumer {
    /// Asks where to begin with what it has newly got.
    pub(super) fn find_positions(&mut self, ctx: &mut Context<'_, Self>) {
        let timeout = self.config.settings.request_timeout;
        let with = |start: Start| self.partitions.iter().filter(move |(_, owned)| owned.next == start).map(|(p, _)| *p);
        let (unknown, earliest): (BTreeSet<_>, Vec<_>) =
            (with(Start::Unknown).collect(), with(Start::Earliest).collect());
        if !unknown.is_empty() && !self.backs_off() && !self.waits_for(&Sent::Positions) {
            let request = groups::Request::OffsetFetch { partitions: unknown, require_stable: true };
            self.ask_coordinator(ctx, request, Sent::Positions, timeout);
        }
        for partition in earliest {
            if self.waits_for(&Sent::Earliest(partition)) {
                continue;
            }
            let Some(leader) = self.leader(ctx, partition) else { continue };
            let isolation = self.settings().isolation;
            let request = Request::ListOffsets { partition, earliest: true, isolation };
            self.requests.send(ctx, leader, request, Sent::Earliest(partition), timeout);
        }
    }

    fn leader(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) -> Option<NodeId> {
        let leader = self.leaders.get(&partition).copied();
        if leader.is_none() {
            self.refresh_metadata(ctx);
        }
        leader
    }

    /// Where partitions have no leader, it asks again after a while.
    pub(super) fn retry_if_leaderless(&mut self, ctx: &mut Context<'_, Self>) {
        if self.owned().any(|partition| !self.leaders.contains_key(&partition)) {
            self.retry_later(ctx);
        }
    }

    /// What the group has committed.
    pub(super) fn positions_given(
        &mut self,
        ctx: &mut Context<'_, Self>,
        answer: Result<BTreeMap<TopicPartition, Position>, groups::Error>,
    ) {
        let committed = match answer {
            Ok(committed) => committed,
            Err(groups::Error::UnstableOffsetCommit) => return self.retry_later(ctx),
            Err(error) => return self.refused(ctx, error),
        };
        for (partition, owned) in &mut self.partitions {
            if owned.next != Start::Unknown {
                continue;
            }
            match committed.get(partition) {
                Some(position) => {
                    ctx.mark(marks::WENT_ON_FROM_A_COMMIT);
                    owned.next = Start::From(position.offset);
                    owned.committed = Some(*position);
                }
                None => owned.next = Start::Earliest,
            }
        }
    }

    /// Where the log begins.
    pub(super) fn earliest_given(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        answer: Result<Offset, Error>,
    ) {
        match answer {
            Ok(first) => {
                if let Some(owned) = self.partitions.get_mut(&partition).filter(|owned| owned.next == Start::Earliest) {
                    owned.next = Start::From(first);
                }
            }
            Err(_) => self.leader_lost(ctx, partition),
        }
    }

    fn leader_lost(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) {
        self.leaders.remove(&partition);
        self.retry_later(ctx);
    }

    /// Fetches what it has room for, from each leader by one request.
    pub(super) fn fetch(&mut self, ctx: &mut Context<'_, Self>) {
        let room = usize::from(self.settings().max_poll_records);
        let wanted: Vec<(TopicPartition, Offset)> = self
            .partitions
            .iter()
            .filter(|(_, owned)| owned.fetched.len() < room)
            .filter_map(|(partition, owned)| match owned.next {
                Start::From(offset) => Some((*partition, offset)),
                Start::Unknown | Start::Earliest => None,
            })
            .collect();
        let mut by_leader: BTreeMap<NodeId, BTreeMap<TopicPartition, Offset>> = BTreeMap::new();
        for (partition, offset) in wanted {
            if let Some(leader) = self.leader(ctx, partition) {
                by_leader.entry(leader).or_default().insert(partition, offset);
            }
        }
        let max_wait = self.config.settings.fetch_wait;
        for (leader, asked) in by_leader {
            let is_fetching = |(to, sent): (NodeId, &Sent)| to == leader && matches!(sent, Sent::Fetch(_));
            if self.requests.outstanding().any(is_fetching) {
                continue;
            }
            let fetch = |(partition, offset): (&TopicPartition, &Offset)| {
                (*partition, FetchPartition { offset: *offset, leader_epoch: None })
            };
            let request = Request::Fetch {
                by: Fetcher::Consumer(self.settings().isolation),
                session: (NO_SESSION, FINAL),
                partitions: asked.iter().map(fetch).collect(),
                forgotten: Vec::new(),
                max_wait,
            };
            let timeout = self.config.settings.request_timeout + max_wait;
            self.requests.send(ctx, leader, request, Sent::Fetch(asked), timeout);
        }
    }

    /// Records have come.
    pub(super) fn fetched(
        &mut self,
        ctx: &mut Context<'_, Self>,
        asked: &BTreeMap<TopicPartition, Offset>,
        partitions: Vec<(TopicPartition, Result<Fetched, Error>)>,
    ) {
        let isolation = self.settings().isolation;
        for (partition, fetched) in partitions {
            let Some(&from) = asked.get(&partition) else { continue };
            // What was given back, and got again, begins elsewhere.
            let owned = self.partitions.get_mut(&partition).filter(|owned| owned.next == Start::From(from));
            let Some(owned) = owned else { continue };
            match fetched {
                Ok(fetched) => owned.take(from, fetched, isolation),
                Err(Error::OffsetOutOfRange) => {
                    ctx.mark(marks::POSITION_RESET);
                    *owned = Owned { next: Start::Earliest, ..Owned::default() };
                }
                Err(_) => self.leader_lost(ctx, partition),
            }
        }
    }
}

impl Owned {
    /// Takes records, but not those of aborted transactions: from the first of them to the marker (KIP-98, `CompletedFetch`).
    fn take(&mut self, from: Offset, fetched: Fetched, isolation: Isolation) {
        let mut aborted = fetched.aborted;
        aborted.sort_by_key(|ended| ended.first);
        let mut aborted = aborted.into_iter().peekable();
        for batch in fetched.batches {
            while let Some(begun) = aborted.next_if(|ended| ended.first <= batch.last_offset()) {
                self.aborted.insert(begun.producer);
            }
            if batch.marker().is_some() {
                batch.produced.map(|produced| self.aborted.remove(&produced.id));
            }
            let is_aborted = batch.in_transaction().is_some_and(|produced| self.aborted.contains(&produced.id));
            if isolation == Isolation::ReadUncommitted || !is_aborted {
                let epoch = batch.leader_epoch;
                let new = batch.values().filter(|(offset, _)| *offset >= from);
                self.fetched.extend(new.map(|(offset, value)| Fetch { offset, epoch, value }));
            }
            self.next = Start::From(batch.next_offset());
        }
    }
}
