//! Short words for tasks, scripts and stores.

use std::sync::Arc;

use seedbed_models::communication::task_queue::command::{By, Command, Reply};
use seedbed_models::communication::task_queue::messages::{Message, Seq, SessionId};
use seedbed_models::communication::task_queue::settings::{Grouping, Priority, Scripts, ServerSettings, StoreSettings};
use seedbed_models::communication::task_queue::store::Store;
use seedbed_models::communication::task_queue::task::{
    Behaviour, LeaseId, Payload, QueueName, State, Task, TaskId, When,
};
use seedbed_sim::{NodeId, Span, Time};

pub const HIGH: QueueName = QueueName(0);
pub const LOW: QueueName = QueueName(1);
pub const BROKER: NodeId = NodeId(0);
pub const LEDGER: NodeId = NodeId(1);
pub const SESSION: SessionId = SessionId { life: 0, number: 1 };

pub fn id(n: u64) -> TaskId {
    TaskId::Op(n, 0)
}

/// A plain task of the highest queue, which may be retried twice.
pub fn task(n: u64) -> Task {
    Task {
        id: id(n),
        queue: HIGH,
        payload: Payload::Single(Behaviour::Succeeds),
        max_retry: 2,
        retried: 0,
        timeout: Some(Span::ms(50)),
        deadline: None,
        unique: None,
        group: None,
        retention: Span::ZERO,
    }
}

pub fn behaving(n: u64, behaviour: Behaviour) -> Task {
    Task { payload: Payload::Single(behaviour), ..task(n) }
}

pub fn enqueue(task: Task) -> Command {
    enqueue_when(task, When::Now)
}

pub fn enqueue_when(task: Task, when: When) -> Command {
    Command::Enqueue { task, when, unique_ttl: Span::ms(300), tick: None }
}

pub fn dequeue() -> Command {
    Command::Dequeue(vec![HIGH, LOW])
}

pub fn retry(n: u64, lease: LeaseId, by: By) -> Command {
    Command::Retry { id: id(n), lease, by, after: Span::ms(20), counts: true }
}

pub fn settings(scripts: Scripts) -> StoreSettings {
    StoreSettings {
        scripts,
        lease: Span::ms(100),
        lease_margin: Span::ms(50),
        aggregation_timeout: Span::ms(80),
        max_archived: 2,
    }
}

pub fn store() -> Store {
    Store::new(Arc::new(settings(Scripts::Guarded)))
}

pub fn store_as_in_asynq() -> Store {
    Store::new(Arc::new(settings(Scripts::AsInAsynq)))
}

/// Executes a script at this millisecond.
pub fn at(store: &mut Store, ms: u64, command: &Command) -> Reply {
    store.execute(Time::ms(ms), None, command).0
}

/// Dequeues a task that is there.
pub fn take(store: &mut Store, ms: u64) -> (TaskId, LeaseId) {
    match at(store, ms, &dequeue()) {
        Reply::Dequeued(task, lease) => (task.id, lease),
        reply => panic!("a task: {reply:?}"),
    }
}

/// The state of a task, if it is there.
pub fn state(store: &Store, n: u64) -> Option<State> {
    store.tasks().get(&id(n)).map(|stored| stored.state)
}

pub fn grouping() -> Grouping {
    Grouping { grace_period: Span::ms(50), max_delay: Span::ms(200), max_size: 3 }
}

pub fn server_settings() -> ServerSettings {
    ServerSettings {
        broker: BROKER,
        ledger: LEDGER,
        scripts: Scripts::Guarded,
        priority: Priority::Strict,
        weights: vec![6, 3],
        concurrency: 2,
        lease: Span::ms(100),
        service: Span::ms(10),
        backoff: Span::ms(20),
        timeout: Span::ms(40),
        check_interval: Span::ms(60),
        shutdown_timeout: Span::ms(30),
        grouping: grouping(),
        aggregation_timeout: Span::ms(80),
        idempotency_keys: true,
    }
}

pub fn answer(seq: Seq, reply: Reply) -> Message {
    Message::Answer(SESSION, seq, reply)
}
