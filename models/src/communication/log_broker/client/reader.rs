//! A client that reads partitions from their beginning to the end that they had when it asked (a consumer without a group).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, Time};

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::client::process::{Client, READ_WAIT, Sent};
use crate::communication::log_broker::messages::{Error, FetchPartition, Fetched, Fetcher, Isolation, Request, Timer};
use crate::communication::log_broker::names::{Offset, ProducerId, TopicPartition};
use crate::communication::log_broker::record::Value;
use crate::communication::log_broker::sessions::{FINAL, NO_SESSION};

/// How far a partition is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Progress {
    /// The end that it had.
    end: Option<Offset>,
    position: Offset,
    values: Vec<(Offset, Value)>,
    /// The producers whose transactions, aborted later on, are being read.
    aborted: BTreeSet<ProducerId>,
}

/// A reading of several partitions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reading {
    isolation: Isolation,
    partitions: BTreeMap<TopicPartition, Progress>,
    deadline: Time,
}

impl Reading {
    /// A reading that has just begun.
    pub fn new(partitions: impl IntoIterator<Item = TopicPartition>, isolation: Isolation, deadline: Time) -> Self {
        let partitions = partitions.into_iter().map(|partition| (partition, Progress::default())).collect();
        Reading { isolation, partitions, deadline }
    }

    /// What it wants to read.
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    fn result(&self) -> Option<Vec<(TopicPartition, Vec<(Offset, Value)>)>> {
        let is_read = |progress: &Progress| progress.end.is_some_and(|end| progress.position >= end);
        let all = self.partitions.values().all(is_read);
        let values = self.partitions.iter().map(|(partition, progress)| (*partition, progress.values.clone()));
        all.then(|| values.collect())
    }
}

impl Progress {
    /// Takes what was fetched. Records of aborted transactions are left out (KIP-98): from the first of them to the marker.
    fn take(&mut self, fetched: Fetched, isolation: Isolation, keeps_aborted: bool) {
        let mut aborted = fetched.aborted;
        aborted.sort_by_key(|ended| ended.first);
        let mut aborted = aborted.into_iter().peekable();
        for batch in fetched.batches {
            while let Some(begun) = aborted.next_if(|ended| ended.first <= batch.last_offset()) {
                self.aborted.insert(begun.producer);
            }
            let producer = batch.produced.map(|produced| produced.id);
            if batch.marker().is_some() {
                producer.map(|producer| self.aborted.remove(&producer));
            }
            let is_aborted = batch.in_transaction().is_some_and(|produced| self.aborted.contains(&produced.id));
            if isolation == Isolation::ReadUncommitted || !is_aborted || keeps_aborted {
                let from = self.position;
                self.values.extend(batch.values().filter(|(offset, _)| *offset >= from));
            }
            self.position = batch.next_offset();
        }
    }
}

impl Client {
    /// Asks for what is to be read next.
    pub(super) fn read_on(&mut self, ctx: &mut Context<'_, Self>) {
        let now = ctx.now();
        let Some(reading) = self.reading() else { return };
        if now >= reading.deadline {
            return self.read_to_the_end(ctx, None);
        }
        if let Some(read) = reading.result() {
            return self.read_to_the_end(ctx, Some(read));
        }
        let isolation = reading.isolation;
        let wanted: Vec<(TopicPartition, Option<Offset>)> = reading
            .partitions
            .iter()
            .filter(|(_, progress)| progress.end.is_none_or(|end| progress.position < end))
            .map(|(partition, progress)| (*partition, progress.end.map(|_| progress.position)))
            .collect();
        for (partition, position) in wanted {
            let is_asked = |sent: &Sent| match sent {
                Sent::ListOffsets(other) | Sent::Fetch(other, _) => *other == partition,
                _ => false,
            };
            if self.requests.outstanding().any(|(_, sent)| is_asked(sent)) {
                continue;
            }
            let Some(leader) = self.leaders.get(&partition).copied().flatten() else {
                self.refresh_metadata(ctx);
                continue;
            };
            let (request, sent) = match position {
                None => (Request::ListOffsets { partition, earliest: false, isolation }, Sent::ListOffsets(partition)),
                Some(offset) => {
                    let fetch = FetchPartition { offset, leader_epoch: None };
                    let request = Request::Fetch {
                        by: Fetcher::Consumer(isolation),
                        session: (NO_SESSION, FINAL),
                        partitions: vec![(partition, fetch)],
                        forgotten: Vec::new(),
                        max_wait: READ_WAIT,
                    };
                    (request, Sent::Fetch(partition, offset))
                }
            };
            let timeout = self.config.settings.request_timeout;
            self.requests.send(ctx, leader, request, sent, timeout);
        }
    }

    /// The end of a partition.
    pub(super) fn end_offset_given(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        answer: Result<Offset, Error>,
    ) {
        let progress = self.reading().and_then(|reading| reading.partitions.get_mut(&partition));
        match (progress, answer) {
            (Some(progress), Ok(end)) => {
                progress.end = Some(end);
                self.read_on(ctx);
            }
            (Some(_), Err(_)) => self.read_later(ctx, partition),
            (None, _) => {}
        }
    }

    /// Records of a partition.
    pub(super) fn records_given(
        &mut self,
        ctx: &mut Context<'_, Self>,
        partition: TopicPartition,
        offset: Offset,
        fetched: Vec<(TopicPartition, Result<Fetched, Error>)>,
    ) {
        let keeps_aborted = ctx.planted(Bug::AbortMarkerIgnored);
        let Some(reading) = self.reading() else { return };
        let isolation = reading.isolation;
        let Some(progress) = reading.partitions.get_mut(&partition).filter(|progress| progress.position == offset)
        else {
            return;
        };
        match fetched.into_iter().find(|(other, _)| *other == partition) {
            Some((_, Ok(fetched))) => {
                progress.take(fetched, isolation, keeps_aborted);
                self.read_on(ctx);
            }
            _ => self.read_later(ctx, partition),
        }
    }

    fn read_later(&mut self, ctx: &mut Context<'_, Self>, partition: TopicPartition) {
        self.leaders.remove(&partition);
        ctx.arm(Timer::Metadata, self.config.settings.retry_backoff);
    }
}
