//! Components that communicate.

mod gossip;
mod message_queue;
mod ordering;
mod pub_sub;
mod request_response;
mod stream;
mod task_queue;
