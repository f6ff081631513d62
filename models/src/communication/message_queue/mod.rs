//! A message broker: the Advanced Message Queuing Protocol 0-9-1, with the semantics of RabbitMQ.
//!
//! - **The books** ([`books`]) are a state machine: exchanges (direct, topic, fanout, headers), bindings, queues, channels, consumers,
//!   and every copy of every message. They are told a command at a time, and answer with deliveries.
//! - **Classic queues** are the books of one broker, which writes each command to its log. **Quorum queues** are the same books,
//!   replicated by the Raft group of C11 ([`broker::store`]).
//! - **Connections** ([`connection`]) carry frames in order over a network that does not; a client and a broker that do not hear of
//!   each other close theirs, and what was not acknowledged on it goes back to its queue.
//! - **Clients** ([`client`]) have a pool of connections, each with channels, and on every new one declare their topology again
//!   ([`topology`]). Publishers publish again what was not confirmed; consumers ack, nack and reject, one by one or several at once.
//!
//! **Guaranteed**, whatever messages and clocks do, and whoever crashes (of brokers with quorum queues, a minority): a persistent
//! message that was confirmed stays until a consumer has acknowledged it, or its time to live is over, or a limit pushes it out; what
//! the books have written of an acknowledgement stays; a message has one owner; nobody has more deliveries than the prefetch allows; a
//! delayed message is not early; a message that has failed too often is dead-lettered once. **Not guaranteed**: that a message is
//! processed once: an acknowledgement may be lost with its connection. That what was not confirmed is there. That a consumer which
//! does not acknowledge has processed what it got. That an expired message behind a head that is not is gone.
//!
//! **Different from RabbitMQ**, besides what is said where it is so: a classic queue's deliveries wait for the disk, as confirms do,
//! and dead letters are in the same step as deaths, where RabbitMQ may lose them; quorum queues share one group, so that a move
//! between them is one step too, and clients connect to the leader, where RabbitMQ's brokers pass on what they are told; the class
//! `tx`, alternate exchanges, the exchanges `amq.*`, bindings between exchanges, consumer priorities, `CC` and `BCC`, limits in bytes
//! and policies are not there; a quorum queue without a delivery limit has none (RabbitMQ: 20), and does not exceed its length limit
//! while publishes are under way. The log of a classic queue is never compacted.
//!
//! And in these: a full quorum queue refuses one message later, takes all dead letters, and refuses until a fifth of its room
//! is free; it is told of the deliveries of each consumer apart, and delivers in between; the limit of a channel counts what
//! `basic.get` got before it was set, is that of consumers which do not acknowledge too, and ends when that of consumers is set. And
//! what the distribution's version 3.10 does not know yet: priorities in quorum queues (4.0), returns that are no failures (4.3),
//! `x-last-death-*`.

pub mod books;
pub mod broker;
pub mod bugs;
pub mod client;
pub mod connection;
pub mod marks;
pub mod messages;
pub mod model;
pub mod names;
mod orders;
pub mod topology;
mod variants;
mod workload;

pub use bugs::Bug;
pub use model::{MessageQueue, Node};
