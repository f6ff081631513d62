//! tokio's names for services that are simulated by `seedbed_sim::host::deploy`:
//!
//! ```toml
//! tokio = { package = "seedbed-tokio", version = "0.1", features = ["full"] }
//! ```
//!
//! Without `--cfg madsim` this is tokio itself. With it, it is `madsim-tokio`, and what that lacks or does otherwise than tokio:
//!
//! | module | what is here |
//! |---|---|
//! | [`fs`] | files on the node's simulated disk, which survive its crashes as far as they were synced |
//! | [`task`], [`runtime`] | a panic in a task is the `JoinError` of whoever joins it; `JoinSet`, `LocalSet` |
//! | [`net`] | streams that send what is written, `split`, `into_split`, `TcpSocket`; `UdpSocket` with tokio's arguments |
//! | [`time`] | `timeout_at` |
//!
//! The guide's page on services of your own has a table of what works.

#[cfg(not(madsim))]
pub use madsim_tokio::*;

#[cfg(madsim)]
pub mod fs;
#[cfg(madsim)]
pub mod net;
#[cfg(madsim)]
pub mod runtime;
#[cfg(madsim)]
pub mod task;
#[cfg(madsim)]
pub mod time;

#[cfg(madsim)]
pub use madsim_tokio::{io, join, main, pin, select, signal, sync, task_local, test, try_join};
#[cfg(madsim)]
pub use task::spawn;

/// What the attributes `main` and `test` expand to.
#[cfg(madsim)]
#[doc(hidden)]
pub use madsim_tokio::madsim;
