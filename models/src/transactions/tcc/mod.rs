//! TCC: try, confirm, cancel. Helland, *Life beyond Distributed Transactions: an Apostate's Opinion* (CIDR 2007):
//! tentative operations, and their confirmation or cancellation; Pardon & Pautasso, *Atomic Distributed Transactions: a
//! RESTful Design* (WS-REST 2014): reservations that time out.
//!
//! A transaction over several participants in two phases. *Try*: each reserves what is needed, in a local transaction
//! that commits at once; what is reserved is kept from others, and no lock is held. *Confirm*: if all have reserved,
//! each uses what it has reserved, which cannot fail. *Cancel*: otherwise each gives it back. The coordinator writes
//! its decision to disk and asks for confirm or cancel for ever.
//!
//! Three things go wrong with it in practice, all because messages are late or come twice: a cancel comes whose try
//! never did (an *empty* cancel, which is written down and has no effect); a try comes after its cancel (a *hanging*
//! try, which is refused); a confirm or a cancel comes again (answered from the journal).
//!
//! **Reservation timeout.** A participant whose reservation times out does *not* cancel by itself: it asks the
//! coordinator, who answers with its decision, and decides to cancel if there is none. In the paper of 2014
//! participants cancel by themselves at the timeout, and the coordinator must confirm before it; where messages and
//! processes may be late by any time, no deadline makes that safe: one participant may have confirmed while the
//! confirm to another is still on its way. This is the uncertainty period of two-phase commit (Bernstein, Hadzilacos &
//! Goodman 1987, section 7.4), and the price is the same: while the coordinator is down, a reservation outlives its
//! timeout. It ends within a bound after that.
//!
//! Guaranteed, under all faults but lost disks and lies: free + reserved + used is what it should be, and nothing
//! negative, at every instant; all confirm or all cancel; each takes effect at most once; no reservation outlives its
//! timeout, plus a bound, once the faults have ended. Not guaranteed: that others do not see what is used at one
//! participant before it is at another.
//!
//! Read: [`business`], [`participant`], [`coordinator`], [`model`]. [`bugs`] breaks one rule at a time.

pub mod bugs;
pub mod business;
pub mod coordinator;
pub mod marks;
pub mod messages;
pub mod model;
pub mod participant;
pub mod settings;

pub use bugs::Bug;
pub use messages::{Outcome, Why};
pub use model::{Node, Tcc};
pub use settings::Settings;
