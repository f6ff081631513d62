//! What the workloads of Jepsen and Maelstrom promise that is no model of consistency on an object: that a total stays the
//! same ([`bank`]), that identifiers are unique ([`unique_ids`]), that a log loses, repeats and reorders nothing
//! ([`kafka`]), and that a set or a counter settles on what was done to it ([`settled`]).
//!
//! Events are named by numbers of the caller's, which an anomaly gives back.

pub mod bank;
pub mod kafka;
pub mod settled;
pub mod unique_ids;
