//! Who gets a message: the sessions whose subscriptions match (§3.3.4), and of each shared subscription one of them (§4.8.2).

use std::collections::BTreeSet;

use seedbed_sim::Time;

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::engine::session::{Copied, Share, Subscription};
use crate::communication::pub_sub::engine::state::{Engine, Now, Overlap, Published, Retained};
use crate::communication::pub_sub::names::ClientId;
use crate::communication::pub_sub::packet::{Message, Packet, Publish, Qos};

impl Engine {
    /// Publishes a message. Says whether anybody is subscribed.
    pub(super) fn route(&mut self, now: Now, by: ClientId, message: &Message, is_will: bool) -> bool {
        self.published.push(Published { message: message.clone(), by, is_will });
        let until = message.expiry.map(|expiry| now.at + expiry);
        if message.retain {
            self.retain(now, by, message, until);
        }
        let mut shares = BTreeSet::new();
        let mut copies: Vec<(ClientId, Copied)> = Vec::new();
        for (&client, session) in &self.sessions {
            let is_own = client == by && !now.planted(Bug::NoLocalIgnored);
            let matching = session.matching(&message.topic, is_own, now.planted(Bug::DollarMatchedByWildcard));
            let matching = matching.filter(|(filter, _)| !(message.retain && session.joining.contains(*filter)));
            let (shared, own): (Vec<_>, Vec<_>) = matching.partition(|(filter, _)| filter.is_shared());
            let own: Vec<Subscription> = own.into_iter().map(|(_, subscription)| *subscription).collect();
            shares.extend(shared.into_iter().map(|(filter, _)| filter.clone()));
            let one_copy = self.settings.overlap == Overlap::OneCopy && !now.planted(Bug::OverlapSentTwice);
            let groups: Vec<&[Subscription]> = if one_copy { vec![&own[..]] } else { own.chunks(1).collect() };
            for subscriptions in groups.into_iter().filter(|group| !group.is_empty()) {
                copies.push((client, copied(now, message, until, subscriptions)));
            }
        }
        let anybody = !copies.is_empty() || !shares.is_empty();
        for (client, copy) in copies {
            self.enqueue(now, client, copy);
        }
        for share in shares {
            let copy = Copied {
                message: message.clone(),
                subscriptions: Vec::new(),
                published: message.qos,
                share: Some(share.clone()),
                until,
            };
            self.route_to_share(now, &share, &copy);
        }
        anybody
    }

    /// Keeps a message for those who subscribe later, or forgets the one that there is ([MQTT-3.3.1-5] to [MQTT-3.3.1-7]).
    fn retain(&mut self, now: Now, by: ClientId, message: &Message, until: Option<Time>) {
        if message.body.empty && !now.planted(Bug::EmptyIsRetained) {
            self.retained.remove(&message.topic);
            return;
        }
        self.retained.insert(message.topic.clone(), Retained { message: message.clone(), by, until });
    }

    /// Gives a copy to one member of a shared subscription: to the next in turn of those that are connected, or if none is, of those
    /// for which it can be kept.
    pub(super) fn route_to_share(&mut self, now: Now, share: &Share, copy: &Copied) {
        let members = self.sessions.iter().filter_map(|(client, session)| {
            let subscription = session.subscriptions.get(share)?;
            Some((*client, session.online.is_some(), *subscription))
        });
        let members: Vec<(ClientId, bool, Subscription)> = members.collect();
        let is_kept = |subscription: &Subscription| subscription.options.qos.min(copy.published) > Qos::AtMostOnce;
        let mut able: Vec<_> = members.iter().filter(|(_, is_online, _)| *is_online).collect();
        if able.is_empty() {
            able = members.iter().filter(|(_, _, subscription)| is_kept(subscription)).collect();
        }
        if able.is_empty() {
            return;
        }
        let turn = self.turns.entry(share.clone()).or_default();
        let chosen = able[*turn % able.len()];
        *turn += 1;
        let all = now.planted(Bug::SharedToAll);
        let chosen: Vec<_> = if all { able.into_iter().copied().collect() } else { vec![*chosen] };
        for (client, _, subscription) in chosen {
            let original = Message { qos: copy.published, ..copy.message.clone() };
            let copy = Copied { share: Some(share.clone()), ..copied(now, &original, copy.until, &[subscription]) };
            self.enqueue(now, client, copy);
        }
    }

    /// Sends a copy, or keeps it until the client takes it. With QoS 0 it is lost where the client is not connected (§4.1 leaves that
    /// to the server).
    pub(super) fn enqueue(&mut self, now: Now, client: ClientId, copy: Copied) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        if copy.message.qos > Qos::AtMostOnce {
            session.outbox.push(copy);
            return self.send_due(now, client);
        }
        if copy.has_expired(now.at) && !now.planted(Bug::ExpiredIsSent) {
            return;
        }
        let message = copy.as_sent(now.at);
        let publish = Publish { message, dup: false, id: None, subscriptions: copy.subscriptions };
        self.send(client, Packet::Publish(Box::new(publish)));
    }
}

/// The copy for these subscriptions of a session: with the greatest QoS that they allow, and that of the message at most (§3.8.4);
/// without the flag RETAIN, unless one of them keeps it ([MQTT-3.3.1-12], [MQTT-3.3.1-13]).
pub(super) fn copied(now: Now, message: &Message, until: Option<Time>, subscriptions: &[Subscription]) -> Copied {
    let most = subscriptions.iter().map(|subscription| subscription.options.qos).max().unwrap_or(Qos::AtMostOnce);
    let keeps = subscriptions.iter().any(|subscription| subscription.options.retain_as_published);
    let qos = if now.planted(Bug::QosNotLowered) { message.qos } else { message.qos.min(most) };
    let retain = message.retain && (keeps || now.planted(Bug::RetainFlagKept));
    Copied {
        message: Message { qos, retain, ..message.clone() },
        subscriptions: subscriptions.iter().filter_map(|subscription| subscription.identifier).collect(),
        published: message.qos,
        share: None,
        until,
    }
}
