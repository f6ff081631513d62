//! A client: its session, which is a state machine without a network as the broker's engine is, and the process that has it.

pub mod process;
pub mod session;

pub use process::Client;
pub use session::{Delivery, Event, State};
