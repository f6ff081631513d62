//! What the group replicates: leases, and the queue of keys. Deterministic: it knows no time.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::replication::raft::machine::StateMachine;

/// Counts the changes of the data. A key's is the one that created it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Revision(pub u64);

/// The name of a lease: the revision that granted it.
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

/// What the group can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// A new lease.
    Grant,
    /// The lease's owner lives.
    KeepAlive(LeaseId),
    /// The lease is over, and all its keys are gone, unless it was kept alive since.
    Revoke {
        /// Which.
        lease: LeaseId,
        /// How often it had been kept alive, as far as the leader knew.
        kept: u64,
    },
    /// A key in the queue, of this lease; the one it has, if it has one.
    Enqueue(LeaseId),
    /// The lease's owner takes its key out of the queue.
    Delete {
        /// Whose key it is.
        lease: LeaseId,
        /// Which.
        revision: Revision,
    },
    /// What stands before a key.
    Ahead(Revision),
}

/// What the group answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// The lease.
    Granted(LeaseId),
    /// Done.
    Done,
    /// There is no such lease, or key.
    Gone,
    /// The key, and what stands before and behind it.
    Queued {
        /// Which.
        key: Revision,
        /// The key before it; it is the first, if there is none.
        previous: Option<Revision>,
        /// The key behind it. Nobody needs it.
        next: Option<Revision>,
    },
}

/// What happened to the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A key was created.
    Queued(Revision, LeaseId),
    /// Somebody took it out.
    Deleted(Revision, LeaseId),
    /// Its lease was revoked.
    Expired(Revision, LeaseId),
}

/// The data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Locks {
    revision: u64,
    /// How often each lease was kept alive.
    leases: BTreeMap<LeaseId, u64>,
    queue: BTreeMap<Revision, LeaseId>,
    /// All that happened to the queue, for whoever looks from outside.
    changes: Vec<Change>,
}

impl Locks {
    /// The leases, and how often each was kept alive.
    pub fn leases(&self) -> impl Iterator<Item = (LeaseId, u64)> {
        self.leases.iter().map(|(lease, kept)| (*lease, *kept))
    }

    /// The queue, the holder first.
    pub fn queue(&self) -> impl Iterator<Item = (Revision, LeaseId)> {
        self.queue.iter().map(|(key, lease)| (*key, *lease))
    }

    /// Whether a key was created, and is gone.
    pub fn is_gone(&self, key: Revision) -> bool {
        key.0 <= self.revision && !self.queue.contains_key(&key)
    }

    /// All that happened to the queue.
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
                Some(kept) => {
                    *kept += 1;
                    Output::Done
                }
                None => Output::Gone,
            },
            Command::Revoke { lease, kept } => {
                if self.leases.get(&lease) != Some(&kept) {
                    return Output::Gone;
                }
                self.leases.remove(&lease);
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
            Command::Ahead(key) => self.look_up(key),
        }
    }

    fn query(&self, command: &Command) -> Option<Output> {
        match *command {
            Command::Ahead(key) => Some(self.look_up(key)),
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
    fn keys_stand_in_the_order_of_their_creation() {
        let mut locks = Locks::default();
        let (ann, bob, cat) = (granted(&mut locks), granted(&mut locks), granted(&mut locks));
        let (first, nobody) = queued(locks.apply(&Command::Enqueue(bob)));
        let (second, before_second) = queued(locks.apply(&Command::Enqueue(ann)));
        let (third, before_third) = queued(locks.apply(&Command::Enqueue(cat)));
        assert_eq!((nobody, before_second, before_third), (None, Some(first), Some(second)));
        assert_eq!(queued(locks.apply(&Command::Enqueue(ann))), (second, Some(first)), "one key a lease");
        assert_eq!(locks.apply(&Command::Delete { lease: cat, revision: second }), Output::Gone, "not cat's");
        assert_eq!(locks.apply(&Command::Delete { lease: ann, revision: second }), Output::Done);
        assert!(locks.is_gone(second) && !locks.is_gone(third) && !locks.is_gone(Revision(99)));
        assert_eq!(queued(locks.query(&Command::Ahead(third)).unwrap()), (third, Some(first)));
    }

    #[test]
    fn a_lease_that_was_kept_alive_is_not_revoked() {
        let mut locks = Locks::default();
        let ann = granted(&mut locks);
        let (key, _) = queued(locks.apply(&Command::Enqueue(ann)));
        assert_eq!(locks.apply(&Command::KeepAlive(ann)), Output::Done);
        assert_eq!(locks.apply(&Command::Revoke { lease: ann, kept: 0 }), Output::Gone);
        assert!(!locks.is_gone(key));
        assert_eq!(locks.apply(&Command::Revoke { lease: ann, kept: 1 }), Output::Done);
        assert!(locks.is_gone(key));
        assert_eq!(locks.apply(&Command::KeepAlive(ann)), Output::Gone);
        assert_eq!(locks.apply(&Command::Enqueue(ann)), Output::Gone);
    }
}
