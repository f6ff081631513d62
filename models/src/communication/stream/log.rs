//! A stream: its entries, and the groups that read it.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use crate::communication::stream::command::{Exactness, Fields, GroupName, Threshold, Trim};
use crate::communication::stream::group::Group;
use crate::communication::stream::id::Id;
use crate::communication::stream::nodes::Nodes;

/// A stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stream {
    entries: BTreeMap<Id, Fields>,
    nodes: Nodes,
    last_id: Id,
    max_deleted: Id,
    added: u64,
    /// The groups.
    pub groups: BTreeMap<GroupName, Group>,
}

impl Stream {
    /// The number of entries.
    pub fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The greatest identifier that was ever given: a new one is greater, whatever was deleted.
    pub fn last_id(&self) -> Id {
        self.last_id
    }

    /// The greatest identifier that was deleted by name; `0-0` if none was.
    pub fn max_deleted(&self) -> Id {
        self.max_deleted
    }

    /// How many entries were ever added.
    pub fn added(&self) -> u64 {
        self.added
    }

    /// The first entry; `0-0` if there is none.
    pub fn first_id(&self) -> Id {
        self.entries.keys().next().copied().unwrap_or_default()
    }

    /// An entry.
    pub fn get(&self, id: Id) -> Option<&Fields> {
        self.entries.get(&id)
    }

    /// All entries, ascending.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (Id, &Fields)> {
        self.range(..)
    }

    /// The entries in a range, ascending.
    ///
    /// # Panics
    /// If its end is before its start.
    pub fn range(&self, range: impl RangeBounds<Id>) -> impl DoubleEndedIterator<Item = (Id, &Fields)> {
        self.entries.range(range).map(|(id, fields)| (*id, fields))
    }

    /// Appends an entry; nodes have up to `node` entries.
    pub fn append(&mut self, id: Id, fields: Fields, node: u64) {
        self.entries.insert(id, fields);
        self.nodes.append(id, node);
        self.last_id = id;
        self.added += 1;
    }

    /// Deletes an entry by name (`XDEL`). Unlike a trimmed one it leaves a gap that counters have to know of.
    pub fn delete(&mut self, id: Id) {
        self.entries.remove(&id).expect("what is deleted is there");
        self.nodes.remove(id);
        self.max_deleted = self.max_deleted.max(id);
    }

    /// Removes so many of the oldest entries.
    pub fn remove_oldest(&mut self, count: u64) {
        for _ in 0..count {
            let (id, _) = self.entries.pop_first().expect("no more is trimmed than is there");
            self.nodes.remove(id);
        }
    }

    /// How many of the oldest entries a trimming removes (`streamTrim`). It goes node by node: a whole one, if what remains is
    /// still enough; a part of one only where it is exact. `limit` is that of a trimming which is not exact and names none.
    pub fn excess(&self, trim: &Trim, limit: u64) -> u64 {
        let limit = match trim.how {
            Exactness::Exact => u64::MAX,
            Exactness::Approximate { limit: named } => match named.unwrap_or(limit) {
                0 => u64::MAX,
                limit => limit,
            },
        };
        let mut excess = 0;
        for node in self.nodes.iter() {
            let left = self.len() - excess;
            let (done, whole) = match trim.to {
                Threshold::MaxLen(most) => (left <= most, left - node.live >= most),
                Threshold::MinId(least) => (false, node.last < least),
            };
            if done || node.live > limit.saturating_sub(excess) {
                break;
            }
            if whole {
                excess += node.live;
                continue;
            }
            if trim.how == Exactness::Exact {
                excess = match trim.to {
                    Threshold::MaxLen(most) => self.len() - most,
                    Threshold::MinId(least) => self.range(..least).count() as u64,
                };
            }
            break;
        }
        excess
    }

    /// Whether an entry from here on was deleted by name, so that counting entries from here on says nothing
    /// (`streamRangeHasTombstones`).
    pub fn has_gap_from(&self, id: Id) -> bool {
        !self.is_empty() && self.first_id() <= self.max_deleted && id <= self.max_deleted
    }

    /// How many entries were added up to this one, if that is known (`streamEstimateDistanceFromFirstEverEntry`).
    pub fn added_up_to(&self, id: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if (self.is_empty() && id <= self.last_id) || id == self.last_id {
            return Some(self.added);
        }
        let first = self.first_id();
        let whole = self.max_deleted == Id::ZERO || self.max_deleted < first;
        match id {
            _ if id > self.last_id || !whole => None,
            _ if id < first => Some(self.added - self.len()),
            _ if id == first => Some(self.added - self.len() + 1),
            _ => None,
        }
    }
}
