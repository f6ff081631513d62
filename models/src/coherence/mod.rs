//! Cache coherence (doc to come).

pub mod bugs;
pub mod controller;
pub mod core;
pub mod message;
pub mod model;
pub mod node;
pub mod protocol;
pub mod table;

pub use bugs::Bug;
pub use model::{Coherence, HOME, program};
pub use protocol::{Interconnect, Protocol};
