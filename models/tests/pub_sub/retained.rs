//! Retained messages (§3.3.1.3, §3.8.3.1).

use seedbed_models::communication::pub_sub::packet::{Message, Options, Packet, Qos, RetainHandling};
use seedbed_sim::Span;

use crate::say::{ANN, BOB, Desk, message, messages, publish, subscribe};

fn retained(topic: &str, body: u64) -> Packet {
    publish(Message { retain: true, ..message(topic, Qos::AtLeastOnce, body) }, 7)
}

fn bodies(packets: &[Packet]) -> Vec<u64> {
    messages(packets).into_iter().map(|(body, ..)| body).collect()
}

fn flags(packets: &[Packet]) -> Vec<bool> {
    let flag = |packet: &Packet| match packet {
        Packet::Publish(publish) => Some(publish.message.retain),
        _ => None,
    };
    packets.iter().filter_map(flag).collect()
}

#[test]
fn a_new_subscription_gets_the_last_of_each_topic() {
    let mut desk = Desk::new().with(ANN).with(BOB);
    for (topic, body) in [("a", 1), ("b", 2), ("a", 3)] {
        desk.says(1, retained(topic, body));
    }
    let sent = desk.says(2, subscribe("#", Options::of(Qos::AtMostOnce)));
    assert_eq!(bodies(&sent), [3, 2]);
    assert_eq!(flags(&sent), [true, true]);
    assert_eq!(messages(&sent)[0].1, Qos::AtMostOnce, "with the lower QoS");
}

// [MQTT-3.3.1-6], [MQTT-3.3.1-7]
#[test]
fn an_empty_payload_clears() {
    let mut desk = Desk::new().with(ANN).with(BOB);
    desk.says(1, retained("a", 1));
    let mut empty = Message { retain: true, ..message("a", Qos::AtLeastOnce, 2) };
    empty.body.empty = true;
    desk.says(1, publish(empty, 7));
    assert_eq!(bodies(&desk.says(2, subscribe("#", Options::of(Qos::AtMostOnce)))), [0; 0]);
}

// [MQTT-3.3.1-9] to [MQTT-3.3.1-11]
#[test]
fn retain_handling_says_when() {
    for (handling, first, second) in
        [(RetainHandling::Send, 1, 1), (RetainHandling::SendIfNew, 1, 0), (RetainHandling::DoNotSend, 0, 0)]
    {
        let mut desk = Desk::new().with(ANN).with(BOB);
        desk.says(1, retained("a", 1));
        let subscribe = || subscribe("a", Options { retain_handling: handling, ..Options::of(Qos::AtMostOnce) });
        assert_eq!(bodies(&desk.says(2, subscribe())).len(), first);
        assert_eq!(bodies(&desk.says(2, subscribe())).len(), second);
    }
}

// [MQTT-3.3.1-12], [MQTT-3.3.1-13]
#[test]
fn the_flag_is_kept_where_the_subscription_says_so() {
    for keeps in [false, true] {
        let mut desk = Desk::new().with(ANN).with(BOB);
        desk.says(2, subscribe("a", Options { retain_as_published: keeps, ..Options::of(Qos::AtMostOnce) }));
        assert_eq!(flags(&desk.hears(1, retained("a", 1), 2)), [keeps]);
    }
}

#[test]
fn what_has_expired_is_not_sent() {
    let mut desk = Desk::new().with(ANN).with(BOB);
    let short = Message { retain: true, expiry: Some(Span::ms(10)), ..message("a", Qos::AtLeastOnce, 1) };
    desk.says(1, publish(short, 7));
    desk.pass(Span::ms(10));
    assert_eq!(bodies(&desk.says(2, subscribe("a", Options::of(Qos::AtMostOnce)))), [0; 0]);
}

// §4.8.2
#[test]
fn a_shared_subscription_gets_none() {
    let mut desk = Desk::new().with(ANN).with(BOB);
    desk.says(1, retained("a", 1));
    assert_eq!(bodies(&desk.says(2, subscribe("$share/g/a", Options::of(Qos::AtMostOnce)))), [0; 0]);
}
