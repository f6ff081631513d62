//! Cache coherence: protocols that keep many copies of a block looking like one (Nagarajan, Sorin, Hill & Wood, *A Primer
//! on Memory Consistency and Cache Coherence*, 2nd edition, 2020; "the Primer").
//!
//! Each core has a cache; what it loads and stores goes there. Caches ask each other, and the home of a block, for copies
//! and for the right to write. The node `n0` is the directory with the memory, or the bus with the memory; in IVY the homes
//! are spread over the cores.
//!
//! | [`Protocol`] | on | source |
//! |---|---|---|
//! | MSI, MESI, MOESI, MESIF | bus, directory, unordered | Primer ch. 7 (snooping) and 8 (directory); MESIF's forwarder as Goodman & Hum, *MESIF: A Two-Hop Cache Coherency Protocol for Point-to-Point Interconnects*, 2009, have it, on the Primer's bus and directory |
//! | German's | directory | a home with one request at a time (Chou, Mannava & Park, FMCAD 2004) |
//! | Dragon | bus | updates the copies of others instead of having them forgotten |
//! | IVY, fixed and dynamic manager | unordered | Li & Hudak, "Memory Coherence in Shared Virtual Memory Systems", ACM TOCS 7(4), 1989 |
//!
//! **Tables are data.** What a controller does stands in `tables/`, one text for each controller, in the form of the
//! Primer's tables; [`table`] reads them and [`controller`] interprets them. To add a protocol is to add its tables, a
//! variant of [`Protocol`], and a line in [`protocol`]. What stands in no line is impossible, and the interpreter asserts
//! that it does not happen; what does stand there has to be reached by a sweep, or it is reported.
//!
//! **Networks.** Requests and responses take networks without order. Forwards keep their order from the home to each cache
//! (Primer §8.2), and the bus shows requests in the same order to all. On [`Interconnect::Unordered`] nothing keeps any
//! order: the home is blocked from a request until the requestor says that it has all, so at most one transaction of a
//! block is under way ([`table::Table::blocking`] derives such tables from the others). Channels can be bounded
//! ([`node::Channels`]): three, with room for one message each, are enough for the directories here; with two, forwards wait
//! for responses that wait behind them.
//!
//! **Cores** are sequentially consistent or have store buffers ([`core::Kind`]). They run what clients ask, and a litmus
//! program if there is one.
//!
//! **Guaranteed**, in any order and with any latency that the interconnect allows, and with [`crate::parts::link`] below also over
//! a network that loses and doubles messages: one writer or many readers; a read gives what was last written; the order of
//! each block respects each program; litmus programs end as SC or TSO allow, and in all of these ways; the home agrees with
//! the caches; every request completes.
//!
//! **Not guaranteed**: anything when a node crashes. On a bus, writers and readers exclude each other in the order of the
//! bus and not in real time: a cache that has not yet seen a request may still read what another has written over
//! (Primer §7.1); so too does Dragon keep sequential consistency, and not linearizability.
//!
//! **Different from the sources**: the memory of a bus knows the owner by its name, so a late PutM needs no message without
//! data; a cache gives up an unchanged exclusive copy on a bus as if it were changed; German's owner answers an
//! invalidation with data, not with an acknowledgement that carries them, and grants take the network of responses, where
//! an invalidation overtakes them and waits; blocks are in caches without sets, replaced
//! least recently used first.

pub mod bugs;
pub mod controller;
pub mod core;
pub mod message;
pub mod model;
pub mod node;
pub mod protocol;
pub mod table;

pub use bugs::Bug;
pub use model::{Coherence, HOME, program};
pub use protocol::{Interconnect, Protocol};
