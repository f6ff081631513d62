//! Clients: they send records in batches, and read what is in the log.

pub mod accumulator;
pub mod process;
pub mod reader;
pub mod sender;
mod transaction;

pub use process::{Client, Config, Did};
