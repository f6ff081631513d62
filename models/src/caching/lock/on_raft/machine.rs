//! What the group replicates: leases and the keys attached to them. It is deterministic and knows no time: the leader decides
//! when a lease has expired, and revokes it by a command.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::replication::raft::machine::StateMachine;

/// Counts the changes of the data. The revision of a key is that of its creation (etcd's `CreateRevision`).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub u64);

/// A lease, named after the revision that granted it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LeaseId(pub u64);

impl fmt::Debug for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0)
    }
}

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease {}", self.0)
    }
}

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Grants a new lease.
    Grant,
    /// Keeps a lease alive.
    KeepAlive(LeaseId),
    /// Revokes a lease and deletes its key, unless it was kept alive since.
    Revoke {
        /// The lease.
        lease: LeaseId,
        /// The number of keep-alives that the leader knew of.
        keep_alives: u64,
    },
    /// Creates a key with this lease, or finds the one that there is.
    Enqueue(LeaseId),
    /// Deletes a key.
    Delete {
        /// The lease that the key has.
        lease: LeaseId,
        /// The revision of the key.
        revision: Revision,
    },
    /// Finds the neighbours of a key in the queue.
    Position(Revision),
}

/// The output of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// The new lease.
    Granted(LeaseId),
    /// It was executed.
    Done,
    /// There is no such lease or key, or it was kept alive since.
    Gone,
    /// A key and its neighbours in the queue.
    Queued {
        /// The key.
        key: Revision,
        /// The key with the next smaller revision; if there is none, the owner of `key` holds the lock.
        previous: Option<Revision>,
        /// The key with the next greater revision, which only a planted bug needs.
        next: Option<Revision>,
    },
}

/// A change of the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A key was created.
    Queued(Revision, LeaseId),
    /// Its owner deleted it.
    Deleted(Revision, LeaseId),
    /// Its lease was revoked.
    Expired(Revision, LeaseId),
}

/// The leases, and the queue of keys in the order of their revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Locks {
    revision: u64,
    /// The leases, and the number of keep-alives of each.
    leases: BTreeMap<LeaseId, u64>,
    queue: BTreeMap<Revision, LeaseId>,
    /// All changes of the queue, for properties.
    changes: Vec<Change>,
}

impl Locks {
    /// The leases, and the number of keep-alives of each.
    pub fn leases(&self) -> impl Iterator<Item = (LeaseId, u64)> {
        self.leases.iter().map(|(lease, keep_alives)| (*lease, *keep_alives))
    }

    /// The keys in the order of their revisions, and the lease of each: that of the holder first.
    pub fn queue(&self) -> impl Iterator<Item = (Revision, LeaseId)> {
        self.queue.iter().map(|(key, lease)| (*key, *lease))
    }

    /// Whether a key was created and has been deleted.
    pub fn is_deleted(&self, key: Revision) -> bool {
        key.0 <= self.revision && !self.queue.contains_key(&key)
    }

    /// All changes of the queue.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    fn key_of(&self, lease: LeaseId) -> Option<Revision> {
        self.queue().find(|(_, of)| *of == lease).map(|(key, _)| key)
    }

    fn look_up(&self, key: Revision) -> Output {
        if !self.queue.contains_key(&key) {
            return Output::Gone;
        }
        let previous = self.queue.range(..key).next_back().map(|(key, _)| *key);
        let next = self.queue.range(Revision(key.0 + 1)..).next().map(|(key, _)| *key);
        Output::Queued { key, previous, next }
    }
}

impl StateMachine for Locks {
    type Command = Command;
    type Output = Output;

    fn apply(&mut self, command: &Command) -> Output {
        match *command {
            Command::Grant => {
                let lease = LeaseId(self.next_revision());
                self.leases.insert(lease, 0);
                Output::Granted(lease)
            }
            Command::KeepAlive(lease) => match self.leases.get_mut(&lease) {
                Some(keep_alives) => {
                    *keep_alives += 1;
                    Output::Done
                }
                None => Output::Gone,
            },
            Command::Revoke { lease, keep_alives } => {
                if self.leases.get(&lease) != Some(&keep_alives) {
                    return Output::Gone;
                }
                self.leases.remove(&lease);
                // A lease has one key at most: see `Enqueue`.
                if let Some(key) = self.key_of(lease) {
                    self.queue.remove(&key);
                    self.changes.push(Change::Expired(key, lease));
                }
                self.next_revision();
                Output::Done
            }
            Command::Enqueue(lease) => {
                if !self.leases.contains_key(&lease) {
                    return Output::Gone;
                }
                let key = self.key_of(lease).unwrap_or_else(|| {
                    let key = Revision(self.next_revision());
                    self.queue.insert(key, lease);
                    self.changes.push(Change::Queued(key, lease));
                    key
                });
                self.look_up(key)
            }
            Command::Delete { lease, revision } => {
                if self.queue.get(&revision) != Some(&lease) {
                    return Output::Gone;
                }
                self.queue.remove(&revision);
                self.changes.push(Change::Deleted(revision, lease));
                self.next_revision();
                Output::Done
            }
            Command::Position(key) => self.look_up(key),
        }
    }

    fn query(&self, command: &Command) -> Option<Output> {
        match *command {
            Command::Position(key) => Some(self.look_up(key)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queued(output: Output) -> (Revision, Option<Revision>) {
        match output {
            Output::Queued { key, previous, .. } => (key, previous),
            other => panic!("queued: {other:?}"),
        }
    }

    fn granted(locks: &mut Locks) -> LeaseId {
        match locks.apply(&Command::Grant) {
            Output::Granted(lease) => lease,
            other => panic!("granted: {other:?}"),
        }
    }

    #[test]
    fn keys_are_queued_in_the_order_of_their_creation() {
        let mut locks = Locks::default();
        let (ann, bob, cat) = (granted(&mut locks), granted(&mut locks), granted(&mut locks));
        let (first, nobody) = queued(locks.apply(&Command::Enqueue(bob)));
        let (second, before_second) = queued(locks.apply(&Command::Enqueue(ann)));
        let (third, before_third) = queued(locks.apply(&Command::Enqueue(cat)));
        assert_eq!((nobody, before_second, before_third), (None, Some(first), Some(second)));
        assert_eq!(queued(locks.apply(&Command::Enqueue(ann))), (second, Some(first)), "one key a lease");
        assert_eq!(locks.apply(&Command::Delete { lease: cat, revision: second }), Output::Gone, "not cat's");
        assert_eq!(locks.apply(&Command::Delete { lease: ann, revision: second }), Output::Done);
        assert!(locks.is_deleted(second) && !locks.is_deleted(third) && !locks.is_deleted(Revision(99)));
        assert_eq!(queued(locks.query(&Command::Position(third)).unwrap()), (third, Some(first)));
    }

    #[test]
    fn a_lease_that_was_kept_alive_is_not_revoked() {
        let mut locks = Locks::default();
        let ann = granted(&mut locks);
        let (key, _) = queued(locks.apply(&Command::Enqueue(ann)));
        assert_eq!(locks.apply(&Command::KeepAlive(ann)), Output::Done);
        assert_eq!(locks.apply(&Command::Revoke { lease: ann, keep_alives: 0 }), Output::Gone);
        assert!(!locks.is_deleted(key));
        assert_eq!(locks.apply(&Command::Revoke { lease: ann, keep_alives: 1 }), Output::Done);
        assert!(locks.is_deleted(key));
        assert_eq!(locks.apply(&Command::KeepAlive(ann)), Output::Gone);
        assert_eq!(locks.apply(&Command::Enqueue(ann)), Output::Gone);
    }
}
