#![doc = include_str!("../README.md")]

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
pub mod run;
pub mod scenario;
mod stats;
pub mod time;
mod suite;
pub mod timeline;
mod world;

pub use choice::Deviation;
pub use context::Context;
pub use disk::{DiskConfig, Stored, WriteFate};
pub use embed::{Answer, Embed};
pub use fault::{Direction, Fault, FaultClass, Target, What};
pub use history::{History, Invocation, Outcome};
pub use kind::Kinded;
pub use model::{Bug, Info, Model, Op, Ret, Role};
pub use network::{CutMode, Fate, Latency, NetworkConfig};
pub use process::{File, NoDisk, NoOp, NodeId, OpId, Process};
pub use property::{AtEnd, Broken, Invariant, Maker, Property, Verdict, Violation, maker};
pub use run::{Record, run};
pub use scenario::{Budget, Case, Impossible, Operation, Phases, Scenario, Source};
pub use stats::Stats;
pub use suite::Suite;
pub use time::{Span, Time};
pub use world::{MAX_NODES, World};
