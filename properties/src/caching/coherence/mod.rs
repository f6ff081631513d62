//! What must be true of the coherence protocols: the judges of [`crate::checkers::coherence`] bound to their caches, the
//! agreement of directory and caches, the outcomes of litmus programs, and that requests complete.

mod accesses;
mod agreement;
mod answers;
mod deadlock;
mod liveness;
pub mod outcomes;
mod permissions;
mod suite;

pub use accesses::Accesses;
pub use agreement::{directory_agrees, inclusion};
pub use answers::answered_as_performed;
pub use deadlock::NoDeadlock;
pub use liveness::RequestsComplete;
pub use permissions::OneWriter;
pub use suite::{entries, suite};
