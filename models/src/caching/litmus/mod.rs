//! Litmus programs: a few threads of loads, stores, fences and atomic swaps on shared locations, that tell one memory
//! model from another. Cores of a model run them; which outcomes a memory model allows is computed in `seedbed-properties`.

mod classical;
mod program;

pub use classical::{Litmus, classical};
pub use program::{Instruction, Location, Outcome, Program, Register, Value};
