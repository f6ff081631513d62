//! Two-phase commit: Gray, *Notes on Data Base Operating Systems* (1978); Mohan, Lindsay and Obermarck, *Transaction
//! Management in the R\* Distributed Database Management System* (1986), "Mohan et al."; Bernstein, Hadzilacos and
//! Goodman, *Concurrency Control and Recovery in Database Systems* (1987), chapter 7, "the book".
//!
//! A coordinator asks the participants of a transaction for their votes; if all vote yes it commits, else it aborts, and
//! tells them. Who votes yes writes down first what it would need to commit after a crash, and from then on holds its
//! locks until it is told. The coordinator's record is the decision.
//!
//! Guaranteed, whatever is lost, late, doubled, cut off or crashed: AC1 to AC4 of the book; that stores agree and money
//! is conserved; that committed transactions are serializable; that who voted yes holds its locks until it knows; and
//! AC5, that all learn the decision once failures are repaired. Not guaranteed: that anybody learns it before. A
//! coordinator that falls after it has asked for votes leaves those who voted yes *blocked*, with their locks, for as long
//! as it is down; asking each other helps only if one of them knows or has not voted ([`participant`]).
//!
//! Read it in this order: [`settings`] (what is presumed of the unknown, and what that saves), [`coordinator`],
//! [`participant`]; all that is not one of the two phases is in [`super::commitment`]. [`bugs`] breaks one rule at a time.
//! [`replicated`] is for hosts: participants that are Raft groups.
//!
//! # What a transaction costs
//!
//! Log records, forced and lazy, and messages of one transaction without faults (Mohan et al., table 1; Lampson & Lomet,
//! *A New Presumed Commit Optimization for Two Phase Commit*, 1993, section 3; Weikum & Vossen, *Transactional Information
//! Systems*, 2002, section 19.3). Of the participants, `u` change something and vote yes, `r` only read and leave at their
//! vote, `n` vote no. Each cell is forced records + lazy records; messages are those of the two phases.
//!
//! | outcome | presumed | coordinator | a yes | a no | a read-only | messages |
//! |---|---|---|---|---|---|---|
//! | commit | nothing | 1 + 1 | 2 + 0 | | 0 + 0 | 4u + 2r |
//! | commit | abort | 1 + 1 | 2 + 0 | | 0 + 0 | 4u + 2r |
//! | commit | commit | 2 + 0 | 1 + 1 | | 0 + 0 | 3u + 2r |
//! | abort | nothing | 1 + 1 | 2 + 0 | 1 + 0 | 0 + 0 | 4u + 2n + 2r |
//! | abort | abort | 0 + 0 | 1 + 1 | 0 + 1 | 0 + 0 | 3u + 2n + 2r |
//! | abort | commit | 1 + 1 | 2 + 0 | 1 + 0 | 0 + 0 | 4u + 2n + 2r |
//! | all read only | nothing, abort | 0 + 0 | | | 0 + 0 | 2r |
//! | all read only | commit | 1 + 1 | | | 0 + 0 | 2r |
//!
//! A participant that only reads and votes no writes nothing either: it has nothing to abort. Where all only read and
//! commits are presumed, a crash of the coordinator may lose the lazy commit and make an abort of it, of which nobody can
//! see anything. With more than one no, or a read-only vote that comes after a no, the coordinator also tells those whose vote was
//! still on its way. Weikum & Vossen have a forced *begin* record in the basic protocol; like Mohan et al. and Lampson &
//! Lomet we do without, for a coordinator that remembers nothing has decided nothing.
//!
//! # What differs from the papers
//!
//! - A transaction's work is one message to each participant, and whether it could be done is told in the vote, so that
//!   all aborts but those of a dead participant go through the protocol.
//! - The network loses, doubles and reorders; the papers assume sessions. So a coordinator has incarnations
//!   ([`super::commitment::request_log`]), and a participant that has not voted and is asked by another forces its abort
//!   before it answers, whatever is presumed.
//! - Coordinators keep, for their clients, what was committed, and participants keep their logs, for ever: when they may be
//!   cut is not modelled. Forgetting means here what it means in the papers: questions of participants are answered from
//!   the table of open transactions alone.
//! - One level of participants, not R\*'s tree.

pub mod bugs;
pub mod coordinator;
pub mod marks;
pub mod messages;
pub mod model;
pub mod participant;
pub mod replicated;
pub mod settings;

pub use bugs::Bug;
pub use coordinator::Coordinator;
pub use messages::TwoPhase;
pub use model::{Node, TwoPhaseCommit};
pub use participant::Participant;
pub use settings::{Presumption, Settings};
