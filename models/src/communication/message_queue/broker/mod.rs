//! Brokers: connections with clients, publisher confirms, and where the books are.

pub mod confirms;
pub mod server;
pub mod store;

pub use server::Broker;
pub use store::Store;
