//! The engine: its sessions, what is retained, and what it did.

use std::collections::BTreeMap;

use seedbed_sim::Time;
use serde::{Deserialize, Serialize};

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::engine::session::{Session, Sessions, Share};
use crate::communication::pub_sub::names::{ClientId, ConnectionId};
use crate::communication::pub_sub::packet::{Message, Packet, Reason};
use crate::communication::pub_sub::topic::Topic;

/// How many copies a session gets that has several subscriptions which a message matches (§3.3.4 allows both).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// One, with the greatest QoS of them and all their identifiers ([MQTT-3.3.4-2], [MQTT-3.3.4-4]).
    OneCopy,
    /// One for each of them.
    CopyEach,
}

/// How a broker is set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How many publishes with a QoS above 0 it takes of a client at a time.
    pub receive_maximum: u16,
    /// What it does with subscriptions that overlap.
    pub overlap: Overlap,
    /// The topic to which nobody is authorised to publish, if there is one.
    pub locked: Option<Topic>,
}

/// What comes to a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A packet on a connection.
    Packet(ConnectionId, Packet),
    /// A connection is lost: nobody has said DISCONNECT.
    Lost(ConnectionId),
    /// The broker has restarted: all connections are lost.
    Restarted,
    /// Time has passed.
    Tick,
    /// A Will Delay Interval is over.
    WillIsDue(ClientId),
    /// A Session Expiry Interval is over.
    SessionEnds(ClientId),
}

/// What a broker does.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// It sends a packet.
    Send(ConnectionId, Packet),
    /// It closes a connection.
    Close(ConnectionId),
}

/// A message that was published, to whoever is subscribed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Published {
    /// The message.
    pub message: Message,
    /// Whose it is.
    pub by: ClientId,
    /// Whether it is a Will Message.
    pub is_will: bool,
}

/// One step: what came, and all that was done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// When, on the broker's clock.
    pub at: Time,
    /// What came.
    pub input: Input,
    /// What was published.
    pub published: Vec<Published>,
    /// What was sent.
    pub outputs: Vec<Output>,
}

/// When something happens, and which bug is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Now {
    /// When, on the broker's clock.
    pub at: Time,
    /// The bug.
    pub bug: Option<Bug>,
}

impl Now {
    /// Whether this bug is planted.
    pub fn planted(self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

/// A retained message (§3.3.1.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Retained {
    /// The message, with the QoS with which it was published.
    pub message: Message,
    /// Who has published it.
    pub by: ClientId,
    /// When it expires.
    pub until: Option<Time>,
}

/// A broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Engine {
    pub(super) settings: Settings,
    pub(super) sessions: Sessions,
    pub(super) connections: BTreeMap<ConnectionId, ClientId>,
    pub(super) retained: BTreeMap<Topic, Retained>,
    /// How many messages each shared subscription has got.
    pub(super) turns: BTreeMap<Share, usize>,
    /// The step under way.
    pub(super) published: Vec<Published>,
    pub(super) outputs: Vec<Output>,
    journal: Vec<Step>,
}

impl Engine {
    /// A broker that knows nobody.
    pub fn new(settings: Settings) -> Self {
        Engine {
            settings,
            sessions: BTreeMap::new(),
            connections: BTreeMap::new(),
            retained: BTreeMap::new(),
            turns: BTreeMap::new(),
            published: Vec::new(),
            outputs: Vec::new(),
            journal: Vec::new(),
        }
    }

    /// How it is set up.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The session of a client.
    pub fn session(&self, client: ClientId) -> Option<&Session> {
        self.sessions.get(&client)
    }

    /// All sessions.
    pub fn sessions(&self) -> impl Iterator<Item = (ClientId, &Session)> {
        self.sessions.iter().map(|(client, session)| (*client, session))
    }

    /// Whose connection it is, once its CONNECT has been accepted.
    pub fn client(&self, connection: ConnectionId) -> Option<ClientId> {
        self.connections.get(&connection).copied()
    }

    /// What is retained.
    pub fn retained(&self) -> impl Iterator<Item = &Retained> {
        self.retained.values()
    }

