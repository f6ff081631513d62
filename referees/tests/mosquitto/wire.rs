//! Packets on the wire, by the codec of a client library, and back.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5 as wire;
use seedbed_models::communication::pub_sub::names::{BodyId, PacketId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::{
    Body, Connect, Message, Options, Packet, Publish, Qos, Reason, RetainHandling, SessionExpiry,
};
use seedbed_models::communication::pub_sub::topic::Topic;

fn qos(qos: Qos) -> QoS {
    match qos {
        Qos::AtMostOnce => QoS::AtMostOnce,
        Qos::AtLeastOnce => QoS::AtLeastOnce,
        Qos::ExactlyOnce => QoS::ExactlyOnce,
    }
}

fn qos_back(qos: QoS) -> Qos {
    match qos {
        QoS::AtMostOnce => Qos::AtMostOnce,
        QoS::AtLeastOnce => Qos::AtLeastOnce,
        QoS::ExactlyOnce => Qos::ExactlyOnce,
    }
}

fn seconds(expiry: SessionExpiry) -> u32 {
    match expiry {
        SessionExpiry::Never => u32::MAX,
        SessionExpiry::After(span) => (span.0 / 1_000_000_000) as u32,
    }
}

/// The payload of a message: its name, or nothing.
fn payload(body: Body) -> Bytes {
    if body.empty { Bytes::new() } else { body.id.0.to_string().into() }
}

fn connect(connect: &Connect) -> wire::Packet {
    let mut properties = wire::ConnectProperties::new();
    properties.session_expiry_interval = Some(seconds(connect.expiry));
    properties.receive_maximum = Some(connect.receive_maximum);
    let will = connect.will.as_ref().map(|will| {
        let Message { topic, qos: with, retain, body, .. } = &will.message;
        let properties = wire::LastWillProperties {
            delay_interval: Some((will.delay.0 / 1_000_000_000) as u32),
            payload_format_indicator: None,
            message_expiry_interval: None,
            content_type: None,
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        };
        wire::LastWill::new(topic.as_str(), payload(*body), qos(*with), *retain, Some(properties))
    });
    let connect = wire::Connect {
        keep_alive: 0,
        client_id: format!("c{}", connect.client.0),
        clean_start: connect.clean_start,
        properties: Some(properties),
    };
    wire::Packet::Connect(connect, will, None)
}

/// What a client sends.
pub fn to_wire(packet: &Packet) -> wire::Packet {
    match packet {
        Packet::Connect(one) => connect(one),
        Packet::Publish(publish) => {
            let Publish { message, dup, id, .. } = &**publish;
            let mut one = wire::Publish::new(message.topic.as_str(), qos(message.qos), payload(message.body), None);
            (one.dup, one.retain, one.pkid) = (*dup, message.retain, id.map_or(0, |id| id.0));
            wire::Packet::Publish(one)
        }
        Packet::PubAck(id, _) => wire::Packet::PubAck(wire::PubAck::new(id.0, None)),
        Packet::PubRec(id, _) => wire::Packet::PubRec(wire::PubRec::new(id.0, None)),
        Packet::PubRel(id, _) => wire::Packet::PubRel(wire::PubRel::new(id.0, None)),
        Packet::PubComp(id, _) => wire::Packet::PubComp(wire::PubComp::new(id.0, None)),
        Packet::Subscribe(id, filters, identifier) => {
            let filters = filters.iter().map(|(filter, options)| {
                let Options { qos: with, no_local, retain_as_published, retain_handling } = *options;
                let mut one = wire::Filter::new(filter.as_str(), qos(with));
                (one.nolocal, one.preserve_retain) = (no_local, retain_as_published);
                one.retain_forward_rule = match retain_handling {
                    RetainHandling::Send => wire::RetainForwardRule::OnEverySubscribe,
                    RetainHandling::SendIfNew => wire::RetainForwardRule::OnNewSubscribe,
                    RetainHandling::DoNotSend => wire::RetainForwardRule::Never,
                };
                one
            });
            let id_of = identifier.map(|identifier| identifier.0 as usize);
            let properties = wire::SubscribeProperties { id: id_of, user_properties: Vec::new() };
            wire::Packet::Subscribe(wire::Subscribe {
                pkid: id.0,
                filters: filters.collect(),
                properties: Some(properties),
            })
        }
        Packet::Unsubscribe(id, filters) => {
            let filters = filters.iter().map(|filter| filter.as_str().to_string()).collect();
            wire::Packet::Unsubscribe(wire::Unsubscribe { pkid: id.0, filters, properties: None })
        }
        Packet::PingReq => wire::Packet::PingReq(wire::PingReq),
        Packet::Disconnect(reason, _) => {
            let reason = match reason {
                Reason::WithWill => wire::DisconnectReasonCode::DisconnectWithWillMessage,
                _ => wire::DisconnectReasonCode::NormalDisconnection,
            };
            wire::Packet::Disconnect(wire::Disconnect::new(reason))
        }
        packet => panic!("a client does not send {packet:?}"),
    }
}

/// What a server sends. Reasons that the model does not have are a difference, and seen as such.
pub fn from_wire(packet: wire::Packet) -> Packet {
    match packet {
        wire::Packet::ConnAck(ack) => {
            let receive_maximum = ack.properties.and_then(|properties| properties.receive_max).unwrap_or(u16::MAX);
            Packet::ConnAck { session_present: ack.session_present, receive_maximum }
        }
        wire::Packet::Publish(publish) => {
            let text = String::from_utf8(publish.payload.to_vec()).expect("the tests publish numbers");
            let body = Body { id: BodyId(text.parse().unwrap_or(0)), empty: text.is_empty() };
            let properties = publish.properties.unwrap_or_default();
            let topic = std::str::from_utf8(&publish.topic).expect("a topic");
            Packet::Publish(Box::new(Publish {
                message: Message {
                    topic: Topic::from(topic),
                    qos: qos_back(publish.qos),
                    retain: publish.retain,
                    body,
                    expiry: None,
                },
                dup: publish.dup,
                id: (publish.pkid > 0).then_some(PacketId(publish.pkid)),
                subscriptions: properties
                    .subscription_identifiers
                    .iter()
                    .map(|id| SubscriptionId(*id as u32))
                    .collect(),
            }))
        }
        wire::Packet::PubAck(ack) => Packet::PubAck(PacketId(ack.pkid), reason(&format!("{:?}", ack.reason))),
        wire::Packet::PubRec(ack) => Packet::PubRec(PacketId(ack.pkid), reason(&format!("{:?}", ack.reason))),
        wire::Packet::PubRel(ack) => Packet::PubRel(PacketId(ack.pkid), reason(&format!("{:?}", ack.reason))),
        wire::Packet::PubComp(ack) => Packet::PubComp(PacketId(ack.pkid), reason(&format!("{:?}", ack.reason))),
        wire::Packet::SubAck(ack) => {
            let reasons = ack.return_codes.iter().map(|code| match code {
                wire::SubscribeReasonCode::Success(qos) => Reason::Granted(qos_back(*qos)),
                code => reason(&format!("{code:?}")),
            });
            Packet::SubAck(PacketId(ack.pkid), reasons.collect())
        }
        wire::Packet::UnsubAck(ack) => {
            let reasons = ack.reasons.iter().map(|code| reason(&format!("{code:?}")));
            Packet::UnsubAck(PacketId(ack.pkid), reasons.collect())
        }
        wire::Packet::PingResp(_) => Packet::PingResp,
        wire::Packet::Disconnect(disconnect) => {
            Packet::Disconnect(reason(&format!("{:?}", disconnect.reason_code)), None)
        }
        packet => panic!("a server does not send {packet:?}"),
    }
}

fn reason(name: &str) -> Reason {
    match name {
        "Success" | "NormalDisconnection" => Reason::Success,
        "NoMatchingSubscribers" => Reason::NoMatchingSubscribers,
        "NoSubscriptionExisted" => Reason::NoSubscription,
        "NotAuthorized" => Reason::NotAuthorized,
        "SessionTakenOver" => Reason::SessionTakenOver,
        "TopicFilterInvalid" => Reason::TopicFilterInvalid,
        "TopicNameInvalid" => Reason::TopicNameInvalid,
        "PacketIdentifierNotFound" => Reason::PacketIdNotFound,
        "ReceiveMaximumExceeded" => Reason::ReceiveMaximumExceeded,
        "ProtocolError" => Reason::ProtocolError,
        name => panic!("the model has no reason {name}"),
    }
}
