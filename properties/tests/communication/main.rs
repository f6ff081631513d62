//! Components that communicate.

mod ordering;
mod request_response;
mod stream;
