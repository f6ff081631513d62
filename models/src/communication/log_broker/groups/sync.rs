//! The second half of a rebalance: the leader brings the assignment, and every member gets its own (`doSyncGroup`); and what tells
//! whether members live (`doHeartbeat`, `doLeaveGroup`, `onExpireHeartbeat`).

use crate::communication::log_broker::groups::assignors::Assignment;
use crate::communication::log_broker::groups::coordinator::{Caller, Coordinator, Did, GroupTimer, Turn, Waits};
use crate::communication::log_broker::groups::group::State;
use crate::communication::log_broker::groups::marks;
use crate::communication::log_broker::groups::protocol::{Error, Identity, Response};
use crate::communication::log_broker::names::{Generation, GroupId, MemberId};

impl Coordinator {
    /// A member asks for its assignment.
    pub(super) fn sync(&mut self, turn: &mut Turn, caller: Caller, id: GroupId, of: Identity, brings: Assignment) {
        let member = match self.in_generation(turn, id, &of) {
            Ok(member) => member,
            Err(error) => return turn.reply(caller, Response::SyncGroup(Err(error))),
        };
        let group = self.groups.get_mut(&id).expect("the group of a member is there");
        match group.state {
            State::Empty => panic!("an empty group has no members"),
            State::PreparingRebalance(_) => {
                turn.reply(caller, Response::SyncGroup(Err(Error::RebalanceInProgress)));
            }
            State::CompletingRebalance => {
                group.to_sync.remove(&member);
                group.members.get_mut(&member).expect("who asks is a member").syncing = Some(caller);
                // Nothing is expected of who waits for the leader.
                turn.cancel(GroupTimer::Session(id, member));
                if group.leader == Some(member) {
                    let generation = group.generation;
                    self.append_members(turn, id, &brings, Waits::Assignment(id, generation, brings.clone()));
                }
            }
            State::Stable => {
                group.to_sync.remove(&member);
                if group.to_sync.is_empty() {
                    turn.cancel(GroupTimer::Sync(id));
                }
                let member_of = &group.members[&member];
                turn.arm(GroupTimer::Session(id, member), member_of.session_timeout);
                turn.reply(caller, Response::SyncGroup(Ok(member_of.assignment.clone())));
            }
        }
    }

    /// The assignment of a generation is in the log: it holds, if the group has not gone on (`setAndPropagateAssignment`).
    pub(super) fn assignment_written(
        &mut self,
        turn: &mut Turn,
        id: GroupId,
        generation: Generation,
        assignment: Assignment,
        result: Result<(), Error>,
    ) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        if group.state != State::CompletingRebalance || group.generation != generation {
            return;
        }
        if result.is_err() {
            return self.prepare_rebalance(turn, id);
        }
        group.state = State::Stable;
        for (name, member) in &mut group.members {
            member.assignment = assignment.get(name).cloned().unwrap_or_default();
            let Some(caller) = member.syncing.take() else { continue };
            turn.arm(GroupTimer::Session(id, *name), member.session_timeout);
            turn.reply(caller, Response::SyncGroup(Ok(member.assignment.clone())));
        }
        if group.to_sync.is_empty() {
            turn.cancel(GroupTimer::Sync(id));
        }
        let assigned = group.assignment();
        self.record(Did::Assigned(id, generation, assigned));
    }

    /// Some have not asked for their assignments in time: they are gone, and a rebalance begins (`onExpirePendingSync`).
    pub(super) fn sync_expired(&mut self, turn: &mut Turn, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let late: Vec<MemberId> = std::mem::take(&mut group.to_sync).into_iter().collect();
        match group.state {
            State::Empty | State::PreparingRebalance(_) => return,
            State::CompletingRebalance | State::Stable => {}
        }
        for member in late {
            turn.mark(marks::MEMBER_TOO_LATE_TO_SYNC);
            self.remove(turn, id, member);
        }
    }

    /// A member lives. It is told whether its generation goes on.
    pub(super) fn heartbeat(&mut self, turn: &mut Turn, id: GroupId, of: &Identity) -> Result<(), Error> {
        let member = self.in_generation(turn, id, of)?;
        let group = &self.groups[&id];
        turn.arm(GroupTimer::Session(id, member), group.members[&member].session_timeout);
        match group.state {
            State::Empty => panic!("an empty group has no members"),
            State::PreparingRebalance(_) => Err(Error::RebalanceInProgress),
            // Who has joined and sends a heartbeat before it asks for its assignment is right to do so.
            State::CompletingRebalance | State::Stable => Ok(()),
        }
    }

    /// A member leaves, or one that has just got its name.
    pub(super) fn leave(&mut self, turn: &mut Turn, id: GroupId, of: &Identity) -> Result<(), Error> {
        let named = self.groups.get_mut(&id).is_some_and(|group| group.named.remove(&of.member));
        if named {
            turn.cancel(GroupTimer::Session(id, of.member));
            self.maybe_complete_join(turn, id);
            return Ok(());
        }
        let member = self.current(turn, id, of)?;
        turn.mark(marks::MEMBER_LEFT);
        self.remove(turn, id, member);
        Ok(())
    }

    /// Nothing was heard of a member for too long.
    pub(super) fn session_expired(&mut self, turn: &mut Turn, id: GroupId, member: MemberId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        if group.named.remove(&member) {
            return self.maybe_complete_join(turn, id);
        }
        let Some(known) = group.members.get(&member) else { return };
        // Who waits for an answer cannot send heartbeats; only who was never in a generation may wait in vain.
        if (known.joining.is_some() || known.syncing.is_some()) && !known.is_new {
            return;
        }
        turn.mark(marks::MEMBER_EXPIRED);
        self.remove(turn, id, member);
    }

    /// A member is gone: what it had is divided among the others (`removeMemberAndUpdateGroup`).
    fn remove(&mut self, turn: &mut Turn, id: GroupId, member: MemberId) {
        turn.cancel(GroupTimer::Session(id, member));
        let Some(group) = self.groups.get_mut(&id) else { return };
        let Some(gone) = group.remove(member) else { return };
        gone.joining.inspect(|caller| turn.reply(*caller, Response::JoinGroup(Err(Error::UnknownMemberId))));
        gone.syncing.inspect(|caller| turn.reply(*caller, Response::SyncGroup(Err(Error::UnknownMemberId))));
        self.record(Did::Removed(id, member));
        let group = &self.groups[&id];
        match group.state {
            State::Empty => {}
            State::PreparingRebalance(_) => self.maybe_complete_join(turn, id),
            State::CompletingRebalance | State::Stable => self.prepare_rebalance(turn, id),
        }
    }
}
