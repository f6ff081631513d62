//! Tasks: madsim's, whose panics are caught and handed to whoever joins them.

mod join;
mod join_set;
mod local;
mod spawn;

pub use join::{AbortHandle, JoinError, JoinHandle};
pub use join_set::JoinSet;
pub use local::LocalSet;
pub use madsim_tokio::task::{Id, LocalKey, futures, yield_now};
pub use spawn::{block_in_place, spawn, spawn_blocking, spawn_local};
