//! The properties of communication.

pub mod gossip;
pub mod log_broker;
pub mod message_queue;
pub mod ordering;
pub mod request_response;
pub mod stream;
