//! S2 and S3, from the application of a publisher to that of a subscriber.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::pub_sub::PubSub;
use seedbed_models::communication::pub_sub::client::{Delivery, Event, State};
use seedbed_models::communication::pub_sub::engine::Overlap;
use seedbed_models::communication::pub_sub::messages::Outcome;
use seedbed_models::communication::pub_sub::model::BROKER;
use seedbed_models::communication::pub_sub::names::{BodyId, ClientId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::Qos;
use seedbed_models::communication::pub_sub::topic::Topic;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::pub_sub::clients::{Awareness, Clients, share};
use crate::communication::pub_sub::reader::{News, Reader};

/// How often the broker has published each message, at most, in any of its lives; and with which QoS, by whom.
#[derive(Clone, Default)]
struct Publications {
    reader: Reader,
    read: usize,
    now: BTreeMap<BodyId, usize>,
    most: BTreeMap<BodyId, usize>,
    what: BTreeMap<BodyId, (ClientId, Qos)>,
}

impl Publications {
    fn read(&mut self, world: &World<PubSub>) -> Option<News> {
        let news = self.reader.read(world)?;
        if news.anew {
            self.read = 0;
            self.now.clear();
        }
        for (by, _, message) in &self.reader.ledger.publications[self.read..] {
            let now = self.now.entry(message.body.id).or_default();
            *now += 1;
            let most = self.most.entry(message.body.id).or_default();
            *most = (*most).max(*now);
            self.what.insert(message.body.id, (*by, message.qos));
        }
        self.read = self.reader.ledger.publications.len();
        Some(news)
    }

    fn most(&self, body: BodyId) -> usize {
        self.most.get(&body).copied().unwrap_or_default()
    }
}

/// Which copy of a message a delivery is: those of shared subscriptions have their own, and where each subscription gets a copy they all have.
fn copy(world: &World<PubSub>, state: &State, delivery: &Delivery) -> Option<SubscriptionId> {
    share(state, delivery).or_else(|| match world.config().overlap {
        Overlap::OneCopy => None,
        Overlap::CopyEach => delivery.subscriptions.first().copied(),
    })
}

type Counts = BTreeMap<(BodyId, Option<SubscriptionId>), usize>;

/// A message of QoS 2 is published once in a session of its publisher, and delivered once in a session of its subscriber, though both ends and
/// the broker crash (§4.3.3). What comes for a new subscription, because it is retained, may have come before.
#[derive(Clone, Default)]
pub struct ExactlyOnce {
    publications: Publications,
    clients: Clients<Counts>,
}

impl Property<PubSub> for ExactlyOnce {
    fn name(&self) -> String {
        "pub_sub/qos_2_exactly_once".into()
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        let from = self.publications.read;
        if let Some(news) = self.publications.read(world) {
            let publications = &self.publications.reader.ledger.publications;
            let from = if news.anew { 0 } else { from };
            for (place, (by, session, message)) in publications.iter().enumerate().skip(from) {
                let is_same = |other: &&(ClientId, Option<u32>, _)| (other.0, other.1) == (*by, *session);
                let mut before = publications[..place].iter().filter(is_same);
                if message.qos == Qos::ExactlyOnce && before.any(|(_, _, other)| other.body.id == message.body.id) {
                    let words = format!("{:?} of {by:?}, with QoS 2, is published twice", message.body.id);
                    return Err(Broken::new([BROKER, NodeId(by.0)], words));
                }
            }
        }
        let publications = &self.publications;
        self.clients.read(world, |node, state, counts, event| {
            match event {
                Event::SessionBegun => counts.clear(),
                Event::Delivered(delivery) if delivery.message.qos == Qos::ExactlyOnce && !delivery.message.retain => {
                    let body = delivery.message.body.id;
                    let count = counts.entry((body, copy(world, state, delivery))).or_default();
                    *count += 1;
                    let most = publications.most(body);
                    if *count > most {
                        let words = format!("{node} gets {body:?}, with QoS 2, {count} times, published {most} times");
                        return Err(Broken::new([node], words));
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }
}

/// A message of QoS 0 is delivered at most once (§4.3.1); one that was published with more, and is sent with QoS 0, as often as it was
/// published.
#[derive(Clone, Default)]
pub struct AtMostOnce {
    publications: Publications,
    clients: Clients<Counts>,
}

impl Property<PubSub> for AtMostOnce {
    fn name(&self) -> String {
        "pub_sub/qos_0_at_most_once".into()
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        self.publications.read(world);
        let publications = &self.publications;
        self.clients.read(world, |node, state, counts, event| {
            let Event::Delivered(delivery) = event else { return Ok(()) };
            if delivery.message.qos > Qos::AtMostOnce || delivery.message.retain {
                return Ok(());
            }
            let body = delivery.message.body.id;
            let count = counts.entry((body, copy(world, state, delivery))).or_default();
            *count += 1;
            let most = match publications.what.get(&body) {
                Some((_, Qos::AtMostOnce)) => 1,
                _ => publications.most(body),
            };
            if *count > most {
                let words = format!("{node} gets {body:?}, with QoS 0, {count} times, and {most} is the most");
                return Err(Broken::new([node], words));
            }
            Ok(())
        })
    }
}

/// What a publisher was told that the broker has, it has, and keeps across its crashes (§4.3.2, §4.3.3).
#[derive(Clone, Default)]
pub struct AcknowledgedIsKept {
    publications: Publications,
    clients: Clients<()>,
    acknowledged: BTreeMap<BodyId, NodeId>,
}

impl Property<PubSub> for AcknowledgedIsKept {
    fn name(&self) -> String {
        "pub_sub/acknowledged_is_kept".into()
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        let anew = self.publications.read(world).is_some_and(|news| news.anew);
        let known = &self.publications.now;
        let acknowledged = &mut self.acknowledged;
        let lost = |node: NodeId, body: BodyId| {
            Broken::new([node, BROKER], format!("{node} was told that the broker has {body:?}, which it has not"))
        };
        self.clients.read(world, |node, _, (), event| {
            if let Event::Ended(body, Outcome::Acknowledged) = event {
                acknowledged.insert(*body, node);
                if !known.contains_key(body) {
                    return Err(lost(node, *body));
                }
            }
            Ok(())
        })?;
        let gone = acknowledged.iter().find(|(body, _)| anew && !known.contains_key(*body));
        match gone {
            Some((body, node)) => Err(lost(*node, *body)),
            None => Ok(()),
        }
    }
}

/// What a client was said to have when the broker forgot it, is delivered to its application, and stays so across its crashes.
#[derive(Clone, Default)]
pub struct AckedIsDelivered {
    reader: Reader,
    read: usize,
    clients: Clients<BTreeSet<BodyId>>,
    awareness: Awareness,
    acked: BTreeSet<(ClientId, BodyId)>,
}

impl Property<PubSub> for AckedIsDelivered {
    fn name(&self) -> String {
        "pub_sub/acked_is_delivered".into()
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        let mut changed: BTreeSet<ClientId> = BTreeSet::new();
        self.clients.read(world, |node, _, delivered, event| {
            if let Event::Delivered(delivery) = event {
                delivered.insert(delivery.message.body.id);
            }
            changed.insert(ClientId(node.0));
            Ok(())
        })?;
        if let Some(news) = self.reader.read(world) {
            self.read = if news.anew { 0 } else { self.read };
        }
        let ledger = &self.reader.ledger;
        self.awareness
            .read(world, |client| ledger.session(client).map(|session| (session.number, session.began_clean)))?;
        for (client, number, body) in ledger.acknowledged[self.read..].iter().copied() {
            if !self.awareness.is_aware(client, number) {
                continue;
            }
            self.acked.insert((client, body));
            changed.insert(client);
        }
        self.read = ledger.acknowledged.len();
        for (client, body) in &self.acked {
            let node = NodeId(client.0);
            if !changed.contains(client) || world.process(node).is_none() {
                continue;
            }
            if !self.clients.of(world, node).contains(body) {
                let words = format!("{node} has acknowledged {body:?}, and its application has it not");
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}

/// Where a message stands in the order of its publisher's: its topic, and whether it is published and delivered with more than QoS 0.
type Line = (ClientId, Topic, bool, bool);

/// Messages of a publisher on a topic are delivered in the order in which it has published them (§4.6): those of QoS 0, and the
/// others, each among themselves; with a QoS above 0 when they come for the first time. Shared subscriptions, and messages that their
/// publisher has sent again, keep no order.
#[derive(Clone, Default)]
pub struct OrderIsKept {
    publications: Publications,
    clients: Clients<BTreeMap<Line, BTreeSet<usize>>>,
    /// The places of messages in the order in which they were published, by any client.
    places: BTreeMap<BodyId, usize>,
    /// The place of the last message of each publisher, with QoS 0 and with more.
    last: BTreeMap<(ClientId, bool), usize>,
}

impl Property<PubSub> for OrderIsKept {
    fn name(&self) -> String {
        "pub_sub/order_is_kept".into()
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        let from = self.publications.read;
        if let Some(news) = self.publications.read(world) {
            if news.anew {
                self.last.clear();
            }
            let from = if news.anew { 0 } else { from };
            let publications = &self.publications.reader.ledger.publications;
            let first = |place: usize| {
                let body = publications[place].2.body.id;
                publications[..place].iter().all(|(_, _, other)| other.body.id != body)
            };
            for place in (from..publications.len()).filter(|place| first(*place)) {
                let (by, session, message) = &publications[place];
                if session.is_none() {
                    continue;
                }
                let body = message.body.id;
                let Some(own) = self.places.get(&body).copied() else { continue };
                let last = self.last.insert((*by, message.qos > Qos::AtMostOnce), own);
                if last.is_some_and(|last| last > own) {
                    let words = format!("{body:?} of {by:?} comes after what was published later");
                    return Err(Broken::new([BROKER, NodeId(by.0)], words));
                }
            }
        }
        let OrderIsKept { publications, clients, places, .. } = self;
        clients.read(world, |node, state, lines, event| {
            let delivery = match event {
                Event::Published(message) => {
                    let next = places.len();
                    places.entry(message.body.id).or_insert(next);
                    return Ok(());
                }
                Event::SessionBegun => {
                    lines.clear();
                    return Ok(());
                }
                Event::Delivered(delivery) => delivery,
                _ => return Ok(()),
            };
            let message = &delivery.message;
            let body = message.body.id;
            // A Will Message is published by the broker.
            let (Some((by, qos)), Some(own)) = (publications.what.get(&body), places.get(&body)) else {
                return Ok(());
            };
            // What comes for a new subscription, because it is retained, may be old.
            if message.retain || share(state, delivery).is_some() || publications.most(body) > 1 {
                return Ok(());
            }
            let line = (*by, message.topic.clone(), *qos > Qos::AtMostOnce, message.qos > Qos::AtMostOnce);
            let seen = lines.entry(line).or_default();
            let last = seen.last().copied();
            if seen.insert(*own) && last.is_some_and(|last| last > *own) {
                let words =
                    format!("{node} gets {body:?} for the first time after {last:?}, published later by {by:?}");
                return Err(Broken::new([node], words));
            }
            Ok(())
        })
    }
}
