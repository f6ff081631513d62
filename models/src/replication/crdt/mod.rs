//! Conflict-free replicated data types: replicas that take updates without asking anybody, and agree once they have
//! heard of the same ones.
//!
//! Any of the [`types`] runs in any of three styles:
//!
//! | [`Style`] | what is sent | source |
//! |---|---|---|
//! | state-based | the whole state, to the next of the others, every now and then; nothing is acknowledged | Shapiro, Preguiça, Baquero and Zawirski, "Conflict-free Replicated Data Types", SSS 2011 |
//! | operation-based | each update, over a causal [`broadcast`] with retransmission | the same; Baquero, Almeida and Shoker, "Pure Operation-Based Replicated Data Types", 2017 |
//! | delta-state | joins of what the other has not acknowledged | Almeida, Shoker and Baquero, "Delta state replicated data types", 2018 |
//!
//! **Guaranteed**, whatever messages, clocks, disks and crashes do, and if disks come back empty: two replicas that
//! have the same updates show the same (strong eventual consistency); what they show is what the type says of these
//! updates, of what each of them had seen when it was made, and of nothing else; every update that is still on some
//! disk reaches every replica.
//!
//! **Not guaranteed**: that anybody has heard of an update when its client is told that it is made. It is on one disk,
//! and gone if that is. Last-writer-wins types lose one of two concurrent writes, and it is the later one if clocks are
//! further apart than the writes; for what its own replica has seen, a write is always later. Invariants over several
//! replicas, but for that of the bounded counter.
//!
//! **A disk that comes back empty.** The names of updates must not be given twice, and who has lost its disk does not
//! know which it has given. So it is a new replica, with a new name (a node and its [birth](clock::ReplicaId)). Others must
//! know that it is later than all that its node has had; where its clock was behind at its birth, they tell it, and it
//! takes a later name.
//!
//! **Forgetting.** Tombstones are only kept for those who have not heard of the removal. In the operation-based style a
//! replica can know when there are none left ([causal stability](broadcast)), and forgets them; what that asks of new
//! replicas stands in [`replica::operation`]. The states of the other styles either have no tombstones (the causal
//! types in [`dots`]), or keep them for ever.

pub mod broadcast;
pub mod bugs;
pub mod clock;
pub mod context;
pub mod dots;
pub mod ghost;
pub mod marks;
pub mod messages;
pub mod model;
pub mod replica;
pub mod style;
pub mod types;
pub mod vocabulary;

pub use bugs::Bug;
pub use model::{Crdt, Style};
pub use replica::Replica;
pub use types::Kind;
pub use vocabulary::{Op, Ret, Value};
