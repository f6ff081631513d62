//! What must be true of the models of transactions over several nodes.

pub mod saga;
