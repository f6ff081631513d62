//! *Consumer Prefetch*: the limit of a consumer, that of its channel, and who has none.

use seedbed_models::communication::message_queue::books::command::{AckMode, Command, Exception};
use seedbed_models::communication::message_queue::books::session::Session;
use seedbed_models::communication::message_queue::books::settings::QueueSettings;
use seedbed_models::communication::message_queue::names::DeliveryTag;

use crate::say::{bodies, classic, get, publish_all, quorum, with};

#[test]
fn a_consumer_has_no_more_deliveries_than_its_limit() {
    let mut session = with(classic());
    session.qos(2).expect("the channel is open");
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    publish_all(&mut session, 1..=4);
    assert_eq!(bodies(&session.delivered()), [1, 2]);
    session.ack(DeliveryTag(1), false).expect("it is there");
    assert_eq!(bodies(&session.delivered()), [3], "one was acknowledged, one more comes");
}

#[test]
fn the_limit_is_that_of_consumers_to_come() {
    let mut session = with(classic());
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    session.qos(1).expect("the channel is open");
    publish_all(&mut session, 1..=3);
    assert_eq!(bodies(&session.delivered()), [1, 2, 3]);
}

#[test]
fn each_consumer_has_its_own_limit_and_the_channel_one_for_all() {
    let mut session = with(classic());
    session.qos(2).expect("the channel is open");
    session.tell(Command::Qos { channel: session.channel(), prefetch: 3, global: true });
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    session.consume("q", 2, AckMode::Manual).expect("the queue is there");
    publish_all(&mut session, 1..=6);
    let to: Vec<u16> = session.delivered().iter().filter_map(|delivery| delivery.consumer).map(|tag| tag.0).collect();
    assert_eq!(to, [1, 2, 1], "four by the limits of the consumers, three by that of the channel");
}

#[test]
fn a_quorum_queue_knows_no_limit_of_a_channel() {
    let mut session = with(quorum());
    session.tell(Command::Qos { channel: session.channel(), prefetch: 3, global: true });
    assert_eq!(session.consume("q", 1, AckMode::Manual), Err(Exception::NotImplemented));
    session.qos(1).expect("the channel was opened again");
    session.consume("q", 1, AckMode::Manual).expect("a limit of the consumer is known");
}

#[test]
fn what_is_asked_for_is_not_limited() {
    let mut session = with(classic());
    session.tell(Command::Qos { channel: session.channel(), prefetch: 1, global: true });
    publish_all(&mut session, 1..=2);
    assert_eq!((get(&mut session, "q").tag, get(&mut session, "q").tag), (DeliveryTag(1), DeliveryTag(2)));
}

#[test]
fn who_does_not_acknowledge_has_no_limit() {
    let mut session = with(classic());
    session.qos(1).expect("the channel is open");
    session.consume("q", 1, AckMode::Auto).expect("the queue is there");
    publish_all(&mut session, 1..=3);
    assert_eq!(bodies(&session.delivered()), [1, 2, 3]);
}

/// To which consumer each message went.
fn to(session: &mut Session) -> Vec<u16> {
    session.delivered().iter().filter_map(|delivery| delivery.consumer).map(|tag| tag.0).collect()
}

fn one_of_three_has_a_limit(settings: QueueSettings) -> Session {
    let mut session = with(settings);
    session.qos(1).expect("the channel is open");
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    session.qos(0).expect("the channel is open");
    session.consume("q", 2, AckMode::Manual).expect("the queue is there");
    session.consume("q", 3, AckMode::Manual).expect("the queue is there");
    session
}

// *Consumers*: "round-robin". Who was passed over is not the next at once when there is room again.
#[test]
fn who_has_no_room_steps_out_of_the_line() {
    let mut session = one_of_three_has_a_limit(classic());
    publish_all(&mut session, 1..=4);
    assert_eq!(to(&mut session), [1, 2, 3, 2]);
    session.ack(DeliveryTag(1), false).expect("it is there");
    publish_all(&mut session, 5..=7);
    assert_eq!(to(&mut session), [3, 2, 1], "it comes to the end of the line: behind both");
}
