//! *Queue Length Limit*: what becomes of more.

use seedbed_models::communication::message_queue::books::command::AckMode;
use seedbed_models::communication::message_queue::books::message::Reason;
use seedbed_models::communication::message_queue::books::settings::{Overflow, QueueSettings};

use crate::say::{classic, dead_letters_to, deaths, get, plain, publish, publish_all, ready, with};

fn limited(overflow: Overflow) -> QueueSettings {
    QueueSettings { max_length: Some(2), overflow, dead_letter: dead_letters_to("dead"), ..classic() }
}

#[test]
fn the_head_is_dropped() {
    let mut session = with(limited(Overflow::DropHead));
    session.declare_queue("dead", classic()).expect("it is new");
    publish_all(&mut session, 1..=4);
    assert_eq!((ready(&session, "q"), ready(&session, "dead")), (vec![3, 4], vec![1, 2]));
    assert_eq!(deaths(&get(&mut session, "dead")), [("q", Reason::Maxlen, 1)]);
}

#[test]
fn the_publish_is_refused() {
    let mut session = with(limited(Overflow::RejectPublish));
    session.declare_queue("dead", classic()).expect("it is new");
    publish_all(&mut session, 1..=2);
    assert!(!publish(&mut session, "q", 3, plain()));
    assert_eq!((ready(&session, "q"), ready(&session, "dead")), (vec![1, 2], vec![]));
}

#[test]
fn the_publish_is_refused_and_dead_lettered() {
    let mut session = with(limited(Overflow::RejectPublishDlx));
    session.declare_queue("dead", classic()).expect("it is new");
    publish_all(&mut session, 1..=2);
    assert!(!publish(&mut session, "q", 3, plain()));
    assert_eq!((ready(&session, "q"), ready(&session, "dead")), (vec![1, 2], vec![3]));
}

#[test]
fn what_is_not_acknowledged_does_not_count() {
    let mut session = with(limited(Overflow::RejectPublish));
    publish_all(&mut session, 1..=2);
    get(&mut session, "q");
    assert!(publish(&mut session, "q", 3, plain()));
    assert_eq!(ready(&session, "q"), [2, 3]);
}

#[test]
fn a_message_that_comes_back_to_a_full_queue_pushes_out_the_head() {
    let mut session = with(limited(Overflow::DropHead));
    publish_all(&mut session, 1..=2);
    let held = get(&mut session, "q");
    publish_all(&mut session, [3]);
    session.nack(held.tag, false, true).expect("it is there");
    assert_eq!(ready(&session, "q"), [2, 3], "it is the head itself");
}

#[test]
fn with_room_for_none_a_message_goes_to_who_waits_or_is_dropped() {
    let mut session = with(QueueSettings { max_length: Some(0), ..classic() });
    publish_all(&mut session, [1]);
    assert!(ready(&session, "q").is_empty());
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    publish_all(&mut session, [2]);
    assert_eq!(session.delivered().len(), 1);
}
