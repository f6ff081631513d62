//! A server (`processor.go`, `heartbeat.go`, `recoverer.go`, `syncer.go`, `aggregator.go`).

use std::sync::Arc;

use seedbed_models::communication::task_queue::command::{By, Command, Reply};
use seedbed_models::communication::task_queue::marks;
use seedbed_models::communication::task_queue::messages::{EffectKey, Execution, Message, Op, Ret, Timer};
use seedbed_models::communication::task_queue::server::Server;
use seedbed_models::communication::task_queue::server::choosing::backoff;
use seedbed_models::communication::task_queue::settings::{Priority, Scripts, ServerSettings};
use seedbed_models::communication::task_queue::task::{
    Behaviour, GroupName, LeaseId, Payload, QueueName, SetId, Task, TaskId,
};
use seedbed_sim::bench::Handled;
use seedbed_sim::{Bench, NodeId, OpId, Span, Time};

use crate::say::*;

const SERVER: NodeId = NodeId(6);
const LEASE: LeaseId = LeaseId(1);

fn server_with(settings: ServerSettings) -> Bench<Server> {
    let mut server = Bench::new(Server::new(Arc::new(settings))).on(SERVER);
    server
        .draws("connect", 5)
        .draws("keeping", 1_000_000)
        .draws("jitter", 0)
        .draws("work", 5_000_000)
        .draws("check", 0);
    let sent = server.start().sent();
    let [(BROKER, Message::Connect(nonce))] = sent[..] else { panic!("it connects: {sent:?}") };
    let sent = commands(&server.message(BROKER, Message::Connected(nonce, SESSION)));
    assert_eq!(sent, [(1, dequeue())]);
    server
}

/// A server that has asked for a task at 0 ms.
fn server() -> Bench<Server> {
    server_with(server_settings())
}

fn commands(handled: &Handled<Server>) -> Vec<(u64, Command)> {
    let of = |message: Message| match message {
        Message::Request(SESSION, seq, command) => Some((seq, command)),
        _ => None,
    };
    handled.sent().into_iter().filter_map(|(_, message)| of(message)).collect()
}

/// A server that has this task since 2 ms, and has asked for another with its second request.
fn working_on(task: Task) -> Bench<Server> {
    let mut server = server();
    server.at(Time::ms(2));
    let handled = server.message(BROKER, answer(1, Reply::Dequeued(task, LEASE)));
    assert_eq!(commands(&handled), [(2, dequeue())]);
    server.message(BROKER, answer(2, Reply::NoProcessableTask));
    server
}

fn apply(handled: &Handled<Server>) -> Vec<EffectKey> {
    let sent = handled.sent_to(LEDGER);
    let [Message::Apply(_, keys, _)] = &sent[..] else { panic!("it has its effects: {sent:?}") };
    keys.clone()
}

fn execution(n: u64) -> Execution {
    Execution { task: id(n), lease: LEASE }
}

#[test]
fn a_task_is_processed_and_marked() {
    let mut server = working_on(task(1));
    assert_eq!(server.due(&Timer::Work(LEASE)), Some(Time::ms(7)));
    assert_eq!(server.due(&Timer::Deadline(LEASE)), Some(Time::ms(52)));
    server.at(Time::ms(7));
    assert_eq!(apply(&server.timer(Timer::Work(LEASE))), [EffectKey::Task(id(1))]);
    server.at(Time::ms(9));
    let handled = server.message(LEDGER, Message::Applied(execution(1)));
    assert_eq!(commands(&handled), [(3, Command::Done(id(1), LEASE))]);
    assert!(server.message(LEDGER, Message::Applied(execution(1))).sent().is_empty(), "a copy");
    server.message(BROKER, answer(3, Reply::Ok));
    assert_eq!(server.process().processing().count(), 0);
}

#[test]
fn effects_are_asked_for_again() {
    let mut server = working_on(task(1));
    let first = apply(&server.timer(Timer::Work(LEASE)));
    server.pass(Span::ms(30));
    assert_eq!(apply(&server.timer(Timer::Work(LEASE))), first);
}

