//! Communication: how messages get from those who have something to say to those who have to hear it.

pub mod gossip;
pub mod log_broker;
pub mod message_queue;
pub mod ordering;
pub mod request_response;
pub mod stream;
