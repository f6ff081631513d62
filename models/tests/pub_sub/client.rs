//! A client's session.

use seedbed_models::communication::pub_sub::client::session::{Event, Input, Output, Settings, State};
use seedbed_models::communication::pub_sub::messages::{Leaving, Outcome};
use seedbed_models::communication::pub_sub::names::{BodyId, PacketId};
use seedbed_models::communication::pub_sub::packet::{Options, Packet, Publish, Qos, Reason, SessionExpiry};
use seedbed_models::communication::pub_sub::topic::Filter;
use seedbed_sim::Span;

use crate::say::{ANN, message, messages, publish};

const ONE: PacketId = PacketId(1);

fn client(subscriptions: &[&str]) -> State {
    State::new(Settings {
        client: ANN,
        clean_start: false,
        expiry: SessionExpiry::Never,
        receive_maximum: 2,
        keep_alive: Span::ms(300),
        will: None,
        subscriptions: subscriptions.iter().map(|text| (Filter::from(*text), Options::of(Qos::ExactlyOnce))).collect(),
    })
}

fn say(state: &mut State, input: Input) -> Vec<Packet> {
    let packet = |output| match output {
        Output::Send(packet) => Some(packet),
        Output::Close => None,
    };
    state.handle(None, input).into_iter().filter_map(packet).collect()
}

fn up(state: &mut State, session_present: bool, clean_start: bool) -> Vec<Packet> {
    say(state, Input::Up(clean_start, BodyId(99)));
    say(state, Input::Packet(Packet::ConnAck { session_present, receive_maximum: 2 }))
}

fn delivered(state: &State) -> usize {
    state.journal().iter().filter(|event| matches!(event, Event::Delivered(_))).count()
}

fn outcomes(state: &State) -> Vec<Outcome> {
    let outcome = |event: &Event| match event {
        Event::Ended(_, outcome) => Some(*outcome),
        _ => None,
    };
    state.journal().iter().filter_map(outcome).collect()
}

// §4.3.3, §4.4
#[test]
fn what_is_not_acknowledged_is_sent_again_under_its_identifier() {
    let mut state = client(&[]);
    up(&mut state, false, false);
    let sent =
        say(&mut state, Input::Publish(vec![message("a", Qos::ExactlyOnce, 1), message("a", Qos::AtLeastOnce, 2)]));
    assert_eq!(messages(&sent), [(1, Qos::ExactlyOnce, 1, false), (2, Qos::AtLeastOnce, 2, false)]);
    let again = up(&mut state, true, false);
    assert_eq!(messages(&again), [(1, Qos::ExactlyOnce, 1, true), (2, Qos::AtLeastOnce, 2, true)]);
    let release = Packet::PubRel(ONE, Reason::Success);
    assert_eq!(say(&mut state, Input::Packet(Packet::PubRec(ONE, Reason::Success))), std::slice::from_ref(&release));
    assert_eq!(up(&mut state, true, false)[0], release);
    assert_eq!(outcomes(&state), [Outcome::Acknowledged]);
}

// [MQTT-3.2.2-4]
#[test]
fn a_session_that_is_gone_takes_with_it_what_was_sent_and_not_what_was_not() {
    let mut state = client(&["a"]);
    assert_eq!(up(&mut state, false, false).len(), 1, "it subscribes");
    let all = (1..=3).map(|body| message("a", Qos::AtLeastOnce, body)).collect();
    say(&mut state, Input::Publish(all));
    let again = up(&mut state, false, false);
    assert_eq!(outcomes(&state), [Outcome::Abandoned, Outcome::Abandoned]);
    assert_eq!(messages(&again), [(3, Qos::AtLeastOnce, 2, false)], "packet 1 is SUBSCRIBE");
    assert!(matches!(again[0], Packet::Subscribe(..)));
}

