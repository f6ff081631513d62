//! Validity: what is broadcast is delivered by its sender, and what a client was told of stays delivered.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::{Op, What};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::ordering::reading::{News, Reading, all_events};

/// Validity: a member delivers what it has broadcast itself, also where a crash came between (Cachin, Guerraoui & Rodrigues 2011,
/// Module 3.2, RB1).
#[derive(Clone, Debug, Default)]
pub struct Validity;

impl Property<Ordering> for Validity {
    fn name(&self) -> String {
        "ordering/validity".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<Ordering>) -> Verdict {
        for (node, _) in world.processes() {
            let (mut own, mut delivered) = (BTreeSet::new(), BTreeSet::new());
            for event in all_events(world, node) {
                match &event.what {
                    What::Broadcast(message) => _ = own.insert(message.id),
                    What::Deliver(id) => _ = delivered.insert(*id),
                    What::Receive(_) => {}
                }
            }
            if let Some(id) = own.difference(&delivered).next() {
                return Err(Broken::new([node], format!("{node} has broadcast {id:?}, and not delivered it")));
            }
        }
        Ok(())
    }
}

/// Log-delivery (Cachin, Guerraoui & Rodrigues 2011, §3.5): when a client is told that its message is delivered, it is, and stays so
/// whatever crashes. Messages have no names that clients know: there are at least as many deliveries of a content as answers.
#[derive(Clone, Debug, Default)]
pub struct AnsweredIsDelivered {
    reading: Reading,
    members: BTreeMap<NodeId, Own>,
}

/// What a member has done with its own messages.
#[derive(Clone, Debug, Default)]
struct Own {
    contents: BTreeMap<MessageId, u32>,
    /// How many of each content are delivered.
    delivered: BTreeMap<u32, usize>,
    /// How many answers its client had when that was compared.
    compared: usize,
}

impl Own {
    fn learn(&mut self, node: NodeId, news: &News<'_>) {
        if news.is_all() {
            *self = Own::default();
        }
        for event in news.events() {
            match &event.what {
                What::Broadcast(message) => _ = self.contents.insert(message.id, message.content),
                What::Deliver(id) if id.sender == node => {
                    let content = self.contents.get(id).copied();
                    content.into_iter().for_each(|content| *self.delivered.entry(content).or_default() += 1);
                }
                What::Deliver(_) | What::Receive(_) => {}
            }
        }
    }
}

impl Property<Ordering> for AnsweredIsDelivered {
    fn name(&self) -> String {
        "ordering/answered_is_delivered".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        for (node, news) in self.reading.of_changed(world) {
            let own = self.members.entry(node).or_default();
            own.learn(node, &news);
            let invocations = world.history().invocations().iter();
            let answered = invocations.filter(|asked| asked.client == node && asked.returned().is_some());
            let count = answered.clone().count();
            if count == std::mem::replace(&mut own.compared, count) {
                continue;
            }
            let mut promised: BTreeMap<u32, usize> = BTreeMap::new();
            for asked in answered {
                let Op::Broadcast(content) = asked.op;
                *promised.entry(content).or_default() += 1;
            }
            let has = |content| own.delivered.get(content).copied().unwrap_or(0);
            if let Some((content, promised)) = promised.iter().find(|(content, promised)| has(content) < **promised) {
                let has = has(content);
                let words = format!(
                    "{promised} times {node} has said that it delivers '{content}', and there are {has} on its disk"
                );
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}
