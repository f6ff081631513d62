//! Clients: a pool of connections, publishers and consumers.

pub mod consumer;
pub mod pool;
pub mod process;
pub mod publisher;

pub use process::Client;
