//! Clocks and broadcast: what happened before what, and who is told of it in which order.
//!
//! **Clocks.** Every member stamps each of its events (it broadcasts a message, receives one, delivers one) by three
//! [`clocks`]: that of Lamport, a vector clock, and a hybrid logical clock.
//!
//! **Broadcast.** The members of a fixed group tell each other messages ([`dissemination`]: what a member has written to its
//! disk it hands on to all who lack it, so a message survives its sender), and deliver them in one of several [`orders`]
//! (Hadzilacos & Toueg, *A Modular Approach to Fault-Tolerant Broadcasts and Related Problems*, 1994):
//!
//! | [`Order`] | a member delivers | source |
//! |---|---|---|
//! | reliable | each message once, as they come | Cachin, Guerraoui & Rodrigues 2011, §3.3 |
//! | fifo | of one sender's, none before an earlier one | §3.9.2 |
//! | causal | none before those that its sender had delivered or broadcast before | Birman, Schiper & Stephenson 1991 |
//! | sequencer | the same sequence as all others: a member numbers the messages | Défago, Schiper & Urbán 2004, §4.1 |
//! | agreement | the same sequence as all others: a Raft group agrees on it | Chandra & Toueg 1996, §7; [`raft`](crate::replication::raft) |
//!
//! Delivery is *log-delivery* (Cachin and others, §3.5): a message is delivered when that is on the member's disk, and it
//! stays delivered whatever crashes.
//!
//! **Guaranteed**, whatever messages, clocks and disks do, and however often members crash: *validity*, a member delivers what
//! it has broadcast; *agreement*, what one member delivers all deliver; *integrity*, each message is delivered once at most,
//! and only if it was broadcast; and the order. The fixed sequencer is a single point: while it is down nothing is delivered
//! anywhere, where the Raft group needs a majority. **Not guaranteed**: that a total order keeps that of a sender:
//! messages are numbered as they come, and one that a crash has held up may be numbered after a later one. Anything after the loss
//! of a disk.

pub mod bugs;
pub mod clocks;
pub mod dissemination;
pub mod envelope;
pub mod events;
pub mod marks;
pub mod member;
pub mod messages;
pub mod model;
pub mod on_raft;
pub mod orders;
pub mod sequence;
pub mod settings;

pub use bugs::Bug;
pub use model::{Node, Ordering};
pub use orders::Order;
