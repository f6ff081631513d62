//! Controllers: what they agree on, and how the active one decides.

pub mod active;
pub mod metadata;
pub mod quorum;
