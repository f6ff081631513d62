#![doc = include_str!("../README.md")]

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
mod model;
pub mod network;
mod process;
mod property;
pub mod replay;
pub mod run;
pub mod scenario;
pub mod shrink;
mod stats;
mod suite;
mod swarm;
pub mod sweep;
pub mod time;
pub mod timeline;
pub mod trace;
mod words;
mod world;

pub use check::{Check, check};
pub use choice::Deviation;
pub use context::Context;
pub use disk::{DiskConfig, Stored, WriteFate};
pub use embed::{Answer, Embed};
pub use fault::{Direction, Fault, FaultClass, Target, What};
pub use history::{History, Invocation, Outcome};
pub use kind::Kinded;
pub use model::{Bug, Info, Model, Op, Ret, Role, Workload};
pub use network::{CutMode, Fate, Latency, NetworkConfig};
pub use process::{File, NoDisk, NoOp, NodeId, OpId, Process};
pub use property::{AtEnd, Broken, Invariant, Maker, Property, Verdict, Violation, maker};
pub use replay::{Replay, Replayed, replay};
pub use run::{Finished, Record, run};
pub use scenario::{Budget, Case, Impossible, Operation, Phases, Scenario, Source};
pub use shrink::{Shrunk, Story, shrink};
pub use stats::Stats;
pub use suite::{Boundary, Suite};
pub use swarm::{Cases, Swarm};
pub use sweep::{Campaign, SeedResult, Summary};
pub use time::{Span, Time};
pub use trace::{Fingerprint, Origin, Sizes, Trace, TraceError};
pub use world::{MAX_NODES, World};
