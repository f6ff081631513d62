//! PUBLISH, and the handshakes of QoS 1 and QoS 2 (§4.3), in both directions.

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::engine::state::{Engine, Now};
use crate::communication::pub_sub::names::{ClientId, ConnectionId, PacketId};
use crate::communication::pub_sub::packet::{Message, Packet, Publish, Qos, Reason};
use crate::communication::pub_sub::sending::{Answered, ToSend};

impl Engine {
    /// A client publishes. The broker takes a message of QoS 2 when its PUBLISH comes, and remembers the packet identifier until
    /// PUBREL (§4.3.3, the second of its two methods).
    pub(super) fn publish(&mut self, now: Now, connection: ConnectionId, client: ClientId, publish: &Publish) {
        let Publish { message, id, .. } = publish;
        let reason = match () {
            () if !message.topic.is_valid() => Reason::TopicNameInvalid,
            () if self.settings.locked.as_ref() == Some(&message.topic) => Reason::NotAuthorized,
            () => Reason::Success,
        };
        match (message.qos, id) {
            (Qos::AtMostOnce, None) => {
                if !reason.is_failure() {
                    self.route(now, client, message, false);
                }
            }
            (Qos::AtLeastOnce, Some(id)) => {
                let reason = self.accept(now, client, message, reason);
                self.send(client, Packet::PubAck(*id, reason));
            }
            (Qos::ExactlyOnce, Some(id)) => self.publish_exactly_once(now, connection, client, message, *id, reason),
            // ([MQTT-2.2.1-2], [MQTT-2.2.1-3])
            _ => self.refuse(now, connection, Reason::ProtocolError),
        }
    }

    /// Publishes what is not refused. Says what the acknowledgement says.
    fn accept(&mut self, now: Now, client: ClientId, message: &Message, reason: Reason) -> Reason {
        if reason.is_failure() {
            return reason;
        }
        let anybody = self.route(now, client, message, false);
        if anybody { Reason::Success } else { Reason::NoMatchingSubscribers }
    }

    fn publish_exactly_once(
        &mut self,
        now: Now,
        connection: ConnectionId,
        client: ClientId,
        message: &Message,
        id: PacketId,
        reason: Reason,
    ) {
        if reason.is_failure() {
            // The exchange ends here (§4.3.3), and the identifier is free.
            return self.send(client, Packet::PubRec(id, reason));
        }
        let most = usize::from(self.settings.receive_maximum);
        let inbox = &mut self.sessions.get_mut(&client).expect("who is connected has a session").inbox;
        let is_new = inbox.arrived(id);
        if inbox.counting() > most {
            // ([MQTT-3.3.4-8]) It was not taken: it may come again on the next connection.
            if is_new {
                inbox.released(id);
            }
            return self.refuse(now, connection, Reason::ReceiveMaximumExceeded);
        }
        let reason = if is_new { self.accept(now, client, message, reason) } else { Reason::Success };
        self.send(client, Packet::PubRec(id, reason));
    }

    /// PUBREL has come.
    pub(super) fn released(&mut self, client: ClientId, id: PacketId) {
        let session = self.sessions.get_mut(&client).expect("who is connected has a session");
        let reason = if session.inbox.released(id) { Reason::Success } else { Reason::PacketIdNotFound };
        self.send(client, Packet::PubComp(id, reason));
    }

    /// PUBACK has come.
    pub(super) fn acknowledged(&mut self, now: Now, client: ClientId, id: PacketId) {
        let session = self.sessions.get_mut(&client).expect("who is connected has a session");
        session.outbox.acknowledged(id);
        self.send_due(now, client);
    }

    /// PUBREC has come: PUBREL goes out, unless it ends the exchange.
    pub(super) fn received(&mut self, now: Now, client: ClientId, id: PacketId, reason: Reason) {
        let session = self.sessions.get_mut(&client).expect("who is connected has a session");
        match session.outbox.received(id, reason.is_failure()) {
            Answered::Goes(_) | Answered::GoesAgain => self.send(client, Packet::PubRel(id, Reason::Success)),
            Answered::Unknown if !reason.is_failure() => {
                self.send(client, Packet::PubRel(id, Reason::PacketIdNotFound));
            }
            Answered::Unknown | Answered::Ends(_) => self.send_due(now, client),
        }
    }

    /// PUBCOMP has come.
    pub(super) fn completed(&mut self, now: Now, client: ClientId, id: PacketId) {
        let session = self.sessions.get_mut(&client).expect("who is connected has a session");
        session.outbox.completed(id);
        self.send_due(now, client);
    }

    /// Sends what a client takes now (§4.9).
    pub(super) fn send_due(&mut self, now: Now, client: ClientId) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        let Some(online) = session.online else { return };
        if !now.planted(Bug::ExpiredIsSent) {
            // ([MQTT-3.3.2-5])
            session.outbox.retain_waiting(|copy| !copy.has_expired(now.at));
        }
        let most = if now.planted(Bug::ReceiveMaximumIgnored) { usize::MAX } else { online.receive_maximum.into() };
        let due = session.outbox.due(most, |_| true, now.planted(Bug::RedeliverOutOfOrder));
        for one in due {
            let packet = match one {
                ToSend::PubRel(_) if now.planted(Bug::PubrelNotSentAgain) => continue,
                ToSend::PubRel(id) => Packet::PubRel(id, Reason::Success),
                ToSend::Publish(id, copy, dup) => Packet::Publish(Box::new(Publish {
                    message: copy.as_sent(now.at),
                    dup,
                    id: Some(id),
                    subscriptions: copy.subscriptions,
                })),
            };
            self.send(client, packet);
        }
    }
}
