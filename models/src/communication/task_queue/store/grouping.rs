//! Groups: `aggregationCheck`, `readAggregationSet`, `deleteAggregationSet`, `reclaimStaleAggregationSets`, and the script that Asynq
//! does not have, by which an aggregated task replaces its members.

use seedbed_sim::{Span, Time};

use super::{AggregationSet, Execution};
use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::Reply;
use crate::communication::task_queue::settings::Grouping;
use crate::communication::task_queue::store::journal::{Event, Gone};
use crate::communication::task_queue::task::{GroupName, QueueName, SetId, Task, TaskId};

impl Execution<'_> {
    pub(super) fn list_groups(&self) -> Reply {
        let queues = self.store.queues.iter();
        let groups = queues.flat_map(|(name, queue)| queue.listed.iter().map(|group| (*name, *group)));
        Reply::Groups(groups.collect())
    }

    /// The oldest members of a group become an aggregation set, if there are enough of them, or the first has waited for long
    /// enough, or none has come for long enough.
    pub(super) fn aggregation_check(&mut self, name: QueueName, group: GroupName, grouping: Grouping) -> Reply {
        let Some(members) = self.store.queues.get(&name).and_then(|queue| queue.groups.get(&group)) else {
            self.store.queue(name).listed.remove(&group);
            return Reply::AggregationSet(None);
        };
        let (size, now) = (members.len(), self.now);
        let (Some(&(first, _)), Some(&(last, _))) = (members.first(), members.last()) else {
            panic!("a group has members: {group:?} of {name:?} has none")
        };
        let is_full = grouping.max_size > 0 && size >= grouping.max_size;
        let is_late = grouping.max_delay > Span::ZERO && first + grouping.max_delay <= now;
        let is_quiet = last + grouping.grace_period <= now;
        if !(is_full || is_late || is_quiet || self.planted(Bug::GathersTooSoon)) {
            return Reply::AggregationSet(None);
        }
        let most = if grouping.max_size == 0 { size } else { grouping.max_size };
        let taken: Vec<(Time, TaskId)> = members.iter().take(most).copied().collect();
        for (_, id) in &taken {
            self.store.queue(name).leave(group, *id);
        }
        self.store.last_set += 1;
        let (set, deadline) = (SetId(self.store.last_set), now + self.store.settings.aggregation_timeout);
        let members = taken.iter().copied().collect();
        self.store.sets.insert(set, AggregationSet { queue: name, group, members, deadline });
        let (members, of) = (taken, (size, last));
        self.note(Event::Gathered { set, queue: name, group, grouping, members, of, deadline });
        Reply::AggregationSet(Some(set))
    }

    pub(super) fn read_aggregation_set(&self, set: SetId) -> Reply {
        let Some(set) = self.store.sets.get(&set) else { return Reply::NotFound };
        Reply::Members(set.members.iter().map(|(_, id)| *id).collect(), set.deadline)
    }

    /// The aggregated task replaces the members of its set, unless they are back in their group. In Asynq the task is enqueued,
    /// and then the set is deleted: where an aggregator dies in between, the members are aggregated again.
    pub(super) fn enqueue_aggregated(&mut self, set: SetId, task: &Task) -> Reply {
        if !self.store.sets.contains_key(&set) {
            return Reply::NotFound;
        }
        if self.store.tasks.contains_key(&task.id) {
            return Reply::TaskIdConflict;
        }
        if self.planted(Bug::AggregatesTwice) {
            let members = self.store.sets[&set].members.iter().map(|(_, id)| *id).collect();
            self.note(Event::Aggregated(set, members));
        } else {
            self.delete_members(set);
        }
        self.enter(task.clone(), None, None, None);
        Reply::Ok
    }

    pub(super) fn delete_aggregation_set(&mut self, set: SetId) -> Reply {
        if self.store.sets.contains_key(&set) {
            self.delete_members(set);
        }
        Reply::Ok
    }

    /// Deletes a set with its members. In Asynq their unique locks stay until their time is over.
    fn delete_members(&mut self, set: SetId) {
        let removed = self.store.sets.remove(&set).expect("the set is there");
        let members: Vec<TaskId> = removed.members.iter().map(|(_, id)| *id).collect();
        self.note(Event::Aggregated(set, members.clone()));
        for id in members {
            let stored = self.store.tasks.remove(&id).expect("a member of a set is there");
            if self.is_guarded() {
                self.release_lock(&stored.task);
            }
            self.note(Event::Left(id, Gone::Aggregated(set)));
        }
    }

    /// The aggregator of a stale set is lost: its members are in their group again, as old as they are. In Asynq the group
    /// is not listed again, so they wait for another task of it.
    pub(super) fn reclaim_stale_aggregation_sets(&mut self) -> Reply {
        let stale = self.store.sets.iter().filter(|(_, set)| set.deadline <= self.now);
        let stale: Vec<SetId> = stale.map(|(id, _)| *id).collect();
        let lists = self.is_guarded() && !self.planted(Bug::ReclaimedGroupNotListed);
        for id in stale {
            let set = self.store.sets.remove(&id).expect("a stale set is there");
            let members: Vec<TaskId> = set.members.iter().map(|(_, id)| *id).collect();
            if !self.planted(Bug::ReclaimedMembersLost) {
                let queue = self.store.queue(set.queue);
                let was_listed = queue.listed.contains(&set.group);
                set.members.iter().for_each(|(at, id)| queue.join(set.group, *at, *id));
                if !lists && !was_listed {
                    queue.listed.remove(&set.group);
                }
            }
            self.note(Event::Reclaimed(id, members));
        }
        Reply::Ok
    }
}
