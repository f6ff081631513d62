//! Exchanges and bindings (AMQP 0-9-1, §3.1.3; RabbitMQ, *Exchanges*), and what may not be declared (*Queues*, "Property Equivalence").

use std::collections::BTreeMap;

use seedbed_models::communication::message_queue::books::command::{AckMode, Answer, Command, Exception, OnlyIf};
use seedbed_models::communication::message_queue::books::exchange::{Binding, ExchangeKind, Match};
use seedbed_models::communication::message_queue::books::message::Properties;
use seedbed_models::communication::message_queue::books::session::Session;
use seedbed_models::communication::message_queue::names::{ExchangeName, QueueName, Text};

use crate::say::{classic, plain, quorum, ready, with};

fn bound(kind: ExchangeKind, bindings: &[(&str, Binding)]) -> Session {
    let mut session = Session::new();
    session.declare_exchange("x", kind).expect("it is new");
    for (queue, binding) in bindings {
        session.declare_queue(queue, classic()).expect("it is new, or the same");
        session.bind("x", queue, binding.clone()).expect("both are there");
    }
    session
}

fn routed(session: &mut Session, key: &str, properties: Properties) -> bool {
    matches!(session.publish("x", key, 1, properties), Ok(Answer::Published { routed: true, accepted: true }))
}

fn headers(all: &[(&str, &str)]) -> BTreeMap<Text, Text> {
    all.iter().map(|(name, value)| (Text::from(*name), Text::from(*value))).collect()
}

#[test]
fn the_default_exchange_routes_to_the_queue_of_that_name() {
    let mut session = with(classic());
    assert_eq!(session.publish("", "q", 1, plain()), Ok(Answer::Published { routed: true, accepted: true }));
    assert_eq!(session.publish("", "other", 2, plain()), Ok(Answer::Published { routed: false, accepted: true }));
    assert_eq!(ready(&session, "q"), [1]);
    assert_eq!(session.bind("", "q", Binding::by_key("q")), Err(Exception::AccessRefused));
}

#[test]
fn a_direct_exchange_compares_keys() {
    let mut session = bound(ExchangeKind::Direct, &[("a", Binding::by_key("k")), ("b", Binding::by_key("k"))]);
    assert!(routed(&mut session, "k", plain()));
    assert!(!routed(&mut session, "k.k", plain()));
    assert_eq!((ready(&session, "a"), ready(&session, "b")), (vec![1], vec![1]), "all queues that are bound");
}

#[test]
fn a_queue_gets_one_copy_however_many_bindings_match() {
    let mut session = bound(ExchangeKind::Topic, &[("a", Binding::by_key("#")), ("a", Binding::by_key("k.*"))]);
    assert!(routed(&mut session, "k.l", plain()));
    assert_eq!(ready(&session, "a"), [1]);
}

#[test]
fn a_fanout_exchange_looks_at_nothing() {
    let mut session = bound(ExchangeKind::Fanout, &[("a", Binding::by_key("k"))]);
    assert!(routed(&mut session, "anything", plain()));
}

#[test]
fn a_headers_exchange_wants_all_or_any() {
    let arguments = || [(Text::from("kind"), Some(Text::from("order"))), (Text::from("region"), None)];
    let says = |all: &[(&str, &str)]| Properties { headers: headers(all), ..plain() };
    let mut all = bound(ExchangeKind::Headers, &[("a", Binding::by_headers(Match::All, arguments()))]);
    assert!(routed(&mut all, "", says(&[("kind", "order"), ("region", "eu"), ("more", "x")])));
    assert!(!routed(&mut all, "", says(&[("kind", "order")])));
    assert!(!routed(&mut all, "", says(&[("kind", "refund"), ("region", "eu")])));
    let mut any = bound(ExchangeKind::Headers, &[("a", Binding::by_headers(Match::Any, arguments()))]);
    assert!(routed(&mut any, "", says(&[("region", "us")])), "that it is there is enough");
    assert!(!routed(&mut any, "", says(&[("kind", "refund")])));
}

