//! Consumer groups: their members divide the partitions of topics among themselves, and one of the brokers coordinates them
//! (Kafka, *Group membership protocol*; KIP-134, KIP-345, KIP-394, KIP-429, KIP-447).
//!
//! The coordinator is a state machine without a network: requests and times go in, answers, records to append and timers come out.

pub mod assignors;
mod commit;
pub mod coordinator;
pub mod group;
mod join;
pub mod load;
pub mod marks;
pub mod offsets;
pub mod protocol;
pub mod records;
pub mod subscription;
mod sync;

pub use assignors::{Assignment, Assignor, Member};
pub use coordinator::{AppendId, Caller, Coordinator, Did, Effect, GroupSettings, GroupTimer, Turn};
pub use group::{Group, GroupMember, State, Waiting};
pub use load::Loaded;
pub use offsets::{Committed, Offsets, Position};
pub use protocol::{Error, Identity, Join, Joined, Request, Response, ToGroup};
pub use records::{GroupKey, GroupRecord, GroupValue, MemberValue, MembersValue};
pub use subscription::Subscription;
