//! The connection of a client, and how its sessions begin and end (§3.1, §3.2, §3.14).

use crate::communication::pub_sub::client::session::{Event, Network, Output, Request, Settings, State};
use crate::communication::pub_sub::messages::{Leaving, Outcome};
use crate::communication::pub_sub::names::BodyId;
use crate::communication::pub_sub::packet::{Body, Connect, Message, Packet, Reason, SessionExpiry, Will};
use crate::communication::pub_sub::sending::{Inbox, Stage};
use crate::communication::pub_sub::topic::Filter;

impl State {
    pub(super) fn up(&mut self, clean_start: bool, will: BodyId) {
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

    pub(super) fn down(&mut self, forgets: bool) {
        self.network = Network::Down;
        self.outbox.disconnected();
        self.inbox.disconnected();
        if forgets {
            self.inbox = Inbox::default();
        }
        self.requests.clear();
    }

    /// Forgets a session ([MQTT-3.2.2-4]): what was not acknowledged may or may not be with the broker, and cannot be sent again.
    pub(super) fn forget(&mut self) {
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

    pub(super) fn connected(&mut self, session_present: bool, receive_maximum: u16) {
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

    pub(super) fn leave(&mut self, how: Leaving, expiry: Option<SessionExpiry>) {
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
}
