//! The outcomes of a litmus program that a memory model allows, by exhaustive exploration, compared with observed ones.
//!
//! The oracle is operational. Sequential consistency (Lamport 1979): one instruction of one thread at a time, on one
//! memory. TSO (Sewell, Sarkar, Owens, Zappa Nardelli and Myreen, "x86-TSO", 2010, section 3): each thread has a FIFO
//! buffer of stores, reads the newest store to a location in it or else the memory, and empties it at fences and swaps;
//! at any time the oldest store of a buffer may reach memory.
//!
//! It finds all outcomes, and no others. Programs have no branches, so there are finitely many states; the time grows
//! with the number of interleavings, which is small for the classical programs.
//!
//! ```
//! use seedbed_models::caching::litmus::classical;
//! use seedbed_properties::caching::litmus::{Memory, outcomes};
//!
//! let sb = classical().into_iter().find(|litmus| litmus.program.name == "SB").unwrap();
//! assert_eq!(sb.program.to_string(), "x = 1; r0 = y ‖ y = 1; r0 = x");
//! assert!(!outcomes(&sb.program, Memory::Sc).iter().any(|outcome| sb.shows(outcome)));
//! assert!(outcomes(&sb.program, Memory::Tso).iter().any(|outcome| sb.shows(outcome)));
//! ```

mod oracle;

use std::collections::BTreeSet;
use std::fmt;

pub use oracle::{Memory, outcomes};
use seedbed_models::caching::litmus::{Outcome, Program};
use seedbed_sim::{AtEnd, Model, Verdict, World};

/// The difference between observed and allowed outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Observed and not allowed: the memory violates its model.
    pub beyond: BTreeSet<Outcome>,
    /// Allowed and never observed: the memory is stronger than its model, or too few worlds were run.
    pub missing: BTreeSet<Outcome>,
}

/// Compares the outcomes of a sweep with the allowed ones.
pub fn compare(observed: &BTreeSet<Outcome>, allowed: &BTreeSet<Outcome>) -> Comparison {
    Comparison {
        beyond: observed.difference(allowed).cloned().collect(),
        missing: allowed.difference(observed).cloned().collect(),
    }
}

impl Comparison {
    /// Whether the observed outcomes are exactly the allowed ones.
    pub fn is_exact(&self) -> bool {
        self.beyond.is_empty() && self.missing.is_empty()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |outcomes: &BTreeSet<Outcome>| {
            let items: Vec<String> = outcomes.iter().map(|outcome| format!("[{outcome}]")).collect();
            items.join(", ")
        };
        match (self.beyond.is_empty(), self.missing.is_empty()) {
            (true, true) => write!(f, "exactly what is allowed was observed"),
            (false, true) => write!(f, "observed and not allowed: {}", list(&self.beyond)),
            (true, false) => write!(f, "allowed and never observed: {}", list(&self.missing)),
            (false, false) => {
                write!(f, "observed and not allowed: {}; ", list(&self.beyond))?;
                write!(f, "allowed and never observed: {}", list(&self.missing))
            }
        }
    }
}

/// Judges one outcome.
///
/// # Errors
/// The outcome and the program, if the memory model does not allow it.
pub fn allows(memory: Memory, program: &Program, outcome: &Outcome) -> Result<(), String> {
    if outcomes(program, memory).contains(outcome) {
        return Ok(());
    }
    Err(format!("{memory} does not allow {} [{program}] to end with [{outcome}]", program.name))
}

/// The property `name`: the program of a world ends as the memory model allows. `view` returns the program and its
/// outcome, or `None` before its end. Missing outcomes show only over many worlds: collect them and [`compare()`].
pub fn within<M: Model>(
    name: impl Into<String>,
    memory: Memory,
    view: impl Fn(&World<M>) -> Option<(Program, Outcome)> + Clone + Send + Sync + 'static,
) -> AtEnd<impl Fn(&World<M>) -> Verdict + Clone + Send + Sync + 'static> {
    AtEnd::new(name, move |world: &World<M>| match view(world) {
        Some((program, outcome)) => Ok(allows(memory, &program, &outcome)?),
        None => Ok(()),
    })
}
