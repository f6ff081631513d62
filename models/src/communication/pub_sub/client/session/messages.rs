//! What a client publishes and gets: the handshakes of §4.3 at its end.

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::client::session::{Delivery, Event, Network, Output, State};
use crate::communication::pub_sub::messages::Outcome;
use crate::communication::pub_sub::names::PacketId;
use crate::communication::pub_sub::packet::{Message, Packet, Publish, Qos, Reason};
use crate::communication::pub_sub::sending::{Answered, ToSend};

impl State {
    pub(super) fn publish(&mut self, message: Message) {
        let body = message.body.id;
        self.journal.push(Event::Published(message.clone()));
        if message.qos > Qos::AtMostOnce {
            return self.outbox.push(message);
        }
        if !self.is_connected() {
            return self.journal.push(Event::Ended(body, Outcome::NotSent));
        }
        self.send(Packet::Publish(Box::new(Publish { message, dup: false, id: None, subscriptions: Vec::new() })));
        self.journal.extend([Event::Sent(body, Qos::AtMostOnce), Event::Ended(body, Outcome::Sent)]);
    }

    /// Sends what the server takes now (§4.9).
    pub(super) fn send_due(&mut self, bug: Option<Bug>) {
        let Network::Connected(receive_maximum) = self.network else { return };
        let ignores = bug == Some(Bug::ClientIgnoresReceiveMaximum);
        let most = if ignores { usize::MAX } else { receive_maximum.into() };
        let is_free = |id: PacketId| !self.requests.contains_key(&id);
        let due = self.outbox.due(most, is_free, false);
        for one in due {
            let packet = match one {
                ToSend::PubRel(id) => Packet::PubRel(id, Reason::Success),
                ToSend::Publish(id, message, dup) => {
                    self.journal.push(Event::Sent(message.body.id, message.qos));
                    Packet::Publish(Box::new(Publish { message, dup, id: Some(id), subscriptions: Vec::new() }))
                }
            };
            self.send(packet);
        }
    }

    pub(super) fn packet(&mut self, bug: Option<Bug>, packet: Packet) {
        match packet {
            Packet::ConnAck { session_present, receive_maximum } => {
                self.connected(session_present, receive_maximum);
                if bug == Some(Bug::NewIdOnRetransmission) {
                    self.outbox.renumber();
                }
            }
            Packet::Publish(publish) => self.deliver(*publish),
            Packet::PubAck(id, reason) => {
                let answered = self.outbox.acknowledged(id);
                self.ended(answered, reason);
            }
            Packet::PubRec(id, reason) => {
                let answered = self.outbox.received(id, reason.is_failure());
                match answered {
                    Answered::Goes(_) | Answered::GoesAgain => self.send(Packet::PubRel(id, Reason::Success)),
                    Answered::Unknown if !reason.is_failure() => {
                        self.send(Packet::PubRel(id, Reason::PacketIdNotFound));
                    }
                    Answered::Unknown | Answered::Ends(_) => {}
                }
                self.ended(answered, reason);
            }
            Packet::PubComp(id, _) => _ = self.outbox.completed(id),
            Packet::PubRel(id, _) => {
                let reason = if self.inbox.released(id) { Reason::Success } else { Reason::PacketIdNotFound };
                self.send(Packet::PubComp(id, reason));
            }
            Packet::SubAck(id, reasons) | Packet::UnsubAck(id, reasons) => self.answered(id, &reasons),
            Packet::Disconnect(..) => {
                self.outputs.push(Output::Close);
                self.down(bug == Some(Bug::ClientForgetsPacketId));
            }
            packet => panic!("no packet for a client: {packet:?}"),
        }
    }

    pub(super) fn ended(&mut self, answered: Answered<Message>, reason: Reason) {
        if let Answered::Goes(message) | Answered::Ends(Some(message)) = answered {
            let outcome = if reason.is_failure() { Outcome::Refused } else { Outcome::Acknowledged };
            self.journal.push(Event::Ended(message.body.id, outcome));
        }
    }

    /// A message has come: it is delivered with the same write that remembers its packet identifier.
    pub(super) fn deliver(&mut self, publish: Publish) {
        let Publish { message, dup, id, subscriptions } = publish;
        let qos = message.qos;
        let is_new = match (qos, id) {
            (Qos::ExactlyOnce, Some(id)) => self.inbox.arrived(id),
            _ => true,
        };
        if self.inbox.counting() > usize::from(self.settings.receive_maximum) {
            // (§4.13, 0x93) It was not taken: it may come again on the next connection.
            if let (true, Some(id)) = (is_new, id) {
                self.inbox.released(id);
            }
            self.send(Packet::Disconnect(Reason::ReceiveMaximumExceeded, None));
            self.outputs.push(Output::Close);
            return self.down(false);
        }
        let happened = if is_new {
            Event::Delivered(Box::new(Delivery { message, subscriptions, id, dup }))
        } else {
            Event::Repeated(message.body.id)
        };
        self.journal.push(happened);
        match (qos, id) {
            (Qos::AtMostOnce, _) => {}
            (Qos::AtLeastOnce, Some(id)) => self.send(Packet::PubAck(id, Reason::Success)),
            (Qos::ExactlyOnce, Some(id)) => self.send(Packet::PubRec(id, Reason::Success)),
            (qos, None) => panic!("a publish of {qos:?} has a packet identifier"),
        }
    }
}
