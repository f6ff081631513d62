//! The properties of communication.

pub mod compare;
pub mod gossip;
pub mod message_queue;
pub mod ordering;
pub mod pub_sub;
pub mod request_response;
pub mod stream;
pub mod task_queue;
