//! L: what was published with a QoS above 0 reaches every live durable subscriber.

use std::collections::BTreeSet;

use seedbed_models::communication::pub_sub::PubSub;
use seedbed_models::communication::pub_sub::model::BROKER;
use seedbed_models::communication::pub_sub::names::ClientId;
use seedbed_models::communication::pub_sub::topic::Filter;
use seedbed_sim::{Broken, NodeId, Property, Span, Verdict, World};

use crate::communication::pub_sub::clients::{Awareness, state};
use crate::communication::pub_sub::matching::is_well_formed;
use crate::communication::pub_sub::reader::{Reader, engine};

/// When the faults have ended, every client is connected and subscribed to what it wants, and no message of a QoS above 0 is under way: with
/// what is owed never gone before it is acknowledged, and what is acknowledged delivered, every message has come to every durable
/// subscriber.
#[derive(Clone, Default)]
pub struct AllIsDelivered {
    reader: Reader,
    awareness: Awareness,
}

impl Property<PubSub> for AllIsDelivered {
    fn name(&self) -> String {
        "pub_sub/all_is_delivered".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    /// A message that takes long may break a connection at any time, the end of the run included.
    fn patience(&self) -> Span {
        Span::secs(10)
    }

    fn after_event(&mut self, world: &World<PubSub>) -> Verdict {
        self.reader.read(world);
        let ledger = &self.reader.ledger;
        self.awareness.read(world, |client| ledger.session(client).map(|session| (session.number, session.began_clean)))
    }

    fn at_end(&mut self, world: &World<PubSub>) -> Verdict {
        let Some(engine) = engine(world) else {
            return if world.present().any(|node| node == BROKER) { Err("the broker is down".into()) } else { Ok(()) };
        };
        for node in world.present().filter(|node| *node != BROKER) {
            let client = ClientId(node.0);
            let broken = |words: String| Err(Broken::new([node, BROKER], words));
            let Some(state) = state(world, node) else { return broken(format!("{node} is down")) };
            let session = engine.session(client).filter(|session| session.online.is_some() && state.is_connected());
            let Some(session) = session else { return broken(format!("{node} is not connected")) };
            if !state.outbox().is_empty() {
                return broken(format!("{node} has not completed what it sends: {:?}", state.outbox()));
            }
            if !session.outbox.is_empty() {
                return broken(format!("what is sent to {node} is not completed: {:?}", session.outbox));
            }
            let number = self.reader.ledger.session(client).map(|session| session.number).unwrap_or_default();
            if !self.awareness.is_aware(client, number) {
                continue;
            }
            let wanted: BTreeSet<&Filter> = state.wanted().keys().filter(|filter| is_well_formed(filter)).collect();
            let has: BTreeSet<&Filter> = session.subscriptions.keys().collect();
            if wanted != has {
                return broken(format!("{node} wants {wanted:?}, and is subscribed to {has:?}"));
            }
        }
        Ok(())
    }
}

/// The nodes that never left, and never took a subscription back, by what they were asked.
pub fn steadfast(world: &World<PubSub>) -> impl Iterator<Item = NodeId> {
    use seedbed_models::communication::pub_sub::messages::Op;
    let wavered = |node: NodeId| {
        let mut asked = world.history().invocations().iter().filter(move |asked| asked.client == node);
        asked.any(|asked| !matches!(asked.op, Op::Publish(_)))
    };
    world.present().filter(move |node| *node != BROKER && !wavered(*node))
}
