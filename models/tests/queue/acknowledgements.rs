//! What consumers say of deliveries (RabbitMQ, *Consumer Acknowledgements and Publisher Confirms*).

use seedbed_models::communication::message_queue::books::command::{AckMode, Answer, Command, Exception};
use seedbed_models::communication::message_queue::names::DeliveryTag;

use crate::say::{bodies, classic, get, publish_all, ready, with};

#[test]
fn an_ack_settles_its_delivery_and_no_other() {
    let mut session = with(classic());
    publish_all(&mut session, 1..=3);
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    assert_eq!(bodies(&session.delivered()), [1, 2, 3]);
    session.ack(DeliveryTag(2), false).expect("it is the tag of a delivery");
    let left: Vec<u64> = session.books().unacked().map(|(_, tag, _)| tag.0).collect();
    assert_eq!(left, [1, 3]);
}

#[test]
fn with_multiple_an_ack_settles_all_up_to_its_tag() {
    let mut session = with(classic());
    publish_all(&mut session, 1..=4);
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    session.ack(DeliveryTag(3), true).expect("it is the tag of a delivery");
    assert_eq!(session.books().unacked().map(|(_, tag, _)| tag.0).collect::<Vec<u64>>(), [4]);
    session.ack(DeliveryTag(0), true).expect("zero with multiple is all");
    assert_eq!(session.books().unacked().count(), 0);
}

#[test]
fn a_tag_that_is_unknown_closes_the_channel() {
    let mut session = with(classic());
    publish_all(&mut session, [1]);
    let first = get(&mut session, "q");
    session.ack(first.tag, false).expect("once");
    assert_eq!(session.ack(first.tag, false), Err(Exception::PreconditionFailed), "it is acknowledged twice");
    assert_eq!(session.ack(DeliveryTag(0), false), Err(Exception::PreconditionFailed));
    assert_eq!(Exception::PreconditionFailed.code(), 406);
}

#[test]
fn what_a_channel_had_not_acknowledged_comes_back_to_its_old_place_and_says_so() {
    let mut session = with(classic());
    publish_all(&mut session, 1..=3);
    assert_eq!(session.on(7, 1).get("q", AckMode::Manual).map(|got| got.map(|got| got.redelivered)), Ok(Some(false)));
    assert_eq!(ready(&session, "q"), [2, 3]);
    session.tell(Command::CloseChannel(session.channel()));
    assert_eq!(ready(&session, "q"), [1, 2, 3]);
    session.on(1, 1);
    assert!(get(&mut session, "q").redelivered && !get(&mut session, "q").redelivered);
}

/// AMQP 0-9-1, §1.2: soft errors close the channel, hard errors the connection.
#[test]
fn a_hard_error_closes_all_channels_of_the_connection() {
    let mut session = with(classic());
    publish_all(&mut session, 1..=2);
    get(session.on(7, 1), "q");
    assert_eq!(session.on(7, 2).purge("nowhere"), Err(Exception::NotFound));
    assert_eq!(ready(&session, "q"), [2], "the other channel has its delivery still");
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    assert_eq!(session.consume("q", 1, AckMode::Manual), Err(Exception::NotAllowed));
    assert_eq!(ready(&session, "q"), [1, 2]);
    assert_eq!((Exception::NotAllowed.code(), Exception::NotImplemented.code()), (530, 540));
}

#[test]
fn a_connection_has_all_its_channels() {
    let mut session = with(classic());
    publish_all(&mut session, 1..=3);
    get(session.on(7, 1), "q");
    get(session.on(7, 2), "q");
    let lost = session.channel().connection;
    get(session.on(8, 1), "q");
    session.tell(Command::CloseConnection(lost));
    assert_eq!(ready(&session, "q"), [1, 2], "the third belongs to another one");
}

#[test]
fn nack_and_reject_with_requeue_give_back_and_without_it_discard() {
    let mut session = with(classic());
    publish_all(&mut session, 1..=4);
    let tags: Vec<DeliveryTag> = (0..4).map(|_| get(&mut session, "q").tag).collect();
    session.reject(tags[3], true).expect("it is there");
    assert_eq!(ready(&session, "q"), [4]);
    session.nack(tags[1], true, true).expect("two are there");
    assert_eq!(ready(&session, "q"), [1, 2, 4], "each in its old place");
    session.reject(tags[2], false).expect("it is there");
    assert_eq!((ready(&session, "q"), session.books().copies().count()), (vec![1, 2, 4], 3));
}

#[test]
fn who_does_not_acknowledge_owns_nothing() {
    let mut session = with(classic());
    session.consume("q", 1, AckMode::Auto).expect("the queue is there");
    publish_all(&mut session, 1..=2);
    assert_eq!(bodies(&session.delivered()), [1, 2]);
    assert_eq!(session.books().copies().count(), 0);
}

#[test]
fn consumers_take_turns() {
    let mut session = with(classic());
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    session.consume("q", 2, AckMode::Manual).expect("the tag is another one");
    assert_eq!(session.consume("q", 2, AckMode::Manual), Err(Exception::NotAllowed), "a tag is used once");
    session.consume("q", 1, AckMode::Manual).expect("the connection was closed, and its consumers gone");
    session.consume("q", 2, AckMode::Manual).expect("the same");
    publish_all(&mut session, 1..=4);
    let to: Vec<u16> = session.delivered().iter().filter_map(|delivery| delivery.consumer).map(|tag| tag.0).collect();
    assert_eq!(to, [1, 2, 1, 2]);
}

#[test]
fn what_was_delivered_stays_with_the_channel_of_a_consumer_that_cancels() {
    let mut session = with(classic());
    publish_all(&mut session, [1]);
    session.consume("q", 1, AckMode::Manual).expect("the queue is there");
    let tag = session.delivered()[0].tag;
    session
        .tell(Command::Cancel(session.channel(), seedbed_models::communication::message_queue::names::ConsumerTag(1)));
    publish_all(&mut session, [2]);
    assert!(session.delivered().is_empty());
    assert_eq!(session.ack(tag, false), Ok(Answer::Done));
    assert_eq!(ready(&session, "q"), [2]);
}

#[test]
fn a_purge_takes_what_is_ready() {
    let mut session = with(classic());
    publish_all(&mut session, 1..=3);
    let held = get(&mut session, "q");
    assert_eq!(session.purge("q"), Ok(Answer::Ready(2)));
    session.nack(held.tag, false, true).expect("it was not purged");
    assert_eq!(ready(&session, "q"), [1]);
    assert_eq!(session.purge("nowhere"), Err(Exception::NotFound));
}

#[test]
fn a_delivery_of_a_queue_that_was_deleted_goes_nowhere() {
    let mut session = with(classic());
    publish_all(&mut session, [1]);
    let held = get(&mut session, "q");
    session.delete("q").expect("it is there");
    session.declare_queue("q", classic()).expect("it is another one");
    session.nack(held.tag, false, true).expect("the tag is known");
    assert!(ready(&session, "q").is_empty());
}
