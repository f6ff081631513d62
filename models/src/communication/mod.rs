//! Communication: how messages get from those who have something to say to those who have to hear it.

pub mod gossip;
pub mod message_queue;
pub mod ordering;
pub mod orders;
pub mod pub_sub;
pub mod request_response;
pub mod stream;
pub mod task_queue;
