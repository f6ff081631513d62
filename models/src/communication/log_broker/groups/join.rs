//! The first half of a rebalance: members join, until all have, or until they have had the time (`doUnknownJoinGroup`,
//! `doCurrentMemberJoinGroup`, `prepareRebalance`, `onCompleteJoin`).

use seedbed_sim::Span;

use crate::communication::log_broker::groups::coordinator::{Caller, Coordinator, Did, GroupTimer, Turn, Waits};
use crate::communication::log_broker::groups::group::{Group, GroupMember, State, Waiting};
use crate::communication::log_broker::groups::marks;
use crate::communication::log_broker::groups::protocol::{Error, Identity, Join, Joined, Response};
use crate::communication::log_broker::names::{GroupId, InstanceId, MemberId};

/// For how long a member that has just come may wait for the rebalance to end: nothing else tells whether it still lives, for it sends
/// no heartbeats before it is in a generation (`NewMemberJoinTimeoutMs`).
const NEW_MEMBER_JOIN_TIMEOUT: Span = Span::secs(300);

impl Coordinator {
    /// A process joins.
    pub(super) fn join(&mut self, turn: &mut Turn, caller: Caller, id: GroupId, join: Join) {
        let group = self.groups.entry(id).or_default();
        if !join.assignors.is_empty() && (group.members.is_empty() || group.supports_one_of(&join.assignors)) {
            return match join.member {
                None => self.join_unknown(turn, caller, id, join),
                Some(member) => self.join_known(turn, caller, id, member, join),
            };
        }
        turn.reply(caller, Response::JoinGroup(Err(Error::InconsistentGroupProtocol)));
    }

    /// A process without a name: a static member that comes back, or somebody new.
    fn join_unknown(&mut self, turn: &mut Turn, caller: Caller, id: GroupId, join: Join) {
        let new = self.new_member_id();
        let group = self.groups.get_mut(&id).expect("a group that is joined is there");
        let Some(instance) = join.instance else {
            // KIP-394: whoever asks again because an answer was late would leave a member behind that nobody is.
            group.named.insert(new);
            turn.arm(GroupTimer::Session(id, new), join.session_timeout);
            return turn.reply(caller, Response::JoinGroup(Err(Error::MemberIdRequired(new))));
        };
        match group.statics.get(&instance).copied() {
            Some(old) => self.join_as_before(turn, caller, id, (instance, old, new), join),
            None => self.add_and_rebalance(turn, caller, id, new, &join),
        }
    }

    /// A static member comes back (`updateStaticMemberAndRebalance`, KIP-345): if it wants what it wanted, nobody else is disturbed.
    fn join_as_before(
        &mut self,
        turn: &mut Turn,
        caller: Caller,
        id: GroupId,
        (instance, old, new): (InstanceId, MemberId, MemberId),
        join: Join,
    ) {
        let group = self.groups.get_mut(&id).expect("a group that is joined is there");
        let (joining, syncing) = group.replace(instance, old, new);
        joining.inspect(|caller| turn.reply(*caller, Response::JoinGroup(Err(Error::FencedInstanceId))));
        syncing.inspect(|caller| turn.reply(*caller, Response::SyncGroup(Err(Error::FencedInstanceId))));
        turn.cancel(GroupTimer::Session(id, old));
        let member = group.members.get_mut(&new).expect("who was replaced is there under its new name");
        let wants_the_same =
            member.assignors == join.assignors && member.subscription.topics == join.subscription.topics;
        member.update(&join, caller);
        self.record(Did::Replaced(id, old, new));
        let group = self.groups.get_mut(&id).expect("a group that is joined is there");
        match group.state {
            State::Stable if wants_the_same => {
                turn.mark(marks::STATIC_MEMBER_CAME_BACK);
                let member = group.members.get_mut(&new).expect("who was replaced is there under its new name");
                member.joining = None;
                turn.arm(GroupTimer::Session(id, new), join.session_timeout);
                // KIP-814: a leader that has come back knows the members, and is asked to leave the assignment as it is.
                let joined = Joined { skip_assignment: group.leader == Some(new), ..joined(group, new) };
                let assignment = group.assignment();
                self.append_members(turn, id, &assignment, Waits::Rejoined(caller, joined));
            }
            State::Stable | State::CompletingRebalance => self.prepare_rebalance(turn, id),
            State::PreparingRebalance(_) => self.maybe_complete_join(turn, id),
            State::Empty => panic!("a group with a static member is not empty"),
        }
    }

