//! The properties of communication.

pub mod message_queue;
pub mod ordering;
pub mod request_response;
