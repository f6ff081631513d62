//! Connections and sessions: how they begin and end (MQTT 5.0, §3.1, §3.14, §4.1).

use std::collections::BTreeMap;

use seedbed_models::communication::pub_sub::engine::{Engine, Output, Published};
use seedbed_models::communication::pub_sub::names::{ClientId, ConnectionId};
use seedbed_models::communication::pub_sub::packet::{Connect, Packet, Qos, Reason, SessionExpiry};
use seedbed_models::communication::pub_sub::topic::Filter;

use crate::communication::pub_sub::ledger::{Kind, Ledger, Session, UnderWay};
use crate::communication::pub_sub::matching::{is_shared, is_well_formed};

impl Ledger {
    pub(super) fn packet(&mut self, engine: &Engine, connection: ConnectionId, packet: &Packet, outputs: &[Output]) {
        if let Packet::Connect(connect) = packet {
            if self.connections.contains_key(&connection) {
                return self.lost(engine, connection);
            }
            return self.connect(engine, connection, connect, outputs);
        }
        let Some(client) = self.connections.get(&connection).copied() else { return };
        self.check_answer(engine, connection, client, packet, outputs);
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
            Packet::Unsubscribe(_, filters) => {
                filters.iter().for_each(|filter| _ = session.subscriptions.remove(filter))
            }
            Packet::Disconnect(reason, expiry) => self.disconnect(engine, connection, client, *reason, *expiry),
            Packet::PingReq => {}
            _ => self.lost(engine, connection),
        }
    }

    pub(super) fn connect(&mut self, engine: &Engine, connection: ConnectionId, connect: &Connect, outputs: &[Output]) {
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

    pub(super) fn lost(&mut self, engine: &Engine, connection: ConnectionId) {
        if let Some(client) = self.lose(connection) {
            self.do_due(engine, client);
        }
    }

    pub(super) fn lose(&mut self, connection: ConnectionId) -> Option<ClientId> {
        let client = self.connections.remove(&connection)?;
        let session = self.sessions.get_mut(&client)?;
        session.will_due = session.will.as_ref().map(|will| self.at + will.delay);
        self.offline(client);
        Some(client)
    }

    pub(super) fn disconnect(
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
        self.offline(client);
        self.do_due(engine, client);
    }

    pub(super) fn offline(&mut self, client: ClientId) {
        let at = self.at;
        let Some(session) = self.sessions.get_mut(&client) else { return };
        session.connection = None;
        session.under_way.values_mut().for_each(|one| one.counts = false);
        session.inbox.values_mut().for_each(|counts| *counts = false);
        session.ends = match session.expiry {
            SessionExpiry::After(span) => Some(at + span),
            SessionExpiry::Never => None,
        };
    }

    pub(super) fn do_due(&mut self, engine: &Engine, client: ClientId) {
        let at = self.at;
        let Some(session) = self.sessions.get(&client) else { return };
        let ends = session.ends;
        if session.will_due.is_some_and(|due| due <= at) {
            self.will(engine, client);
        }
        if ends.is_some_and(|ends| ends <= at) {
            self.end(engine, client);
        }
    }

    /// The Will Message of a client is to be published now.
    pub(super) fn will(&mut self, engine: &Engine, client: ClientId) {
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

    pub(super) fn end(&mut self, engine: &Engine, client: ClientId) {
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

    pub(super) fn members<'a>(&'a self, share: &'a Filter) -> impl Iterator<Item = (bool, Qos)> + 'a {
        self.sessions.values().filter_map(move |session| {
            let (options, _) = session.subscriptions.get(share)?;
            Some((session.connection.is_some(), options.qos))
        })
    }
}
