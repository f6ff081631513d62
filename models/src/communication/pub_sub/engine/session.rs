//! A session, as the server keeps it (MQTT 5.0, §4.1).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Span, Time};

use crate::communication::pub_sub::names::{ClientId, ConnectionId, SubscriptionId};
use crate::communication::pub_sub::packet::{HasQos, Message, Options, Qos, SessionExpiry, Will};
use crate::communication::pub_sub::sending::{Inbox, Outbox};
use crate::communication::pub_sub::topic::{Filter, Topic};

/// A subscription of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Its options.
    pub options: Options,
    /// Its identifier, if the client has given one.
    pub identifier: Option<SubscriptionId>,
}

/// For which shared subscription a copy is: the filter as it was subscribed to, `$share/NAME/FILTER`.
pub type Share = Filter;

/// A copy of a message for one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Copied {
    /// The message, with the QoS and the flag RETAIN with which it is sent.
    pub message: Message,
    /// The identifiers of the subscriptions for which it is sent.
    pub subscriptions: Vec<SubscriptionId>,
    /// The QoS with which it was published.
    pub published: Qos,
    /// The shared subscription for which it is, if it is for one.
    pub share: Option<Share>,
    /// When it expires (§3.3.2.3.3).
    pub until: Option<Time>,
}

impl HasQos for Copied {
    fn qos(&self) -> Qos {
        self.message.qos
    }
}

impl Copied {
    /// Whether its time is over.
    pub fn has_expired(&self, at: Time) -> bool {
        self.until.is_some_and(|until| until <= at)
    }

    /// The message as it is sent now: its interval is less what it has waited ([MQTT-3.3.2-6]).
    pub fn as_sent(&self, at: Time) -> Message {
        let expiry = self.until.map(|until| until.since(at).max(Span(1)));
        Message { expiry, ..self.message.clone() }
    }
}

/// The connection of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Online {
    /// Which one.
    pub connection: ConnectionId,
    /// How many publishes with a QoS above 0 the client takes at a time.
    pub receive_maximum: u16,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// Its connection, if the client is connected.
    pub online: Option<Online>,
    /// How long it lives without one.
    pub expiry: SessionExpiry,
    /// When it ends, if the client is not connected and it ends.
    pub ends: Option<Time>,
    /// Its subscriptions.
    pub subscriptions: BTreeMap<Filter, Subscription>,
    /// What it sends to the client.
    pub outbox: Outbox<Copied>,
    /// What it has got of the client.
    pub inbox: Inbox,
    /// The Will Message of the connection, or of the last one if it has not been published.
    pub will: Option<Will>,
    /// When that is published, if the connection has been lost.
    pub will_due: Option<Time>,
    /// Subscriptions that are thought to be served from what is retained: always none, but with a planted bug.
    pub joining: BTreeSet<Filter>,
}

impl Session {
    /// A session that has just begun.
    pub fn new(expiry: SessionExpiry) -> Self {
        Session {
            online: None,
            expiry,
            ends: None,
            subscriptions: BTreeMap::new(),
            outbox: Outbox::default(),
            inbox: Inbox::default(),
            will: None,
            will_due: None,
            joining: BTreeSet::new(),
        }
    }

    /// The subscriptions that a topic matches, without those of the client itself where that has said No Local ([MQTT-3.8.3-3]).
    pub fn matching<'a>(
        &'a self,
        topic: &'a Topic,
        is_own: bool,
        dollar_is_plain: bool,
    ) -> impl Iterator<Item = (&'a Filter, &'a Subscription)> {
        self.subscriptions.iter().filter(move |(filter, subscription)| {
            filter.matches(topic, dollar_is_plain) && !(is_own && subscription.options.no_local)
        })
    }
}

/// Of which client a session is.
pub type Sessions = BTreeMap<ClientId, Session>;
