//! What is new in a journal.

use seedbed_sim::{Broken, Model, NodeId, PerLife, World};

/// Reads the entries of journals once each. A journal is a list of what a node did in *this life*, in order, that only
/// grows.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// How many entries of each node were read.
    seen: PerLife<usize>,
}

impl News {
    /// The entries that a node has made since it was last looked at, of all that it has made in this life.
    ///
    /// # Errors
    /// The journal has shrunk.
    pub fn of<'w, M: Model, E>(&mut self, world: &World<M>, node: NodeId, entries: &'w [E]) -> Result<&'w [E], Broken> {
        let seen = self.seen.of(world, node);
        let Some(news) = entries.get(*seen..) else {
            let words =
                format!("the journal of {node} had {seen} entries, and now {}: it must only grow", entries.len());
            return Err(Broken::new([node], words));
        };
        *seen = entries.len();
        Ok(news)
    }
}
