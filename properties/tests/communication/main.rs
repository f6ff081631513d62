//! Components that communicate.

mod gossip;
mod log_broker;
mod message_queue;
mod ordering;
mod request_response;
mod stream;
