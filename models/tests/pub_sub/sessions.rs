//! Sessions (§4.1, §3.1.2.4, §3.1.2.11.2, §3.1.4, §3.14).

use seedbed_models::communication::pub_sub::engine::{Input, Output};
use seedbed_models::communication::pub_sub::packet::{Connect, Packet, Qos, Reason, SessionExpiry};
use seedbed_sim::Span;

use crate::say::{ANN, BOB, Desk, connect, line, message, messages, publish};

fn present(packets: &[Packet]) -> bool {
    matches!(packets[0], Packet::ConnAck { session_present: true, .. })
}

#[test]
fn a_session_outlives_its_connection_as_long_as_it_says() {
    let mut desk = Desk::new();
    let short = || Connect { expiry: SessionExpiry::After(Span::ms(100)), ..connect(ANN) };
    assert!(!present(&desk.connect(1, short())));
    desk.input(Input::Lost(line(1)));
    desk.pass(Span::ms(99));
    assert!(present(&desk.connect(2, short())));
    desk.input(Input::Lost(line(2)));
    desk.pass(Span::ms(100));
    assert!(!present(&desk.connect(3, short())));
}

#[test]
fn with_zero_it_ends_with_its_connection() {
    let mut desk = Desk::new();
    desk.connect(1, Connect { expiry: SessionExpiry::AT_ONCE, ..connect(ANN) });
    desk.says(1, Packet::Disconnect(Reason::Success, None));
    assert!(desk.engine.session(ANN).is_none());
}

// [MQTT-3.1.2-4]
#[test]
fn clean_start_begins_anew() {
    let mut desk = Desk::new().with(ANN).with(BOB).subscribed(BOB, "a", Qos::AtLeastOnce);
    desk.input(Input::Lost(line(2)));
    desk.says(1, publish(message("a", Qos::AtLeastOnce, 1), 7));
    let sent = desk.connect(4, Connect { clean_start: true, ..connect(BOB) });
    assert!(!present(&sent));
    assert_eq!(messages(&sent), []);
    assert!(desk.engine.session(BOB).expect("a new one").subscriptions.is_empty());
}

// [MQTT-3.1.4-3]
#[test]
fn a_client_that_connects_again_takes_over() {
    let mut desk = Desk::new().with(ANN);
    let outputs = desk.input(Input::Packet(line(2), Packet::Connect(Box::new(connect(ANN)))));
    let taken = Packet::Disconnect(Reason::SessionTakenOver, None);
    assert_eq!(outputs[..2], [Output::Send(line(1), taken), Output::Close(line(1))]);
    assert!(matches!(outputs[2], Output::Send(to, Packet::ConnAck { session_present: true, .. }) if to == line(2)));
    assert_eq!(desk.engine.client(line(1)), None);
    // What still comes on the old one is of no account.
    assert_eq!(desk.input(Input::Packet(line(1), Packet::PingReq)), [Output::Close(line(1))]);
}

// [MQTT-3.1.0-1], [MQTT-3.1.0-2]
#[test]
fn connect_comes_first_and_once() {
    let mut desk = Desk::new();
    assert_eq!(desk.input(Input::Packet(line(1), Packet::PingReq)), [Output::Close(line(1))]);
    let mut desk = Desk::new().with(ANN);
    assert_eq!(desk.connect(1, connect(ANN)), [Packet::Disconnect(Reason::ProtocolError, None)]);
}

// §3.14.2.2.2
#[test]
fn disconnect_may_change_how_long_it_lives_but_not_from_zero() {
    let mut desk = Desk::new().with(ANN);
    desk.says(1, Packet::Disconnect(Reason::Success, Some(SessionExpiry::AT_ONCE)));
    assert!(desk.engine.session(ANN).is_none());
    desk.connect(2, Connect { expiry: SessionExpiry::AT_ONCE, ..connect(ANN) });
    let refused = desk.says(2, Packet::Disconnect(Reason::Success, Some(SessionExpiry::Never)));
    assert_eq!(refused, [Packet::Disconnect(Reason::ProtocolError, None)]);
}

// §3.12
#[test]
fn a_ping_is_answered() {
    assert_eq!(Desk::new().with(ANN).says(1, Packet::PingReq), [Packet::PingResp]);
}
