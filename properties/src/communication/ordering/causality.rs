//! What happened before what (Lamport 1978, §2): events of one member in their order, and the broadcast of a message before its
//! receipts.

use std::collections::BTreeMap;
use std::ops::Range;

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::{Event, What};
use seedbed_sim::{NodeId, World};

use crate::communication::ordering::journals;
use crate::transactions::journals::Journals;

/// Of each member how many of its events are in the past of an event, that event included.
pub type Past = Vec<u64>;

/// The events of a run, and the past of each.
#[derive(Clone)]
pub struct Causality {
    journals: Journals<Ordering, Event>,
    pasts: BTreeMap<NodeId, Vec<Past>>,
    /// Of the broadcast of each message.
    broadcasts: BTreeMap<MessageId, Past>,
}

impl Default for Causality {
    fn default() -> Self {
        Causality { journals: journals(), pasts: BTreeMap::new(), broadcasts: BTreeMap::new() }
    }
}

impl Causality {
    /// Reads the new events of a member. Returns their places among its events.
    pub fn read(&mut self, world: &World<Ordering>, node: NodeId) -> Range<usize> {
        let old = self.journals.read(world, node);
        let new = old..self.journals.of(node).len();
        self.pasts.entry(node).or_default().truncate(old);
        for place in new.clone() {
            let past = self.derive(world.config().members, node, place);
            if let What::Broadcast(message) = &self.journals.of(node)[place].what {
                self.broadcasts.insert(message.id, past.clone());
            }
            self.pasts.entry(node).or_default().push(past);
        }
        new
    }

    fn derive(&self, members: u16, node: NodeId, place: usize) -> Past {
        let before = self.pasts.get(&node).and_then(|pasts| pasts.last());
        let mut past = before.cloned().unwrap_or_else(|| vec![0; members.into()]);
        if let What::Receive(message) = &self.journals.of(node)[place].what
            && let Some(sent) = self.broadcasts.get(&message.id)
        {
            past.iter_mut().zip(sent).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        }
        past[node.index()] += 1;
        past
    }

    /// The events of all members.
    pub fn journals(&self) -> &Journals<Ordering, Event> {
        &self.journals
    }

    /// The past of an event.
    pub fn past(&self, node: NodeId, place: usize) -> &[u64] {
        &self.pasts[&node][place]
    }
}
