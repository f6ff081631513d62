//! Components that communicate.

mod gossip;
mod ordering;
mod request_response;
mod stream;
