//! A lock on a Raft group, as etcd does it (etcd's documentation, "Learning: Lock and election", and its packages
//! `lease` and `concurrency`).
//!
//! - A client that wants the lock has a *lease* and creates a key with it, which is deleted with the lease. Each change of the
//!   group's data has a *revision*, so keys are ordered by the revision that created them: they are a queue, first come,
//!   first served ([`machine`]).
//! - The owner of the first key holds the lock. Every other client *watches the key before its own*, and no other, so that a
//!   release wakes one client and not all of them ([`etcd_mutex`]).
//! - The leader's clock decides when a lease has expired, and the leader revokes it by a command in the log: all servers agree
//!   on that, and on its order among other commands ([`service`]). A new leader gives all leases their whole time to live
//!   again.
//! - The revision is the fencing token.
//!
//! **Different from etcd**: keep-alives go through the log, where etcd's leader answers them by itself after it has made
//! sure that it leads; a revocation names the last keep-alive that the leader knew of, and is void if there was a later
//! one; any server may tell a client that the key which it watches was deleted, so the client asks the group for the position
//! of its own key before it enters.

pub mod etcd_mutex;
pub mod machine;
pub mod service;
pub mod session;

pub use etcd_mutex::EtcdMutex;
pub use machine::{LeaseId, Locks, Revision};
pub use service::Service;
