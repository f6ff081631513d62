//! What several components are made of: logs read back after a crash, reliable links, servers that hold data for others.

pub mod link;
pub mod redis;
pub mod wal;
