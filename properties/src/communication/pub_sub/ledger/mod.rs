//! What a broker has to do, by what has come to it alone: whose sessions there are, what each is subscribed to, what it is owed. Each
//! step of the engine is held against this; what is wrong has a kind, and each kind is a property of its own.

mod answers;
mod messages;
mod sessions;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedbed_models::communication::pub_sub::engine::{Engine, Input, Output, Published, Step};
use seedbed_models::communication::pub_sub::names::{BodyId, ClientId, ConnectionId, PacketId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::{Message, Options, Packet, Qos, SessionExpiry, Will};
use seedbed_models::communication::pub_sub::topic::{Filter, Topic};
use seedbed_sim::Time;

use crate::communication::pub_sub::shares::Shares;

/// Which rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Only those get a message who are subscribed, each as many copies as its subscriptions say.
    OnlyMatching,
    /// With the lower QoS, and with RETAIN as the subscription says.
    QosAndFlags,
    /// Not after its time.
    Expired,
    /// Nothing that a session is owed goes.
    MissesNothing,
    /// New subscriptions get what was retained last.
    Retained,
    /// Will Messages are published when they are to be.
    Wills,
    /// No more at a time than the other side takes.
    ReceiveMaximum,
    /// A session lives until its time is over, and no longer.
    Resumed,
    /// A client has one connection.
    OneConnection,
    /// Each message goes to one member.
    OneOfAGroup,
    /// A message is published once when it comes; one of QoS 2 not again when it comes again.
    PublishedOnce,
    /// Packets are those of the handshakes.
    Handshakes,
}

/// What is wrong.
pub type Finding = (Kind, String);

/// A copy that a session is owed.
#[derive(Clone, Debug)]
struct Owed {
    body: BodyId,
    qos: Qos,
    retain: bool,
    /// Whether the message was published with RETAIN.
    was_retained: bool,
    subscriptions: BTreeSet<SubscriptionId>,
    until: Option<Time>,
    is_sent: bool,
    /// Whether its time was over at some step before it was sent. (Clocks can go back.)
    may_be_gone: bool,
}

/// What was sent and is not completed.
#[derive(Clone, Debug)]
struct UnderWay {
    body: BodyId,
    qos: Qos,
    is_released: bool,
    counts: bool,
    share: Option<Filter>,
}

type Subscription = (Options, Option<SubscriptionId>);

/// A session.
#[derive(Clone, Debug)]
pub struct Session {
    /// The how many-th of its client it is, from 1 on.
    pub number: u32,
    /// Whether it began with Clean Start.
    pub began_clean: bool,
    /// Its connection.
    pub connection: Option<ConnectionId>,
    receive_maximum: u16,
    expiry: SessionExpiry,
    ends: Option<Time>,
    will: Option<Will>,
    will_due: Option<Time>,
    /// What it is subscribed to.
    pub subscriptions: BTreeMap<Filter, Subscription>,
    /// The filters of shared subscriptions, by their identifiers, also of those that are gone.
    shared: BTreeMap<SubscriptionId, Filter>,
    owed: Vec<Owed>,
    under_way: BTreeMap<PacketId, UnderWay>,
    inbox: BTreeMap<PacketId, bool>,
}

/// A message that is retained.
#[derive(Clone, Debug)]
struct Kept {
    message: Message,
    by: ClientId,
    until: Option<Time>,
}

/// All that has come.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    sessions: BTreeMap<ClientId, Session>,
    connections: BTreeMap<ConnectionId, ClientId>,
    begun: BTreeMap<ClientId, u32>,
    retained: BTreeMap<Topic, Kept>,
    shares: Shares,
    at: Time,
    found: Vec<Finding>,
    /// What the step under way says was published.
    published: VecDeque<Published>,
    /// The acknowledged deliveries: of which session of which client, and what.
    pub acknowledged: Vec<(ClientId, u32, BodyId)>,
    /// What was published: by which session of which client (none for a Will Message), and what.
    pub publications: Vec<(ClientId, Option<u32>, Message)>,
}

impl Ledger {
    /// The session of a client.
    pub fn session(&self, client: ClientId) -> Option<&Session> {
        self.sessions.get(&client)
    }

