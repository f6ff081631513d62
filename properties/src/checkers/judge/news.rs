//! The new entries of journals.

use seedbed_sim::{Broken, Model, NodeId, PerLife, World};

/// Reads each entry of journals once. A journal is an append-only list of a node's actions in *this life*.
#[derive(Clone, Debug, Default)]
pub struct NewEntries {
    /// By node: the number of entries that were read.
    seen: PerLife<usize>,
}

impl NewEntries {
    /// The entries of a node since the last call; all of this life if it has crashed since.
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
