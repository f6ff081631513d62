//! The aggregator (`aggregator.go`): it makes one task of the members of a group. Its set has a deadline, after which the members go
//! back to their group; so an aggregator that dies loses none.

use seedbed_sim::{Context, Span, Time};

use super::{Purpose, Server};
use crate::communication::task_queue::command::Command;
use crate::communication::task_queue::messages::Timer;
use crate::communication::task_queue::settings::Scripts;
use crate::communication::task_queue::task::{GroupName, Payload, QueueName, SetId, Task, TaskId, When};

/// How often an aggregated task is retried.
const MAX_RETRY: u32 = 5;

impl Server {
    pub(super) fn list_groups(&mut self, ctx: &mut Context<'_, Self>) {
        self.session.call(ctx, Purpose::ListGroups, Command::ListGroups);
        ctx.arm(Timer::Aggregate, self.settings.aggregation_interval());
    }

    pub(super) fn check_groups(&mut self, ctx: &mut Context<'_, Self>, groups: Vec<(QueueName, GroupName)>) {
        let grouping = self.settings.grouping;
        for (queue, group) in groups {
            let purpose = Purpose::AggregationCheck(ctx.now(), queue);
            self.session.call(ctx, purpose, Command::AggregationCheck(queue, group, grouping));
        }
    }

    pub(super) fn checked(&mut self, ctx: &mut Context<'_, Self>, at: Time, queue: QueueName, set: Option<SetId>) {
        let Some(set) = set else { return };
        self.session.call(ctx, Purpose::ReadAggregationSet(at, queue, set), Command::ReadAggregationSet(set));
    }

    /// The aggregated task is enqueued and the set deleted, before the deadline of the set: the broker looks at that again, as
    /// this request may take its time.
    pub(super) fn aggregate(
        &mut self,
        ctx: &mut Context<'_, Self>,
        at: Time,
        queue: QueueName,
        set: SetId,
        members: Vec<TaskId>,
    ) {
        if at + self.settings.aggregation_timeout <= ctx.now() {
            return;
        }
        assert!(!members.is_empty(), "an aggregation set has members: {set:?} has none");
        let task = Task {
            id: TaskId::Aggregated(set),
            queue,
            payload: Payload::Members(members),
            max_retry: MAX_RETRY,
            retried: 0,
            timeout: None,
            deadline: None,
            unique: None,
            group: None,
            retention: Span::ZERO,
        };
        match self.settings.scripts {
            Scripts::Guarded => {
                self.session.call(ctx, Purpose::Nothing, Command::EnqueueAggregated(set, task));
            }
            Scripts::AsInAsynq => {
                let enqueue = Command::Enqueue { task, when: When::Now, unique_ttl: Span::ZERO, tick: None };
                self.session.call(ctx, Purpose::EnqueueAggregated(set), enqueue);
            }
        }
    }

    /// As in Asynq: the set is deleted by a script of its own.
    pub(super) fn delete_set(&mut self, ctx: &mut Context<'_, Self>, set: SetId) {
        self.session.call(ctx, Purpose::Nothing, Command::DeleteAggregationSet(set));
    }
}
