//! QoS (§4.3), delivery again (§4.4), flow control (§4.9).

use seedbed_models::communication::pub_sub::engine::Input;
use seedbed_models::communication::pub_sub::names::PacketId;
use seedbed_models::communication::pub_sub::packet::{Packet, Qos, Reason};
use seedbed_sim::Span;

use crate::say::{ANN, BOB, Desk, connect, line, message, messages, on, publish};

const ONE: PacketId = PacketId(1);
const TWO: PacketId = PacketId(2);

fn desk(qos: Qos) -> Desk {
    Desk::new().with(ANN).with(BOB).subscribed(BOB, "a", qos)
}

// §4.3.1
#[test]
fn qos_0_has_no_answer_and_waits_for_nobody() {
    let mut desk = desk(Qos::ExactlyOnce);
    let packet = publish(message("a", Qos::AtMostOnce, 1), 0);
    assert_eq!(desk.says(1, packet.clone()), []);
    assert_eq!(messages(&desk.hears(1, packet.clone(), 2)), [(1, Qos::AtMostOnce, 0, false)]);
    desk.input(Input::Lost(line(2)));
    desk.says(1, packet);
    assert_eq!(messages(&desk.connect(4, connect(BOB))), []);
}

// §4.3.2
#[test]
fn qos_1_is_acknowledged_and_sent_until_it_is() {
    let mut desk = desk(Qos::AtLeastOnce);
    assert_eq!(
        desk.says(1, publish(message("a", Qos::AtLeastOnce, 1), 7)),
        [Packet::PubAck(PacketId(7), Reason::Success)]
    );
    desk.input(Input::Lost(line(2)));
    let again = desk.connect(4, connect(BOB));
    assert_eq!(messages(&again), [(1, Qos::AtLeastOnce, 1, true)], "under its packet identifier, and with DUP");
    assert_eq!(desk.says(4, Packet::PubAck(ONE, Reason::Success)), []);
    desk.input(Input::Lost(line(4)));
    assert_eq!(messages(&desk.connect(5, connect(BOB))), []);
}

#[test]
fn nobody_subscribed_is_said() {
    let mut desk = Desk::new().with(ANN);
    let answer = desk.says(1, publish(message("a", Qos::AtLeastOnce, 1), 7));
    assert_eq!(answer, [Packet::PubAck(PacketId(7), Reason::NoMatchingSubscribers)]);
}

// §4.3.3, the receiver: [MQTT-4.3.3-10], [MQTT-4.3.3-11]
#[test]
fn qos_2_is_taken_once_until_its_release() {
    let mut desk = desk(Qos::ExactlyOnce);
    let packet = publish(message("a", Qos::ExactlyOnce, 1), 7);
    assert_eq!(messages(&desk.hears(1, packet.clone(), 2)).len(), 1);
    desk.input(Input::Lost(line(1)));
    desk.connect(4, connect(ANN));
    let outputs = desk.input(Input::Packet(line(4), packet.clone()));
    assert_eq!(on(&outputs, 4), [Packet::PubRec(PacketId(7), Reason::Success)]);
    assert_eq!(on(&outputs, 2), [], "it is the same message");
    let completed = [Packet::PubComp(PacketId(7), Reason::Success)];
    assert_eq!(desk.says(4, Packet::PubRel(PacketId(7), Reason::Success)), completed);
    let unknown = [Packet::PubComp(PacketId(7), Reason::PacketIdNotFound)];
    assert_eq!(desk.says(4, Packet::PubRel(PacketId(7), Reason::Success)), unknown);
    assert_eq!(
        messages(&desk.hears(4, packet, 2)).len(),
        1,
        "after its release the identifier is that of another message"
    );
}

// §4.3.3, the sender, at each of its steps: §4.4
#[test]
fn qos_2_goes_on_where_it_was() {
    let mut desk = desk(Qos::ExactlyOnce);
    desk.says(1, publish(message("a", Qos::ExactlyOnce, 1), 7));
    desk.input(Input::Restarted);
    assert_eq!(messages(&desk.connect(4, connect(BOB))), [(1, Qos::ExactlyOnce, 1, true)]);
    let release = Packet::PubRel(ONE, Reason::Success);
    assert_eq!(desk.says(4, Packet::PubRec(ONE, Reason::Success)), std::slice::from_ref(&release));
    desk.input(Input::Restarted);
    let again = desk.connect(5, connect(BOB));
    assert_eq!(&again[1..], std::slice::from_ref(&release), "the message is gone, and the release is not");
    assert_eq!(desk.says(5, Packet::PubRec(ONE, Reason::Success)), [release]);
    assert_eq!(desk.says(5, Packet::PubComp(ONE, Reason::Success)), []);
    desk.input(Input::Restarted);
    assert_eq!(desk.connect(6, connect(BOB)).len(), 1, "nothing but CONNACK");
}

