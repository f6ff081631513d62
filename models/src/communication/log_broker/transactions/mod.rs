//! Transactions (KIP-98, KIP-360, KIP-447, KIP-890).

pub mod coordinator;
pub mod machine;
pub mod record;
