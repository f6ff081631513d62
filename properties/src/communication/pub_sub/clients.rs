//! What clients have: what was delivered to each in its session, across its crashes, and what has become of what it published.

use std::collections::BTreeMap;

use seedbed_models::communication::pub_sub::client::{Delivery, Event, State};
use seedbed_models::communication::pub_sub::names::{ClientId, SubscriptionId};
use seedbed_models::communication::pub_sub::{Node, PubSub};
use seedbed_sim::{Broken, NodeId, PerLife, World};

use crate::checkers::judge::NewEntries;
use crate::communication::pub_sub::matching::is_shared;

/// The session of a client that is up.
pub fn state(world: &World<PubSub>, node: NodeId) -> Option<&State> {
    Some(world.process(node).and_then(Node::client)?.state())
}

/// Whether a delivery is of a shared subscription, and of which.
pub fn share(state: &State, delivery: &Delivery) -> Option<SubscriptionId> {
    let is_of_share = |id: &&SubscriptionId| state.filter(**id).is_some_and(is_shared);
    delivery.subscriptions.iter().find(is_of_share).copied()
}

/// Reads the journals of clients: after a crash again from the beginning, for they are read back from the disk.
#[derive(Clone, Default)]
pub struct Clients<T> {
    seen: NewEntries,
    known: PerLife<T>,
}

impl<T: Default> Clients<T> {
    /// Calls `each` with each new event of a client that has changed, and with what is remembered of it.
    pub fn read(
        &mut self,
        world: &World<PubSub>,
        mut each: impl FnMut(NodeId, &State, &mut T, &Event) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        for &node in world.changed() {
            let Some(state) = state(world, node) else { continue };
            for event in self.seen.of(world, node, state.journal())? {
                each(node, state, self.known.of(world, node), event)?;
            }
        }
        Ok(())
    }

    /// What was remembered last of a client, whether it is up or not.
    pub fn last(&self, node: NodeId) -> Option<&T> {
        self.known.last(node)
    }

    /// What is remembered of a client that is up.
    pub fn of(&mut self, world: &World<PubSub>, node: NodeId) -> &T {
        self.known.of(world, node)
    }
}

/// How many sessions each client had begun, by its own count, when the broker began each of its sessions: a client that has begun none since
/// does not know of the broker's session ([`seedbed_models::communication::pub_sub`], *Not guaranteed*).
#[derive(Clone, Default)]
pub struct Awareness {
    clients: Clients<u32>,
    at_the_beginning: BTreeMap<(ClientId, u32), u32>,
}

impl Awareness {
    /// Looks at what has changed.
    pub fn read(
        &mut self,
        world: &World<PubSub>,
        session: impl Fn(ClientId) -> Option<(u32, bool)>,
    ) -> Result<(), Broken> {
        self.clients.read(world, |_, _, begun, event| {
            *begun += u32::from(matches!(event, Event::SessionBegun));
            Ok(())
        })?;
        for node in world.config().client_ids() {
            let client = ClientId(node);
            if let Some((number, began_clean)) = session(client) {
                // With Clean Start it has begun one before it has said so.
                let begun = self.clients.last(NodeId(node)).copied().unwrap_or_default();
                let before = begun.saturating_sub(u32::from(began_clean));
                self.at_the_beginning.entry((client, number)).or_insert(before);
            }
        }
        Ok(())
    }

    /// Whether a client knows of this session.
    pub fn is_aware(&self, client: ClientId, number: u32) -> bool {
        let begun = self.clients.last(NodeId(client.0)).copied().unwrap_or_default();
        self.at_the_beginning.get(&(client, number)).is_some_and(|before| begun > *before)
    }
}
