//! A lock on a Raft group, as etcd does it (etcd's documentation, "Learning: Lock and election", and its packages
//! `lease` and `concurrency`).
//!
//! - Who wants the lock has a *lease* and creates a key that lives as long as the lease. Each change of the group's data
//!   has a *revision*, so keys are ordered by the revision that created them: that is the queue, and first come is first
//!   served ([`machine`]).
//! - The owner of the first key holds the lock. Everybody else *watches the key before its own*, and no other, so that a
//!   release wakes one waiter and not all of them ([`waiter`]).
//! - The leader's clock decides when a lease is over, and it says so by a command in the log: all servers agree on it, and
//!   on its place among other commands ([`service`]). A new leader gives all leases their whole time again.
//! - The revision is the fencing token.
//!
//! **Different from etcd**: keep-alives go through the log, where etcd's leader answers them by itself after it has made
//! sure that it leads; a revocation names the last keep-alive that the leader knew of, and is void if there was a later
//! one; a waiter is told that a key is gone by whichever server it asked, and asks the group itself before it believes to
//! be first.

pub mod machine;
pub mod service;
pub mod session;
pub mod waiter;

pub use machine::{LeaseId, Locks, Revision};
pub use service::Service;
pub use waiter::Waiter;
