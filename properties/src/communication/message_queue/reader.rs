//! The journal of the books, read as it grows: that of the one broker with classic queues, or what a group of brokers agrees on.

use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::journal::Entry;
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_models::communication::message_queue::model::BROKER;
use seedbed_models::communication::message_queue::{MessageQueue, Node};
use seedbed_sim::{NodeId, World};

/// The books of a broker that is up.
pub fn books(world: &World<MessageQueue>, node: NodeId) -> Option<&Books> {
    world.process(node).and_then(Node::broker).map(|broker| broker.books())
}

/// How far the journal was read.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    seen: usize,
    life: u32,
}

/// What is new in the journal.
pub struct News<'w> {
    /// The broker with classic queues has restarted: the entries are all of its journal, replayed from its log.
    pub anew: bool,
    /// The entries.
    pub entries: &'w [Entry],
    /// The books that have them.
    pub books: &'w Books,
    /// Whose they are.
    pub node: NodeId,
}

impl Reader {
    /// What is new since the last call, if a broker has changed. Of a group the most advanced broker that has changed counts: a
    /// broker that lags has nothing new.
    pub fn news<'w>(&mut self, world: &'w World<MessageQueue>) -> Option<News<'w>> {
        let changed = world.changed().iter().filter_map(|node| Some((*node, books(world, *node)?)));
        let (node, books) = changed.max_by_key(|(_, books)| books.journal().len())?;
        let mut anew = false;
        if world.config().queues == QueueKind::Classic {
            let life = world.life(BROKER);
            anew = std::mem::replace(&mut self.life, life) != life;
            self.seen = if anew { 0 } else { self.seen };
        }
        let entries = books.journal().get(self.seen..)?;
        self.seen = books.journal().len();
        Some(News { anew, entries, books, node })
    }
}
