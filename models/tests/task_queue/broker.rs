//! The broker: sessions, and the append-only file.

use std::sync::Arc;

use seedbed_models::communication::task_queue::Bug;
use seedbed_models::communication::task_queue::broker::{AOF, Broker};
use seedbed_models::communication::task_queue::command::{Command, Reply};
use seedbed_models::communication::task_queue::marks;
use seedbed_models::communication::task_queue::messages::{Message, Record, SessionId};
use seedbed_models::communication::task_queue::settings::Scripts;
use seedbed_sim::{Bench, NodeId, Time, WriteFate};

use crate::say::*;

const CLIENT: NodeId = NodeId(3);

fn broker() -> Bench<Broker> {
    let mut broker = Bench::new(Broker::new(Arc::new(settings(Scripts::Guarded)))).on(BROKER);
    broker.start();
    broker.synced();
    broker.at(Time::ms(10));
    broker
}

fn connect(broker: &mut Bench<Broker>, nonce: u64) -> SessionId {
    let sent = broker.message(CLIENT, Message::Connect(nonce)).sent();
    let [(CLIENT, Message::Connected(of, id))] = sent[..] else { panic!("a session: {sent:?}") };
    assert_eq!(of, nonce);
    id
}

#[test]
fn a_request_is_executed_once_in_any_order() {
    let mut broker = broker();
    let id = connect(&mut broker, 7);
    let request = |seq, n| Message::Request(id, seq, enqueue(task(n)));
    assert_eq!(broker.message(CLIENT, request(2, 2)).sent(), [(CLIENT, Message::Answer(id, 2, Reply::Ok))]);
    assert_eq!(broker.message(CLIENT, request(1, 1)).sent(), [(CLIENT, Message::Answer(id, 1, Reply::Ok))]);
    assert_eq!(broker.message(CLIENT, request(2, 2)).sent(), []);
    assert_eq!(broker.process().store().tasks().len(), 2);
}

#[test]
fn a_client_has_one_session() {
    let mut broker = broker();
    let first = connect(&mut broker, 7);
    assert_eq!(connect(&mut broker, 7), first, "a copy");
    let second = connect(&mut broker, 8);
    assert_ne!(first, second);
    let late = Message::Request(first, 1, enqueue(task(1)));
    assert_eq!(broker.message(CLIENT, late).sent(), [(CLIENT, Message::Reset(first))]);
    assert_eq!(broker.message(CLIENT, Message::Connect(7)).sent(), [], "a late copy opens nothing");
    assert!(broker.process().store().tasks().is_empty());
}

#[test]
fn a_reply_waits_for_the_append_only_file() {
    let mut broker = broker();
    let id = connect(&mut broker, 7);
    let handled = broker.message(CLIENT, Message::Request(id, 1, enqueue(task(1))));
    assert_eq!(handled.appended(), [Record::Script(Time::ms(10), enqueue(task(1)))]);
    assert!(handled.messages_released().is_empty());
    assert_eq!(broker.synced().messages_released().len(), 1);
    let nothing = broker.message(CLIENT, Message::Request(id, 2, Command::Forward));
    assert!(!nothing.wrote());
}

#[test]
fn a_broker_that_replies_early_does_not_wait() {
    let mut broker = Bench::new(Broker::new(Arc::new(settings(Scripts::Guarded)))).on(BROKER);
    let mut broker = {
        broker = broker.plant(Bug::RepliesBeforeSync);
        broker.start();
        broker.synced();
        broker
    };
    let id = connect(&mut broker, 7);
    let handled = broker.message(CLIENT, Message::Request(id, 1, enqueue(task(1))));
    assert_eq!(handled.messages_released().len(), 1);
}

#[test]
fn the_scripts_of_the_file_are_executed_again_and_old_sessions_are_unknown() {
    let mut broker = broker();
    let id = connect(&mut broker, 7);
    broker.message(CLIENT, Message::Request(id, 1, enqueue(task(1))));
    broker.message(CLIENT, Message::Request(id, 2, dequeue()));
    broker.synced();
    let before = broker.process().store().clone();
    let restarted = broker.restart(Broker::new(Arc::new(settings(Scripts::Guarded))));
    assert!(restarted.marked(marks::BROKER_RESTARTED));
    let after = broker.process().store();
    assert_eq!((after.tasks(), after.queues(), after.journal()), (before.tasks(), before.queues(), before.journal()));
    let late = Message::Request(id, 3, enqueue(task(2)));
    assert_eq!(broker.message(CLIENT, late).sent(), [(CLIENT, Message::Reset(id))]);
    assert_ne!(connect(&mut broker, 9), id);
}

#[test]
fn what_was_not_synced_may_be_lost() {
    let mut broker = broker();
    let id = connect(&mut broker, 7);
    broker.message(CLIENT, Message::Request(id, 1, enqueue(task(1))));
    broker.restart_with(Broker::new(Arc::new(settings(Scripts::Guarded))), |_| WriteFate::Lost);
    assert!(broker.process().store().tasks().is_empty());
    assert_eq!(broker.read(AOF).first(), Some(&Record::Started));
}
