//! Sagas: Garcia-Molina and Salem, *Sagas* (SIGMOD 1987), "the paper".
//!
//! A saga is a long transaction that is cut into local transactions `T_1 … T_n`, each of which commits at once at its
//! own service, so that nobody holds locks for long. If one of them is refused, those that were executed are undone by
//! their compensating transactions `C_i`, in reverse order of dependency. So a saga ends with all `T_i`, or with every
//! executed `T_i` compensated (the paper's introduction). Past the *pivot* it only goes forward.
//!
//! Two ways to drive it, over the same business and the same [`service`]s ([`Settings::coordination`]): a [`coordinator`]
//! with a durable saga log that requests steps of [`participant`]s, or events that the services tell each other
//! ([`choreographer`]).
//!
//! Guaranteed, under all faults but lost disks and lies: all or compensated, in order; each `T_i` and `C_i` takes
//! effect at most once; no `C_i` without its `T_i`, and no `T_i` after its `C_i`; past the pivot only forward; and
//! once the faults have ended, every saga ends. Not guaranteed: isolation. Others see what a saga did before it has
//! ended, and may have to be undone. *Semantic locks* ([`Settings::semantic_locks`]) give it back, as far as what
//! compensatable steps have touched is refused to other sagas until they are undone or final; without them there are
//! dirty reads and lost updates.
//!
//! Read: [`plan`] (pure), [`business`], [`job`] (plans that are drawn), [`service`], [`participant`], [`coordinator`], [`choreographer`], [`model`].
//! [`bugs`] breaks one rule at a time.
//!
//! What differs from the paper: there are no save-points, because each step is one; steps run in parallel and at
//! different services, as in its section on parallel sagas; what need not be forced to the saga log is not.

pub mod bugs;
pub mod business;
pub mod choreographer;
pub mod coordinator;
pub mod job;
pub mod marks;
pub mod messages;
pub mod model;
pub mod orchestrator;
pub mod participant;
pub mod plan;
pub mod service;
pub mod settings;

pub use bugs::Bug;
pub use messages::{Outcome, Why};
pub use model::{Node, Saga};
pub use participant::Participant;
pub use settings::{Coordination, Recovery, Settings};
