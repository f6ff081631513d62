//! Distributed locks: the holder may use a resource, alone.
//!
//! | [`Kind`] | what keeps the lock | how it is freed when its holder crashes |
//! |---|---|---|
//! | `redis` | one server, `SET NX PX` with a random value | its time to live is over |
//! | `redis_failover` | a master with asynchronous replicas | the same |
//! | `redlock` | a quorum of five independent masters | the same |
//! | `raft` | a queue of keys with leases, on a Raft group | the leader revokes the lease |
//! | `suzuki_kasami`, `ricart_agrawala`, `maekawa` | the clients themselves | never |
//!
//! A client is *in the critical section* from when it has acquired the lock until it releases it, or until the lease ceases to
//! be valid by its own clock. A client that is paused cannot look at its clock, so it is inside for as long as the pause
//! lasts.
//!
//! **Guaranteed.** By all: the accepted writes are those of one holder after the other, if the resource checks fencing
//! tokens ([`resource`]), whatever clocks, pauses, messages, disks and crashes do. By the message-passing locks: at most
//! one client is in the critical section, under loss, duplicates, reordering, partitions, pauses and any clocks. By `redis`
//! without a replica, `redlock` and `raft`: the same, under crashes too, while clocks and pauses stay within the bounds of a
//! lease ([`lease`]).
//!
//! **Not guaranteed.** By any lease: that nobody else holds the lock when its holder resumes after a longer pause, or when a
//! clock jumps. By a master with asynchronous replicas: that an acquired lock survives a failover, which a message that is
//! late enough brings about. By the message-passing locks: anything after a crash. By `redis` and `redlock`: any order among
//! the clients that wait.
//!
//! What each kind tolerates is told by its configuration ([`seedbed_sim::Model::tolerance`]); a configuration with tokens
//! promises what tokens give, and is swept under everything.
//!
//! Read [`client`] first, then one of [`redlock`] (over [`crate::parts::redis`]), [`on_raft`], [`message_passing`].

pub mod bugs;
pub mod client;
pub mod events;
pub mod kind;
pub mod lease;
pub mod marks;
pub mod message_passing;
pub mod messages;
pub mod model;
pub mod mutex;
pub mod on_raft;
pub mod redlock;
pub mod resource;
mod tolerance;
mod variants;

pub use bugs::Bug;
pub use client::{Client, Holding, Transition};
pub use kind::Kind;
pub use lease::LeaseSettings;
pub use messages::{Accepted, Acquisition, Message, Op, Ret, Token};
pub use model::{Lock, Node, RESOURCE, SERVERS};
pub use mutex::Mutex;
pub use resource::Resource;
