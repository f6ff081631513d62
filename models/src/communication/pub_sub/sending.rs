//! What a session keeps of messages with a QoS above 0 (MQTT 5.0, §4.1), the same at both ends: an [`Outbox`] of those that it
//! sends, an [`Inbox`] of those that it gets. The handshakes are those of §4.3.2 and §4.3.3:
//!
//! ```text
//! QoS 1: PUBLISH →, ← PUBACK        QoS 2: PUBLISH →, ← PUBREC, PUBREL →, ← PUBCOMP
//! ```
//!
//! What is not completed is sent again when there is another connection, and only then ([MQTT-4.4.0-1]).

use std::collections::{BTreeMap, VecDeque};

use crate::communication::pub_sub::names::PacketId;
use crate::communication::pub_sub::packet::{HasQos, Qos};

/// How far an exchange is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stage<M> {
    /// PUBLISH was sent, and neither PUBACK nor PUBREC has come.
    Published(M),
    /// PUBREC has come, and PUBREL was sent: the message is forgotten (§4.3.3).
    Released,
}

/// An exchange that is not completed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exchange<M> {
    /// Its packet identifier.
    pub id: PacketId,
    /// How far it is.
    pub stage: Stage<M>,
    /// Whether its packet was sent on this connection.
    is_sent: bool,
    /// Whether it counts against the Receive Maximum of the other side: its PUBLISH was sent on this connection (§4.9).
    counts: bool,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToSend<M> {
    /// PUBLISH, again if the second is true.
    Publish(PacketId, M, bool),
    /// PUBREL.
    PubRel(PacketId),
}

/// What an acknowledgement means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answered<M> {
    /// The exchange goes on, with PUBREL: the message is with the other side.
    Goes(M),
    /// The same, and it was known.
    GoesAgain,
    /// The exchange is over: the message, if PUBREC had not taken it.
    Ends(Option<M>),
    /// There is no such exchange.
    Unknown,
}

/// The messages that a session sends.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Outbox<M> {
    /// In the order in which they were sent first.
    exchanges: VecDeque<Exchange<M>>,
    /// In the order in which they came.
    waiting: VecDeque<M>,
}

impl<M> Default for Outbox<M> {
    fn default() -> Self {
        Outbox { exchanges: VecDeque::new(), waiting: VecDeque::new() }
    }
}

impl<M: Clone + HasQos> Outbox<M> {
    /// The exchanges that are not completed, in the order in which their messages were sent.
    pub fn exchanges(&self) -> impl Iterator<Item = &Exchange<M>> {
        self.exchanges.iter()
    }

    /// The messages that were not sent yet.
    pub fn waiting(&self) -> impl Iterator<Item = &M> {
        self.waiting.iter()
    }

    /// The messages that the other side is not known to have: in the order of sending.
    pub fn pending(&self) -> impl Iterator<Item = &M> {
        let published = self.exchanges.iter().filter_map(|exchange| match &exchange.stage {
            Stage::Published(message) => Some(message),
            Stage::Released => None,
        });
        published.chain(&self.waiting)
    }

    /// Whether all exchanges are completed.
    pub fn is_empty(&self) -> bool {
        self.exchanges.is_empty() && self.waiting.is_empty()
    }

    /// How many exchanges count against the Receive Maximum of the other side.
    pub fn counting(&self) -> usize {
        self.exchanges.iter().filter(|exchange| exchange.counts).count()
    }

    /// Takes a message to be sent, after all others.
    ///
    /// # Panics
    /// If it has QoS 0.
    pub fn push(&mut self, message: M) {
        assert!(message.qos() > Qos::AtMostOnce, "a message with QoS 0 is sent at once, or never");
        self.waiting.push_back(message);
    }

    /// Forgets messages that wait.
    pub fn retain_waiting(&mut self, keep: impl FnMut(&M) -> bool) {
        self.waiting.retain(keep);
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        for exchange in &mut self.exchanges {
            (exchange.is_sent, exchange.counts) = (false, false);
        }
    }

