//! A queue: the lists and sorted sets in which its tasks are, one for each state (Asynq, `internal/base`, the keys).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedbed_sim::Time;

use crate::communication::task_queue::task::{GroupName, LeaseId, State, TaskId};

/// A sorted set of tasks, by a time.
pub type SortedSet = BTreeSet<(Time, TaskId)>;

/// A lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Which.
    pub id: LeaseId,
    /// When it ends.
    pub expires: Time,
}

/// A queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Queue {
    /// Whether it is paused.
    pub paused: bool,
    /// Tasks that can be processed, in their order.
    pub pending: VecDeque<TaskId>,
    /// Tasks that somebody has.
    pub active: BTreeSet<TaskId>,
    /// Their leases.
    pub leases: BTreeMap<TaskId, Lease>,
    /// Tasks whose time has not come.
    pub scheduled: SortedSet,
    /// Tasks that have failed.
    pub retry: SortedSet,
    /// Tasks that have failed for good, by when.
    pub archived: SortedSet,
    /// Tasks that were processed, by when they are to be deleted.
    pub completed: SortedSet,
    /// Tasks that wait to be aggregated, by when they came.
    pub groups: BTreeMap<GroupName, SortedSet>,
    /// The groups that aggregators are told of.
    pub listed: BTreeSet<GroupName>,
}

impl Queue {
    /// The sorted set of a state, if it has one.
    pub fn sorted(&mut self, state: State) -> Option<&mut SortedSet> {
        match state {
            State::Scheduled => Some(&mut self.scheduled),
            State::Retry => Some(&mut self.retry),
            State::Archived => Some(&mut self.archived),
            State::Completed => Some(&mut self.completed),
            State::Pending | State::Active | State::Aggregating => None,
        }
    }

    /// Adds a task to its group.
    pub fn join(&mut self, group: GroupName, at: Time, id: TaskId) {
        self.groups.entry(group).or_default().insert((at, id));
        self.listed.insert(group);
    }

    /// Takes a task out of its group; false if it is not there.
    pub fn leave(&mut self, group: GroupName, id: TaskId) -> bool {
        let Some(members) = self.groups.get_mut(&group) else { return false };
        let left = remove(members, id);
        if members.is_empty() {
            self.groups.remove(&group);
            self.listed.remove(&group);
        }
        left
    }

    /// Whether it has a task that can be dequeued.
    pub fn is_backlogged(&self) -> bool {
        !self.paused && !self.pending.is_empty()
    }
}

/// Removes a task from a sorted set (`ZREM`); false if it is not there.
pub fn remove(set: &mut SortedSet, id: TaskId) -> bool {
    let before = set.len();
    set.retain(|(_, other)| *other != id);
    set.len() < before
}
