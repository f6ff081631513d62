//! Subscriptions (§3.8, §3.10, §3.3.4).

use seedbed_models::communication::pub_sub::engine::{Engine, Overlap, Settings};
use seedbed_models::communication::pub_sub::names::{PacketId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::{Options, Packet, Qos, Reason};
use seedbed_models::communication::pub_sub::topic::Filter;

use crate::say::{ANN, BOB, Desk, connect, message, messages, publish, settings, subscribe};

// §3.8.4
#[test]
fn a_message_is_sent_with_the_lower_qos() {
    let all = [Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce];
    for published in all {
        for granted in all {
            let mut desk = Desk::new().with(ANN).with(BOB).subscribed(BOB, "a", granted);
            let sent = messages(&desk.hears(1, publish(message("a", published, 1), 7), 2));
            assert_eq!(sent[0].1, published.min(granted));
        }
    }
}

// [MQTT-3.8.3-3]
#[test]
fn no_local_keeps_off_what_the_client_has_published() {
    let mut desk = Desk::new().with(ANN);
    desk.says(1, subscribe("a", Options { no_local: true, ..Options::of(Qos::AtMostOnce) }));
    assert_eq!(desk.says(1, publish(message("a", Qos::AtMostOnce, 1), 0)), []);
    desk.says(1, subscribe("a", Options::of(Qos::AtMostOnce)));
    assert_eq!(desk.says(1, publish(message("a", Qos::AtMostOnce, 2), 0)).len(), 1);
}

#[test]
fn a_filter_that_is_none_is_refused_and_others_are_not() {
    let mut desk = Desk::new().with(ANN);
    let filters = [("a/#/b", Qos::AtMostOnce), ("a", Qos::AtLeastOnce), ("$share/g", Qos::AtMostOnce)];
    let filters = filters.map(|(filter, qos)| (Filter::from(filter), Options::of(qos))).to_vec();
    let reasons = vec![Reason::TopicFilterInvalid, Reason::Granted(Qos::AtLeastOnce), Reason::TopicFilterInvalid];
    let answer = desk.says(1, Packet::Subscribe(PacketId(3), filters, None));
    assert_eq!(answer, [Packet::SubAck(PacketId(3), reasons)]);
}

// [MQTT-3.8.3-4]
#[test]
fn no_local_of_a_shared_subscription_is_an_error() {
    let mut desk = Desk::new().with(ANN);
    let answer = desk.says(1, subscribe("$share/g/a", Options { no_local: true, ..Options::of(Qos::AtMostOnce) }));
    assert_eq!(answer, [Packet::Disconnect(Reason::ProtocolError, None)]);
}

#[test]
fn unsubscribing_ends_a_subscription() {
    let mut desk = Desk::new().with(ANN).with(BOB).subscribed(BOB, "a", Qos::AtMostOnce);
    let filters = vec![Filter::from("a"), Filter::from("b")];
    let answer = desk.says(2, Packet::Unsubscribe(PacketId(4), filters));
    assert_eq!(answer, [Packet::UnsubAck(PacketId(4), vec![Reason::Success, Reason::NoSubscription])]);
    assert_eq!(desk.hears(1, publish(message("a", Qos::AtMostOnce, 1), 0), 2), []);
}

// [MQTT-3.3.4-2] to [MQTT-3.3.4-5]
#[test]
fn subscriptions_that_overlap_get_one_copy_or_one_each() {
    for (overlap, expected) in [
        (Overlap::OneCopy, vec![(Qos::AtLeastOnce, vec![1, 2])]),
        (Overlap::CopyEach, vec![(Qos::AtMostOnce, vec![1]), (Qos::AtLeastOnce, vec![2])]),
    ] {
        let engine = Engine::new(Settings { overlap, ..settings() });
        let mut desk = Desk { engine, ..Desk::new() };
        desk.connect(1, connect(ANN));
        for (id, filter, qos) in [(1, "#", Qos::AtMostOnce), (2, "a", Qos::AtLeastOnce)] {
            let filters = vec![(Filter::from(filter), Options::of(qos))];
            desk.says(1, Packet::Subscribe(PacketId(9), filters, Some(SubscriptionId(id))));
        }
        let mut sent: Vec<(Qos, Vec<u32>)> = desk
            .says(1, publish(message("a", Qos::ExactlyOnce, 1), 7))
            .into_iter()
            .filter_map(|packet| match packet {
                Packet::Publish(publish) => {
                    Some((publish.message.qos, publish.subscriptions.iter().map(|id| id.0).collect()))
                }
                _ => None,
            })
            .collect();
        sent.sort();
        assert_eq!(sent, expected);
    }
}

// [MQTT-4.7.2-1]
#[test]
fn a_leading_wildcard_does_not_match_what_begins_with_a_dollar() {
    let mut desk =
        Desk::new().with(ANN).with(BOB).subscribed(BOB, "#", Qos::AtMostOnce).subscribed(BOB, "+/x", Qos::AtMostOnce);
    assert_eq!(desk.hears(1, publish(message("$data/x", Qos::AtMostOnce, 1), 0), 2), []);
    let mut desk = desk.subscribed(BOB, "$data/#", Qos::AtMostOnce);
    assert_eq!(desk.hears(1, publish(message("$data/x", Qos::AtMostOnce, 2), 0), 2).len(), 1);
}
