//! Remote procedure calls through three tiers: a client calls a front server, which calls back servers on its behalf. Birrell &
//! Nelson, *Implementing Remote Procedure Calls*, TOCS 1984; Lee, Park, Kejriwal, Matsushita & Ousterhout, *Implementing
//! Linearizability at Large Scale and Low Latency* (RIFL), SOSP 2015.
//!
//! - **Identity** (RIFL §3.2). A call has the client's session and a number in it, from the client through all tiers, however
//!   often and through whichever front server it is sent. The back server keeps a *completion record* with each effect, on its
//!   disk, and answers from it what comes again ([`back`]).
//! - **Garbage** (§3.3). Each request says which is the first of the client's calls that has not ended. Completion records
//!   before that are dropped; a request before that is *stale*: it is not executed, and answered by an error.
//! - **Leases** (§3.4). A session lasts while its client keeps it alive at the lease manager ([`leases`]), whose clock alone
//!   decides. A back server that is about to rely on a lease, or to drop the records of a session, asks there.
//! - **Deadlines**. A call has a deadline. It travels as the time that is left, as in gRPC, for clocks differ; each tier counts
//!   it from the receipt on its own clock, stops then, and passes on what is left. **Cancellation** travels the same way.
//! - **Retries** with exponential backoff and jitter, from the client and from the front server.
//!
//! **Guaranteed**, whatever messages, clocks and disks do, and whoever crashes: a call takes effect at most once at each back
//! server; one that was answered has taken effect; a reply belongs to its call; nothing is surfaced after the deadline; a
//! completion record stays while its client may retry. **Not guaranteed**: what became of a call that ended by its deadline,
//! by its cancellation, or with its session; that a call over two back servers takes effect at both.
//!
//! **Different from RIFL**: the lease manager is one server that survives crashes by its disk, and not a replicated one; there
//! is no cluster clock: back servers ask the lease manager again after a while instead; results are not migrated.

pub mod back;
pub mod bugs;
pub mod client;
pub mod front;
pub mod leases;
pub mod marks;
pub mod messages;
pub mod model;
pub mod retries;

pub use bugs::Bug;
pub use model::{Node, RequestResponse};
