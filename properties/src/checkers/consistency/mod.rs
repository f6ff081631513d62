//! Consistency models weaker than linearizability, on histories of sessions that read and write registers.
//!
//! From strong to weak, where the models can be compared:
//! [`sequential`] → [`causal`] (CM and CCv → CC) → [`pram`] (below CM) → single [`session`] guarantees; and, with real time,
//! atomic → [`registers`] (regular → safe) and [`staleness`] (how stale was the worst read?); [`eventual`] last.
//!
//! The causal models, PRAM and the session guarantees are judged only if no value is written twice to one key
//! ("differentiated histories"); the general problem is NP-complete, and the answer is then [`Outcome::Unknown`].
//! Workloads should write unique values.

pub mod causal;
pub mod eventual;
mod history;
pub mod pram;
pub mod registers;
mod relation;
mod saturation;
pub mod sequential;
pub mod session;
pub mod staleness;

pub use history::{Access, Anomaly, Event, Outcome};
