//! Consumer groups: their members divide the partitions of topics among themselves, and one of the brokers coordinates them
//! (Kafka, *Group membership protocol*; KIP-134, KIP-345, KIP-394, KIP-429, KIP-447).
//!
//! The coordinator is a state machine without a network: requests and times go in, answers, records to append and timers come out.

pub mod assignors;
pub mod subscription;

pub use assignors::{Assignment, Assignor, Member};
pub use subscription::Subscription;
