//! What a broker has to do, by what has come to it alone: whose sessions there are, what each is subscribed to, what it is owed. Each
//! step of the engine is held against this; what is wrong has a kind, and each kind is a property of its own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use seedbed_models::communication::pub_sub::engine::{Engine, Input, Output, Overlap, Published, Step};
use seedbed_models::communication::pub_sub::names::{BodyId, ClientId, ConnectionId, PacketId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::{
    Connect, Message, Options, Packet, Publish, Qos, Reason, RetainHandling, SessionExpiry, Will,
};
use seedbed_models::communication::pub_sub::topic::{Filter, Topic};
use seedbed_sim::{Span, Time};

use crate::communication::pub_sub::matching::{is_shared, is_well_formed, matches};
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
                let all: Vec<ConnectionId> = self.connections.keys().copied().collect();
                all.into_iter().for_each(|connection| self.lost(engine, connection));
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
            for owed in own.owed.iter().filter(|owed| owed.qos > Qos::AtMostOnce) {
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

    // ---------------------------------------------------------------------------------------------------------------
    // Connections and sessions

    fn packet(&mut self, engine: &Engine, connection: ConnectionId, packet: &Packet, outputs: &[Output]) {
        if let Packet::Connect(connect) = packet {
            if self.connections.contains_key(&connection) {
                return self.lost(engine, connection);
            }
            return self.connect(engine, connection, connect, outputs);
        }
        let Some(client) = self.connections.get(&connection).copied() else { return };
        let Some(session) = self.sessions.get_mut(&client) else { return };
        match packet {
            Packet::Publish(publish) => self.publish(engine, connection, client, publish),
            Packet::PubAck(id, _) => {
                let is_it = |one: &UnderWay| one.qos == Qos::AtLeastOnce;
                if session.under_way.get(id).is_some_and(is_it) {
                    self.settled(client, *id);
                }
            }
            Packet::PubRec(id, reason) => {
                if session.under_way.get(id).is_some_and(|one| one.qos == Qos::ExactlyOnce && !one.is_released) {
                    self.received(client, *id, *reason);
                }
            }
            Packet::PubComp(id, _) => {
                if session.under_way.get(id).is_some_and(|one| one.is_released) {
                    session.under_way.remove(id);
                }
            }
            Packet::PubRel(id, _) => _ = session.inbox.remove(id),
            Packet::Subscribe(_, filters, identifier) => {
                if filters.is_empty() || filters.iter().any(|(filter, options)| is_shared(filter) && options.no_local) {
                    return self.lost(engine, connection);
                }
                for (filter, options) in filters.iter().filter(|(filter, _)| is_well_formed(filter)) {
                    self.subscribe(client, filter, *options, *identifier);
                }
            }
            Packet::Unsubscribe(_, filters) => filters.iter().for_each(|filter| _ = session.subscriptions.remove(filter)),
            Packet::Disconnect(reason, expiry) => self.disconnect(engine, connection, client, *reason, *expiry),
            Packet::PingReq => {}
            _ => self.lost(engine, connection),
        }
    }

    fn connect(&mut self, engine: &Engine, connection: ConnectionId, connect: &Connect, outputs: &[Output]) {
        let client = connect.client;
        if let Some(old) = self.sessions.get(&client).and_then(|session| session.connection) {
            if !outputs.contains(&Output::Close(old)) {
                self.find(Kind::OneConnection, format!("{client:?} has connected again, and {old:?} stays"));
            }
            self.lost(engine, old);
        }
        if connect.clean_start {
            self.end(engine, client);
        }
        let present = self.sessions.contains_key(&client);
        let says = outputs.iter().find_map(|output| match output {
            Output::Send(to, Packet::ConnAck { session_present, .. }) if *to == connection => Some(*session_present),
            _ => None,
        });
        if says != Some(present) {
            let words = format!("{client:?} is told {says:?} of whether it has a session, and it is {present}");
            self.find(Kind::Resumed, words);
        }
        if !present {
            let number = self.begun.entry(client).or_default();
            *number += 1;
            let session = Session {
                number: *number,
                began_clean: connect.clean_start,
                connection: None,
                receive_maximum: 0,
                expiry: connect.expiry,
                ends: None,
                will: None,
                will_due: None,
                subscriptions: BTreeMap::new(),
                shared: BTreeMap::new(),
                owed: Vec::new(),
                under_way: BTreeMap::new(),
                inbox: BTreeMap::new(),
            };
            self.sessions.insert(client, session);
        }
        let session = self.sessions.get_mut(&client).expect("it was made");
        session.connection = Some(connection);
        session.receive_maximum = connect.receive_maximum;
        (session.expiry, session.ends) = (connect.expiry, None);
        (session.will, session.will_due) = (connect.will.clone(), None);
        self.connections.insert(connection, client);
    }

    fn lost(&mut self, engine: &Engine, connection: ConnectionId) {
        let Some(client) = self.connections.remove(&connection) else { return };
        let at = self.at;
        if let Some(session) = self.sessions.get_mut(&client) {
            session.will_due = session.will.as_ref().map(|will| at + will.delay);
        }
        self.offline(engine, client);
    }

    fn disconnect(
        &mut self,
        engine: &Engine,
        connection: ConnectionId,
        client: ClientId,
        reason: Reason,
        expiry: Option<SessionExpiry>,
    ) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        if let Some(expiry) = expiry {
            if session.expiry == SessionExpiry::AT_ONCE && expiry != SessionExpiry::AT_ONCE {
                return self.lost(engine, connection);
            }
            session.expiry = expiry;
        }
        if reason == Reason::WithWill {
            return self.lost(engine, connection);
        }
        session.will = None;
        self.connections.remove(&connection);
        self.offline(engine, client);
    }

    fn offline(&mut self, engine: &Engine, client: ClientId) {
        let at = self.at;
        let Some(session) = self.sessions.get_mut(&client) else { return };
        session.connection = None;
        session.under_way.values_mut().for_each(|one| one.counts = false);
        session.inbox.values_mut().for_each(|counts| *counts = false);
        session.ends = match session.expiry {
            SessionExpiry::After(span) => Some(at + span),
            SessionExpiry::Never => None,
        };
        let ends = session.ends;
        if session.will_due.is_some_and(|due| due <= at) {
            self.will(engine, client);
        }
        if ends.is_some_and(|ends| ends <= at) {
            self.end(engine, client);
        }
    }

    /// The Will Message of a client is to be published now.
    fn will(&mut self, engine: &Engine, client: ClientId) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        session.will_due = None;
        let Some(will) = session.will.take() else { return };
        let is_it = |published: &Published| published.is_will && published.message == will.message;
        match self.published.front() {
            Some(published) if is_it(published) => {
                let published = self.published.pop_front().expect("it is there");
                self.publications.push((client, None, published.message.clone()));
                self.route(engine, &published);
            }
            other => {
                let words = format!("the will of {client:?} is to be published, and not {other:?}");
                self.find(Kind::Wills, words);
            }
        }
    }

    fn end(&mut self, engine: &Engine, client: ClientId) {
        if self.sessions.get(&client).is_some_and(|session| session.will_due.is_some()) {
            self.will(engine, client);
        }
        let Some(session) = self.sessions.remove(&client) else { return };
        for one in session.under_way.values().filter(|one| one.qos == Qos::ExactlyOnce && !one.is_released) {
            if let Some(share) = &one.share {
                self.shares.lost_under_way(share, one.body);
            }
        }
        for share in session.shared.values() {
            // Whether somebody was there to get what it had.
            let able = self.members(share).any(|(is_online, qos)| is_online || qos > Qos::AtMostOnce);
            let all_are = self.members(share).all(|(is_online, qos)| is_online || qos > Qos::AtMostOnce);
            if !able || !all_are {
                self.shares.may_lose(share);
            }
        }
    }

    fn members<'a>(&'a self, share: &'a Filter) -> impl Iterator<Item = (bool, Qos)> + 'a {
        self.sessions.values().filter_map(move |session| {
            let (options, _) = session.subscriptions.get(share)?;
            Some((session.connection.is_some(), options.qos))
        })
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Subscriptions

    fn subscribe(&mut self, client: ClientId, filter: &Filter, options: Options, identifier: Option<SubscriptionId>) {
        let at = self.at;
        let Some(session) = self.sessions.get_mut(&client) else { return };
        let is_new = session.subscriptions.insert(filter.clone(), (options, identifier)).is_none();
        if is_shared(filter) {
            session.shared.extend(identifier.map(|identifier| (identifier, filter.clone())));
            return;
        }
        let sends = match options.retain_handling {
            RetainHandling::Send => true,
            RetainHandling::SendIfNew => is_new,
            RetainHandling::DoNotSend => false,
        };
        for (topic, kept) in self.retained.iter().filter(|_| sends) {
            let is_own = kept.by == client && options.no_local;
            if !matches(filter, topic) || is_own || kept.until.is_some_and(|until| until <= at) {
                continue;
            }
            session.owed.push(Owed {
                body: kept.message.body.id,
                qos: kept.message.qos.min(options.qos),
                retain: true,
                was_retained: true,
                subscriptions: identifier.into_iter().collect(),
                until: kept.until,
                is_sent: false,
                may_be_gone: false,
            });
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Messages

    fn publish(&mut self, engine: &Engine, connection: ConnectionId, client: ClientId, publish: &Publish) {
        let settings = engine.settings();
        let Publish { message, id, .. } = publish;
        if id.is_some() != (message.qos > Qos::AtMostOnce) {
            return self.lost(engine, connection);
        }
        if message.topic.as_str().contains(['+', '#']) || settings.locked.as_ref() == Some(&message.topic) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&client) else { return };
        let number = session.number;
        if let (Qos::ExactlyOnce, Some(id)) = (message.qos, id) {
            let is_known = session.inbox.insert(*id, true).is_some();
            let counting = session.inbox.values().filter(|counts| **counts).count();
            if counting > usize::from(settings.receive_maximum) {
                let words = format!("{client:?} has {counting} messages under way to the broker");
                self.find(Kind::ReceiveMaximum, words);
                return self.lost(engine, connection);
            }
            if is_known {
                return;
            }
        }
        match self.published.pop_front() {
            Some(published) if published.message == *message && !published.is_will && published.by == client => {
                self.publications.push((client, Some(number), message.clone()));
                self.route(engine, &published);
            }
            other => {
                let words = format!("{:?} of {client:?} is to be published, and not {other:?}", message.body.id);
                self.find(Kind::PublishedOnce, words);
            }
        }
    }

    fn route(&mut self, engine: &Engine, published: &Published) {
        let Published { message, by, .. } = published;
        let until = message.expiry.map(|expiry| self.at + expiry);
        if message.retain {
            let topic = message.topic.clone();
            if message.body.empty {
                self.retained.remove(&topic);
            } else {
                self.retained.insert(topic, Kept { message: message.clone(), by: *by, until });
            }
        }
        let mut shares = BTreeSet::new();
        for (client, session) in &mut self.sessions {
            let matching = session.subscriptions.iter().filter(|(filter, (options, _))| {
                matches(filter, &message.topic) && !(options.no_local && client == by)
            });
            let (shared, own): (Vec<_>, Vec<_>) = matching.partition(|(filter, _)| is_shared(filter));
            shares.extend(shared.into_iter().map(|(filter, _)| filter.clone()));
            let own: Vec<Subscription> = own.into_iter().map(|(_, subscription)| *subscription).collect();
            let groups: Vec<&[Subscription]> = match engine.settings().overlap {
                Overlap::OneCopy if own.is_empty() => Vec::new(),
                Overlap::OneCopy => vec![&own[..]],
                Overlap::CopyEach => own.chunks(1).collect(),
            };
            for group in groups {
                let is_online = session.connection.is_some();
                let most = group.iter().map(|(options, _)| options.qos).max().unwrap_or(Qos::AtMostOnce);
                let keeps = group.iter().any(|(options, _)| options.retain_as_published);
                if message.qos.min(most) == Qos::AtMostOnce && !is_online {
                    continue;
                }
                session.owed.push(Owed {
                    body: message.body.id,
                    qos: message.qos.min(most),
                    retain: message.retain && keeps,
                    was_retained: message.retain,
                    subscriptions: group.iter().filter_map(|(_, identifier)| *identifier).collect(),
                    until,
                    is_sent: false,
                    may_be_gone: false,
                });
            }
        }
        for share in shares {
            let able = self.members(&share).any(|(is_online, qos)| is_online || qos.min(message.qos) > Qos::AtMostOnce);
            self.shares.published(&share, message.body.id, able, until.is_some());
        }
    }

    /// A PUBLISH goes to a client.
    fn sent(&mut self, connection: ConnectionId, publish: &Publish, is_for_subscribe: bool) {
        let at = self.at;
        let Publish { message, dup, id, subscriptions } = publish;
        let body = message.body.id;
        let client = self.connections.get(&connection).copied();
        let Some((client, session)) = client.and_then(|client| Some((client, self.sessions.get_mut(&client)?))) else {
            // It was closed in the same step.
            return;
        };
        let mut found = Vec::new();
        if let Some(known) = id.and_then(|id| session.under_way.get_mut(&id)) {
            if known.body != body || known.is_released || !dup || known.qos != message.qos {
                let words = format!("{id:?} to {client:?} is under way with {:?}, and {body:?} is sent", known.body);
                found.push((Kind::Handshakes, words));
            }
            known.counts = true;
        } else {
            let identifiers: BTreeSet<SubscriptionId> = subscriptions.iter().copied().collect();
            let share = subscriptions.iter().find_map(|identifier| session.shared.get(identifier)).cloned();
            if let Some(share) = &share {
                if message.qos == Qos::AtMostOnce {
                    self.shares.done(share, body);
                }
            } else {
                // Of several copies that may be meant, the one that fits best: by its flag, and with time left.
                let fits = |owed: &Owed| {
                    let is_it = !owed.is_sent && owed.body == body && owed.subscriptions == identifiers;
                    let has_time = owed.until.is_none_or(|until| until > at);
                    is_it.then_some((owed.retain == message.retain, has_time))
                };
                let owed = session.owed.iter_mut().filter(|owed| fits(owed).is_some()).max_by_key(|owed| fits(owed));
                match owed {
                    None => {
                        let kind = if is_for_subscribe { Kind::Retained } else { Kind::OnlyMatching };
                        let words = format!("{client:?} gets {body:?} on {}, for {identifiers:?}", message.topic);
                        found.push((kind, words));
                    }
                    Some(owed) => {
                        owed.is_sent = true;
                        if (owed.qos, owed.retain) != (message.qos, message.retain) {
                            let words = format!(
                                "{client:?} gets {body:?} with {:?}, RETAIN {}, and should with {:?}, RETAIN {}",
                                message.qos, message.retain, owed.qos, owed.retain
                            );
                            found.push((Kind::QosAndFlags, words));
                        }
                        let left = owed.until.map(|until| until.since(at).max(Span(1)));
                        if owed.until.is_some_and(|until| until <= at) || left != message.expiry {
                            let words = format!(
                                "{client:?} gets {body:?} with {:?} left of its time, and it is {left:?}, until {:?}",
                                message.expiry, owed.until
                            );
                            found.push((Kind::Expired, words));
                        }
                    }
                }
            }
            if let Some(id) = id {
                let under_way = UnderWay { body, qos: message.qos, is_released: false, counts: true, share };
                session.under_way.insert(*id, under_way);
            }
        }
        let counting = session.under_way.values().filter(|one| one.counts).count();
        if counting > usize::from(session.receive_maximum) {
            found.push((Kind::ReceiveMaximum, format!("{client:?} gets {counting} messages at a time")));
        }
        self.found.append(&mut found);
    }

    /// PUBACK has come.
    fn settled(&mut self, client: ClientId, id: PacketId) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        if let Some(one) = session.under_way.remove(&id) {
            self.taken(client, &one);
        }
    }

    /// PUBREC has come.
    fn received(&mut self, client: ClientId, id: PacketId, reason: Reason) {
        if reason.is_failure() {
            return self.settled(client, id);
        }
        let Some(session) = self.sessions.get_mut(&client) else { return };
        let Some(one) = session.under_way.get_mut(&id) else { return };
        one.is_released = true;
        let one = one.clone();
        self.taken(client, &one);
    }

    /// The client has a message.
    fn taken(&mut self, client: ClientId, one: &UnderWay) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        self.acknowledged.push((client, session.number, one.body));
        if let Some(share) = &one.share {
            return self.shares.done(share, one.body);
        }
        if let Some(place) = session.owed.iter().position(|owed| owed.is_sent && owed.body == one.body && owed.qos == one.qos) {
            session.owed.remove(place);
        }
    }

    /// What has QoS 0 is sent in the step in which it is published, or never.
    fn forget_unkept(&mut self) {
        let at = self.at;
        for (client, session) in &mut self.sessions {
            let is_online = session.connection.is_some();
            for owed in session.owed.extract_if(.., |owed| owed.qos == Qos::AtMostOnce) {
                let has_time = owed.until.is_none_or(|until| until > at);
                if !owed.is_sent && is_online && has_time {
                    let kind = if owed.was_retained { Kind::Retained } else { Kind::MissesNothing };
                    self.found.push((kind, format!("{client:?} is connected, and {:?} is not sent to it", owed.body)));
                }
            }
        }
    }
}
