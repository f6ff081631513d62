//! SUBSCRIBE and UNSUBSCRIBE (§3.8, §3.10).

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::engine::routing::copied;
use crate::communication::pub_sub::engine::session::{Copied, Subscription};
use crate::communication::pub_sub::engine::state::{Engine, Now};
use crate::communication::pub_sub::names::{ClientId, PacketId, SubscriptionId};
use crate::communication::pub_sub::packet::{Message, Options, Packet, Reason, RetainHandling};
use crate::communication::pub_sub::topic::Filter;

impl Engine {
    /// SUBSCRIBE has come: each filter makes a subscription, or replaces the one that there is ([MQTT-3.8.4-3]). SUBACK goes out, and
    /// then what is retained.
    pub(super) fn subscribe(
        &mut self,
        now: Now,
        client: ClientId,
        id: PacketId,
        filters: &[(Filter, Options)],
        identifier: Option<SubscriptionId>,
    ) {
        let session = self.sessions.get_mut(&client).expect("who is connected has a session");
        let connection = session.online.expect("it has sent a packet").connection;
        if filters.is_empty() || filters.iter().any(|(filter, options)| filter.is_shared() && options.no_local) {
            // ([MQTT-3.8.3-2], [MQTT-3.8.3-4])
            return self.refuse(now, connection, Reason::ProtocolError);
        }
        let mut reasons = Vec::new();
        let mut made = Vec::new();
        for (filter, options) in filters {
            if !filter.is_valid() {
                reasons.push(Reason::TopicFilterInvalid);
                continue;
            }
            let subscription = Subscription { options: *options, identifier };
            let is_new = session.subscriptions.insert(filter.clone(), subscription).is_none();
            if is_new && now.planted(Bug::SubscribeRaceLosesRetained) {
                session.joining.insert(filter.clone());
            }
            reasons.push(Reason::Granted(options.qos));
            made.push((filter, subscription, is_new));
        }
        self.send(client, Packet::SubAck(id, reasons));
        for (filter, subscription, is_new) in made {
            self.send_retained(now, client, filter, subscription, is_new);
        }
    }

    /// Sends what is retained to a subscription that was made now ([MQTT-3.3.1-9] to [MQTT-3.3.1-11]); not to a shared one (§4.8.2).
    fn send_retained(&mut self, now: Now, client: ClientId, filter: &Filter, subscription: Subscription, is_new: bool) {
        let handling = subscription.options.retain_handling;
        let sends = match handling {
            RetainHandling::Send => true,
            RetainHandling::SendIfNew => is_new,
            RetainHandling::DoNotSend => false,
        };
        if filter.is_shared() || !(sends || now.planted(Bug::RetainHandlingIgnored)) {
            return;
        }
        let retained = self.retained.values().filter(|retained| {
            let is_own = retained.by == client && subscription.options.no_local;
            filter.matches(&retained.message.topic, now.planted(Bug::DollarMatchedByWildcard)) && !is_own
        });
        let copies: Vec<Copied> = retained
            .map(|retained| {
                let copy = copied(now, &retained.message, retained.until, &[subscription]);
                Copied { message: Message { retain: true, ..copy.message }, ..copy }
            })
            .collect();
        for copy in copies.into_iter().filter(|copy| !copy.has_expired(now.at)) {
            self.enqueue(now, client, copy);
        }
    }

    /// UNSUBSCRIBE has come. What was published before may still be sent (§3.10.4).
    pub(super) fn unsubscribe(&mut self, now: Now, client: ClientId, id: PacketId, filters: &[Filter]) {
        let session = self.sessions.get_mut(&client).expect("who is connected has a session");
        let mut reasons = Vec::new();
        for filter in filters {
            let was_there = if now.planted(Bug::UnsubscribeIgnored) {
                session.subscriptions.contains_key(filter)
            } else {
                session.subscriptions.remove(filter).is_some()
            };
            reasons.push(if was_there { Reason::Success } else { Reason::NoSubscription });
        }
        self.send(client, Packet::UnsubAck(id, reasons));
    }

    /// Subscriptions have been served from what is retained, as far as a planted bug can tell.
    pub(super) fn join(&mut self, client: ClientId) {
        if let Some(session) = self.sessions.get_mut(&client) {
            session.joining.clear();
        }
    }
}
