//! What the protocols of atomic commitment share: a transaction touches several participants, each with its own store
//! and its own write-ahead log, and in the end all of them keep its effects or none does (Bernstein, Hadzilacos &
//! Goodman, *Concurrency Control and Recovery in Database Systems*, 1987, chapter 7, "the book").
//!
//! Who is there is a [`cluster`]. A [`client`] asks a coordinator for a transaction ([`work`]). The coordinator's [`desk`] sees to it that a request is
//! never begun twice. The participants first do the work, under locks, and then vote; what each holds of a transaction
//! stands in its [`ledger`]: the store, the log, and the way back from the log after a crash. Whoever votes or decides
//! says so in its [`journal`], which is what the properties read.
//!
//! The work is done before anybody is asked to prepare, and not together with it: a participant that only reads leaves
//! at its vote and lets its locks go, which is two-phase locking only if no lock is taken thereafter at any other
//! participant.

pub mod client;
pub mod cluster;
pub mod desk;
pub mod journal;
pub mod ledger;
pub mod work;

pub use client::{Answer, Client, Request, Retry};
pub use cluster::{Cluster, Seat};
pub use desk::Desk;
pub use journal::{Decision, Entry, Journal, Vote};
pub use ledger::{Ledger, Pledge, Record, Report, Standing, Write};
pub use work::{Op, Ret};
