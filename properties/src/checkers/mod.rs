//! Checkers that do not depend on a model. Each gets plain events, or a recorded history, and refuses the first event
//! that breaks its rule.

pub mod atomic_commitment;
pub mod coherence;
pub mod conservation;
pub mod consistency;
pub mod cuts;
pub mod delivery;
pub mod isolation;
pub mod judge;
pub mod linearizability;
pub mod mutual_exclusion;
pub mod rates;
pub mod workloads;
