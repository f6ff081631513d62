//! The properties of a task queue: the broker's journal is held against what Asynq's documentation says of each script, its lists and
//! sets against what they then must be, and both against what handlers did and what clients know.

mod attempts;
mod audit;
mod book;
mod groups;
mod kept;
mod leases;
mod liveness;
mod priorities;
mod processing;
mod states;
mod unique;

use seedbed_models::communication::task_queue::TaskQueue;
use seedbed_models::communication::task_queue::settings::Scripts;
use seedbed_sim::{Answered, Boundary, FaultClass, Span, Suite, Swarm, maker};

use attempts::{ArchivedForAReason, AttemptsAreBounded, Backoff, KeptWhileRetained, NeverEarly};
use audit::Audit;
use groups::{AggregatedOnce, AggregatedOnceInTwoScripts, GatheredForAReason};
use kept::EnqueuedIsKept;
use leases::{MarkedByItsOwner, MarkedByItsOwnerUnfenced, RecoveredWhenExpired};
use liveness::{AllEnd, TicksCome};
use priorities::{PausedIsNotServed, StrictPriority, StrictPriorityQueueByQueue, WeightedShares};
use processing::{
    DoneWhenRun, EffectOnce, FailuresAreCounted, HandlersEndInTime, ProcessedHasItsEffect, ProcessedOnce,
};
use states::OneState;
use unique::{LockIsHeldByATask, TickIsEnqueuedOnce, TickIsEnqueuedOnceById, Unique};

/// How long after the faults a client may have to wait for an answer: some attempts to connect, and a shutdown.
const ANSWERED_WITHIN: Span = Span::ms(2_500);

/// The task queue with its properties.
pub fn suite() -> Suite<TaskQueue> {
    let suite = Suite::new(TaskQueue::default())
        .property(Audit::<OneState>::default())
        .property(Audit::<NeverEarly>::default())
        .property(Audit::<AttemptsAreBounded>::default())
        .property(Audit::<StrictPriority>::default())
        .property(Audit::<WeightedShares>::default())
        .property(Audit::<PausedIsNotServed>::default())
        .property(Audit::<Unique>::default())
        .property(Audit::<LockIsHeldByATask>::default())
        .property(Audit::<TickIsEnqueuedOnce>::default())
        .property(Audit::<MarkedByItsOwner>::default())
        .property(Audit::<RecoveredWhenExpired>::default())
        .property(Audit::<Backoff>::default())
        .property(Audit::<ArchivedForAReason>::default())
        .property(Audit::<KeptWhileRetained>::default())
        .property(Audit::<GatheredForAReason>::default())
        .property(Audit::<AggregatedOnce>::default())
        .property(DoneWhenRun::default())
        .property(FailuresAreCounted::default())
        .property(HandlersEndInTime::default())
        .property(EffectOnce::default())
        .property(ProcessedHasItsEffect::default())
        .property(EnqueuedIsKept::default())
        .property(AllEnd)
        .property(TicksCome)
        .property(Answered::within("task_queue/clients_are_answered", ANSWERED_WITHIN));
    boundaries(suite)
}

fn boundaries(suite: Suite<TaskQueue>) -> Suite<TaskQueue> {
    let as_in_asynq = || TaskQueue { scripts: Scripts::AsInAsynq, ..TaskQueue::default() };
    suite
        .boundary_with(
            Boundary::new(
                "expired-lease",
                "a worker stands still for longer than its lease and goes on; another has processed the task meanwhile",
                "task_queue/processed_once",
                TaskQueue::default(),
                Swarm::only([FaultClass::Pause]).as_configured(),
            ),
            [maker(ProcessedOnce::default())],
        )
        .boundary_with(
            Boundary::new(
                "unfenced-mark",
                "with marks that name the task alone, a worker whose lease has expired marks what another does",
                "task_queue/marked_by_its_owner_unfenced",
                as_in_asynq(),
                Swarm::only([FaultClass::Pause, FaultClass::Skew]).as_configured(),
            ),
            [maker(Audit::<MarkedByItsOwnerUnfenced>::default())],
        )
        .boundary_with(
            Boundary::new(
                "queue-by-queue",
                "with a script for each queue, a task of a high priority comes between the looks at two queues",
                "task_queue/strict_priority_queue_by_queue",
                as_in_asynq(),
                Swarm::calm().as_configured(),
            ),
            [maker(Audit::<StrictPriorityQueueByQueue>::default())],
        )
        .boundary_with(
            Boundary::new(
                "two-scripts",
                "the script that deletes a set is lost, after that which enqueues its task: the members are aggregated again",
                "task_queue/aggregated_once_in_two_scripts",
                as_in_asynq(),
                Swarm::only([FaultClass::Crash, FaultClass::Loss]).as_configured(),
            ),
            [maker(Audit::<AggregatedOnceInTwoScripts>::default())],
        )
        .boundary_with(
            Boundary::new(
                "late-scheduler",
                "a scheduler is late with a tick whose task is done and deleted: it is enqueued again",
                "task_queue/tick_is_enqueued_once_by_id",
                TaskQueue { tick_retention: Span::ZERO, ..as_in_asynq() },
                Swarm::only([FaultClass::Pause, FaultClass::Skew]).as_configured(),
            ),
            [maker(Audit::<TickIsEnqueuedOnceById>::default())],
        )
}
