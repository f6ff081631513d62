//! The properties of communication.

pub mod gossip;
pub mod ordering;
pub mod request_response;
pub mod stream;