#[test]
fn a_task_with_a_retention_is_completed() {
    let mut server = working_on(Task { retention: Span::ms(5), ..task(1) });
    server.timer(Timer::Work(LEASE));
    let handled = server.message(LEDGER, Message::Applied(execution(1)));
    assert_eq!(commands(&handled), [(3, Command::MarkAsComplete(id(1), LEASE))]);
}

/// The mark of a handler that behaves like this, of a task that was retried so often.
fn mark_of(behaviour: Behaviour, retried: u32) -> Command {
    let mut server = working_on(Task { retried, ..behaving(1, behaviour) });
    let handled = server.timer(Timer::Work(LEASE));
    let [(3, command)] = &commands(&handled)[..] else { panic!("a mark: {handled:?}") };
    command.clone()
}

fn retry_after(ms: u64, counts: bool) -> Command {
    Command::Retry { id: id(1), lease: LEASE, by: By::Owner, after: Span::ms(ms), counts }
}

#[test]
fn a_failure_is_retried_until_no_retry_is_left() {
    let fails = Behaviour::Fails { times: 9 };
    assert_eq!(mark_of(fails, 0), retry_after(20, true));
    assert_eq!(mark_of(fails, 1), retry_after(40, true));
    assert_eq!(mark_of(fails, 2), Command::Archive(id(1), LEASE, By::Owner));
}

#[test]
fn a_handler_skips_retries_or_revokes_its_task() {
    assert_eq!(mark_of(Behaviour::SkipsRetry, 0), Command::Archive(id(1), LEASE, By::Owner));
    assert_eq!(mark_of(Behaviour::Revokes, 0), Command::Done(id(1), LEASE));
}

#[test]
fn busy_is_no_failure() {
    let mut server = working_on(behaving(1, Behaviour::MeetsBusy { times: 1 }));
    server.timer(Timer::Work(LEASE));
    let handled = server.message(LEDGER, Message::Busy(execution(1)));
    assert_eq!(commands(&handled), [(3, retry_after(20, false))]);
}

#[test]
fn a_handler_ends_at_its_timeout_or_deadline() {
    let mut server = working_on(behaving(1, Behaviour::Overruns { times: 1 }));
    assert_eq!(server.due(&Timer::Work(LEASE)), Some(Time::ms(102)));
    server.at(Time::ms(52));
    let handled = server.timer(Timer::Deadline(LEASE));
    assert!(handled.marked(marks::DEADLINE_EXCEEDED));
    assert_eq!(commands(&handled), [(3, retry_after(20, true))]);
    let sooner = working_on(Task { deadline: Some(Time::ms(30)), ..task(1) });
    assert_eq!(sooner.due(&Timer::Deadline(LEASE)), Some(Time::ms(30)));
    let alone = working_on(Task { timeout: None, deadline: Some(Time::ms(30)), ..task(1) });
    assert_eq!(alone.due(&Timer::Deadline(LEASE)), Some(Time::ms(30)));
    let none = working_on(Task { timeout: None, ..task(1) });
    assert_eq!(none.due(&Timer::Deadline(LEASE)), Some(Time::ms(1_800_002)));
}

#[test]
fn effects_that_come_too_late_are_a_failure() {
    let mut server = working_on(task(1));
    server.timer(Timer::Work(LEASE));
    server.at(Time::ms(52));
    let handled = server.message(LEDGER, Message::Applied(execution(1)));
    assert_eq!(commands(&handled), [(3, retry_after(20, true))]);
}

#[test]
fn a_server_has_no_more_tasks_than_workers() {
    let mut server = server();
    server.message(BROKER, answer(1, Reply::Dequeued(task(1), LeaseId(1))));
    let handled = server.message(BROKER, answer(2, Reply::Dequeued(task(2), LeaseId(2))));
    assert_eq!(commands(&handled), [], "both work");
    server.timer(Timer::Work(LeaseId(1)));
    server.message(LEDGER, Message::Applied(Execution { task: id(1), lease: LeaseId(1) }));
    let handled = server.message(BROKER, answer(3, Reply::Ok));
    assert_eq!(commands(&handled), [(4, dequeue())]);
}

