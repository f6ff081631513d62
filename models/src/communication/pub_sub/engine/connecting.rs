//! Connections and sessions: how they begin and end.

use seedbed_sim::Span;

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::engine::session::{Online, Session};
use crate::communication::pub_sub::engine::state::{Engine, Now, Output};
use crate::communication::pub_sub::names::{ClientId, ConnectionId};
use crate::communication::pub_sub::packet::{Connect, Packet, Qos, Reason, SessionExpiry};
use crate::communication::pub_sub::sending::{Inbox, Stage};

impl Engine {
    /// CONNECT has come (§3.1.4).
    pub(super) fn connect(&mut self, now: Now, connection: ConnectionId, connect: &Connect) {
        if self.connections.contains_key(&connection) {
            // A second CONNECT on a connection ([MQTT-3.1.0-2]).
            return self.refuse(now, connection, Reason::ProtocolError);
        }
        let client = connect.client;
        self.take_over(now, client);
        if connect.clean_start || now.planted(Bug::SessionNotResumed) {
            // ([MQTT-3.1.2-4])
            self.end_session(now, client);
        }
        let session_present = self.sessions.contains_key(&client);
        let session = self.sessions.entry(client).or_insert_with(|| Session::new(connect.expiry));
        assert!(session.online.is_none(), "a client has one connection: {client:?}");
        session.online = Some(Online { connection, receive_maximum: connect.receive_maximum });
        (session.expiry, session.ends) = (connect.expiry, None);
        if now.planted(Bug::WillSurvivesReconnect) && session.will_due.is_some() {
            // The old one stays.
        } else {
            // A Will Message that was not due yet is not published ([MQTT-3.1.3-9]).
            (session.will, session.will_due) = (connect.will.clone(), None);
        }
        self.connections.insert(connection, client);
        let receive_maximum = self.settings.receive_maximum;
        self.send(client, Packet::ConnAck { session_present, receive_maximum });
        self.send_due(now, client);
    }

    /// Closes the connection of a client that connects again ([MQTT-3.1.4-3]).
    fn take_over(&mut self, now: Now, client: ClientId) {
        let Some(online) = self.sessions.get(&client).and_then(|session| session.online) else { return };
        if now.planted(Bug::TakeoverKeepsBoth) {
            if let Some(session) = self.sessions.get_mut(&client) {
                session.online = None;
                session.outbox.disconnected();
                session.inbox.disconnected();
            }
            return;
        }
        self.outputs.push(Output::Send(online.connection, Packet::Disconnect(Reason::SessionTakenOver, None)));
        self.outputs.push(Output::Close(online.connection));
        self.lost(now, online.connection);
    }

    /// A connection is closed without DISCONNECT, or by the server: the Will Message is published when its delay is over (§3.1.2.5).
    pub(super) fn lost(&mut self, now: Now, connection: ConnectionId) {
        if let Some(client) = self.lose(now, connection) {
            self.do_due(now, client);
        }
    }

    /// All connections are closed, before anything that comes of it is done: nobody is connected who could get a Will Message.
    pub(super) fn lose_all(&mut self, now: Now) {
        let lost: Vec<ConnectionId> = self.connections.keys().copied().collect();
        lost.into_iter().for_each(|connection| _ = self.lose(now, connection));
    }

    fn lose(&mut self, now: Now, connection: ConnectionId) -> Option<ClientId> {
        let client = self.connections.remove(&connection)?;
        let session = self.sessions.get_mut(&client)?;
        session.online.filter(|online| online.connection == connection)?;
        if let Some(will) = &session.will {
            let delay = if now.planted(Bug::WillBeforeItsDelay) { Span::ZERO } else { will.delay };
            session.will_due = Some(now.at + delay);
        }
        self.offline(now, client);
        Some(client)
    }

    /// DISCONNECT has come (§3.14).
    pub(super) fn disconnect(
        &mut self,
        now: Now,
        connection: ConnectionId,
        reason: Reason,
        expiry: Option<SessionExpiry>,
    ) {
        let Some(client) = self.client(connection) else { return };
        let session = self.sessions.get_mut(&client).expect("who is connected has a session");
        match expiry {
            // (§3.14.2.2.2)
            Some(expiry) if session.expiry == SessionExpiry::AT_ONCE && expiry != SessionExpiry::AT_ONCE => {
                return self.refuse(now, connection, Reason::ProtocolError);
            }
            Some(expiry) => session.expiry = expiry,
            None => {}
        }
        self.outputs.push(Output::Close(connection));
        if reason == Reason::WithWill || now.planted(Bug::WillAfterDisconnect) {
            return self.lost(now, connection);
        }
        // ([MQTT-3.14.4-3])
        session.will = None;
        self.connections.remove(&connection);
        self.offline(now, client);
        self.do_due(now, client);
    }

    /// A client is not connected any more.
    fn offline(&mut self, now: Now, client: ClientId) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        session.online = None;
        session.outbox.disconnected();
        session.inbox.disconnected();
        if now.planted(Bug::Qos2ForgetsPacketId) {
            session.inbox = Inbox::default();
        }
        session.ends = match session.expiry {
            SessionExpiry::After(span) if !now.planted(Bug::SessionOutlivesItsExpiry) => Some(now.at + span),
            SessionExpiry::After(_) | SessionExpiry::Never => None,
        };
    }

    /// Does what is due at once when a client is not connected any more.
    fn do_due(&mut self, now: Now, client: ClientId) {
        let Some(session) = self.sessions.get(&client) else { return };
        if session.will_due.is_some_and(|due| due <= now.at) {
            self.publish_will(now, client);
        }
        let ends = self.sessions.get(&client).and_then(|session| session.ends);
        if ends.is_some_and(|ends| ends <= now.at) {
            self.end_session(now, client);
        }
    }

    /// Publishes the Will Message of a connection that was lost, and forgets it ([MQTT-3.1.2-10]).
    pub(super) fn publish_will(&mut self, now: Now, client: ClientId) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        session.will_due = None;
        if let Some(will) = session.will.take() {
            self.route(now, client, &will.message, true);
        }
    }

    /// Ends a session: a Will Message that waits is published now ([MQTT-3.1.2-8]), and what the session had of shared subscriptions
    /// goes to others (§4.8.2).
    pub(super) fn end_session(&mut self, now: Now, client: ClientId) {
        if self.sessions.get(&client).is_some_and(|session| session.will_due.is_some()) {
            self.publish_will(now, client);
        }
        let Some(session) = self.sessions.remove(&client) else { return };
        if now.planted(Bug::SharedLostWithItsReceiver) {
            return;
        }
        let begun = session.outbox.exchanges().filter_map(|exchange| match &exchange.stage {
            // Nobody else may get a message of QoS 2 that was under way ([MQTT-4.8.2-5]).
            Stage::Published(copy) if copy.message.qos < Qos::ExactlyOnce => Some(copy),
            Stage::Published(copy) if now.planted(Bug::SharedMovedUnderWay) => Some(copy),
            Stage::Published(_) | Stage::Released => None,
        });
        for copy in begun.chain(session.outbox.waiting()) {
            if let Some(share) = &copy.share {
                self.route_to_share(now, share, copy);
            }
        }
    }
}