    /// All that it did, from its beginning.
    pub fn journal(&self) -> &[Step] {
        &self.journal
    }

    /// When something is due by itself: a Will Message, or the end of a session.
    pub fn next_due(&self) -> Option<Time> {
        self.sessions.values().flat_map(|session| [session.will_due, session.ends]).flatten().min()
    }

    /// Does what is due by now, in the order of its times. Says what is to be sent.
    pub fn tick(&mut self, now: Now) -> Vec<Output> {
        let mut outputs = Vec::new();
        while let Some(due) = self.next_due().filter(|due| *due <= now.at) {
            let is_due = |at: Option<Time>| at == Some(due);
            let mut sessions = self.sessions.iter();
            let (client, session) =
                sessions.find(|(_, session)| is_due(session.will_due) || is_due(session.ends)).expect("it is due");
            let input = if is_due(session.will_due) { Input::WillIsDue(*client) } else { Input::SessionEnds(*client) };
            outputs.extend(self.step(now, input));
        }
        outputs
    }

    /// Handles what comes, after all that is due by now, and then what it has made due. Says what is to be sent.
    pub fn handle(&mut self, now: Now, input: Input) -> Vec<Output> {
        let mut outputs = self.tick(now);
        outputs.extend(self.step(now, input));
        outputs.extend(self.tick(now));
        outputs
    }

    fn step(&mut self, now: Now, input: Input) -> Vec<Output> {
        match &input {
            Input::Packet(connection, Packet::Connect(connect)) => self.connect(now, *connection, connect),
            Input::Packet(connection, packet) => match self.client(*connection) {
                Some(client) => self.packet(now, *connection, client, packet),
                // Before CONNECT nothing else may come ([MQTT-3.1.0-1]).
                None => self.outputs.push(Output::Close(*connection)),
            },
            Input::Lost(connection) => self.lost(now, *connection),
            Input::Restarted => self.lose_all(now),
            Input::Tick => {}
            Input::WillIsDue(client) => self.publish_will(now, *client),
            Input::SessionEnds(client) => self.end_session(now, *client),
        }
        let (published, outputs) = (std::mem::take(&mut self.published), std::mem::take(&mut self.outputs));
        self.journal.push(Step { at: now.at, input, published, outputs: outputs.clone() });
        outputs
    }

    fn packet(&mut self, now: Now, connection: ConnectionId, client: ClientId, packet: &Packet) {
        self.join(client);
        match packet {
            Packet::Publish(publish) => self.publish(now, connection, client, publish),
            Packet::PubAck(id, _) => self.acknowledged(now, client, *id),
            Packet::PubRec(id, reason) => self.received(now, client, *id, *reason),
            Packet::PubRel(id, _) => self.released(client, *id),
            Packet::PubComp(id, _) => self.completed(now, client, *id),
            Packet::Subscribe(id, filters, identifier) => self.subscribe(now, client, *id, filters, *identifier),
            Packet::Unsubscribe(id, filters) => self.unsubscribe(now, client, *id, filters),
            Packet::PingReq => self.send(client, Packet::PingResp),
            Packet::Disconnect(reason, expiry) => self.disconnect(now, connection, *reason, *expiry),
            // A second CONNECT ([MQTT-3.1.0-2]), and what only servers send.
            _ => self.refuse(now, connection, Reason::ProtocolError),
        }
    }

    /// Sends a packet, if the client is connected.
    pub(super) fn send(&mut self, client: ClientId, packet: Packet) {
        if let Some(online) = self.sessions.get(&client).and_then(|session| session.online) {
            self.outputs.push(Output::Send(online.connection, packet));
        }
    }

    /// Says why, and closes the connection (§4.13): its Will Message is published.
    pub(super) fn refuse(&mut self, now: Now, connection: ConnectionId, reason: Reason) {
        self.outputs.push(Output::Send(connection, Packet::Disconnect(reason, None)));
        self.outputs.push(Output::Close(connection));
        self.lost(now, connection);
    }
}
