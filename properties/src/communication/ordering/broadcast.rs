//! S6: what makes it a broadcast (Cachin, Guerraoui & Rodrigues 2011, Modules 3.2 and 3.4).

use std::collections::BTreeSet;

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::messages::{Envelope, Event, MessageId, What};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::ordering::{broadcast_of, delivered, delivered_by, journals};
use crate::transactions::journals::Journals;

/// Integrity: a member delivers no message twice, and none that was not broadcast; what it receives is what was broadcast.
#[derive(Clone)]
pub struct Integrity(Journals<Ordering, Event>);

impl Default for Integrity {
    fn default() -> Self {
        Integrity(journals())
    }
}

impl Integrity {
    fn look(&mut self, world: &World<Ordering>, node: NodeId) -> Verdict {
        let old = self.0.read(world, node);
        let journal = self.0.of(node);
        for (place, event) in journal.iter().enumerate().skip(old) {
            let wrong = match &event.what {
                What::Broadcast(_) => None,
                What::Receive(message) => self.is_other(message),
                What::Deliver(id) if delivered(&journal[..place]).any(|other| other == *id) => {
                    Some(format!("{node} delivers {id:?} for the second time"))
                }
                What::Deliver(id) if broadcast_of(&self.0, *id).is_none() => {
                    Some(format!("{node} delivers {id:?}, which nobody has broadcast"))
                }
                What::Deliver(_) => None,
            };
            if let Some(words) = wrong {
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }

    fn is_other(&self, received: &Envelope) -> Option<String> {
        let id = received.id;
        let Some((_, Event { what: What::Broadcast(sent), .. })) = broadcast_of(&self.0, id) else {
            return Some(format!("{id:?} is received, and nobody has broadcast it"));
        };
        (sent != received)
            .then(|| format!("{id:?} is received with {}, and was broadcast with {}", received.content, sent.content))
    }
}

impl Property<Ordering> for Integrity {
    fn name(&self) -> String {
        "ordering/integrity".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}

/// Validity: a member delivers what it has broadcast.
#[derive(Clone, Default)]
pub struct Validity;

impl Property<Ordering> for Validity {
    fn name(&self) -> String {
        "ordering/validity".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<Ordering>) -> Verdict {
        let journals = journals().of_world(world);
        for node in world.present() {
            let delivered: BTreeSet<MessageId> = delivered_by(&journals, node).collect();
            let sent = journals.of(node).iter().filter_map(|event| match &event.what {
                What::Broadcast(message) => Some(message.id),
                What::Receive(_) | What::Deliver(_) => None,
            });
            if let Some(id) = sent.into_iter().find(|id| !delivered.contains(id)) {
                return Err(Broken::new([node], format!("{node} has broadcast {id:?}, and not delivered it")));
            }
        }
        Ok(())
    }
}

/// Agreement, the uniform one: what some member has delivered all deliver. It is asked after the faults, when all are up.
#[derive(Clone, Default)]
pub struct Agreement;

impl Property<Ordering> for Agreement {
    fn name(&self) -> String {
        "ordering/agreement".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn at_end(&mut self, world: &World<Ordering>) -> Verdict {
        let journals = journals().of_world(world);
        let all: BTreeSet<(MessageId, NodeId)> =
            world.present().flat_map(|node| delivered_by(&journals, node).map(move |id| (id, node))).collect();
        for node in world.present() {
            let own: BTreeSet<MessageId> = delivered_by(&journals, node).collect();
            if let Some((id, other)) = all.iter().find(|(id, _)| !own.contains(id)) {
                return Err(Broken::new([node, *other], format!("{other} has delivered {id:?}, and {node} has not")));
            }
        }
        Ok(())
    }
}
