//! *Dead Letter Exchanges*: when messages are dead-lettered, what they say then, cycles; and the delay that is built of them.

use seedbed_models::communication::message_queue::books::command::AckMode;
use seedbed_models::communication::message_queue::books::message::Reason;
use seedbed_models::communication::message_queue::books::session::Session;
use seedbed_models::communication::message_queue::books::settings::{DeadLetterTo, QueueSettings};
use seedbed_models::communication::message_queue::names::{ExchangeName, Key};
use seedbed_sim::{Span, Time};

use crate::say::{classic, dead_letters_to, deaths, expiring, get, plain, publish, publish_all, ready, with};

fn to_dead() -> Session {
    let mut session = with(QueueSettings { dead_letter: dead_letters_to("dead"), ..classic() });
    session.declare_queue("dead", classic()).expect("it is new");
    session
}

#[test]
fn a_message_that_is_rejected_is_dead_lettered_once() {
    let mut session = to_dead();
    publish_all(&mut session, 1..=2);
    let (first, second) = (get(&mut session, "q"), get(&mut session, "q"));
    session.reject(first.tag, false).expect("it is there");
    session.nack(second.tag, false, false).expect("it is there");
    assert_eq!((ready(&session, "q"), ready(&session, "dead")), (vec![], vec![1, 2]));
}

#[test]
fn it_says_where_why_and_when_and_expires_no_more() {
    let mut session = to_dead();
    session.tick(Span::ms(3));
    assert!(publish(&mut session, "q", 1, expiring(5)));
    session.tick(Span::ms(5));
    let dead = get(&mut session, "dead").message;
    assert_eq!((dead.exchange.as_str(), dead.key.as_str()), ("", "dead"), "as it was published last");
    let [death] = &dead.deaths[..] else { panic!("it has died once: {dead:?}") };
    assert_eq!((death.queue.as_str(), death.reason, death.count), ("q", Reason::Expired, 1));
    assert_eq!((death.exchange.as_str(), death.key.as_str()), ("", "q"), "as it was published first");
    assert_eq!((death.time, death.original_expiration), (Time::ZERO + Span::ms(8), Some(Span::ms(5))));
    assert_eq!(dead.properties.expiration, None, "lest it expire again");
    assert_eq!(dead.first_death, dead.last_death);
}

/// A queue whose dead letters wait for 20 ms and come back.
fn delayed() -> Session {
    let mut session = with(QueueSettings { dead_letter: dead_letters_to("retry"), ..classic() });
    let retry = QueueSettings { message_ttl: Some(Span::ms(20)), dead_letter: dead_letters_to("q"), ..classic() };
    session.declare_queue("retry", retry).expect("it is new");
    session
}

#[test]
fn a_delay_is_a_queue_that_nobody_consumes() {
    let mut session = delayed();
    publish_all(&mut session, [1]);
    for round in 1..=3 {
        let held = get(&mut session, "q");
        session.reject(held.tag, false).expect("it is there");
        session.tick(Span(Span::ms(20).0 - 1));
        assert_eq!((ready(&session, "q"), ready(&session, "retry")), (vec![], vec![1]), "it is not early");
        session.tick(Span(1));
        assert_eq!((ready(&session, "q"), ready(&session, "retry")), (vec![1], vec![]));
        let back = get(&mut session, "q");
        let counts = [("retry", Reason::Expired, round), ("q", Reason::Rejected, round)];
        assert_eq!(deaths(&back), counts, "the latest is first, and each is counted");
        let mark = |mark: &Option<_>| -> Option<(String, Reason)> {
            let mark: &seedbed_models::communication::message_queue::books::message::DeathMark = mark.as_ref()?;
            Some((mark.queue.to_string(), mark.reason))
        };
        assert_eq!(mark(&back.message.first_death), Some(("q".into(), Reason::Rejected)));
        assert_eq!(mark(&back.message.last_death), Some(("retry".into(), Reason::Expired)));
        session.nack(back.tag, false, true).expect("it is there");
    }
}

#[test]
fn a_cycle_without_a_rejection_ends() {
    let mut session = delayed();
    // It expires in `q`, then in `retry`, and would come to `q` again, where it has died: nobody has rejected it.
    assert!(publish(&mut session, "q", 1, expiring(5)));
    session.tick(Span::ms(5));
    assert_eq!(ready(&session, "retry"), [1]);
    session.tick(Span::ms(20));
    assert_eq!(session.books().copies().count(), 0);
}

#[test]
fn a_queue_that_is_its_own_dead_letter_queue_drops_what_expires() {
    let own = QueueSettings { message_ttl: Some(Span::ms(5)), dead_letter: dead_letters_to("q"), ..classic() };
    let mut session = with(own);
    publish_all(&mut session, [1]);
    session.tick(Span::ms(5));
    assert_eq!(session.books().copies().count(), 0);
}

#[test]
fn without_an_exchange_or_a_route_it_is_gone() {
    let nowhere = DeadLetterTo { exchange: ExchangeName::from("nowhere"), key: Some(Key::from("k")) };
    let mut session = with(QueueSettings { dead_letter: Some(nowhere), ..classic() });
    publish_all(&mut session, [1]);
    let held = get(&mut session, "q");
    session.reject(held.tag, false).expect("it is there");
    assert_eq!(session.books().copies().count(), 0);
}

#[test]
fn the_key_is_kept_where_no_other_is_declared() {
    let keep = DeadLetterTo { exchange: ExchangeName::from(""), key: None };
    let mut session = with(QueueSettings { dead_letter: Some(keep), ..classic() });
    publish_all(&mut session, [1]);
    let held = get(&mut session, "q");
    session.reject(held.tag, false).expect("it is there");
    assert_eq!(ready(&session, "q"), [1], "it was rejected, so that this is no cycle");
    assert_eq!(deaths(&get(&mut session, "q")), [("q", Reason::Rejected, 1)]);
}

#[test]
fn what_is_in_a_queue_that_goes_is_not_dead_lettered() {
    let expires = Some(Span::ms(5));
    let mut session = with(QueueSettings { dead_letter: dead_letters_to("dead"), expires, ..classic() });
    session.declare_queue("dead", classic()).expect("it is new");
    publish_all(&mut session, [1]);
    session.tick(Span::ms(5));
    assert!(ready(&session, "dead").is_empty());
    assert_eq!(session.get("dead", AckMode::Manual), Ok(None));
    session.declare_queue("q", QueueSettings { dead_letter: dead_letters_to("dead"), ..classic() }).expect("it is new");
    assert!(publish(&mut session, "q", 2, plain()));
    session.delete("q").expect("it is there");
    assert!(ready(&session, "dead").is_empty());
}
