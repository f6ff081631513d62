//! *Consumers*, "Single Active Consumer": the first that has subscribed is served, and when it is gone the next.

use seedbed_models::communication::message_queue::books::command::{AckMode, Command, Exception};
use seedbed_models::communication::message_queue::books::settings::QueueSettings;

use crate::say::{classic, publish_all, quorum, with};

#[test]
fn one_is_served_until_it_is_gone() {
    let mut session = with(QueueSettings { single_active: true, ..classic() });
    let first = session.on(7, 1).channel();
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    session.on(8, 1).consume("q", 1, AckMode::Manual).expect("the queue is there");
    let second = session.channel();
    session.on(9, 1);
    publish_all(&mut session, 1..=3);
    assert!(session.delivered().iter().all(|delivery| delivery.channel == first));
    session.tell(Command::CloseConnection(first.connection));
    publish_all(&mut session, [4]);
    let delivered: Vec<_> =
        session.delivered().iter().map(|of| (of.channel, of.message.body.id.0, of.redelivered)).collect();
    assert_eq!(delivered, [(second, 1, true), (second, 2, true), (second, 3, true), (second, 4, false)]);
}

#[test]
fn others_are_not_served_though_the_active_one_has_no_room() {
    let mut session = with(QueueSettings { single_active: true, ..classic() });
    session.qos(1).expect("the channel is open");
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    session.consume("q", 2, AckMode::Manual).expect("the queue is there");
    publish_all(&mut session, 1..=3);
    assert_eq!(session.delivered().len(), 1);
}

// *Quorum Queues*, "Single Active Consumer": `basic.get` is refused with 405.
#[test]
fn of_a_quorum_queue_nobody_else_gets_a_message() {
    let mut session = with(QueueSettings { single_active: true, ..quorum() });
    assert_eq!(session.get("q", AckMode::Manual), Err(Exception::ResourceLocked));
    assert_eq!(Exception::ResourceLocked.code(), 405);
}
