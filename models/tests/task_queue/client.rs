//! A client: options of tasks, batches, and replies that are lost.

use seedbed_models::communication::task_queue::client::Client;
use seedbed_models::communication::task_queue::command::{Command, Reply};
use seedbed_models::communication::task_queue::messages::{Message, NewTask, Op, Ret, Timer, task_id};
use seedbed_models::communication::task_queue::task::{Behaviour, GroupName, QueueName, UniqueKey, When};
use seedbed_sim::{Bench, NodeId, OpId, Span};

use crate::say::*;

const CLIENT: NodeId = NodeId(4);

fn client() -> Bench<Client> {
    let mut client = Bench::new(Client::new(BROKER, Span::ms(40), vec![2, 1])).on(CLIENT);
    client.draws("connect", 5);
    let sent = client.start().sent();
    let [(BROKER, Message::Connect(nonce))] = sent[..] else { panic!("it connects: {sent:?}") };
    client.message(BROKER, Message::Connected(nonce, SESSION));
    client
}

fn new() -> NewTask {
    NewTask {
        queue: LOW,
        behaviour: Behaviour::Succeeds,
        when: When::In(Span::ms(30)),
        max_retry: 3,
        timeout: Span::ms(50),
        deadline: None,
        unique: Some((2, Span::ms(90))),
        group: Some(1),
        retention: Span::ms(10),
    }
}

#[test]
fn options_are_those_of_the_task() {
    let mut client = client();
    let sent = client.invoke(OpId(3), Op::Enqueue(new())).sent();
    let [(BROKER, Message::Request(SESSION, 1, Command::Enqueue { task, when, unique_ttl, tick: None }))] = &sent[..]
    else {
        panic!("it enqueues: {sent:?}")
    };
    assert_eq!((task.id, task.queue, task.max_retry, task.retried), (task_id(OpId(3), 0), LOW, 3, 0));
    assert_eq!((task.unique, task.group), (Some(UniqueKey(2)), Some(GroupName(1))));
    assert_eq!((*when, *unique_ttl, task.timeout), (When::In(Span::ms(30)), Span::ms(90), Some(Span::ms(50))));
    assert_eq!(client.message(BROKER, answer(1, Reply::DuplicateTask)).completed(), [(OpId(3), Ret::Duplicate)]);
}

#[test]
fn a_task_whose_reply_is_lost_is_enqueued_again_under_its_identifier() {
    let mut client = client();
    let first = client.invoke(OpId(3), Op::Enqueue(new())).sent();
    let again = client.timer(Timer::Reply(1)).sent();
    let command = |sent: &[(NodeId, Message)]| match &sent[0].1 {
        Message::Request(_, seq, command) => (*seq, command.clone()),
        message => panic!("a request: {message:?}"),
    };
    assert_eq!((command(&first).1, command(&again).0), (command(&again).1, 2));
    assert_eq!(client.message(BROKER, answer(1, Reply::Ok)).completed(), [], "it is not waited for");
    assert_eq!(client.message(BROKER, answer(2, Reply::TaskIdConflict)).completed(), [(OpId(3), Ret::Enqueued)]);
}

#[test]
fn a_batch_is_spread_by_weights_and_answered_when_all_is() {
    let mut client = client();
    let sent = client.invoke(OpId(3), Op::EnqueueBatch(4)).sent();
    let queues: Vec<QueueName> = sent
        .iter()
        .map(|(_, message)| match message {
            Message::Request(_, _, Command::Enqueue { task, .. }) => task.queue,
            message => panic!("it enqueues: {message:?}"),
        })
        .collect();
    assert_eq!(queues, [HIGH, HIGH, LOW, HIGH]);
    for seq in [4, 2, 1] {
        assert_eq!(client.message(BROKER, answer(seq, Reply::Ok)).completed(), []);
    }
    assert_eq!(client.message(BROKER, answer(3, Reply::Ok)).completed(), [(OpId(3), Ret::Enqueued)]);
}

#[test]
fn a_client_knows_what_it_has_enqueued() {
    let mut client = client();
    assert_eq!(client.invoke(OpId(2), Op::Run(0)).completed(), [(OpId(2), Ret::NotFound)]);
    client.invoke(OpId(3), Op::Enqueue(new()));
    client.message(BROKER, answer(1, Reply::Ok));
    let sent = client.invoke(OpId(4), Op::Delete(0)).sent();
    assert_eq!(sent, [(BROKER, Message::Request(SESSION, 2, Command::DeleteTask(task_id(OpId(3), 0))))]);
    assert_eq!(client.message(BROKER, answer(2, Reply::NotFound)).completed(), [(OpId(4), Ret::NotFound)]);
    assert_eq!(client.invoke(OpId(5), Op::Restart).failed(), [OpId(5)]);
}

#[test]
fn what_is_asked_in_a_session_that_is_gone_is_asked_in_the_next() {
    let mut client = client();
    client.invoke(OpId(3), Op::Pause(LOW));
    let sent = client.message(BROKER, Message::Reset(SESSION)).sent();
    let [(BROKER, Message::Connect(nonce))] = sent[..] else { panic!("it connects: {sent:?}") };
    let sent = client.message(BROKER, Message::Connected(nonce, SESSION)).sent();
    assert_eq!(sent, [(BROKER, Message::Request(SESSION, 1, Command::Pause(LOW)))]);
}
