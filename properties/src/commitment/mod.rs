//! What must be true of the models that commit over several nodes, and of those that do without.

pub mod mvcc;
pub mod outbox;
