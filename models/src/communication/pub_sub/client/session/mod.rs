//! A client's session (MQTT 5.0, §4.1), and what its application has of it: what it wants to be subscribed to, what was delivered, and
//! what has become of each message that it published. It takes what comes, and says what to send; all of it can be replayed.

mod connecting;
mod messages;

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::Span;

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::endings::{Leaving, Outcome};
use crate::communication::pub_sub::names::{BodyId, ClientId, PacketId, SubscriptionId};
use crate::communication::pub_sub::packet::{Message, Options, Packet, Qos, Reason, SessionExpiry};
use crate::communication::pub_sub::sending::{Inbox, Outbox};
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
}
