//! What must be true of the models that commit over several nodes, and of those that do without.

pub mod compare;
pub mod journals;
pub mod mvcc;
pub mod outbox;
pub mod saga;
pub mod tcc;
