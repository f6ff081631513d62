//! What nobody promises: that QoS 1 comes once, and QoS 0 at all.

use std::collections::BTreeSet;

use seedbed_models::communication::pub_sub::PubSub;
use seedbed_models::communication::pub_sub::client::Event;
use seedbed_models::communication::pub_sub::messages::Outcome;
use seedbed_models::communication::pub_sub::names::BodyId;
use seedbed_models::communication::pub_sub::packet::{Message, Qos};
use seedbed_models::communication::pub_sub::workload::LOCKED;
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::pub_sub::clients::{Clients, share, state};
use crate::communication::pub_sub::liveness::steadfast;
use crate::communication::pub_sub::matching::matches;

/// A message of QoS 1 is delivered once in a session.
#[derive(Clone, Default)]
pub struct Qos1Once {
    clients: Clients<BTreeSet<BodyId>>,
}

impl Property<PubSub> for Qos1Once {
    fn name(&self) -> String {
        "pub_sub/qos_1_once".into()
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        self.clients.read(world, |node, state, delivered, event| {
            match event {
                Event::SessionBegun => delivered.clear(),
                Event::Delivered(delivery) => {
                    let Message { qos, retain, body, .. } = delivery.message;
                    let counts = qos == Qos::AtLeastOnce && !retain && share(state, delivery).is_none();
                    if counts && !delivered.insert(body.id) {
                        return Err(Broken::new([node], format!("{node} gets {:?}, with QoS 1, twice", body.id)));
                    }
                }
                _ => {}
            }
            Ok(())
        })
    }
}

/// A message that was sent with QoS 0 is delivered to every subscriber that has been subscribed from the beginning.
#[derive(Clone, Default)]
pub struct Qos0IsDelivered {
    sent: Vec<(NodeId, Message)>,
    clients: Clients<Vec<Message>>,
    delivered: BTreeSet<(NodeId, BodyId)>,
    subscribed: BTreeSet<NodeId>,
}

impl Property<PubSub> for Qos0IsDelivered {
    fn name(&self) -> String {
        "pub_sub/qos_0_is_delivered".into()
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        let Qos0IsDelivered { sent, delivered, subscribed, .. } = self;
        self.clients.read(world, |node, state, published, event| {
            match event {
                Event::Published(message) => published.push(message.clone()),
                Event::Ended(body, Outcome::Sent) => {
                    let message = published.iter().find(|message| message.body.id == *body);
                    // By then all that were there must have been subscribed.
                    let all =
                        world.config().durable_ids().map(NodeId).filter(|node| world.present().any(|one| one == *node));
                    if all.into_iter().all(|node| subscribed.contains(&node)) {
                        sent.extend(message.map(|message| (node, message.clone())));
                    }
                }
                Event::Delivered(delivery) => _ = delivered.insert((node, delivery.message.body.id)),
                Event::Granted(..) if state.wanted().len() <= granted(state) => _ = subscribed.insert(node),
                _ => {}
            }
            Ok(())
        })
    }

    fn at_end(&mut self, world: &World<PubSub>) -> Verdict {
        for node in steadfast(world).filter(|node| world.config().durable_ids().contains(&node.0)) {
            let Some(state) = state(world, node) else { continue };
            for (by, message) in &self.sent {
                let wanted = state.wanted().keys().any(|filter| matches(filter, &message.topic));
                let body = message.body.id;
                let is_due = wanted && message.topic.as_str() != LOCKED && message.expiry.is_none();
                if is_due && !self.delivered.contains(&(node, body)) {
                    let words = format!("{by} has sent {body:?} with QoS 0, and {node} has not got it");
                    return Err(Broken::new([*by, node], words));
                }
            }
        }
        Ok(())
    }
}

/// How many subscriptions were granted.
fn granted(state: &seedbed_models::communication::pub_sub::client::State) -> usize {
    let granted: BTreeSet<_> = state
        .journal()
        .iter()
        .filter_map(|event| match event {
            Event::Granted(filter, Some(_)) => Some(filter),
            _ => None,
        })
        .collect();
    granted.len()
}
