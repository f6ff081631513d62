//! Messages: who is owed them, and who gets them (MQTT 5.0, §3.3, §3.8.4, §4.3, §4.8.2, §4.9).

use std::collections::BTreeSet;

use seedbed_models::communication::pub_sub::engine::{Engine, Overlap, Published};
use seedbed_models::communication::pub_sub::names::{ClientId, ConnectionId, PacketId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::{Options, Publish, Qos, Reason, RetainHandling};
use seedbed_models::communication::pub_sub::topic::Filter;
use seedbed_sim::Span;

use crate::communication::pub_sub::ledger::{Kept, Kind, Ledger, Owed, Subscription, UnderWay};
use crate::communication::pub_sub::matching::{is_shared, matches};

impl Ledger {
    pub(super) fn subscribe(
        &mut self,
        client: ClientId,
        filter: &Filter,
        options: Options,
        identifier: Option<SubscriptionId>,
    ) {
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

    pub(super) fn publish(&mut self, engine: &Engine, connection: ConnectionId, client: ClientId, publish: &Publish) {
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

    pub(super) fn route(&mut self, engine: &Engine, published: &Published) {
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
    pub(super) fn sent(&mut self, connection: ConnectionId, publish: &Publish, is_for_subscribe: bool) {
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
                // Of several copies that may be meant, the first that fits best: by its flag, and with time left.
                let fits = |owed: &Owed| {
                    let is_it = !owed.is_sent && owed.body == body && owed.subscriptions == identifiers;
                    let has_time = owed.until.is_none_or(|until| until > at);
                    is_it.then_some((owed.retain == message.retain, has_time))
                };
                let owed =
                    session.owed.iter_mut().rev().filter(|owed| fits(owed).is_some()).max_by_key(|owed| fits(owed));
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
    pub(super) fn settled(&mut self, client: ClientId, id: PacketId) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        if let Some(one) = session.under_way.remove(&id) {
            self.taken(client, &one);
        }
    }

    /// PUBREC has come.
    pub(super) fn received(&mut self, client: ClientId, id: PacketId, reason: Reason) {
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
    pub(super) fn taken(&mut self, client: ClientId, one: &UnderWay) {
        let Some(session) = self.sessions.get_mut(&client) else { return };
        self.acknowledged.push((client, session.number, one.body));
        if let Some(share) = &one.share {
            return self.shares.done(share, one.body);
        }
        if let Some(place) =
            session.owed.iter().position(|owed| owed.is_sent && owed.body == one.body && owed.qos == one.qos)
        {
            session.owed.remove(place);
        }
    }

    /// What has QoS 0 is sent in the step in which it is published, or never.
    pub(super) fn forget_unkept(&mut self) {
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
