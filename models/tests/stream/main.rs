//! Redis Streams (C05): commands against what the documentation of Redis 7.0 says of each, and what such a server answers; then the
//! server, its replicas and a consumer, one process at a time.

mod adding;
mod blocking;
mod claiming;
mod consumer;
mod groups;
mod ids;
mod propagated;
mod replication;
mod say;
mod server;