// [MQTT-3.1.2-4]: a client that crashes after CONNECT takes no old identifier into the new session.
#[test]
fn clean_start_forgets_before_connect_is_sent() {
    let mut state = client(&[]);
    up(&mut state, false, false);
    say(&mut state, Input::Publish(vec![message("a", Qos::ExactlyOnce, 1)]));
    say(&mut state, Input::Up(true, BodyId(99)));
    assert_eq!(outcomes(&state), [Outcome::Abandoned]);
    say(&mut state, Input::Down);
    assert_eq!(messages(&up(&mut state, true, false)), []);
}

// §4.3.3
#[test]
fn qos_2_is_delivered_once_until_its_release() {
    let mut state = client(&["a"]);
    up(&mut state, false, false);
    let packet = || Input::Packet(publish(message("a", Qos::ExactlyOnce, 5), 7));
    assert_eq!(say(&mut state, packet()), [Packet::PubRec(PacketId(7), Reason::Success)]);
    up(&mut state, true, false);
    assert_eq!(say(&mut state, packet()), [Packet::PubRec(PacketId(7), Reason::Success)]);
    assert_eq!(delivered(&state), 1);
    let completed = [Packet::PubComp(PacketId(7), Reason::Success)];
    assert_eq!(say(&mut state, Input::Packet(Packet::PubRel(PacketId(7), Reason::Success))), completed);
    say(&mut state, packet());
    assert_eq!(delivered(&state), 2);
}

// §4.13
#[test]
fn a_broker_that_sends_too_much_is_left() {
    let mut state = client(&["a"]);
    up(&mut state, false, false);
    for id in 1..=2 {
        say(&mut state, Input::Packet(publish(message("a", Qos::ExactlyOnce, id.into()), id)));
    }
    let said = say(&mut state, Input::Packet(publish(message("a", Qos::ExactlyOnce, 3), 3)));
    assert_eq!(said, [Packet::Disconnect(Reason::ReceiveMaximumExceeded, None)]);
}

#[test]
fn what_was_not_answered_is_asked_again() {
    let mut state = client(&[]);
    up(&mut state, false, false);
    let filter = Filter::from("a");
    say(&mut state, Input::Subscribe(filter.clone(), Options::of(Qos::AtMostOnce)));
    assert!(matches!(&up(&mut state, true, false)[..], [Packet::Subscribe(..)]));
    say(&mut state, Input::Packet(Packet::SubAck(ONE, vec![Reason::Granted(Qos::AtMostOnce)])));
    assert_eq!(up(&mut state, true, false), []);
    say(&mut state, Input::Unsubscribe(filter));
    assert!(matches!(&up(&mut state, true, false)[..], [Packet::Unsubscribe(..)]));
}

#[test]
fn qos_0_is_sent_at_once_or_never() {
    let mut state = client(&[]);
    say(&mut state, Input::Publish(vec![message("a", Qos::AtMostOnce, 1)]));
    up(&mut state, false, false);
    let sent = say(&mut state, Input::Publish(vec![message("a", Qos::AtMostOnce, 2)]));
    let expected = Publish { message: message("a", Qos::AtMostOnce, 2), dup: false, id: None, subscriptions: vec![] };
    assert_eq!(sent, [Packet::Publish(Box::new(expected))]);
    assert_eq!(outcomes(&state), [Outcome::NotSent, Outcome::Sent]);
}

#[test]
fn leaving_says_what_is_asked() {
    for (how, expected) in [
        (Leaving::Disconnect, Some(Reason::Success)),
        (Leaving::WithWill, Some(Reason::WithWill)),
        (Leaving::Close, None),
    ] {
        let mut state = client(&[]);
        up(&mut state, false, false);
        let outputs = state.handle(None, Input::Leave(how, None));
        let said = expected.map(|reason| Output::Send(Packet::Disconnect(reason, None)));
        assert_eq!(outputs, said.into_iter().chain([Output::Close]).collect::<Vec<_>>());
        assert!(!state.is_connected());
    }
}