    /// What is to be sent now, if the other side takes so many publishes at a time: first what was sent on an earlier connection,
    /// under its old packet identifier and in its old order ([MQTT-4.4.0-1], [MQTT-4.6.0-1]), then what waits. A PUBREL needs no place
    /// (§4.9). `backwards` is a planted bug.
    pub fn due(
        &mut self,
        receive_maximum: usize,
        is_free: impl Fn(PacketId) -> bool,
        backwards: bool,
    ) -> Vec<ToSend<M>> {
        let mut due = Vec::new();
        let mut places = receive_maximum.saturating_sub(self.counting());
        let mut again: Vec<&mut Exchange<M>> = self.exchanges.iter_mut().filter(|exchange| !exchange.is_sent).collect();
        if backwards {
            again.reverse();
        }
        for exchange in again {
            match &exchange.stage {
                Stage::Released => due.push(ToSend::PubRel(exchange.id)),
                Stage::Published(message) if places > 0 => {
                    places -= 1;
                    exchange.counts = true;
                    due.push(ToSend::Publish(exchange.id, message.clone(), true));
                }
                Stage::Published(_) => continue,
            }
            exchange.is_sent = true;
        }
        // Where there are places left, nothing waits to be sent again.
        while places > 0
            && let Some(message) = self.waiting.pop_front()
        {
            places -= 1;
            let id = self.unused(&is_free);
            let stage = Stage::Published(message.clone());
            self.exchanges.push_back(Exchange { id, stage, is_sent: true, counts: true });
            due.push(ToSend::Publish(id, message, false));
        }
        due
    }

    /// The lowest packet identifier without an exchange ([MQTT-2.2.1-3], [MQTT-2.2.1-4]).
    pub fn unused(&self, is_free: impl Fn(PacketId) -> bool) -> PacketId {
        let is_unused = |id: &PacketId| is_free(*id) && self.exchanges.iter().all(|exchange| exchange.id != *id);
        (1..=u16::MAX).map(PacketId).find(is_unused).expect("there are more packet identifiers than exchanges")
    }

    /// A planted bug: what is to be sent again gets new packet identifiers.
    pub fn renumber(&mut self) {
        for place in 0..self.exchanges.len() {
            let published = matches!(self.exchanges[place].stage, Stage::Published(_));
            if published && !self.exchanges[place].is_sent {
                self.exchanges[place].id = self.unused(|_| true);
            }
        }
    }

    fn place(&self, id: PacketId) -> Option<usize> {
        self.exchanges.iter().position(|exchange| exchange.id == id)
    }

    fn end(&mut self, place: usize) -> Answered<M> {
        match self.exchanges.remove(place).expect("it has been found").stage {
            Stage::Published(message) => Answered::Ends(Some(message)),
            Stage::Released => Answered::Ends(None),
        }
    }

    /// PUBACK has come (§4.3.2).
    pub fn acknowledged(&mut self, id: PacketId) -> Answered<M> {
        let is_it = |exchange: &Exchange<M>| match &exchange.stage {
            Stage::Published(message) => message.qos() == Qos::AtLeastOnce,
            Stage::Released => false,
        };
        match self.place(id) {
            Some(place) if is_it(&self.exchanges[place]) => self.end(place),
            _ => Answered::Unknown,
        }
    }

    /// PUBREC has come (§4.3.3): with a failure it ends the exchange.
    pub fn received(&mut self, id: PacketId, is_failure: bool) -> Answered<M> {
        let Some(place) = self.place(id) else { return Answered::Unknown };
        let exchange = &mut self.exchanges[place];
        match &exchange.stage {
            Stage::Published(message) if message.qos() != Qos::ExactlyOnce => Answered::Unknown,
            Stage::Published(_) if is_failure => self.end(place),
            Stage::Published(message) => {
                let message = message.clone();
                (exchange.stage, exchange.is_sent) = (Stage::Released, true);
                Answered::Goes(message)
            }
            Stage::Released => Answered::GoesAgain,
        }
    }

    /// PUBCOMP has come (§4.3.3).
    pub fn completed(&mut self, id: PacketId) -> Answered<M> {
        match self.place(id) {
            Some(place) if matches!(self.exchanges[place].stage, Stage::Released) => self.end(place),
            _ => Answered::Unknown,
        }
    }
}

/// The messages of QoS 2 that a session has got and that were not released (§4.1): a PUBLISH with the identifier of one is the same
/// message ([MQTT-4.3.3-10]).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inbox {
    /// Whether its PUBLISH has come on this connection: it counts against the own Receive Maximum.
    ids: BTreeMap<PacketId, bool>,
}

impl Inbox {
    /// The identifiers.
    pub fn ids(&self) -> impl Iterator<Item = PacketId> {
        self.ids.keys().copied()
    }

    /// How many count against the Receive Maximum.
    pub fn counting(&self) -> usize {
        self.ids.values().filter(|counts| **counts).count()
    }

    /// A PUBLISH with QoS 2 has come. Says whether it is a new message.
    pub fn arrived(&mut self, id: PacketId) -> bool {
        self.ids.insert(id, true).is_none()
    }

    /// PUBREL has come. Says whether there is such an exchange.
    pub fn released(&mut self, id: PacketId) -> bool {
        self.ids.remove(&id).is_some()
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.ids.values_mut().for_each(|counts| *counts = false);
    }
}
