//! A coordinator with a clock, and short words for what is asked of it.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::log_broker::Bug;
use seedbed_models::communication::log_broker::groups::{
    AppendId, Assignment, Assignor, Caller, Coordinator, Effect, Error, GroupKey, GroupRecord, GroupSettings,
    GroupTimer, GroupValue, Identity, Join, Joined, Loaded, Position, Request, Response, State, Subscription, ToGroup,
    Turn,
};
use seedbed_models::communication::log_broker::names::{
    Generation, GroupId, InstanceId, MemberId, Offset, ProducerEpoch, ProducerId, Topic, TopicPartition,
};
use seedbed_models::communication::log_broker::numbers::{Correlation, LeaderEpoch};
use seedbed_sim::{NodeId, Span, Time};

pub const GROUP: GroupId = GroupId(7);
pub const DELAY: Span = Span::ms(30);
pub const SESSION: Span = Span::ms(100);
pub const REBALANCE: Span = Span::ms(300);

pub fn tp(partition: u16) -> TopicPartition {
    TopicPartition::new(Topic(0), partition)
}

pub fn at(offset: u64) -> Position {
    Position { offset: Offset(offset), leader_epoch: None }
}

/// A coordinator whose records are replicated at once, unless the test keeps them back.
pub struct Desk {
    pub coordinator: Coordinator,
    pub log: Vec<(Option<ProducerId>, GroupRecord)>,
    pub timers: BTreeMap<GroupTimer, Span>,
    pub held: Option<Vec<(AppendId, u64)>>,
    pub bug: Option<Bug>,
    asked: u64,
    answers: BTreeMap<u64, Response>,
}

impl Desk {
    pub fn new() -> Self {
        Desk::of(Coordinator::new(settings(), LeaderEpoch(3)))
    }

    pub fn of(coordinator: Coordinator) -> Self {
        Desk {
            coordinator,
            log: Vec::new(),
            timers: BTreeMap::new(),
            held: None,
            bug: None,
            asked: 0,
            answers: BTreeMap::new(),
        }
    }

    /// The coordinator after this one, which has what is in the log and the markers of these transactions.
    pub fn failover(&self, markers: &[(ProducerId, bool)]) -> Desk {
        let mut turn = Turn::at(Time::ms(5_000), None);
        let records =
            (0..).map(Offset).zip(&self.log).map(|(at, (producer, record))| Loaded::Record(at, *producer, record));
        let markers = markers.iter().map(|(producer, is_commit)| Loaded::Marker(*producer, *is_commit));
        let next = Coordinator::load(settings(), LeaderEpoch(4), &mut turn, records.chain(markers));
        let mut desk = Desk { log: self.log.clone(), asked: self.asked, ..Desk::of(next) };
        desk.apply(turn);
        desk
    }

    /// Asks, and says by which number the answer can be looked up.
    pub fn ask(&mut self, request: Request) -> u64 {
        self.asked += 1;
        let mut turn = Turn::at(Time::ms(self.asked), self.bug);
        let caller = Caller { node: NodeId(1), correlation: Correlation(self.asked) };
        self.coordinator.request(&mut turn, caller, ToGroup { group: GROUP, request });
        self.apply(turn);
        self.asked
    }

    /// Asks for something that is answered at once.
    pub fn call(&mut self, request: Request) -> Response {
        let asked = self.ask(request);
        self.answer(asked).expect("an answer at once")
    }

    pub fn answer(&mut self, asked: u64) -> Option<Response> {
        self.answers.remove(&asked)
    }

    pub fn fire(&mut self, timer: GroupTimer) {
        self.timers.remove(&timer).unwrap_or_else(|| panic!("{timer:?} is not armed, but {:?}", self.timers));
        let mut turn = Turn::at(Time::ms(self.asked), self.bug);
        self.coordinator.timer(&mut turn, timer);
        self.apply(turn);
    }

    pub fn replicated(&mut self, result: Result<(), Error>) {
        for (id, base) in self.held.take().unwrap_or_default() {
            let mut turn = Turn::at(Time::ms(self.asked), self.bug);
            self.coordinator.appended(&mut turn, id, result.map(|()| Offset(base)));
            self.apply(turn);
        }
    }

    pub fn end_transaction(&mut self, producer: ProducerId, is_commit: bool) {
        let mut turn = Turn::at(Time::ms(self.asked), self.bug);
        self.coordinator.transaction_ended(&mut turn, producer, is_commit);
        self.apply(turn);
    }

    pub fn resign(&mut self) {
        let mut turn = Turn::at(Time::ms(self.asked), self.bug);
        self.coordinator.resign(&mut turn);
        self.apply(turn);
    }

    fn apply(&mut self, turn: Turn) {
        for effect in turn.effects {
            match effect {
                Effect::Reply(caller, response) => {
                    let before = self.answers.insert(caller.correlation.0, response);
                    assert_eq!(before, None, "a request is answered once");
                }
                Effect::Arm(timer, after) => drop(self.timers.insert(timer, after)),
                Effect::Cancel(timer) => drop(self.timers.remove(&timer)),
                Effect::Mark(_) => {}
                Effect::Append(id, producer, records) => {
                    let base = self.log.len() as u64;
                    self.log.extend(records.into_iter().map(|record| (producer.map(|(id, _)| id), record)));
                    match &mut self.held {
                        Some(held) => held.push((id, base)),
                        None => {
                            let mut turn = Turn::at(Time::ms(self.asked), self.bug);
                            self.coordinator.appended(&mut turn, id, Ok(Offset(base)));
                            self.apply(turn);
                        }
                    }
                }
            }
        }
    }

