//! What is new in a journal.

use seedbed_sim::{Broken, Model, NodeId, World};

/// Reads the entries of journals once each. A journal is a list of what a node did in *this life*, in order, that only
/// grows.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Of each node: in which life it was last looked at, and how many entries were read in that life.
    seen: Vec<(u32, usize)>,
}

impl News {
    /// The entries that a node has made since it was last looked at, of all that it has made in this life.
    ///
    /// # Errors
    /// The journal has shrunk.
    pub fn of<'w, M: Model, E>(&mut self, world: &World<M>, node: NodeId, entries: &'w [E]) -> Result<&'w [E], Broken> {
        if self.seen.len() <= node.index() {
            self.seen.resize(node.index() + 1, (0, 0));
        }
        let (life, seen) = &mut self.seen[node.index()];
        if *life != world.life(node) {
            (*life, *seen) = (world.life(node), 0);
        }
        let Some(news) = entries.get(*seen..) else {
            let words =
                format!("the journal of {node} had {seen} entries, and now {}: it must only grow", entries.len());
            return Err(Broken::new([node], words));
        };
        *seen = entries.len();
        Ok(news)
    }
}
