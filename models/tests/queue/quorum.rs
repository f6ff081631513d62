//! *Quorum Queues*: poison messages, what counts as a failure, what such a queue cannot be.

use seedbed_models::communication::message_queue::books::command::{Command, Exception};
use seedbed_models::communication::message_queue::books::message::Reason;
use seedbed_models::communication::message_queue::books::session::Session;
use seedbed_models::communication::message_queue::books::settings::{Overflow, QueueSettings};

use crate::say::{classic, dead_letters_to, deaths, get, publish_all, quorum, ready, with};

fn limited() -> Session {
    let (delivery_limit, dead_letter) = (Some(2), dead_letters_to("dead"));
    let mut session = with(QueueSettings { delivery_limit, dead_letter, ..quorum() });
    session.declare_queue("dead", quorum()).expect("it is new");
    publish_all(&mut session, [1]);
    session
}

#[test]
fn a_message_that_is_returned_more_often_than_the_limit_is_dead_lettered() {
    let mut session = limited();
    for count in 0..=2 {
        let held = get(&mut session, "q");
        assert_eq!((held.delivery_count, held.redelivered), (count, count > 0));
        assert!(ready(&session, "dead").is_empty());
        session.reject(held.tag, true).expect("it is there");
    }
    assert_eq!((ready(&session, "q"), ready(&session, "dead")), (vec![], vec![1]), "one copy");
    assert_eq!(deaths(&get(&mut session, "dead")), [("q", Reason::DeliveryLimit, 1)]);
}

#[test]
fn a_nack_is_no_failure() {
    let mut session = limited();
    for _ in 0..9 {
        let held = get(&mut session, "q");
        assert_eq!(held.delivery_count, 0);
        session.nack(held.tag, false, true).expect("it is there");
    }
}

#[test]
fn a_connection_that_is_lost_is_a_failure_and_another_leader_is_none() {
    let mut session = limited();
    get(session.on(7, 1), "q");
    session.tell(Command::CloseConnection(session.channel().connection));
    assert_eq!(get(session.on(8, 1), "q").delivery_count, 1);
    session.tell(Command::TakeOver);
    assert_eq!(get(session.on(9, 1), "q").delivery_count, 1);
}

#[test]
fn what_a_quorum_queue_cannot_be() {
    let mut session = Session::new();
    let transient = QueueSettings { durable: false, ..quorum() };
    let dead_letters_what_it_refuses = QueueSettings { overflow: Overflow::RejectPublishDlx, ..quorum() };
    let with_a_highest_priority = QueueSettings { max_priority: Some(5), ..quorum() };
    let classic_with_limit = QueueSettings { delivery_limit: Some(1), ..classic() };
    for settings in [transient, dead_letters_what_it_refuses, with_a_highest_priority, classic_with_limit] {
        assert_eq!(session.declare_queue("no", settings), Err(Exception::PreconditionFailed));
    }
}
