//! The coordinator of the groups of one partition of `__consumer_offsets`, whose leader it is (`GroupCoordinator`). Requests and times go
//! in; answers, records to append and timers come out. What it says of offsets and assignments waits until the records are replicated.
//!
//! [`join`](super::join) has the first half of a rebalance, [`sync`](super::sync) the second, and what ends members;
//! [`commit`](super::commit) positions; [`load`](super::load) what another coordinator has left.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Kinded, Mark, NodeId, Span, Time};

use crate::communication::log_broker::bugs::Bug;
use crate::communication::log_broker::groups::assignors::Assignment;
use crate::communication::log_broker::groups::group::Group;
use crate::communication::log_broker::groups::marks;
use crate::communication::log_broker::groups::offsets::Position;
use crate::communication::log_broker::groups::protocol::{Error, Identity, Joined, Request, Response, ToGroup};
use crate::communication::log_broker::groups::records::{GroupKey, GroupRecord, GroupValue};
use crate::communication::log_broker::names::{
    Generation, GroupId, MemberId, Offset, ProducerEpoch, ProducerId, TopicPartition,
};
use crate::communication::log_broker::numbers::{Correlation, LeaderEpoch};

/// How coordinators are set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupSettings {
    /// How long the first rebalance of an empty group waits for more members (`group.initial.rebalance.delay.ms`).
    pub initial_rebalance_delay: Span,
}

/// Who asks, and by which request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller {
    /// The node.
    pub node: NodeId,
    /// The request.
    pub correlation: Correlation,
}

/// A timer of the coordinator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Kinded)]
pub enum GroupTimer {
    /// Nothing was heard of a member for its session timeout; or of one that was given a name.
    Session(GroupId, MemberId),
    /// A rebalance has waited long enough for members to join.
    Join(GroupId),
    /// It has waited long enough for them to ask for their assignments.
    Sync(GroupId),
}

/// Something to append. The number comes back when it is replicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(pub u64);

/// What the coordinator wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Answer a request.
    Reply(Caller, Response),
    /// Append records to the partition, in the transaction of a producer if there is one.
    Append(AppendId, Option<(ProducerId, ProducerEpoch)>, Vec<GroupRecord>),
    /// Arm a timer.
    Arm(GroupTimer, Span),
    /// Disarm it.
    Cancel(GroupTimer),
    /// A state worth reaching was reached.
    Mark(Mark),
}

/// What a coordinator has done, in order, for properties.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Did {
    /// A generation has its assignment.
    Assigned(GroupId, Generation, Assignment),
    /// A static member is now known under another name.
    Replaced(GroupId, MemberId, MemberId),
    /// A member is not in the group any more.
    Removed(GroupId, MemberId),
    /// A commit of a member was accepted: it will be in the log.
    Accepted(GroupId, Identity, BTreeMap<TopicPartition, Position>),
    /// A position is committed.
    Committed(GroupId, TopicPartition, Position),
}

/// What has to happen when records are replicated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Waits {
    /// The generation gets its assignment.
    Assignment(GroupId, Generation, Assignment),
    /// A static member that has come back is answered.
    Rejoined(Caller, Joined),
    /// Positions are committed, and somebody is told.
    Commit(GroupId, Caller, BTreeMap<TopicPartition, Position>, Time),
    /// The same, if a transaction is.
    TxnCommit(GroupId, Caller, ProducerId, BTreeMap<TopicPartition, Position>, Time),
    /// Nothing.
    Nothing,
}

/// A coordinator. All of it is volatile: what has to last is in the partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Coordinator {
    pub(super) settings: GroupSettings,
    /// The leader epoch in which it coordinates.
    pub(super) epoch: LeaderEpoch,
    pub(super) groups: BTreeMap<GroupId, Group>,
    pub(super) waits: BTreeMap<AppendId, Waits>,
    next_append: u64,
    next_member: u64,
    did: Vec<Did>,
}

