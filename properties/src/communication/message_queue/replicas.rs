//! The brokers of a group have the same books.

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::journal::Entry;
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_sim::{Broken, PerLife, Property, Verdict, World};

use crate::communication::message_queue::reader::books;

/// What one broker of a group has in its journal at some place, all have there; and while it is up, it keeps what it has.
#[derive(Clone, Default)]
pub struct ReplicasAgree {
    agreed: Vec<Entry>,
    seen: PerLife<usize>,
}

impl Property<MessageQueue> for ReplicasAgree {
    fn name(&self) -> String {
        "message_queue/replicas_agree".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        if world.config().queues == QueueKind::Classic {
            return Ok(());
        }
        for &node in world.changed() {
            let Some(books) = books(world, node) else { continue };
            let journal = books.journal();
            let seen = self.seen.of(world, node);
            if journal.len() < *seen {
                let words = format!("{node} had {seen} entries in its journal, and has {} now", journal.len());
                return Err(Broken::new([node], words));
            }
            for (place, entry) in journal.iter().enumerate().skip(*seen) {
                match self.agreed.get(place) {
                    Some(agreed) if agreed != entry => {
                        let words = format!("entry {place} of {node} is {entry:?}, and another broker has {agreed:?}");
                        return Err(Broken::new([node], words));
                    }
                    Some(_) => {}
                    None => self.agreed.push(entry.clone()),
                }
            }
            *seen = journal.len();
        }
        Ok(())
    }
}
