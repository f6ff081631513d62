//! What must be true of the models of transactions over several nodes.

pub mod compare;
pub mod journals;
pub mod saga;
pub mod tcc;