    /// A process with a name: a new member in its second attempt, or one that joins again.
    fn join_known(&mut self, turn: &mut Turn, caller: Caller, id: GroupId, member: MemberId, join: Join) {
        let group = self.groups.get_mut(&id).expect("a group that is joined is there");
        if group.named.remove(&member) {
            return self.add_and_rebalance(turn, caller, id, member, &join);
        }
        let identity = Identity { member, instance: join.instance, generation: group.generation };
        let member = match self.current(turn, id, &identity) {
            Ok(member) => member,
            Err(error) => return turn.reply(caller, Response::JoinGroup(Err(error))),
        };
        let group = self.groups.get_mut(&id).expect("a group that is joined is there");
        let matches = group.members[&member].matches(&join);
        match group.state {
            // It has missed the answer, for it joins as it did: it is told again.
            State::CompletingRebalance if matches => {
                turn.mark(marks::JOINED_AGAIN_IN_THE_SAME_GENERATION);
                turn.reply(caller, Response::JoinGroup(Ok(joined(group, member))));
            }
            // The leader joins again to have things divided anew, when topics have changed.
            State::Stable if matches && group.leader != Some(member) => {
                turn.mark(marks::JOINED_AGAIN_IN_THE_SAME_GENERATION);
                turn.reply(caller, Response::JoinGroup(Ok(joined(group, member))));
            }
            State::PreparingRebalance(_) => {
                self.update(turn, caller, id, member, &join);
                self.maybe_complete_join(turn, id);
            }
            State::CompletingRebalance | State::Stable => {
                self.update(turn, caller, id, member, &join);
                self.prepare_rebalance(turn, id);
            }
            State::Empty => panic!("an empty group has no members"),
        }
    }

    fn update(&mut self, turn: &mut Turn, caller: Caller, id: GroupId, member: MemberId, join: &Join) {
        // While it waits, nothing is expected of it.
        turn.cancel(GroupTimer::Session(id, member));
        let group = self.groups.get_mut(&id).expect("a group that is joined is there");
        group.members.get_mut(&member).expect("who joins again is a member").update(join, caller);
    }

    fn add_and_rebalance(&mut self, turn: &mut Turn, caller: Caller, id: GroupId, member: MemberId, join: &Join) {
        let group = self.groups.get_mut(&id).expect("a group that is joined is there");
        group.add(member, GroupMember::joining(join, caller));
        turn.arm(GroupTimer::Session(id, member), NEW_MEMBER_JOIN_TIMEOUT);
        match &mut group.state {
            State::PreparingRebalance(waiting) => {
                if let Waiting::ForMore { came, .. } = waiting {
                    *came = true;
                }
                self.maybe_complete_join(turn, id);
            }
            State::Empty | State::CompletingRebalance | State::Stable => self.prepare_rebalance(turn, id),
        }
    }

    /// A rebalance begins (`prepareRebalance`). Members learn of it by their next heartbeat.
    pub(super) fn prepare_rebalance(&mut self, turn: &mut Turn, id: GroupId) {
        let delay = self.settings.initial_rebalance_delay;
        let group = self.groups.get_mut(&id).expect("a group that rebalances is there");
        if group.state == State::CompletingRebalance {
            for member in group.members.values_mut() {
                member.assignment.clear();
                member.syncing.take().inspect(|c| turn.reply(*c, Response::SyncGroup(Err(Error::RebalanceInProgress))));
            }
        }
        group.to_sync.clear();
        turn.cancel(GroupTimer::Sync(id));
        let timeout = group.rebalance_timeout();
        // KIP-134: the first members of an empty group wait for others, so that not each of them begins a generation.
        if group.state == State::Empty {
            turn.mark(marks::GROUP_BEGAN_EMPTY);
            let remaining = Span(timeout.0.saturating_sub(delay.0));
            group.state = State::PreparingRebalance(Waiting::ForMore { came: false, remaining });
            return turn.arm(GroupTimer::Join(id), delay);
        }
        group.state = State::PreparingRebalance(Waiting::ForAll);
        turn.arm(GroupTimer::Join(id), timeout);
        self.maybe_complete_join(turn, id);
    }

