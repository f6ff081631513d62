//! A consumer, one event at a time: how it joins, what it gives back, and when it commits.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::log_broker::Bug;
use seedbed_models::communication::log_broker::consumer::{Config, Consumer, ConsumerTimer, Did, Phase};
use seedbed_models::communication::log_broker::groups::{
    self, Assignor, Error, Joined, Member, Position, Subscription, ToGroup,
};
use seedbed_models::communication::log_broker::messages::{
    Answered, Asked, Fetched, Message, PartitionMetadata, Request, Response, Timer,
};
use seedbed_models::communication::log_broker::names::{Generation, MemberId, Offset, TopicPartition};
use seedbed_models::communication::log_broker::numbers::{Correlation, LeaderEpoch, SessionId};
use seedbed_models::communication::log_broker::record::{Batch, Contents, Data, Record, Value};
use seedbed_models::communication::log_broker::settings::{Commits, ConsumerSettings, ORDERS, Settings};
use seedbed_sim::bench::Bench;
use seedbed_sim::{NodeId, Span, Time};

const BROKER: NodeId = NodeId(0);
const ME: MemberId = MemberId(7);

fn tp(partition: u16) -> TopicPartition {
    TopicPartition::new(ORDERS, partition)
}

/// A consumer, and what it has asked that is not answered.
struct Desk {
    bench: Bench<Consumer>,
    asked: Vec<(Correlation, Request)>,
}

impl Desk {
    fn of(consumer: ConsumerSettings) -> Self {
        let settings = Settings { consumer, ..Settings::default() };
        let config = Config { brokers: vec![BROKER], sizes: [(ORDERS, 2)].into(), instance: None, settings };
        let mut desk = Desk { bench: Bench::new(Consumer::new(config)), asked: Vec::new() };
        let sent = desk.bench.start().sent();
        desk.take(sent);
        desk
    }

    fn take(&mut self, sent: Vec<(NodeId, Message)>) {
        for (_, message) in sent {
            if let Message::Request(Asked { correlation, request }) = message {
                self.asked.push((correlation, request));
            }
        }
    }

    /// Takes the first request of which this is so.
    fn asked(&mut self, is_meant: impl Fn(&Request) -> bool) -> (Correlation, Request) {
        let place = self.asked.iter().position(|(_, request)| is_meant(request));
        let place = place.unwrap_or_else(|| panic!("it was not asked: {:?}", self.asked));
        self.asked.remove(place)
    }

    fn has_asked(&self, is_meant: impl Fn(&groups::Request) -> bool) -> bool {
        self.asked.iter().any(|(_, request)| to_group(request).is_some_and(&is_meant))
    }

    fn asked_group(&mut self, is_meant: impl Fn(&groups::Request) -> bool) -> (Correlation, groups::Request) {
        let (correlation, request) = self.asked(|request| to_group(request).is_some_and(&is_meant));
        let Request::Group(ToGroup { request, .. }) = request else { unreachable!("just looked at") };
        (correlation, request)
    }

    fn answer(&mut self, correlation: Correlation, response: Response) {
        let message = Message::Response(Answered { correlation, response });
        let sent = self.bench.message(BROKER, message).sent();
        self.take(sent);
    }

    fn answer_group(&mut self, correlation: Correlation, response: groups::Response) {
        self.answer(correlation, Response::Group(response));
    }

    fn fire(&mut self, timer: ConsumerTimer) {
        let sent = self.bench.timer(Timer::Consumer(timer)).sent();
        self.take(sent);
    }

    fn find_coordinator(&mut self) {
        let (correlation, _) = self.asked(|request| matches!(request, Request::FindCoordinator(_)));
        self.answer(correlation, Response::FindCoordinator(Some(BROKER)));
    }

    /// Joins a generation, whose leader it is or not.
    fn join(&mut self, generation: u32, members: &[MemberId], leads: bool) -> groups::Join {
        let (correlation, request) = self.asked_group(|request| matches!(request, groups::Request::JoinGroup(_)));
        let groups::Request::JoinGroup(join) = request else { unreachable!("just looked at") };
        let member = |id: &MemberId| Member { id: *id, instance: None, subscription: Subscription::to([ORDERS]) };
        let joined = Joined {
            generation: Generation(generation),
            assignor: join.assignors[0],
            leader: if leads { ME } else { MemberId(1) },
            member: ME,
            members: if leads { members.iter().map(member).collect() } else { Vec::new() },
            skip_assignment: false,
        };
        self.answer_group(correlation, groups::Response::JoinGroup(Ok(joined)));
        join
    }

    fn assign(&mut self, partitions: &[u16]) {
        let (correlation, _) = self.asked_group(|request| matches!(request, groups::Request::SyncGroup(..)));
        let assigned: BTreeSet<_> = partitions.iter().map(|partition| tp(*partition)).collect();
        self.answer_group(correlation, groups::Response::SyncGroup(Ok(assigned)));
    }

