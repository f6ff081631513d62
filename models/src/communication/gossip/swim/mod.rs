//! Membership by SWIM.

pub mod claim;
pub mod health;
pub mod membership;
pub mod piggyback;
pub mod probe;
pub mod suspicion;
pub mod view;

pub use membership::Membership;
