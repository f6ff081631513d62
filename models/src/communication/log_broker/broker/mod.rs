//! Brokers: they have replicas of partitions, lead them or follow.

mod disk;
mod fetch;
mod fetcher;
pub mod groups;
mod isr;
mod lifecycle;
mod produce;
mod producer_ids;
pub mod purgatory;
pub mod replica;
pub mod server;
mod transactional;

pub use replica::{Replica, Role};
pub use server::{Broker, Config};
