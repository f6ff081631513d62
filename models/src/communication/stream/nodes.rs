//! The nodes of a stream. Redis keeps entries in nodes of up to `stream-node-max-entries`, and a deleted entry keeps its place
//! until its node is gone. Only what `~` means depends on them: a trimming that is not exact removes whole nodes.

use std::collections::BTreeMap;

use crate::communication::stream::id::Id;

/// A node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// How many of its entries are there.
    pub live: u64,
    /// How many were deleted.
    pub deleted: u64,
    /// Its last entry, which may have been deleted.
    pub last: Id,
}

/// The nodes, by their first entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Nodes(BTreeMap<Id, Node>);

impl Nodes {
    /// The nodes, from the oldest on.
    pub fn iter(&self) -> impl Iterator<Item = &Node> {
        self.0.values()
    }

    /// Appends an entry: to the last node, or to a new one if that has `most` entries, with the deleted ones.
    pub fn append(&mut self, id: Id, most: u64) {
        match self.0.values_mut().next_back().filter(|node| node.live + node.deleted < most) {
            Some(node) => (node.live, node.last) = (node.live + 1, id),
            None => drop(self.0.insert(id, Node { live: 1, deleted: 0, last: id })),
        }
    }

    /// An entry is gone. A node without entries goes too.
    pub fn remove(&mut self, id: Id) {
        let (&first, node) = self.0.range_mut(..=id).next_back().expect("every entry is in a node");
        (node.live, node.deleted) = (node.live - 1, node.deleted + 1);
        if node.live == 0 {
            self.0.remove(&first);
        }
    }
}
