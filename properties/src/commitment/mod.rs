//! What must be true of the models of transactions over several nodes.

pub mod compare;
pub mod journals;
pub mod mvcc;
pub mod outbox;
pub mod saga;
pub mod tcc;
