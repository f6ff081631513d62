//! Three-phase commit: Skeen, *Nonblocking Commit Protocols* (1981); Bernstein, Hadzilacos and Goodman, *Concurrency
//! Control and Recovery in Database Systems* (1987), section 7.5, "the book".
//!
//! Two-phase commit blocks because a participant can be uncertain while another has committed. So there is a phase in
//! between: a coordinator that has all votes first lets all know so (PRE-COMMIT), and decides to commit when all that have
//! not crashed do. Then, while anybody that is up is uncertain, nobody has committed; and while anybody has pre-committed,
//! nobody has aborted. If the coordinator crashes, the participants that are up elect one of them, which asks for their
//! states and decides for all ([`participant`], [`termination`]).
//!
//! Guaranteed, where nodes crash and recover and nothing else fails, and no message takes longer than δ: AC1 to AC4; that
//! stores agree, money is conserved, transactions are serializable and locks are held; AC5 once failures are repaired; and
//! that participants that stay up decide within a bound ([`Settings::in_doubt_at_most`]) though the coordinator stays
//! down, and all others with it: it is *non-blocking*. If all crash that take part, *total failure*, those that recover must
//! wait until the last that crashed has recovered ([`recovery`]).
//!
//! Not guaranteed: anything where the network does not keep its bound. Then a timeout does not mean a crash. Under a
//! partition one side, in which all have pre-committed, commits, and the other, in which all are uncertain, aborts. One
//! message that comes late is enough: a PRE-COMMIT to the only participant, behind which the COMMIT waits on a link that
//! keeps its order. (With a second participant within reach the late one would have learnt from it.) Both are boundaries
//! of this model, kept with their shortest stories.
//!
//! Read it in this order: [`settings`] (the bound, and the timeouts that follow), [`coordinator`], [`participant`],
//! [`termination`], [`recovery`]; all that is not one of the phases is in [`super::commitment`]. [`bugs`] breaks one rule at
//! a time.
//!
//! # What differs from the book
//!
//! - The coordinator holds no data and does not vote. It takes part in recovery like the others.
//! - What is sent to several nodes is sent to one after the other, [`Settings::gap`] apart: a crash in between is what the
//!   protocol is about, and no crash comes within one handler.
//! - Who finds the coordinator silent tells the first participant that is up to coordinate, instead of waiting for it to
//!   find out itself: so the timeouts need not allow for participants that began to wait at different times.
//! - Pre-commits are logged, and an elected coordinator logs with whom it goes on before it lets others pre-commit: that
//!   is what the last to crash are known by after a total failure.
//! - A participant that has recovered does not acknowledge a PRE-COMMIT and is counted out, though it was asked.

mod broadcast;
pub mod bugs;
pub mod coordinator;
pub mod marks;
pub mod messages;
pub mod model;
pub mod participant;
pub mod recovery;
pub mod settings;
pub mod termination;

pub use bugs::Bug;
pub use coordinator::Coordinator;
pub use messages::ThreePhase;
pub use model::{Node, ThreePhaseCommit};
pub use participant::Participant;
pub use settings::Settings;
