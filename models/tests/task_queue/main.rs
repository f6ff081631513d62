//! A task queue with Asynq's semantics (C06): scripts against what Asynq's wiki and its `internal/rdb` say of each; then the broker, a
//! server, a scheduler and a client, one process at a time.

mod broker;
mod client;
mod cron;
mod groups;
mod leases;
mod life;
mod operators;
mod say;
mod scheduler;
mod server;
mod unique;
