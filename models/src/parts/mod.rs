//! What several components are made of: bounds of sizes, channels of events, clients that retry, logs read back after a crash, reliable links, servers that hold data for others.

pub mod bounds;
pub mod channel;
pub mod client;
pub mod link;
pub mod redis;
pub mod wal;
