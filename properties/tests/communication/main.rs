//! Components that communicate.

mod message_queue;
mod ordering;
mod request_response;
