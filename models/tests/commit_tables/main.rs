//! Two- and three-phase commit against their sources: one coordinator or one participant on a bench, and for each event what
//! is written, how, and what is sent.
//!
//! The book is Bernstein, Hadzilacos and Goodman, *Concurrency Control and Recovery in Database Systems* (1987), chapter 7:
//! phases, timeout actions, recovery, the cooperative termination protocol. Mohan, Lindsay and Obermarck, *Transaction
//! Management in the R\* Distributed Database Management System* (1986), say which records are forced and which messages are
//! acknowledged under each presumption.

mod setup;

mod three_phase_coordinator;
mod three_phase_participant;
mod two_phase_coordinator;
mod two_phase_participant;