    pub fn state(&self) -> State {
        self.coordinator.groups()[&GROUP].state
    }

    pub fn generation(&self) -> Generation {
        self.coordinator.groups()[&GROUP].generation
    }

    /// A process gets its name (KIP-394).
    pub fn name(&mut self) -> MemberId {
        match self.call(Request::JoinGroup(join(None))) {
            Response::JoinGroup(Err(Error::MemberIdRequired(member))) => member,
            response => panic!("a name: {response:?}"),
        }
    }

    pub fn joined(&mut self, asked: u64) -> Joined {
        match self.answer(asked) {
            Some(Response::JoinGroup(Ok(joined))) => joined,
            response => panic!("joined: {response:?}"),
        }
    }

    pub fn synced(&mut self, asked: u64) -> Vec<TopicPartition> {
        match self.answer(asked) {
            Some(Response::SyncGroup(Ok(has))) => has.into_iter().collect(),
            response => panic!("an assignment: {response:?}"),
        }
    }

    /// A group of so many dynamic members with a partition each, in its first generation.
    pub fn stable(members: u64) -> (Desk, Vec<MemberId>) {
        let mut desk = Desk::new();
        let names: Vec<MemberId> = (0..members).map(|_| desk.name()).collect();
        let asked: Vec<u64> = names.iter().map(|m| desk.ask(Request::JoinGroup(join(Some(*m))))).collect();
        desk.fire(GroupTimer::Join(GROUP));
        if desk.state() != State::CompletingRebalance {
            desk.fire(GroupTimer::Join(GROUP));
        }
        asked.into_iter().for_each(|asked| drop(desk.joined(asked)));
        desk.sync_all(&names);
        assert_eq!(desk.state(), State::Stable);
        (desk, names)
    }

    /// All members ask for their assignments: a partition each.
    pub fn sync_all(&mut self, names: &[MemberId]) {
        let generation = self.generation();
        let assignment = one_each(names);
        let leader = self.coordinator.groups()[&GROUP].leader;
        let mut asked = Vec::new();
        for name in names {
            let brings = if leader == Some(*name) { assignment.clone() } else { Assignment::new() };
            asked.push(self.ask(Request::SyncGroup(dynamic(*name, generation.0), brings)));
        }
        for (asked, name) in asked.into_iter().zip(names) {
            assert_eq!(self.synced(asked), assignment[name].iter().copied().collect::<Vec<_>>());
        }
    }
}

pub fn settings() -> GroupSettings {
    GroupSettings { initial_rebalance_delay: DELAY }
}

pub fn one_each(names: &[MemberId]) -> Assignment {
    names.iter().copied().zip((0..).map(|partition| BTreeSet::from([tp(partition)]))).collect()
}

pub fn join(member: Option<MemberId>) -> Join {
    Join {
        member,
        instance: None,
        session_timeout: SESSION,
        rebalance_timeout: REBALANCE,
        assignors: vec![Assignor::Range],
        subscription: Subscription::to([Topic(0)]),
    }
}

pub fn join_static(member: Option<MemberId>, instance: u16) -> Join {
    Join { instance: Some(InstanceId(instance)), ..join(member) }
}

pub fn dynamic(member: MemberId, generation: u32) -> Identity {
    Identity { member, instance: None, generation: Generation(generation) }
}

pub fn of_instance(member: MemberId, instance: u16, generation: u32) -> Identity {
    Identity { instance: Some(InstanceId(instance)), ..dynamic(member, generation) }
}

pub fn commit(identity: Identity, positions: &[(u16, u64)]) -> Request {
    Request::OffsetCommit(identity, positions.iter().map(|(p, offset)| (tp(*p), at(*offset))).collect())
}

pub fn commit_in(producer: u64, identity: Identity, positions: &[(u16, u64)]) -> Request {
    Request::TxnOffsetCommit {
        producer: (ProducerId(producer), ProducerEpoch(0)),
        identity,
        positions: positions.iter().map(|(p, offset)| (tp(*p), at(*offset))).collect(),
    }
}

pub fn fetch(require_stable: bool) -> Request {
    Request::OffsetFetch { partitions: [tp(0), tp(1)].into(), require_stable }
}

pub fn fetched(positions: &[(u16, u64)]) -> Response {
    Response::OffsetFetch(Ok(positions.iter().map(|(p, offset)| (tp(*p), at(*offset))).collect()))
}

/// The last record about members.
pub fn last_members(desk: &Desk) -> (Generation, usize) {
    let record = desk.log.iter().rev().find(|(_, record)| record.key == GroupKey::Members(GROUP));
    match record.and_then(|(_, record)| record.value.as_ref()) {
        Some(GroupValue::Members(value)) => (value.generation, value.members.len()),
        value => panic!("members: {value:?}"),
    }
}
