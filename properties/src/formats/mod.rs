//! Recorded histories, the input of `seedbed check`.
//!
//! Each format has its file and produces a list of [`Recorded`] histories: [`json`] (JSON lines), [`edn`] (Jepsen's
//! operation maps, and the key-value text of porcupine, which is the same with a `:key`), [`jepsen_json`] (the same as
//! JSON), [`jepsen_text`] (Jepsen's `history.txt`), [`etcd_log`] (Jepsen's log of etcd, in porcupine's form),
//! [`etcd_operations`] (etcd's robustness tests), [`isovista`] (transactions of PolySI, IsoVista and Cobra, as text).
//! Everything else is independent of the format: [`recorded`] pairs responses with their invocations, [`object`] converts
//! the functions of an object for its specification, [`accesses`] reads a history as reads and writes, [`transactional`]
//! as transactions, [`workloads`] as what Jepsen's and Maelstrom's workloads promise. [`world`] converts the history of a
//! world.
//!
//! All errors name the line, and within a line the event ([`LineError`]).

pub mod accesses;
pub mod datum;
pub mod edn;
pub mod etcd_log;
pub mod etcd_operations;
pub mod isovista;
pub mod jepsen_json;
pub mod jepsen_text;
pub mod json;
mod lines;
mod meaning;
pub mod object;
pub mod recorded;
pub mod transactional;
pub mod workloads;
pub mod world;

pub use datum::Datum;
pub use lines::{LineError, whole_numbers};
pub use object::{Judge, Model, Reading, judge, linearizable};
pub use recorded::{Call, Contents, Ended, FailedCas, Kind, NullRead, Operations, Place, Recorded};