#[test]
fn arguments_that_begin_with_x_count_only_where_it_is_said() {
    let argument = || [(Text::from("x-tier"), Some(Text::from("gold")))];
    let of = |x_match| bound(ExchangeKind::Headers, &[("a", Binding::by_headers(x_match, argument()))]);
    let gold = || Properties { headers: headers(&[("x-tier", "gold")]), ..plain() };
    for (x_match, without, with) in [
        (Match::All, true, true),
        (Match::Any, false, false),
        (Match::AllWithX, false, true),
        (Match::AnyWithX, false, true),
    ] {
        let mut session = of(x_match);
        let found = (routed(&mut session, "", plain()), routed(&mut session, "", gold()));
        assert_eq!(found, (without, with), "{x_match:?}");
    }
}

#[test]
fn a_binding_that_is_taken_away_routes_no_more() {
    let mut session = bound(ExchangeKind::Direct, &[("a", Binding::by_key("k"))]);
    let binding = Box::new(Binding::by_key("k"));
    session.tell(Command::Unbind(session.channel(), ExchangeName::from("x"), QueueName::from("a"), binding));
    assert!(!routed(&mut session, "k", plain()));
}

#[test]
fn a_publish_to_no_exchange_closes_the_channel() {
    let mut session = with(classic());
    assert_eq!(session.publish("nowhere", "q", 1, plain()), Err(Exception::NotFound));
    assert_eq!(Exception::NotFound.code(), 404);
}

#[test]
fn to_declare_again_changes_nothing_and_differently_is_refused() {
    let mut session = with(classic());
    assert!(session.publish("", "q", 1, plain()).is_ok());
    assert_eq!(session.declare_queue("q", classic()), Ok(Answer::Ready(1)));
    assert_eq!(session.declare_queue("q", quorum()), Err(Exception::PreconditionFailed));
    assert!(session.declare_exchange("x", ExchangeKind::Topic).is_ok());
    assert!(session.declare_exchange("x", ExchangeKind::Topic).is_ok());
    assert_eq!(session.declare_exchange("x", ExchangeKind::Direct), Err(Exception::PreconditionFailed));
}

#[test]
fn with_its_queue_its_bindings_go() {
    let mut session = bound(ExchangeKind::Direct, &[("a", Binding::by_key("k"))]);
    assert_eq!(session.delete("a"), Ok(Answer::Ready(0)));
    session.declare_queue("a", classic()).expect("it is new again");
    assert!(!routed(&mut session, "k", plain()));
    assert_eq!(session.delete("never there"), Ok(Answer::Ready(0)), "it is deleted already");
}

// AMQP 0-9-1, §1.6.2.3 and §1.7.2.9: "if-unused", "if-empty".
#[test]
fn what_is_deleted_on_a_condition() {
    let mut session = bound(ExchangeKind::Fanout, &[("a", Binding::by_key(""))]);
    let only_if = |unused, empty| OnlyIf { unused, empty };
    let channel = session.channel();
    let queue = |session: &mut Session, only_if| {
        let answer = session.tell(Command::DeleteQueue(channel, QueueName::from("a"), only_if));
        session.tell(Command::OpenChannel(channel));
        answer
    };
    let refused = Answer::Closed(Exception::PreconditionFailed);
    session.publish("x", "", 1, plain()).expect("it is there");
    assert_eq!(queue(&mut session, only_if(false, true)), refused);
    session.purge("a").expect("it is there");
    session.consume("a", 1, AckMode::Manual).expect("it is there");
    assert_eq!(queue(&mut session, only_if(true, false)), refused, "the consumer goes with the channel");
    let exchange = Command::DeleteExchange(channel, ExchangeName::from("x"), only_if(true, false));
    assert_eq!(session.tell(exchange.clone()), refused);
    session.tell(Command::OpenChannel(channel));
    assert_eq!(queue(&mut session, only_if(true, true)), Answer::Ready(0));
    assert_eq!(session.tell(exchange), Answer::Done, "its bindings have gone with the queue");
}

#[test]
fn a_quorum_queue_is_not_deleted_on_a_condition() {
    let mut session = with(quorum());
    let delete = Command::DeleteQueue(session.channel(), QueueName::from("q"), OnlyIf { unused: true, empty: false });
    assert_eq!(session.tell(delete), Answer::Closed(Exception::NotImplemented));
}
