//! A small store with the semantics of Redis, for what locks and caches use of it (Redis's documentation, commands `SET`,
//! `GET`, `DEL`, `PEXPIRE`, `INCR`, `EVAL`; "Redis replication"; "High availability with Redis Sentinel").
//!
//! A [`Server`] executes one command at a time. Keys expire on *its own clock*, which is Redis's wall clock: it can jump.
//! A [`Script`] runs without anything in between. A master sends its replicas what it did, after it has answered: the
//! replication is asynchronous, and what it had not sent is lost when a replica is promoted. A [`Sentinel`] promotes one
//! when it has not heard of the master for a while.
//!
//! **Guaranteed**: each server by itself is one copy of the data, with commands one after the other. With
//! [`Persistence::Always`] (`appendfsync always`) it loses nothing in a crash.
//!
//! **Not guaranteed**: anything about several servers. A promoted replica may lack what its master had acknowledged, and
//! a master that was cut off goes on until it hears of the other.
//!
//! **Different from Redis**: there is one sentinel, not a quorum of them, and it keeps its epoch on disk; a replica that
//! has missed something asks for the whole data (`FULLRESYNC`) and never for a part of it (`CONTINUE`); a script is a list
//! of conditions and a list of commands, not Lua; keys and values are numbers; a request carries a number, so that its
//! answer is told from others, where Redis has a connection.
//!
//! [`Server`] and [`Sentinel`] are processes to be hosted, as roles of a node (`#[roles("redis")]`) or by another process;
//! clients send them [`Message::Request`] and [`Message::WhoIsMaster`].

pub mod command;
pub mod dataset;
pub mod marks;
pub mod messages;
mod replication;
pub mod sentinel;
pub mod server;
pub mod settings;

pub use command::{Caller, Command, Condition, Key, Reply, RequestId, Script, Value};
pub use dataset::{Dataset, Entry};
pub use messages::{Message, Record, Timer};
pub use sentinel::Sentinel;
pub use server::Server;
pub use settings::{Persistence, Settings};
