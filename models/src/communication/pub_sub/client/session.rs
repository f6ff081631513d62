//! A client's session (MQTT 5.0, §4.1), and what its application has of it: what it wants to be subscribed to, what was delivered, and
//! what has become of each message that it published. It takes what comes, and says what to send; all of it can be replayed.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::Span;

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::messages::{Leaving, Outcome};
use crate::communication::pub_sub::names::{BodyId, ClientId, PacketId, SubscriptionId};
use crate::communication::pub_sub::packet::{
    Body, Connect, Message, Options, Packet, Publish, Qos, Reason, SessionExpiry, Will,
};
use crate::communication::pub_sub::sending::{Answered, Inbox, Outbox, Stage, ToSend};
use crate::communication::pub_sub::topic::{Filter, Topic};

/// How a client is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Its identifier.
    pub client: ClientId,
    /// Whether it begins a new session with each connection.
    pub clean_start: bool,
    /// How long its session lives without a connection.
    pub expiry: SessionExpiry,
    /// How many publishes with a QoS above 0 it takes at a time.
    pub receive_maximum: u16,
    /// Its Keep Alive.
    pub keep_alive: Span,
    /// Its Will Message: the topic, the QoS, the flag RETAIN, and the delay.
    pub will: Option<(Topic, Qos, bool, Span)>,
    /// What it wants to be subscribed to at first.
    pub subscriptions: Vec<(Filter, Options)>,
}

/// What comes to a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// There is a connection: whether a new session is wanted though it would have one, and what the Will Message is called.
    Up(bool, BodyId),
    /// There is none.
    Down,
    /// A packet.
    Packet(Packet),
    /// Its application publishes.
    Publish(Vec<Message>),
    /// Its application wants a subscription.
    Subscribe(Filter, Options),
    /// Its application wants a subscription no more.
    Unsubscribe(Filter),
    /// Its application leaves.
    Leave(Leaving, Option<SessionExpiry>),
}

impl Input {
    /// Whether it need not be on disk: it changes nothing but what QoS 0 brings.
    pub fn is_of_no_weight(&self) -> bool {
        match self {
            Input::Packet(Packet::Publish(publish)) => publish.message.qos == Qos::AtMostOnce,
            Input::Packet(Packet::PingResp) => true,
            Input::Publish(messages) => messages.iter().all(|message| message.qos == Qos::AtMostOnce),
            _ => false,
        }
    }
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// It sends a packet.
    Send(Packet),
    /// It closes its connection.
    Close,
}

/// What was delivered to the application.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delivery {
    /// The message, as it came.
    pub message: Message,
    /// The subscriptions for which it came.
    pub subscriptions: Vec<SubscriptionId>,
    /// The packet identifier.
    pub id: Option<PacketId>,
    /// The flag DUP.
    pub dup: bool,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A session has begun: all that the one before had is forgotten.
    SessionBegun,
    /// The session goes on.
    SessionResumed,
    /// The application has published a message.
    Published(Message),
    /// A PUBLISH was sent.
    Sent(BodyId, Qos),
    /// This has become of a message.
    Ended(BodyId, Outcome),
    /// A message was delivered.
    Delivered(Box<Delivery>),
    /// A PUBLISH of QoS 2 has come again, and was not delivered again.
    Repeated(BodyId),
    /// SUBACK has come: with which QoS, if it was not refused.
    Granted(Filter, Option<Qos>),
    /// UNSUBACK has come, or the session is another.
    Revoked(Filter),
}

/// What a SUBSCRIBE or an UNSUBSCRIBE is about that was not answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Request {
    Subscribe(Filter),
    Unsubscribe(Filter),
}

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Network {
    Down,
    /// CONNECT was sent.
    Connecting,
    /// CONNACK has come, with the server's Receive Maximum.
    Connected(u16),
}

/// The session of a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    settings: Settings,
    network: Network,
    /// Whether there is nothing in the session that the server could know: it was forgotten for the sake of Clean Start.
    is_fresh: bool,
    /// How many sessions it has begun.
    sessions: u32,
    outbox: Outbox<Message>,
    inbox: Inbox,
    wanted: BTreeMap<Filter, Options>,
    identifiers: BTreeMap<Filter, SubscriptionId>,
    granted: BTreeSet<Filter>,
    /// What is to be unsubscribed.
    unwanted: BTreeSet<Filter>,
    requests: BTreeMap<PacketId, Request>,
    outputs: Vec<Output>,
    journal: Vec<Event>,
}