#[test]
fn a_server_without_tasks_looks_again_after_a_while() {
    let mut server = server();
    server.message(BROKER, answer(1, Reply::NoProcessableTask));
    assert_eq!(server.due(&Timer::Check), Some(Time::ms(30)));
    assert_eq!(commands(&server.timer(Timer::Check)), [(2, dequeue())]);
}

#[test]
fn a_heartbeat_extends_the_lease_from_when_it_was_sent() {
    let mut server = working_on(task(1));
    assert_eq!(server.due(&Timer::Heartbeat), Some(Time::ms(27)));
    server.at(Time::ms(27));
    let leases = vec![(id(1), LEASE)];
    assert_eq!(commands(&server.timer(Timer::Heartbeat)), [(3, Command::ExtendLease(leases.clone()))]);
    server.at(Time::ms(40));
    server.message(BROKER, answer(3, Reply::Extended(leases)));
    assert_eq!(server.process().processing().collect::<Vec<_>>(), [(id(1), LEASE, Time::ms(127))]);
}

#[test]
fn a_lease_that_is_not_extended_is_lost() {
    let mut server = working_on(task(1));
    server.timer(Timer::Heartbeat);
    let handled = server.message(BROKER, answer(3, Reply::Extended(vec![])));
    assert!(handled.marked(marks::LEASE_EXPIRED_AT_ITS_OWNER));
    assert_eq!(server.process().processing().count(), 0);
}

#[test]
fn a_worker_whose_lease_is_over_says_nothing() {
    let mut server = working_on(Task { timeout: Some(Span::secs(1)), ..task(1) });
    server.timer(Timer::Work(LEASE));
    server.at(Time::ms(100));
    let handled = server.message(LEDGER, Message::Applied(execution(1)));
    assert!(commands(&handled).iter().all(|(_, command)| *command == dequeue()), "{handled:?}");
    assert!(handled.marked(marks::LEASE_EXPIRED_AT_ITS_OWNER));
}

#[test]
fn a_mark_whose_reply_is_lost_is_synced_while_the_lease_lasts() {
    let mut server = server_with(ServerSettings { check_interval: Span::ms(20), ..server_settings() });
    server.message(BROKER, answer(1, Reply::Dequeued(task(1), LEASE)));
    server.message(BROKER, answer(2, Reply::NoProcessableTask));
    server.timer(Timer::Work(LEASE));
    server.message(LEDGER, Message::Applied(execution(1)));
    server.timer(Timer::Reply(3));
    assert_eq!(server.process().processing().count(), 0, "the worker is free");
    let synced = server.timer(Timer::Sync);
    assert_eq!(commands(&synced), [(4, Command::Done(id(1), LEASE))]);
    server.timer(Timer::Reply(4));
    assert!(server.now() >= Time::ms(100));
    assert_eq!(commands(&server.timer(Timer::Sync)), [], "the lease is over");
}

#[test]
fn orphans_are_retried_or_archived() {
    let mut server = server();
    let handled = server.timer(Timer::Recover);
    assert_eq!(commands(&handled), [(2, Command::ListLeaseExpired), (3, Command::ReclaimStaleAggregationSets)]);
    let orphans = vec![(task(1), LeaseId(7)), (Task { retried: 2, ..task(2) }, LeaseId(8))];
    let handled = server.message(BROKER, answer(2, Reply::LeaseExpired(orphans)));
    let retried = Command::Retry { id: id(1), lease: LeaseId(7), by: By::Recoverer, after: Span::ms(20), counts: true };
    assert_eq!(commands(&handled), [(4, retried), (5, Command::Archive(id(2), LeaseId(8), By::Recoverer))]);
}