#[test]
fn a_failure_in_pubrec_ends_the_exchange() {
    let mut desk = desk(Qos::ExactlyOnce);
    desk.says(1, publish(message("a", Qos::ExactlyOnce, 1), 7));
    assert_eq!(desk.says(2, Packet::PubRec(ONE, Reason::NotAuthorized)), []);
    desk.input(Input::Restarted);
    assert_eq!(desk.connect(4, connect(BOB)).len(), 1);
}

#[test]
fn what_nobody_may_publish_is_refused_and_its_identifier_is_free() {
    let mut desk = Desk::new().with(ANN).with(BOB).subscribed(BOB, "#", Qos::ExactlyOnce);
    for n in 0..5 {
        let outputs = desk.input(Input::Packet(line(1), publish(message("locked", Qos::ExactlyOnce, n), 7)));
        assert_eq!(on(&outputs, 1), [Packet::PubRec(PacketId(7), Reason::NotAuthorized)]);
        assert_eq!(on(&outputs, 2), []);
    }
}

// §4.9: PUBACK and PUBCOMP make room, PUBREC does not
#[test]
fn no_more_is_sent_at_a_time_than_the_client_takes() {
    let mut desk = desk(Qos::ExactlyOnce);
    for body in 1..=4 {
        desk.says(1, publish(message("a", Qos::ExactlyOnce, body), 7));
        desk.says(1, Packet::PubRel(PacketId(7), Reason::Success));
    }
    let exchanges = |desk: &Desk| desk.engine.session(BOB).expect("a session").outbox.exchanges().count();
    assert_eq!(exchanges(&desk), 2);
    let rec = |id| Packet::PubRec(id, Reason::Success);
    assert_eq!(desk.says(2, rec(ONE)), [Packet::PubRel(ONE, Reason::Success)]);
    let next = desk.says(2, Packet::PubComp(ONE, Reason::Success));
    assert_eq!(messages(&next), [(3, Qos::ExactlyOnce, 1, false)], "the lowest identifier that is free");
    desk.says(2, rec(TWO));
    // On another connection a release needs no place.
    desk.input(Input::Lost(line(2)));
    let again = desk.connect(4, connect(BOB));
    assert!(again.contains(&Packet::PubRel(TWO, Reason::Success)));
    assert_eq!(messages(&again), [(3, Qos::ExactlyOnce, 1, true), (4, Qos::ExactlyOnce, 3, false)]);
}

// [MQTT-3.3.4-8]
#[test]
fn a_client_that_sends_more_than_the_broker_takes_is_disconnected() {
    let mut desk = Desk::new().with(ANN);
    for id in 1..=2 {
        desk.says(1, publish(message("a", Qos::ExactlyOnce, id.into()), id));
    }
    let refused = desk.says(1, publish(message("a", Qos::ExactlyOnce, 3), 3));
    assert_eq!(refused, [Packet::Disconnect(Reason::ReceiveMaximumExceeded, None)]);
    assert!(desk.engine.session(ANN).expect("its session lives").online.is_none());
}

// [MQTT-3.3.2-5], [MQTT-3.3.2-6]
#[test]
fn a_message_waits_no_longer_than_its_time() {
    let mut desk = desk(Qos::AtLeastOnce);
    desk.input(Input::Lost(line(2)));
    for (body, ms) in [(1, 10), (2, 50)] {
        let mut short = message("a", Qos::AtLeastOnce, body);
        short.expiry = Some(Span::ms(ms));
        desk.says(1, publish(short, 7));
    }
    desk.pass(Span::ms(20));
    let sent = desk.connect(4, connect(BOB));
    assert_eq!(messages(&sent), [(2, Qos::AtLeastOnce, 1, false)]);
    let Packet::Publish(publish) = &sent[1] else { panic!("{sent:?}") };
    assert_eq!(publish.message.expiry, Some(Span::ms(30)));
}

// §4.6
#[test]
fn what_is_sent_again_keeps_its_order() {
    let mut desk = desk(Qos::AtLeastOnce);
    for body in 1..=2 {
        desk.says(1, publish(message("a", Qos::AtLeastOnce, body), 7));
    }
    desk.input(Input::Lost(line(2)));
    let again = desk.connect(4, connect(BOB));
    assert_eq!(messages(&again), [(1, Qos::AtLeastOnce, 1, true), (2, Qos::AtLeastOnce, 2, true)]);
}