    /// Takes the next step. Says what is wrong with it.
    pub fn read(&mut self, engine: &Engine, step: &Step) -> Vec<Finding> {
        self.at = step.at;
        self.published = step.published.iter().cloned().collect();
        for owed in self.sessions.values_mut().flat_map(|session| &mut session.owed) {
            owed.may_be_gone |= !owed.is_sent && owed.until.is_some_and(|until| until <= step.at);
        }
        self.check_overdue(&step.input);
        match &step.input {
            Input::Packet(connection, packet) => self.packet(engine, *connection, packet, &step.outputs),
            Input::Lost(connection) => self.lost(engine, *connection),
            Input::Restarted => {
                // All are lost before anything that comes of it is done.
                let all: Vec<ConnectionId> = self.connections.keys().copied().collect();
                all.into_iter().for_each(|connection| _ = self.lose(connection));
            }
            Input::Tick => {}
            Input::WillIsDue(client) => self.will(engine, *client),
            Input::SessionEnds(client) => self.end(engine, *client),
        }
        while let Some(published) = self.published.pop_front() {
            let kind = if published.is_will { Kind::Wills } else { Kind::PublishedOnce };
            self.find(kind, format!("{:?} is published, and should not be", published.message.body.id));
            self.route(engine, &published);
        }
        for output in &step.outputs {
            if let Output::Send(connection, Packet::Publish(publish)) = output {
                self.sent(*connection, publish, matches!(step.input, Input::Packet(_, Packet::Subscribe(..))));
            }
        }
        self.forget_unkept();
        std::mem::take(&mut self.found)
    }

    /// Holds the engine against this, when all its steps are read.
    pub fn compare(&mut self, engine: &Engine) -> Vec<Finding> {
        for (client, session) in engine.sessions() {
            let Some(own) = self.sessions.get(&client) else {
                self.find(Kind::Resumed, format!("{client:?} has a session that should have ended"));
                continue;
            };
            let mut pending: Vec<(BodyId, Qos)> = session
                .outbox
                .pending()
                .filter(|copy| copy.share.is_none())
                .map(|copy| (copy.message.body.id, copy.message.qos))
                .collect();
            let mut findings = Vec::new();
            // What must be there is looked for first: of a message that came twice, one copy may have expired.
            let kept = own.owed.iter().filter(|owed| owed.qos > Qos::AtMostOnce);
            let (unsure, sure): (Vec<&Owed>, Vec<&Owed>) = kept.partition(|owed| owed.may_be_gone);
            for owed in sure.into_iter().chain(unsure) {
                let place = pending.iter().position(|(body, _)| *body == owed.body);
                if let Some(place) = place {
                    pending.remove(place);
                } else if !owed.may_be_gone {
                    let kind = if owed.was_retained { Kind::Retained } else { Kind::MissesNothing };
                    findings.push((kind, format!("{client:?} is owed {:?}, and its session has it not", owed.body)));
                }
            }
            if let Some((body, _)) = pending.first() {
                findings.push((Kind::OnlyMatching, format!("{client:?} is to get {body:?}, and should not")));
            }
            self.found.append(&mut findings);
        }
        for client in self.sessions.keys() {
            if engine.session(*client).is_none() {
                self.found.push((Kind::Resumed, format!("the session of {client:?} is gone before its time")));
            }
        }
        let is_kept = |until: Option<Time>| until.is_none_or(|until| until > self.at);
        let kept: BTreeMap<&Topic, BodyId> = engine
            .retained()
            .filter(|retained| is_kept(retained.until))
            .map(|retained| (&retained.message.topic, retained.message.body.id))
            .collect();
        let own: BTreeMap<&Topic, BodyId> = self
            .retained
            .iter()
            .filter(|(_, kept)| is_kept(kept.until))
            .map(|(topic, kept)| (topic, kept.message.body.id))
            .collect();
        if kept != own {
            self.found.push((Kind::Retained, format!("what is retained is {kept:?}, and should be {own:?}")));
        }
        self.found.extend(self.shares.compare(engine).into_iter().map(|words| (Kind::OneOfAGroup, words)));
        std::mem::take(&mut self.found)
    }

    fn find(&mut self, kind: Kind, words: String) {
        self.found.push((kind, words));
    }

    /// Nothing that was due has been left out.
    fn check_overdue(&mut self, input: &Input) {
        let at = self.at;
        let is_due = |time: Option<Time>| time.is_some_and(|time| time <= at);
        let early = match input {
            Input::WillIsDue(client) => {
                let session = self.sessions.get(client);
                session.is_none_or(|session| !is_due(session.will_due)).then_some(Kind::Wills)
            }
            Input::SessionEnds(client) => {
                let session = self.sessions.get(client);
                session.is_none_or(|session| !is_due(session.ends)).then_some(Kind::Resumed)
            }
            _ => {
                let late = |session: &Session| {
                    let ends = is_due(session.ends).then_some(Kind::Resumed);
                    ends.or(is_due(session.will_due).then_some(Kind::Wills))
                };
                self.sessions.values().find_map(late)
            }
        };
        if let Some(kind) = early {
            self.find(kind, format!("{input:?} comes too early, or something else too late"));
        }
    }
}
