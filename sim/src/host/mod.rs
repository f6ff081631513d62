//! Ordinary async code in simulated worlds (only with `--cfg madsim`).
//!
//! There are two ways in, for two kinds of code:
//!
//! | | [`run`]: async nodes | [`deploy`]: tokio programs |
//! |---|---|---|
//! | written against | [`Handle`], and whatever madsim offers | `tokio`'s names, answered by `seedbed-tokio` |
//! | network, disks, clocks | the world's | madsim's `NetSim`; [`Files`]; one clock |
//! | faults | all but Byzantine lies | crash, wipe, pause, cut, partition, isolation, loss, slow and full disks |
//! | a run is | a [`Case`](crate::Case) and a [`Source`](crate::Source), replayed from its deviations | a [`Deployment`] and a seed, run twice and compared |
//!
//! Without `--cfg madsim` this module does not exist, and the compiler reports uses of it as "gated behind" that flag.
//! Worlds of state machines need no flag.
//!
//! # Time in a world with async nodes
//!
//! The world's time is the time of its events. What a task does in response to an event happens at the event's instant,
//! to the nanosecond, however many tasks take part. madsim's clock runs a little ahead, because its executor adds 50 to
//! 100 ns for each task it polls and 50 ns for each timer it waits for: it is never behind, it never passes the next
//! event by more than that, and it is exact again as soon as the world is idle for longer. A task that sleeps by
//! [`Handle::sleep`] wakes at an event, at the exact time. One that sleeps by `madsim::time` wakes between events; what
//! it then does happens at madsim's time, but no later than the world's next event.
//!
//! # Chance
//!
//! madsim picks at random which of several ready tasks runs next. The seed of these picks is itself a choice of the
//! world, `(draw, n, "host/schedule", 0)` of its first node, so a seed explores schedules and a trace replays one.

mod clock;
mod current;
mod deploy;
mod deployment;
mod entropy;
mod events;
mod execution;
mod faults;
mod files;
mod links;
mod node;
mod program;
mod schedule;
mod site;
mod told;

pub use current::Panic;
pub use deploy::{Deployed, Judge, Refused, deploy};
pub use deployment::Deployment;
pub use events::{Diverged, Event};
pub use faults::Idle;
pub use files::{Entry, Files, Inode, OpenHow, Opened, SyncBegun, absolute};
pub use node::{Alarm, Handle, Hosted, Input, Program, Sleep};
pub use program::{Node, Open};
pub use site::run;

/// What `seedbed-tokio` is made of: what a task of a hosted program can do to the run that it is in.
pub mod task {
    pub use super::current::{abandon_panic, join_panic, keep_panic, say, sync_takes, with_files};
    pub use super::told::nobody_is_told;
}