impl State {
    /// A client that was never connected.
    pub fn new(settings: Settings) -> Self {
        let mut state = State {
            wanted: settings.subscriptions.iter().cloned().collect(),
            settings,
            network: Network::Down,
            is_fresh: false,
            sessions: 0,
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            identifiers: BTreeMap::new(),
            granted: BTreeSet::new(),
            unwanted: BTreeSet::new(),
            requests: BTreeMap::new(),
            outputs: Vec::new(),
            journal: Vec::new(),
        };
        let wanted: Vec<Filter> = state.wanted.keys().cloned().collect();
        wanted.iter().for_each(|filter| _ = state.identifier(filter));
        state
    }

    /// How it is set up.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All that has happened, from the beginning.
    pub fn journal(&self) -> &[Event] {
        &self.journal
    }

    /// What it sends and has not completed.
    pub fn outbox(&self) -> &Outbox<Message> {
        &self.outbox
    }

    /// What it has got and was not released.
    pub fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Whether CONNACK has come.
    pub fn is_connected(&self) -> bool {
        matches!(self.network, Network::Connected(_))
    }

    /// What it wants to be subscribed to.
    pub fn wanted(&self) -> &BTreeMap<Filter, Options> {
        &self.wanted
    }

    /// The filter of a subscription identifier: each has its own.
    pub fn filter(&self, identifier: SubscriptionId) -> Option<&Filter> {
        self.identifiers.iter().find(|(_, of)| **of == identifier).map(|(filter, _)| filter)
    }

    /// Handles what comes. Says what to send.
    pub fn handle(&mut self, bug: Option<Bug>, input: Input) -> Vec<Output> {
        let planted = |one| bug == Some(one);
        match input {
            Input::Up(clean_start, will) => self.up(clean_start, will),
            Input::Down => self.down(planted(Bug::ClientForgetsPacketId)),
            Input::Packet(packet) => self.packet(bug, packet),
            Input::Publish(messages) => messages.into_iter().for_each(|message| self.publish(message)),
            Input::Subscribe(filter, options) => {
                self.wanted.insert(filter.clone(), options);
                self.unwanted.remove(&filter);
                self.granted.remove(&filter);
                self.identifier(&filter);
                self.request(Request::Subscribe(filter));
            }
            Input::Unsubscribe(filter) => {
                self.wanted.remove(&filter);
                self.granted.remove(&filter);
                self.unwanted.insert(filter.clone());
                self.request(Request::Unsubscribe(filter));
            }
            Input::Leave(how, expiry) => self.leave(how, expiry),
        }
        self.send_due(bug);
        std::mem::take(&mut self.outputs)
    }

