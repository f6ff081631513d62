//! The transactional outbox: a message is published if and only if the transaction that wrote it committed, though the
//! database and the broker share no transaction (Helland, "Life beyond Distributed Transactions", CIDR 2007; Richardson,
//! *Microservices Patterns*, 2018, sections 3.3.7 and 3.3.8).
//!
//! A [`service`] keeps accounts. A transfer withdraws from one of them and publishes a deposit, which the service that keeps
//! the other account consumes. There are three ways for the message from the service to the [`broker`]:
//!
//! | [`Relay`] | how |
//! |---|---|
//! | polling | the message is written into the outbox in the local transaction; a relay looks there now and then, sends what is not marked as sent, and marks what the broker has stored ("polling publisher") |
//! | tailing | the same, but the relay follows the database's log and keeps a position in it ("transaction log tailing") |
//! | transactional | the broker keeps a *half message* that nobody sees; then the local transaction runs; then the broker is told how it ended, or asks: the *check-back* (Apache RocketMQ, "Transaction Message") |
//!
//! All three publish at least once. The consumer has an *inbox*: the identifiers of the messages that it has applied, written
//! in the same local transaction as their effect, so that each takes effect once.
//!
//! **Guaranteed**, whatever messages, clocks, disks and crashes do: no message without its transaction; every committed
//! transaction's message in the end, and its effect exactly once; messages of one aggregate (the account that pays) take
//! effect in the order of their transactions.
//!
//! **Not guaranteed**: isolation. Between the withdrawal and the deposit the money is nowhere to be seen. Order between
//! aggregates.
//!
//! **Different from what real systems do**: the inbox keeps identifiers for ever, where theirs keep them for longer than a
//! broker repeats itself; the order of an aggregate is kept by sending its next message when the broker has the one
//! before it; and with transactional messages, where RocketMQ keeps no order, a service begins the next transaction of an
//! aggregate only when the broker knows the end of the one before it.

pub mod broker;
pub mod bugs;
pub mod marks;
pub mod messages;
pub mod model;
pub mod service;
pub mod settings;

pub use bugs::Bug;
pub use messages::{Deposit, Op, Ret};
pub use model::{Node, Outbox};
pub use settings::{Relay, Settings};
