//! The checkers, which know no model.

mod consistency;
mod isolation;
mod judges;
mod linearizability;

#[path = "../oracles/mod.rs"]
mod oracles;
