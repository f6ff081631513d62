#![doc = include_str!("../README.md")]

// The derives name this crate as everybody else does.
extern crate self as seedbed_sim;

mod assertion;
pub mod bench;
mod bug;
pub mod check;
pub mod choice;
mod clock;
mod context;
pub mod disk;
pub mod doc;
mod embed;
pub mod fault;
pub mod fingerprint;
pub mod history;
// Without the flag the compiler answers whoever names it: "the item is gated here".
#[cfg(madsim)]
pub mod host;
pub mod kind;
pub mod log;
mod mark;
mod model;
pub mod network;
mod phases;
mod process;
mod property;
pub mod replay;
pub mod run;
pub mod scenario;
pub mod shrink;
mod stats;
pub mod strategy;
mod suite;
mod swarm;
pub mod sweep;
pub mod time;
pub mod timeline;
mod tolerance;
pub mod trace;
mod words;
mod workload;
mod world;

pub use bench::Bench;
pub use bug::{Bug, Planted};
pub use check::{Check, check, missed_bugs};
pub use choice::{Deviation, Source};
pub use context::Context;
pub use disk::{DiskConfig, File, Stored, WriteFate};
pub use embed::{Answer, Embed, Hosted};
pub use fault::{Direction, Fault, FaultClass, Target, What};
pub use history::{History, Invocation, Outcome};
pub use kind::Kinded;
pub use mark::Mark;
pub use model::{Info, Model, Op, Ret, Setting, Workload};
pub use network::{CutMode, Fate, Latency, NetworkConfig};
pub use phases::Phases;
pub use process::{MAX_NODES, NoDisk, NoOp, NodeId, OpId, Process};
pub use property::{AtEnd, Broken, Invariant, Maker, Property, Verdict, Violation, maker};
pub use replay::{Replay, Replayed, replay};
pub use run::{Finished, Record, run};
pub use scenario::{Budget, Case, Impossible, Scenario};
pub use seedbed_derive::{Hosts, Kinded, Named, Roles};
pub use shrink::{Shrunk, Story, shrink};
pub use stats::Stats;
pub use strategy::{Search, Strategy};
pub use suite::{Boundary, Suite};
pub use swarm::{Cases, Swarm};
pub use sweep::{Campaign, SeedResult, Summary};
pub use time::{Span, Time};
pub use tolerance::{Crashes, Skew, Tolerance};
pub use trace::{Fingerprint, Origin, Sizes, Trace, TraceError};
pub use workload::Operation;
pub use world::World;
