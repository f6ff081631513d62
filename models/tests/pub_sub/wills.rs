//! Will Messages (§3.1.2.5, §3.1.3.2.2).

use seedbed_models::communication::pub_sub::engine::{Input, Output};
use seedbed_models::communication::pub_sub::packet::{Connect, Packet, Qos, Reason, SessionExpiry};
use seedbed_sim::Span;

use crate::say::{ANN, BOB, Desk, connect, line, messages, on, will};

/// Ann has a Will Message with this delay, and Bob is subscribed.
fn desk(delay: u64, expiry: SessionExpiry) -> Desk {
    let mut desk = Desk::new().with(BOB).subscribed(BOB, "will", Qos::AtLeastOnce);
    desk.connect(1, Connect { will: will(Span::ms(delay)), expiry, ..connect(ANN) });
    desk
}

fn published(outputs: &[Output]) -> usize {
    messages(&on(outputs, 2)).len()
}

#[test]
fn a_lost_connection_publishes_it_and_a_disconnect_does_not() {
    assert_eq!(published(&desk(0, SessionExpiry::Never).input(Input::Lost(line(1)))), 1);
    for (reason, count) in [(Reason::Success, 0), (Reason::WithWill, 1)] {
        let mut desk = desk(0, SessionExpiry::Never);
        assert_eq!(published(&desk.input(Input::Packet(line(1), Packet::Disconnect(reason, None)))), count);
        assert_eq!(published(&desk.pass(Span::secs(1)).input(Input::Tick)), 0);
    }
}

#[test]
fn it_waits_for_its_delay() {
    let mut desk = desk(50, SessionExpiry::Never);
    assert_eq!(published(&desk.input(Input::Lost(line(1)))), 0);
    assert_eq!(published(&desk.pass(Span::ms(49)).input(Input::Tick)), 0);
    assert_eq!(published(&desk.pass(Span::ms(1)).input(Input::Tick)), 1);
}

// [MQTT-3.1.3-9]
#[test]
fn the_next_connection_takes_it_back() {
    let mut desk = desk(50, SessionExpiry::Never);
    desk.input(Input::Lost(line(1)));
    desk.pass(Span::ms(20));
    desk.connect(4, connect(ANN));
    assert_eq!(published(&desk.pass(Span::secs(1)).input(Input::Tick)), 0);
}

#[test]
fn the_end_of_the_session_does_not_wait() {
    let mut desk = desk(500, SessionExpiry::After(Span::ms(30)));
    desk.input(Input::Lost(line(1)));
    assert_eq!(published(&desk.pass(Span::ms(30)).input(Input::Tick)), 1);
}

// §3.1.4
#[test]
fn a_connection_that_takes_over_publishes_it_where_nothing_waits() {
    for (delay, clean_start, count) in [(0, false, 1), (50, false, 0), (50, true, 1)] {
        let mut desk = desk(delay, SessionExpiry::Never);
        let connect = Connect { clean_start, ..connect(ANN) };
        let outputs = desk.input(Input::Packet(line(4), Packet::Connect(Box::new(connect))));
        assert_eq!(published(&outputs), count, "delay {delay}, Clean Start {clean_start}");
    }
}

#[test]
fn a_crash_of_the_broker_loses_all_connections() {
    let mut desk = desk(0, SessionExpiry::Never);
    desk.input(Input::Restarted);
    assert_eq!(messages(&desk.connect(5, connect(BOB))).len(), 1);
}