    /// Answers where to begin, and where partitions are led.
    fn begin_at(&mut self, offset: u64) {
        let (correlation, request) = self.asked_group(|r| matches!(r, groups::Request::OffsetFetch { .. }));
        let groups::Request::OffsetFetch { partitions, .. } = request else { unreachable!("just looked at") };
        let position = Position { offset: Offset(offset), leader_epoch: None };
        let known: BTreeMap<_, _> = partitions.into_iter().map(|partition| (partition, position)).collect();
        self.answer_group(correlation, groups::Response::OffsetFetch(Ok(known)));
        let metadata = PartitionMetadata { leader: Some(BROKER), leader_epoch: LeaderEpoch(0) };
        if self.asked.iter().any(|(_, request)| matches!(request, Request::Metadata)) {
            let (correlation, _) = self.asked(|request| matches!(request, Request::Metadata));
            let partitions = vec![(tp(0), metadata.clone()), (tp(1), metadata)];
            self.answer(correlation, Response::Metadata { brokers: vec![BROKER], partitions });
        }
    }

    /// Answers a fetch with so many records of a partition, from where it was asked for.
    fn records(&mut self, partition: u16, count: u32) {
        let (correlation, request) = self.asked(|request| matches!(request, Request::Fetch { .. }));
        let Request::Fetch { partitions, .. } = request else { unreachable!("just looked at") };
        let (_, fetch) = partitions.iter().find(|(p, _)| *p == tp(partition)).expect("the partition is fetched");
        let record = |n: u32| {
            let value = Value(fetch.offset.0 + u64::from(n));
            Record { offset_delta: n, timestamp: Time::ZERO, data: Data::User { key: None, value: Some(value) } }
        };
        let batch = Batch {
            base_offset: fetch.offset,
            last_offset_delta: count - 1,
            leader_epoch: LeaderEpoch(0),
            produced: None,
            contents: Contents::Records((0..count).map(record).collect()),
        };
        let end = batch.next_offset();
        let fetched = Fetched {
            batches: vec![batch],
            high_watermark: end,
            last_stable: end,
            log_start: Offset::ZERO,
            aborted: Vec::new(),
        };
        let partitions = vec![(tp(partition), Ok(fetched))];
        self.answer(correlation, Response::Fetch { session: SessionId(0), error: None, partitions });
    }

    fn owned(&self) -> Vec<TopicPartition> {
        self.bench.process().owned().collect()
    }

    fn processed(&self) -> Vec<u64> {
        let did = self.bench.process().did().iter();
        did.filter_map(|did| if let Did::Processed(_, offset, _) = did { Some(offset.0) } else { None }).collect()
    }

    fn commit(&mut self) -> (Correlation, BTreeMap<TopicPartition, u64>) {
        let (correlation, request) = self.asked_group(|request| matches!(request, groups::Request::OffsetCommit(..)));
        let groups::Request::OffsetCommit(_, positions) = request else { unreachable!("just looked at") };
        (correlation, positions.into_iter().map(|(partition, position)| (partition, position.offset.0)).collect())
    }

    /// A consumer in its first generation, with these partitions, at this offset.
    fn stable(consumer: ConsumerSettings, partitions: &[u16], offset: u64) -> Self {
        let mut desk = Desk::of(consumer);
        desk.find_coordinator();
        desk.join(1, &[], false);
        desk.assign(partitions);
        desk.begin_at(offset);
        assert_eq!(desk.bench.process().phase(), Phase::Stable);
        desk
    }
}

fn to_group(request: &Request) -> Option<&groups::Request> {
    match request {
        Request::Group(ToGroup { request, .. }) => Some(request),
        _ => None,
    }
}

fn with(assignor: Assignor, commits: Commits) -> ConsumerSettings {
    ConsumerSettings { assignor, commits, max_poll_records: 2, ..ConsumerSettings::default() }
}

#[test]
fn a_new_member_joins_with_the_name_that_it_is_given() {
    let mut desk = Desk::of(with(Assignor::Range, Commits::AfterProcessing));
    desk.find_coordinator();
    let (correlation, _) = desk.asked_group(|request| matches!(request, groups::Request::JoinGroup(_)));
    desk.answer_group(correlation, groups::Response::JoinGroup(Err(Error::MemberIdRequired(ME))));
    assert_eq!(desk.join(1, &[], false).member, Some(ME));
}

#[test]
fn the_leader_brings_the_assignment() {
    let mut desk = Desk::of(with(Assignor::Range, Commits::AfterProcessing));
    desk.find_coordinator();
    desk.join(1, &[MemberId(1), ME], true);
    let (_, request) = desk.asked_group(|request| matches!(request, groups::Request::SyncGroup(..)));
    let groups::Request::SyncGroup(_, assignment) = request else { unreachable!("just looked at") };
    assert_eq!(assignment[&ME], [tp(1)].into());
}

