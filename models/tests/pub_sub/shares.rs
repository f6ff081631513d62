//! Shared subscriptions (§4.8.2).

use seedbed_models::communication::pub_sub::engine::Input;
use seedbed_models::communication::pub_sub::names::{ClientId, PacketId};
use seedbed_models::communication::pub_sub::packet::{Options, Packet, Qos, Reason, SessionExpiry};

use crate::say::{ANN, BOB, Desk, EVE, line, message, messages, on, publish, subscribe};

/// Ann publishes; Bob and Eve share a subscription.
fn desk(qos: Qos) -> Desk {
    let desk = Desk::new().with(ANN).with(BOB).with(EVE);
    desk.subscribed(BOB, "$share/g/a", qos).subscribed(EVE, "$share/g/a", qos)
}

fn got(desk: &mut Desk, qos: Qos, body: u64) -> Vec<u16> {
    let outputs = desk.input(Input::Packet(line(1), publish(message("a", qos, body), 7)));
    desk.says(1, Packet::PubRel(PacketId(7), Reason::Success));
    [2, 3]
        .into_iter()
        .filter(|member| !messages(&on(&outputs, *member)).is_empty())
        .map(|member| member as u16)
        .collect()
}

fn waiting(desk: &Desk, client: ClientId) -> usize {
    desk.engine.session(client).map_or(0, |session| session.outbox.pending().count())
}

#[test]
fn each_message_goes_to_one_member_in_turn() {
    let mut desk = desk(Qos::AtMostOnce);
    let all: Vec<Vec<u16>> = (1..=4).map(|body| got(&mut desk, Qos::AtMostOnce, body)).collect();
    assert_eq!(all, [vec![2], vec![3], vec![2], vec![3]]);
}

#[test]
fn members_that_are_connected_come_first_and_others_where_none_is() {
    let mut desk = desk(Qos::AtLeastOnce);
    desk.input(Input::Lost(line(2)));
    assert_eq!(got(&mut desk, Qos::AtLeastOnce, 1), [3]);
    assert_eq!(got(&mut desk, Qos::AtLeastOnce, 2), [3]);
    desk.input(Input::Lost(line(3)));
    got(&mut desk, Qos::AtLeastOnce, 3);
    assert_eq!(waiting(&desk, BOB) + waiting(&desk, EVE), 3);
}

// A session has its subscription besides, and gets a copy for each.
#[test]
fn a_member_with_a_subscription_of_its_own_gets_both() {
    let mut desk = Desk::new().with(ANN).with(BOB).subscribed(BOB, "a", Qos::AtMostOnce);
    desk.says(2, subscribe("$share/g/a", Options::of(Qos::AtMostOnce)));
    assert_eq!(desk.hears(1, publish(message("a", Qos::AtMostOnce, 1), 0), 2).len(), 2);
}

/// Bob has a message under way and one that waits; his session ends.
fn end_of_a_session(qos: Qos) -> Desk {
    let mut desk = desk(qos);
    desk.says(3, Packet::Unsubscribe(PacketId(3), vec!["$share/g/a".into()]));
    for body in 1..=3 {
        got(&mut desk, qos, body);
    }
    let mut desk = desk.subscribed(EVE, "$share/g/a", qos);
    desk.says(2, Packet::Disconnect(Reason::Success, Some(SessionExpiry::AT_ONCE)));
    desk
}

#[test]
fn what_a_member_had_not_acknowledged_goes_to_another() {
    assert_eq!(waiting(&end_of_a_session(Qos::AtLeastOnce), EVE), 3);
}

// [MQTT-4.8.2-5]
#[test]
fn but_not_what_was_under_way_with_qos_2() {
    assert_eq!(waiting(&end_of_a_session(Qos::ExactlyOnce), EVE), 1);
}