#[test]
fn a_group_becomes_a_task_of_all_members() {
    let (group, set) = (GroupName(1), SetId(4));
    let mut server = server();
    assert_eq!(commands(&server.timer(Timer::Aggregate)), [(2, Command::ListGroups)]);
    let handled = server.message(BROKER, answer(2, Reply::Groups(vec![(LOW, group)])));
    assert_eq!(commands(&handled), [(3, Command::AggregationCheck(LOW, group, grouping()))]);
    let handled = server.message(BROKER, answer(3, Reply::AggregationSet(Some(set))));
    assert_eq!(commands(&handled), [(4, Command::ReadAggregationSet(set))]);
    let handled = server.message(BROKER, answer(4, Reply::Members(vec![id(1), id(2)], Time::ms(80))));
    let [(5, Command::EnqueueAggregated(of, task))] = &commands(&handled)[..] else { panic!("{handled:?}") };
    assert_eq!((*of, task.id, task.queue), (set, TaskId::Aggregated(set), LOW));
    assert_eq!(task.payload, Payload::Members(vec![id(1), id(2)]));
}

#[test]
fn an_aggregator_that_is_too_late_leaves_it_to_others() {
    let mut server = server();
    server.timer(Timer::Aggregate);
    server.message(BROKER, answer(2, Reply::Groups(vec![(LOW, GroupName(1))])));
    server.message(BROKER, answer(3, Reply::AggregationSet(Some(SetId(4)))));
    server.at(Time::ms(81));
    let handled = server.message(BROKER, answer(4, Reply::Members(vec![id(1)], Time::ms(81))));
    assert_eq!(commands(&handled), []);
}

#[test]
fn a_shutdown_requeues_what_does_not_end() {
    let mut server = working_on(task(1));
    assert_eq!(server.invoke(OpId(1), Op::Restart).completed(), []);
    assert_eq!(commands(&server.timer(Timer::Check)), [], "it takes no more");
    let handled = server.timer(Timer::Shutdown);
    assert_eq!(commands(&handled), [(3, Command::Requeue(id(1), LEASE))]);
    let handled = server.message(BROKER, answer(3, Reply::Ok));
    assert_eq!(handled.completed(), [(OpId(1), Ret::Ok)]);
    assert_eq!(commands(&handled), [(4, dequeue())]);
}

#[test]
fn with_weights_the_order_is_drawn() {
    let settings = ServerSettings { priority: Priority::Weighted, weights: vec![6, 3, 1], ..server_settings() };
    let order = |first, second| {
        let mut server = Bench::new(Server::new(Arc::new(settings.clone()))).on(SERVER);
        server.draws("connect", 5).draws("keeping", 1).draws_in_turn("queue", [first, second]);
        let sent = server.start().sent();
        let [(BROKER, Message::Connect(nonce))] = sent[..] else { panic!("it connects: {sent:?}") };
        match &commands(&server.message(BROKER, Message::Connected(nonce, SESSION)))[..] {
            [(1, Command::Dequeue(order))] => order.iter().map(|QueueName(name)| *name).collect::<Vec<_>>(),
            commands => panic!("it asks for a task: {commands:?}"),
        }
    };
    assert_eq!(order(0, 0), [0, 1, 2]);
    assert_eq!(order(5, 3), [0, 2, 1]);
    assert_eq!(order(6, 5), [1, 0, 2]);
    assert_eq!(order(8, 6), [1, 2, 0]);
    assert_eq!(order(9, 6), [2, 1, 0]);
}

#[test]
fn as_in_asynq_queues_are_looked_at_one_by_one() {
    let mut server =
        Bench::new(Server::new(Arc::new(ServerSettings { scripts: Scripts::AsInAsynq, ..server_settings() })));
    server.draws("connect", 5).draws("keeping", 1).draws("check", 0);
    let sent = server.start().sent();
    let [(BROKER, Message::Connect(nonce))] = sent[..] else { panic!("it connects: {sent:?}") };
    let handled = server.message(BROKER, Message::Connected(nonce, SESSION));
    assert_eq!(commands(&handled), [(1, Command::Dequeue(vec![HIGH]))]);
    let handled = server.message(BROKER, answer(1, Reply::NoProcessableTask));
    assert_eq!(commands(&handled), [(2, Command::Dequeue(vec![LOW]))]);
}

#[test]
fn the_backoff_doubles_and_its_jitter_grows() {
    let first = Span::ms(10);
    assert_eq!(backoff(first, 0), (Span::ms(10), Span::ms(10)));
    assert_eq!(backoff(first, 3), (Span::ms(80), Span::ms(40)));
    assert_eq!(backoff(first, 6), backoff(first, 60));
}
