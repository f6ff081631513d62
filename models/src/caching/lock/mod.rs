//! Distributed locks: who holds one may use a resource, alone.
//!
//! | [`Kind`] | what keeps the lock | how it is freed when its holder dies |
//! |---|---|---|
//! | `redis` | one server, `SET NX PX` with a random token | its time to live is over |
//! | `redis_failover` | a master with asynchronous replicas | the same |
//! | `redlock` | five masters that know nothing of each other: a quorum of them | the same |
//! | `raft` | a queue of keys under leases, on a Raft group | the leader revokes the lease |
//! | `suzuki_kasami`, `ricart_agrawala`, `maekawa` | the clients themselves | never |
//!
//! A client is *in the critical section* from when the lock is granted until it gives it back, or until the lease is over by
//! its own clock. While it stands still it cannot look at its clock, so that time counts.
//!
//! **Guaranteed.** By all: the accepted writes are those of one holder after the other, if the resource checks fencing
//! tokens ([`resource`]), whatever clocks, pauses, messages, disks and crashes do. By the message-passing locks: at most
//! one is in the critical section, under loss, duplicates, reordering, partitions, pauses and any clocks. By `redis`
//! without a replica, `redlock` and `raft`: the same, under crashes too, while clocks stay within a bound and pauses under
//! the grace of a lease ([`lease`]).
//!
//! **Not guaranteed.** By any lease: that nobody else holds the lock when its holder wakes from a longer pause, or when a
//! clock jumps. By a master with asynchronous replicas: that a granted lock survives a failover, which a
//! message that is late enough brings about. By the message-passing
//! locks: anything after a crash. By `redis` and `redlock`: an order among those who wait.
//!
//! What each kind tolerates is told by its configuration ([`seedbed_sim::Model::tolerates`]); a configuration with tokens
//! promises what tokens give, and is swept under everything.
//!
//! Read [`client`] first, then one of [`redlock`] (over [`crate::parts::redis`]), [`on_raft`], [`by_messages`].

pub mod bugs;
pub mod by_messages;
pub mod client;
pub mod lease;
pub mod marks;
pub mod messages;
pub mod model;
pub mod on_raft;
pub mod redlock;
pub mod resource;
pub mod taker;

pub use bugs::Bug;
pub use client::{Client, Happened, Holding};
pub use lease::Terms;
pub use messages::{Message, Token, Turn};
pub use model::{Kind, Lock, Node, Op, RESOURCE, Ret, SERVERS};
pub use resource::{Accepted, Resource};
