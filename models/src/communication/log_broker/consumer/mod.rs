//! Consumers: members of a group that read the partitions which they are assigned, process the records, and commit how far they are
//! (Kafka, `KafkaConsumer`, `ConsumerCoordinator`).
//!
//! - [`process`]: the consumer, and its poll loop: whatever may take time or change what it owns happens from one poll to the next, and not
//!   while records are processed.
//! - [`membership`]: it joins, gets its assignment and gives back what it is to give back, by the eager or the cooperative protocol
//!   (KIP-429); heartbeats, which go on while it processes.
//! - [`fetching`]: where it begins (the committed position, or the first record), and what it has fetched.
//! - [`committing`]: positions.
//!
//! **Different from Kafka**: positions are not validated after a change of the leader (KIP-320), so an unclean election can leave a consumer
//! behind the end of the log; it then begins at the first record.

pub mod committing;
pub mod fetching;
pub mod membership;
pub mod process;

pub use membership::Phase;
pub use process::{Config, Consumer, ConsumerTimer, Did};