    /// The rebalance goes on, if all have joined.
    pub(super) fn maybe_complete_join(&mut self, turn: &mut Turn, id: GroupId) {
        let Some(group) = self.groups.get(&id) else { return };
        if group.state == State::PreparingRebalance(Waiting::ForAll) && group.have_all_joined() {
            self.complete_join(turn, id);
        }
    }

    /// The time to join is over.
    pub(super) fn join_expired(&mut self, turn: &mut Turn, id: GroupId) {
        let delay = self.settings.initial_rebalance_delay;
        let Some(group) = self.groups.get_mut(&id) else { return };
        match &mut group.state {
            State::PreparingRebalance(Waiting::ForMore { came, remaining }) if *came && *remaining > Span::ZERO => {
                turn.mark(marks::INITIAL_DELAY_EXTENDED);
                let again = delay.min(*remaining);
                *remaining = Span(remaining.0.saturating_sub(again.0));
                *came = false;
                turn.arm(GroupTimer::Join(id), again);
            }
            State::PreparingRebalance(_) => self.complete_join(turn, id),
            State::Empty | State::CompletingRebalance | State::Stable => {}
        }
    }

    /// Who has joined is in the next generation (`onCompleteJoin`). Dynamic members that have not are gone; static ones are kept until
    /// their sessions expire (KIP-345).
    fn complete_join(&mut self, turn: &mut Turn, id: GroupId) {
        let group = self.groups.get_mut(&id).expect("a group that rebalances is there");
        let late = |(id, member): (&MemberId, &GroupMember)| {
            (member.joining.is_none() && member.instance.is_none()).then_some(*id)
        };
        let late: Vec<MemberId> = group.members.iter().filter_map(late).collect();
        for member in late {
            turn.mark(marks::MEMBER_TOO_LATE_TO_JOIN);
            turn.cancel(GroupTimer::Session(id, member));
            self.groups.get_mut(&id).and_then(|group| group.remove(member));
            self.record(Did::Removed(id, member));
        }
        let group = self.groups.get_mut(&id).expect("a group that rebalances is there");
        let joined_leader = |leader: &MemberId| group.members.get(leader).is_some_and(|m| m.joining.is_some());
        if !group.leader.as_ref().is_some_and(joined_leader) {
            match group.members.iter().find(|(_, member)| member.joining.is_some()) {
                Some((leader, _)) => {
                    turn.mark(marks::LEADER_REPLACED);
                    group.leader = Some(*leader);
                }
                // Static members that were all away: they have more time.
                None if !group.members.is_empty() => {
                    let timeout = group.rebalance_timeout();
                    return turn.arm(GroupTimer::Join(id), timeout);
                }
                None => group.leader = None,
            }
        }
        turn.cancel(GroupTimer::Join(id));
        self.begin_generation(turn, id);
    }

    /// The next generation begins (`initNextGeneration`).
    fn begin_generation(&mut self, turn: &mut Turn, id: GroupId) {
        let group = self.groups.get_mut(&id).expect("a group that rebalances is there");
        group.generation = group.generation.next();
        if group.members.is_empty() {
            (group.state, group.assignor) = (State::Empty, None);
            return self.append_members(turn, id, &[].into(), Waits::Nothing);
        }
        (group.state, group.assignor) = (State::CompletingRebalance, Some(group.preferred_assignor()));
        group.to_sync = group.members.keys().copied().collect();
        let answers: Vec<(MemberId, Joined)> =
            group.members.keys().map(|member| (*member, joined(group, *member))).collect();
        for (name, joined) in answers {
            let member = group.members.get_mut(&name).expect("who is answered is a member");
            member.is_new = false;
            member.assignment.clear();
            turn.arm(GroupTimer::Session(id, name), member.session_timeout);
            member.joining.take().inspect(|caller| turn.reply(*caller, Response::JoinGroup(Ok(joined))));
        }
        turn.arm(GroupTimer::Sync(id), group.rebalance_timeout());
    }
}

/// What a member of the generation is told.
fn joined(group: &Group, member: MemberId) -> Joined {
    let leader = group.leader.expect("a group with members has a leader");
    Joined {
        generation: group.generation,
        assignor: group.assignor.expect("a generation has an assignor"),
        leader,
        member,
        members: if leader == member { group.for_the_leader() } else { Vec::new() },
        skip_assignment: false,
    }
}
