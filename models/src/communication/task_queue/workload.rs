//! What clients ask for.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{NodeId, Operation, Span, Time, workload};
use serde::{Deserialize, Serialize};

use crate::communication::task_queue::messages::{NewTask, Op};
use crate::communication::task_queue::task::{Behaviour, QueueName, When};
use crate::parts::bounds::at_most;

/// No time in an operation is longer.
const LONGEST: Span = Span::secs(60);
/// The most tasks of a batch.
const MOST_IN_A_BATCH: u64 = 4_000;

/// What worlds of a configuration are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// All that a task can be.
    Mixed,
    /// So many plain tasks that all queues are backlogged for long.
    LongRun,
}

fn behaviour() -> impl Strategy<Value = Behaviour> {
    prop_oneof![
        8 => Just(Behaviour::Succeeds),
        4 => prop_oneof![3 => 1u8..4, 1 => Just(u8::MAX)].prop_map(|times| Behaviour::Fails { times }),
        1 => Just(Behaviour::SkipsRetry),
        1 => Just(Behaviour::Revokes),
        2 => (1u8..4).prop_map(|times| Behaviour::MeetsBusy { times }),
        3 => (1u8..3).prop_map(|times| Behaviour::Overruns { times }),
    ]
}

fn ms(range: std::ops::Range<u64>) -> impl Strategy<Value = Span> {
    range.prop_map(Span::ms)
}

fn new_task(queues: u8) -> impl Strategy<Value = NewTask> {
    let when = prop_oneof![
        5 => Just(When::Now),
        3 => ms(10..400).prop_map(When::In),
        1 => (1u64..1_500).prop_map(|ms| When::At(Time::ms(ms))),
    ];
    let timeout = prop_oneof![Just(40), Just(80), Just(200), Just(300)].prop_map(Span::ms);
    let deadline = prop::option::weighted(0.1, (200u64..1_500).prop_map(Time::ms));
    let unique = prop::option::weighted(0.3, (0u8..3, ms(40..700)));
    let group = prop::option::weighted(0.2, 0u8..2);
    let retention = prop_oneof![Just(0), Just(60), Just(400)].prop_map(Span::ms);
    let options = (when, 0u8..4, timeout, deadline, unique, group, retention);
    (0..queues, behaviour(), options).prop_map(|(queue, behaviour, options)| {
        let (when, max_retry, timeout, deadline, unique, group, retention) = options;
        let queue = QueueName(queue);
        NewTask { queue, behaviour, when, max_retry, timeout, deadline, unique, group, retention }
    })
}

/// Who is asked, and for tasks of how many queues.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The clients.
    pub clients: Range<u16>,
    /// The servers.
    pub servers: Range<u16>,
    /// How many queues there are.
    pub queues: usize,
}

/// A workload of this kind.
pub fn of(load: Load, asked: Asked, until: Time) -> BoxedStrategy<Vec<Operation<Op>>> {
    match load {
        Load::Mixed => mixed(asked, until),
        Load::LongRun => long_run(asked),
    }
}

fn mixed(Asked { clients, servers, queues }: Asked, until: Time) -> BoxedStrategy<Vec<Operation<Op>>> {
    let queues = queues as u8;
    let queue = move || (0..queues).prop_map(QueueName);
    let op = prop_oneof![
        24 => new_task(queues).prop_map(Op::Enqueue),
        3 => (2u16..8).prop_map(Op::EnqueueBatch),
        2 => queue().prop_map(Op::Pause),
        3 => queue().prop_map(Op::Unpause),
        1 => (0u8..4).prop_map(Op::Run),
        1 => (0u8..3).prop_map(Op::Archive),
        1 => (0u8..3).prop_map(Op::Delete),
    ];
    let restarts = workload(servers, 0..2, until, Just(Op::Restart));
    (workload(clients, 6..20, until, op), restarts)
        .prop_map(|(mut operations, restarts)| {
            operations.extend(restarts);
            operations.sort_by_cached_key(|operation| operation.at);
            operations
        })
        .boxed()
}

fn long_run(asked: Asked) -> BoxedStrategy<Vec<Operation<Op>>> {
    let client = NodeId(asked.clients.start);
    (280u16..320)
        .prop_map(move |count| vec![Operation { at: Time::ms(10), client, op: Op::EnqueueBatch(count) }])
        .boxed()
}

/// Checks an operation about one of so many queues.
///
/// # Errors
/// If it is about a queue that there is not, or a time that is too long.
pub fn validate(queues: usize, op: &Op) -> Result<(), String> {
    let exists = |queue: QueueName| {
        if usize::from(queue.0) < queues {
            Ok(())
        } else {
            Err(format!("there is no queue {}; there are {queues}", queue.0))
        }
    };
    match op {
        Op::Enqueue(new) => {
            exists(new.queue)?;
            let after = if let When::In(after) = new.when { after } else { Span::ZERO };
            let at = if let When::At(at) = new.when { at } else { Time::ZERO };
            let ttl = new.unique.map_or(Span::ZERO, |(_, ttl)| ttl);
            at_most("process_in", after.0, LONGEST.0)?;
            at_most("process_at", at.0, LONGEST.0)?;
            at_most("timeout", new.timeout.0, LONGEST.0)?;
            at_most("unique", ttl.0, LONGEST.0)?;
            at_most("retention", new.retention.0, LONGEST.0)
        }
        Op::EnqueueBatch(count) => at_most("a batch", *count, MOST_IN_A_BATCH),
        Op::Pause(queue) | Op::Unpause(queue) => exists(*queue),
        Op::Run(_) | Op::Archive(_) | Op::Delete(_) | Op::Restart => Ok(()),
    }
}