    fn send(&mut self, packet: Packet) {
        self.outputs.push(Output::Send(packet));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The connection

    fn up(&mut self, clean_start: bool, will: BodyId) {
        self.down(false);
        let Settings { client, expiry, receive_maximum, keep_alive, .. } = self.settings;
        let clean_start = clean_start || self.settings.clean_start;
        if clean_start {
            // Before CONNECT is sent: whatever becomes of that, what the old session had is of no use ([MQTT-3.1.2-4]).
            self.forget();
        }
        let will = self.settings.will.clone().map(|(topic, qos, retain, delay)| {
            let body = Body { id: will, empty: false };
            Will { message: Message { topic, qos, retain, body, expiry: None }, delay }
        });
        self.network = Network::Connecting;
        self.send(Packet::Connect(Box::new(Connect {
            client,
            clean_start,
            expiry,
            receive_maximum,
            keep_alive,
            will,
        })));
    }

    fn down(&mut self, forgets: bool) {
        self.network = Network::Down;
        self.outbox.disconnected();
        self.inbox.disconnected();
        if forgets {
            self.inbox = Inbox::default();
        }
        self.requests.clear();
    }

    /// Forgets a session ([MQTT-3.2.2-4]): what was not acknowledged may or may not be with the broker, and cannot be sent again.
    fn forget(&mut self) {
        let old = std::mem::take(&mut self.outbox);
        let abandoned = old.exchanges().filter_map(|exchange| match &exchange.stage {
            Stage::Published(message) => Some(message.body.id),
            Stage::Released => None,
        });
        self.journal.extend(abandoned.map(|body| Event::Ended(body, Outcome::Abandoned)));
        // What was never sent is the application's.
        old.waiting().for_each(|message| self.outbox.push(message.clone()));
        self.inbox = Inbox::default();
        self.granted.clear();
        self.is_fresh = true;
        self.sessions += 1;
        self.journal.push(Event::SessionBegun);
    }

    fn connected(&mut self, session_present: bool, receive_maximum: u16) {
        if self.network != Network::Connecting {
            return;
        }
        self.network = Network::Connected(receive_maximum);
        if !session_present && !self.is_fresh || self.sessions == 0 {
            self.forget();
        }
        if session_present {
            self.journal.push(Event::SessionResumed);
        } else {
            // A session without subscriptions has lost those that were not wanted.
            let unwanted = std::mem::take(&mut self.unwanted);
            self.journal.extend(unwanted.into_iter().map(Event::Revoked));
        }
        self.is_fresh = false;
        let missing: Vec<Filter> =
            self.wanted.keys().filter(|filter| !self.granted.contains(*filter)).cloned().collect();
        missing.into_iter().for_each(|filter| self.request(Request::Subscribe(filter)));
        let unwanted: Vec<Filter> = self.unwanted.iter().cloned().collect();
        unwanted.into_iter().for_each(|filter| self.request(Request::Unsubscribe(filter)));
    }

    fn leave(&mut self, how: Leaving, expiry: Option<SessionExpiry>) {
        let reason = match how {
            Leaving::Disconnect => Some(Reason::Success),
            Leaving::WithWill => Some(Reason::WithWill),
            Leaving::Close => None,
        };
        // A session that ends with its connection cannot be given more time (§3.14.2.2.2).
        let expiry = expiry.filter(|_| self.settings.expiry != SessionExpiry::AT_ONCE);
        if let Some(reason) = reason {
            self.send(Packet::Disconnect(reason, expiry));
        }
        self.outputs.push(Output::Close);
        self.down(false);
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Subscriptions

    /// The identifier of a filter's subscription.
    fn identifier(&mut self, filter: &Filter) -> SubscriptionId {
        let next = SubscriptionId(self.identifiers.len() as u32 + 1);
        *self.identifiers.entry(filter.clone()).or_insert(next)
    }

    fn request(&mut self, request: Request) {
        if !self.is_connected() {
            return;
        }
        let id = self.outbox.unused(|id| !self.requests.contains_key(&id));
        let packet = match &request {
            Request::Subscribe(filter) => {
                let options = self.wanted[filter];
                Packet::Subscribe(id, vec![(filter.clone(), options)], Some(self.identifier(filter)))
            }
            Request::Unsubscribe(filter) => Packet::Unsubscribe(id, vec![filter.clone()]),
        };
        self.requests.insert(id, request);
        self.send(packet);
    }

    fn answered(&mut self, id: PacketId, reasons: &[Reason]) {
        match (self.requests.remove(&id), reasons) {
            (Some(Request::Subscribe(filter)), [reason]) => {
                let qos = match reason {
                    Reason::Granted(qos) => Some(*qos),
                    _ => None,
                };
                // The application may have changed its mind since.
                if self.wanted.contains_key(&filter) {
                    self.granted.insert(filter.clone());
                }
                self.journal.push(Event::Granted(filter, qos));
            }
            (Some(Request::Unsubscribe(filter)), [_]) => {
                self.unwanted.remove(&filter);
                self.journal.push(Event::Revoked(filter));
            }
            (None, _) => {}
            (request, reasons) => panic!("a broker answers for each filter: {reasons:?} to {request:?}"),
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Messages

    fn publish(&mut self, message: Message) {
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
    fn send_due(&mut self, bug: Option<Bug>) {
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

    fn packet(&mut self, bug: Option<Bug>, packet: Packet) {
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
            Packet::PingResp => {}
            Packet::Disconnect(..) => {
                self.outputs.push(Output::Close);
                self.down(bug == Some(Bug::ClientForgetsPacketId));
            }
            packet => panic!("no packet for a client: {packet:?}"),
        }
    }

    fn ended(&mut self, answered: Answered<Message>, reason: Reason) {
        if let Answered::Goes(message) | Answered::Ends(Some(message)) = answered {
            let outcome = if reason.is_failure() { Outcome::Refused } else { Outcome::Acknowledged };
            self.journal.push(Event::Ended(message.body.id, outcome));
        }
    }

    /// A message has come: it is delivered with the same write that remembers its packet identifier.
    fn deliver(&mut self, publish: Publish) {
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