/// What a call of the coordinator knows besides: the time, and which bug is planted. Its effects are gathered here.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The broker's clock.
    pub now: Time,
    /// The planted bug.
    pub bug: Option<Bug>,
    /// What is to be done.
    pub effects: Vec<Effect>,
}

impl Turn {
    /// A call at this time.
    pub fn at(now: Time, bug: Option<Bug>) -> Self {
        Turn { now, bug, effects: Vec::new() }
    }

    pub(super) fn reply(&mut self, caller: Caller, response: Response) {
        self.effects.push(Effect::Reply(caller, response));
    }

    pub(super) fn arm(&mut self, timer: GroupTimer, after: Span) {
        self.effects.push(Effect::Arm(timer, after));
    }

    pub(super) fn cancel(&mut self, timer: GroupTimer) {
        self.effects.push(Effect::Cancel(timer));
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.effects.push(Effect::Mark(mark));
    }

    pub(super) fn planted(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

impl Coordinator {
    /// A coordinator without groups, in this leader epoch.
    pub fn new(settings: GroupSettings, epoch: LeaderEpoch) -> Self {
        Coordinator {
            settings,
            epoch,
            groups: BTreeMap::new(),
            waits: BTreeMap::new(),
            next_append: 0,
            next_member: 0,
            did: Vec::new(),
        }
    }

    /// The groups.
    pub fn groups(&self) -> &BTreeMap<GroupId, Group> {
        &self.groups
    }

    /// The leader epoch in which it coordinates.
    pub fn epoch(&self) -> LeaderEpoch {
        self.epoch
    }

    /// What it has done, in order.
    pub fn did(&self) -> &[Did] {
        &self.did
    }

    /// A request has come.
    pub fn request(&mut self, turn: &mut Turn, caller: Caller, ToGroup { group, request }: ToGroup) {
        match request {
            Request::JoinGroup(join) => self.join(turn, caller, group, join),
            Request::SyncGroup(identity, assignment) => self.sync(turn, caller, group, identity, assignment),
            Request::Heartbeat(identity) => {
                let result = self.heartbeat(turn, group, &identity);
                turn.reply(caller, Response::Heartbeat(result));
            }
            Request::LeaveGroup(identity) => {
                let result = self.leave(turn, group, &identity);
                turn.reply(caller, Response::LeaveGroup(result));
            }
            Request::OffsetCommit(identity, positions) => self.commit(turn, caller, group, identity, positions),
            Request::TxnOffsetCommit { producer, identity, positions } => {
                self.commit_in_transaction(turn, caller, group, producer, identity, positions);
            }
            Request::OffsetFetch { partitions, require_stable } => {
                let result = self.positions(turn, group, &partitions, require_stable);
                turn.reply(caller, Response::OffsetFetch(result));
            }
        }
    }

    /// A timer is due.
    pub fn timer(&mut self, turn: &mut Turn, timer: GroupTimer) {
        match timer {
            GroupTimer::Session(group, member) => self.session_expired(turn, group, member),
            GroupTimer::Join(group) => self.join_expired(turn, group),
            GroupTimer::Sync(group) => self.sync_expired(turn, group),
        }
    }

    /// Records are replicated from this offset on; or they are not, and never may be.
    pub fn appended(&mut self, turn: &mut Turn, id: AppendId, result: Result<Offset, Error>) {
        let Some(waits) = self.waits.remove(&id) else { return };
        match waits {
            Waits::Assignment(group, generation, assignment) => {
                self.assignment_written(turn, group, generation, assignment, result.map(|_| ()));
            }
            Waits::Rejoined(caller, joined) => turn.reply(caller, Response::JoinGroup(result.map(|_| joined))),
            Waits::Commit(group, caller, positions, time) => {
                if let Ok(base) = result {
                    self.committed(group, base, &positions, time);
                }
                turn.reply(caller, Response::OffsetCommit(result.map(|_| ())));
            }
            Waits::TxnCommit(group, caller, producer, positions, time) => {
                self.written_in_transaction(group, producer, result.ok(), &positions, time);
                turn.reply(caller, Response::TxnOffsetCommit(result.map(|_| ())));
            }
            Waits::Nothing => {}
        }
    }

    /// The partition has another leader: whoever waits is told so.
    pub fn resign(&mut self, turn: &mut Turn) {
        for group in self.groups.values_mut() {
            for member in group.members.values_mut() {
                let not_coordinator = Error::NotCoordinator;
                member.joining.take().inspect(|c| turn.reply(*c, Response::JoinGroup(Err(not_coordinator))));
                member.syncing.take().inspect(|c| turn.reply(*c, Response::SyncGroup(Err(not_coordinator))));
            }
        }
        let waiting: Vec<AppendId> = self.waits.keys().copied().collect();
        for id in waiting {
            // Assignments need no answer of their own: whoever waits for one was told already.
            if !matches!(self.waits.get(&id), Some(Waits::Assignment(..))) {
                self.appended(turn, id, Err(Error::NotCoordinator));
            }
        }
        self.waits.clear();
        let timers: BTreeSet<GroupTimer> = self.groups.iter().flat_map(|(id, group)| timers(*id, group)).collect();
        timers.into_iter().for_each(|timer| turn.cancel(timer));
    }

    pub(super) fn record(&mut self, did: Did) {
        self.did.push(did);
    }

    /// A name that no member of any coordinator has had: the epoch is of this one, and counts on with the next.
    pub(super) fn new_member_id(&mut self) -> MemberId {
        self.next_member += 1;
        MemberId((u64::from(self.epoch.0) << 32) | self.next_member)
    }

    pub(super) fn append(
        &mut self,
        turn: &mut Turn,
        producer: Option<(ProducerId, ProducerEpoch)>,
        records: Vec<GroupRecord>,
        waits: Waits,
    ) {
        assert!(!records.is_empty(), "a coordinator appends records, and not none");
        self.next_append += 1;
        let id = AppendId(self.next_append);
        self.waits.insert(id, waits);
        turn.effects.push(Effect::Append(id, producer, records));
    }

    /// Appends what has to be remembered of a generation.
    pub(super) fn append_members(&mut self, turn: &mut Turn, id: GroupId, assignment: &Assignment, waits: Waits) {
        let Some(group) = self.groups.get(&id) else { return };
        let value = Some(GroupValue::Members(group.value(assignment)));
        self.append(turn, None, vec![GroupRecord { key: GroupKey::Members(id), value }], waits);
    }

    /// Whether a member is who it says, as the group has it now (`validateCurrentMember`).
    pub(super) fn current(&mut self, turn: &mut Turn, id: GroupId, identity: &Identity) -> Result<MemberId, Error> {
        let group = self.groups.get(&id).ok_or(Error::UnknownMemberId)?;
        match (identity.instance, group.holder(identity)) {
            // KIP-345: "we fence members with an outdated member.id".
            (Some(_), Some(holder)) if holder != identity.member => {
                if turn.planted(Bug::StaticMemberNotFenced) {
                    return Ok(holder);
                }
                turn.mark(marks::MEMBER_FENCED);
                Err(Error::FencedInstanceId)
            }
            (Some(_), None) => Err(Error::UnknownMemberId),
            _ if !group.members.contains_key(&identity.member) => Err(Error::UnknownMemberId),
            _ => Ok(identity.member),
        }
    }

    /// The same, and that it is in the group's generation.
    pub(super) fn in_generation(&mut self, turn: &mut Turn, id: GroupId, of: &Identity) -> Result<MemberId, Error> {
        let member = self.current(turn, id, of)?;
        if self.groups[&id].generation == of.generation { Ok(member) } else { Err(Error::IllegalGeneration) }
    }
}

/// The timers that a group may have.
fn timers(id: GroupId, group: &Group) -> Vec<GroupTimer> {
    let members = group.members.keys().chain(&group.named);
    let sessions = members.map(|member| GroupTimer::Session(id, *member));
    sessions.chain([GroupTimer::Join(id), GroupTimer::Sync(id)]).collect()
}
