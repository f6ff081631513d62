//! *Time-to-Live and Expiration*: of queues, of messages, the rule of the head, and what a requeue keeps.

use seedbed_models::communication::message_queue::books::command::{AckMode, Exception};
use seedbed_models::communication::message_queue::books::settings::QueueSettings;
use seedbed_sim::Span;

use crate::say::{bodies, classic, expiring, get, plain, publish, publish_all, quorum, ready, urgent, with};

fn lives(ms: u64) -> QueueSettings {
    QueueSettings { message_ttl: Some(Span::ms(ms)), ..classic() }
}

#[test]
fn a_message_is_gone_when_its_time_is_over_and_not_before() {
    let mut session = with(lives(20));
    publish_all(&mut session, [1]);
    session.tick(Span(Span::ms(20).0 - 1));
    assert_eq!(ready(&session, "q"), [1]);
    session.tick(Span(1));
    assert!(ready(&session, "q").is_empty());
}

#[test]
fn the_lower_time_counts() {
    let mut session = with(lives(20));
    assert!(publish(&mut session, "q", 1, expiring(5)) && publish(&mut session, "q", 2, expiring(90)));
    session.tick(Span::ms(5));
    assert_eq!(ready(&session, "q"), [2]);
    session.tick(Span::ms(15));
    assert!(ready(&session, "q").is_empty());
}

#[test]
fn in_a_classic_queue_only_the_head_expires() {
    let mut session = with(classic());
    assert!(publish(&mut session, "q", 1, plain()) && publish(&mut session, "q", 2, expiring(5)));
    session.tick(Span::secs(1));
    assert_eq!(ready(&session, "q"), [1, 2], "it is behind a head that does not expire");
    let head = get(&mut session, "q");
    assert_eq!(head.message.body.id, crate::say::body(1));
    assert!(ready(&session, "q").is_empty(), "it has come to the head, and expires");
    assert_eq!(session.get("q", AckMode::Manual), Ok(None), "what is over is not delivered");
}

#[test]
fn in_a_quorum_queue_the_head_of_each_priority_expires() {
    let mut session = with(quorum());
    assert!(publish(&mut session, "q", 1, urgent(9)) && publish(&mut session, "q", 2, expiring(5)));
    assert!(publish(&mut session, "q", 3, plain()) && publish(&mut session, "q", 4, expiring(5)));
    session.tick(Span::ms(5));
    assert_eq!(ready(&session, "q"), [1, 3, 4], "the second is first among those of its priority, the fourth is not");
}

#[test]
fn a_message_that_is_requeued_keeps_its_time() {
    let mut session = with(lives(20));
    publish_all(&mut session, [1]);
    let held = get(&mut session, "q");
    session.tick(Span::ms(15));
    session.nack(held.tag, false, true).expect("it is there");
    session.tick(Span::ms(5));
    assert!(ready(&session, "q").is_empty());
}

#[test]
fn what_is_delivered_does_not_expire() {
    let mut session = with(lives(20));
    publish_all(&mut session, [1]);
    let held = get(&mut session, "q");
    session.tick(Span::ms(50));
    assert_eq!(session.books().unacked().count(), 1);
    session.nack(held.tag, false, true).expect("it is there");
    assert_eq!(session.books().copies().count(), 0, "when it comes back it is over");
}

#[test]
fn with_no_time_a_message_is_delivered_at_once_or_not_at_all() {
    let mut session = with(lives(0));
    publish_all(&mut session, [1]);
    assert!(ready(&session, "q").is_empty(), "nobody was there");
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    publish_all(&mut session, [2]);
    assert_eq!(bodies(&session.delivered()), [2]);
}

#[test]
fn a_queue_that_nobody_uses_goes() {
    let mut session = with(QueueSettings { expires: Some(Span::ms(20)), ..classic() });
    session.tick(Span::ms(15));
    assert_eq!(session.get("q", AckMode::Manual), Ok(None), "it is used");
    session.tick(Span::ms(15));
    session.consume("q", 1, AckMode::Manual).expect("it is still there");
    session.tick(Span::ms(50));
    assert!(ready(&session, "q").is_empty(), "it has a consumer");
    session
        .tell(seedbed_models::communication::message_queue::books::command::Command::CloseChannel(session.channel()));
    session.on(2, 1).tick(Span::ms(20));
    assert_eq!(session.get("q", AckMode::Manual), Err(Exception::NotFound));
}
