//! Linearizability (Herlihy and Wing 1990): is there an order of the operations, each at one instant between its
//! invocation and its response, in which a sequential object would have given the answers that were given?
//!
//! ```
//! use seedbed_properties::checkers::linearizability::{Checker, Operation, specs::register::{Register, Access::*, Answer::*}};
//!
//! let history = [
//!     Operation::completed(0, Write(1), 0, 10, Written),
//!     Operation::completed(1, Read, 2, 4, Value(1)),
//!     Operation::completed(2, Read, 6, 8, Value(0)), // a stale read: p1 has already seen 1
//! ];
//! let verdict = Checker::new(Register::new(0)).check(&history);
//! assert_eq!(verdict.violation().unwrap().culprit, 2);
//! ```
//!
//! Contents:
//! - [`linearizable`]: a property of a model, from a specification and a view of the model's operations;
//! - [`Checker`]: the checker of a list of [`Operation`]s, with a [`Verdict`] and a [`Counterexample`];
//! - [`Specification`]: a sequential object; [`specs`] has the usual ones;
//! - [`gibbons_korach`]: the polynomial algorithm for registers whose writes are unique.
//!
//! The general problem is NP-complete (Gibbons and Korach 1997), so the search has limits, beyond which the verdict is
//! [`Verdict::Unknown`].

mod checker;
mod counterexample;
pub mod draw;
mod failed;
pub mod gibbons_korach;
mod judge;
mod layout;
mod operation;
mod part;
mod property;
mod search;
mod specification;
pub mod specs;
mod verdict;

pub use checker::{Checker, Limits, Stop};
pub(crate) use failed::measured_hash;
pub use operation::{Operation, from_history};
pub use property::{Linearizable, linearizable};
pub use specification::{Decider, Decision, Span, Spanned, Specification, Step};
pub use verdict::{Bar, Configuration, Counterexample, Unknown, Verdict};