#[test]
fn it_commits_when_a_poll_is_processed_and_not_before() {
    let mut desk = Desk::stable(with(Assignor::Range, Commits::AfterProcessing), &[0], 5);
    desk.records(0, 3);
    let is_commit = |request: &groups::Request| matches!(request, groups::Request::OffsetCommit(..));
    desk.fire(ConsumerTimer::Work);
    assert_eq!((desk.processed(), desk.has_asked(is_commit)), (vec![5], false));
    desk.fire(ConsumerTimer::Work);
    let (correlation, positions) = desk.commit();
    assert_eq!((desk.processed(), positions), (vec![5, 6], [(tp(0), 7)].into()));
    assert!(desk.bench.due(&Timer::Consumer(ConsumerTimer::Work)).is_none(), "it waits for the answer");
    desk.answer_group(correlation, groups::Response::OffsetCommit(Ok(())));
    desk.fire(ConsumerTimer::Work);
    assert_eq!(desk.processed(), [5, 6, 7]);
}

#[test]
fn it_may_commit_before() {
    let mut desk = Desk::stable(with(Assignor::Range, Commits::BeforeProcessing), &[0], 5);
    desk.records(0, 2);
    assert_eq!((desk.commit().1, desk.processed()), ([(tp(0), 7)].into(), vec![]));
    let mut desk = Desk::of(with(Assignor::Range, Commits::AfterProcessing));
    desk.bench = desk.bench.plant(Bug::CommitBeforeProcess);
    desk.find_coordinator();
    desk.join(1, &[], false);
    desk.assign(&[0]);
    desk.begin_at(5);
    desk.records(0, 2);
    assert_eq!((desk.commit().1, desk.processed()), ([(tp(0), 7)].into(), vec![]));
}

/// Tells it that the group rebalances.
fn rebalance(desk: &mut Desk) {
    desk.fire(ConsumerTimer::Heartbeat);
    let (correlation, _) = desk.asked_group(|request| matches!(request, groups::Request::Heartbeat(_)));
    desk.answer_group(correlation, groups::Response::Heartbeat(Err(Error::RebalanceInProgress)));
}

// The eager protocol: "all consumers give up their partitions before they rejoin".
#[test]
fn eager_gives_all_back_first() {
    let mut desk = Desk::stable(with(Assignor::Sticky, Commits::AfterProcessing), &[0, 1], 0);
    rebalance(&mut desk);
    assert_eq!(desk.owned(), []);
    let join = desk.join(2, &[], false);
    assert_eq!((join.subscription.owned.len(), join.subscription.previously), (0, [tp(0), tp(1)].into()));
}

// KIP-429: it goes on with what it has, gives back what it is not assigned, and joins again for that.
#[test]
fn cooperative_gives_back_what_it_is_not_assigned() {
    let mut desk = Desk::stable(with(Assignor::CooperativeSticky, Commits::AfterProcessing), &[0, 1], 0);
    rebalance(&mut desk);
    assert_eq!(desk.owned(), [tp(0), tp(1)]);
    assert_eq!(desk.join(2, &[], false).subscription.owned, [tp(0), tp(1)].into());
    desk.assign(&[0]);
    assert_eq!(desk.owned(), [tp(0)]);
    assert_eq!(desk.join(3, &[], false).subscription.owned, [tp(0)].into(), "it joins again");
}

// A rebalance waits for who is processing: partitions are given back between two polls.
#[test]
fn nothing_is_given_back_while_records_are_processed() {
    let mut desk = Desk::stable(with(Assignor::Range, Commits::AfterProcessing), &[0], 0);
    desk.records(0, 1);
    rebalance(&mut desk);
    assert_eq!(desk.owned(), [tp(0)]);
    desk.fire(ConsumerTimer::Work);
    let (correlation, positions) = desk.commit();
    assert_eq!(positions, [(tp(0), 1)].into(), "it commits what it gives back");
    desk.answer_group(correlation, groups::Response::OffsetCommit(Ok(())));
    assert_eq!(desk.owned(), []);
    desk.join(2, &[], false);
}

// `onPartitionsLost`: who is no member any more has nothing, and commits nothing.
#[test]
fn who_is_not_a_member_has_lost_all() {
    for error in [Error::UnknownMemberId, Error::IllegalGeneration] {
        let mut desk = Desk::stable(with(Assignor::CooperativeSticky, Commits::AfterProcessing), &[0], 0);
        desk.fire(ConsumerTimer::Heartbeat);
        let (correlation, _) = desk.asked_group(|request| matches!(request, groups::Request::Heartbeat(_)));
        desk.answer_group(correlation, groups::Response::Heartbeat(Err(error)));
        assert_eq!(desk.owned(), []);
        let join = desk.join(2, &[], false);
        assert_eq!(join.member, (error == Error::IllegalGeneration).then_some(ME));
    }
}

// KIP-62: a consumer that does not poll in time leaves, though its heartbeats go on.
#[test]
fn who_polls_too_late_leaves() {
    let mut desk = Desk::stable(with(Assignor::Range, Commits::AfterProcessing), &[0], 0);
    desk.records(0, 1);
    desk.bench.pass(Span::ms(401));
    desk.fire(ConsumerTimer::Heartbeat);
    assert!(desk.has_asked(|request| matches!(request, groups::Request::LeaveGroup(_))));
    desk.fire(ConsumerTimer::Work);
    assert_eq!((desk.owned(), desk.processed()), (vec![], vec![0]));
    assert!(
        !desk.has_asked(|request| matches!(request, groups::Request::OffsetCommit(..))),
        "it has lost its partition"
    );
}
