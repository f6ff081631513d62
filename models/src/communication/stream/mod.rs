//! Redis Streams: a log of entries with increasing identifiers, and consumer groups, in which each entry is given to one consumer,
//! pending until that acknowledges it (Redis documentation, *Redis Streams*; version 7.0).
//!
//! - **The server** is first an [`Engine`]: commands in, replies out, without a network ([`command`], [`reply`]). A [`Keyspace`]
//!   holds strings, as [`crate::parts::redis`] has them, and streams ([`log`]). A command is executed whole ([`execute`]), and says
//!   what it did in a form that gives the same data wherever it is applied ([`effect`]).
//! - **Durability** by the append-only file, synced before each reply, after a while, or not at all ([`settings::Durability`]).
//! - **Replication** is asynchronous ([`server`], `replication`); the sentinel of [`crate::parts::redis`] promotes a replica.
//! - **Connections** are those of TCP: a request is executed at most once, and its client may not learn whether
//!   ([`connections`], [`connection`]).
//! - **Consumers** read new entries, process and acknowledge them, claim what has been idle, and bury what was delivered too
//!   often ([`consumer`]). **Producers** send again what was not answered ([`producer`]).
//!
//! **Guaranteed** by each server, whatever messages, clocks and disks do: identifiers increase; an entry is new to one consumer
//! of a group; what was delivered is pending or acknowledged, until its entry is deleted and somebody claims it; a claim takes
//! what has been idle for as long as it says, by the server's clock; the delivery counter counts; an exact length is kept; no
//! entry goes but by trimming or deletion. By one server with `appendfsync always`: all of this across crashes. By consumers: an
//! entry is acknowledged when it was processed or buried, or is gone; and all are, in the end.
//!
//! **Not guaranteed**: that an acknowledged entry survives a failover, or a crash with another durability; that an entry is
//! processed once; that one is added once whose producer had no reply; that reading a history counts for good, since Redis
//! 7.0 does not propagate it.
//!
//! **Different from Redis**: fields, values, keys and names are numbers; a replica serves no reads; a replica that has missed
//! something asks for all data (no `CONTINUE`); there is one sentinel; only the number of entries ends a node of a stream, and
//! not its bytes. There is no `XSETID`, `XADD` with `LIMIT` in a replicated command, or `WAIT`. All other commands are compared with a
//! real server, by tests that draw sequences of them (the crate `referees`), but for what waits.

pub mod bugs;
pub mod command;
pub mod connection;
pub mod connections;
pub mod consumer;
pub mod effect;
pub mod engine;
pub mod execute;
pub mod group;
pub mod id;
pub mod keyspace;
pub mod log;
pub mod marks;
pub mod messages;
pub mod model;
pub mod nodes;
mod orders;
pub mod producer;
mod replication;
pub mod reply;
pub mod server;
pub mod settings;

pub use bugs::Bug;
pub use command::{
    After, AutoClaim, Bound, Claim, Command, ConsumerName, Delivered, Exactness, Fields, GroupAfter, GroupName,
    GroupStart, Threshold, Trim,
};
pub use engine::{Engine, Executed};
pub use group::{Group, Nack};
pub use id::{Id, Millis, NewId};
pub use keyspace::Keyspace;
pub use model::{Node, Stream};
pub use reply::{Claimed, Error, Item, Reply};
