//! Cache coherence: protocols that keep many copies of a block looking like one (Nagarajan, Sorin, Hill & Wood, *A Primer
//! on Memory Consistency and Cache Coherence*, 2nd edition, 2020; "the Primer").
//!
//! Each core has a cache, on which it performs its loads and stores. Caches request copies, and the permission to write, of
//! each other and of the home of a block. The node `n0` is the directory with the memory, or the bus with the memory; in IVY
//! the homes are distributed over the nodes of the cores.
//!
//! | [`Protocol`] | on | source |
//! |---|---|---|
//! | MSI, MESI, MOESI, MESIF | bus, directory, unordered | Primer ch. 7 (snooping) and 8 (directory); MESIF's forwarder as Goodman & Hum, *MESIF: A Two-Hop Cache Coherency Protocol for Point-to-Point Interconnects*, 2009, have it, on the Primer's bus and directory |
//! | German's | directory | a home with one request at a time (Chou, Mannava & Park, FMCAD 2004) |
//! | Dragon | bus | updates the copies of others instead of having them forgotten |
//! | IVY, fixed and dynamic manager | unordered | Li & Hudak, "Memory Coherence in Shared Virtual Memory Systems", ACM TOCS 7(4), 1989 |
//!
//! **Tables are data.** The transitions of controllers are in `tables/`, one text for each controller, in the form of the
//! Primer's tables; [`table`] reads them and [`controller`] interprets them. To add a protocol is to add its tables, a
//! variant of [`Protocol`], and a line in [`protocol`]. An event without an entry is impossible, and the interpreter asserts
//! that it does not happen; an entry that no sweep uses is reported.
//!
//! **Roles.** [`processor`] is a core with its cache, and in IVY with a manager; [`home`] is a directory with the memory; [`bus`]
//! is a bus with the memory. [`ports`] are their queues and channels.
//!
//! **Networks.** Requests and responses take networks without order. Forwards keep their order from the home to each cache
//! (Primer §8.2), and the bus broadcasts requests in one total order. On [`Interconnect::Unordered`] nothing keeps any
//! order: the home is blocked from a request until the requestor's transaction is complete, so at most one transaction of a
//! block is under way ([`table::Table::blocking`] derives such tables from the others). Channels can be bounded
//! ([`settings::Channels`]): three, with room for one message each, are enough for the directories here; with two, forwards wait
//! for responses that wait behind them.
//!
//! **Cores** are sequentially consistent or have store buffers ([`settings::MemoryModel`]). They run the operations of clients,
//! and a litmus program if there is one.
//!
//! **Guaranteed**, in any order and with any latency that the interconnect allows, and with [`crate::parts::link`] below also over
//! a network that loses and duplicates messages: one writer or many readers; a load reads the last store; the order of
//! each block respects program order; litmus programs have all outcomes that SC or TSO allow, and no others; the home agrees
//! with the caches; every request completes.
//!
//! **Not guaranteed**: anything when a node crashes. On a bus, writers and readers exclude each other in the order of the
//! bus and not in real time: a cache that has not snooped a request yet may still read what another has overwritten
//! (Primer §7.1); so too does Dragon keep sequential consistency, and not linearizability.
//!
//! **Different from the sources**: the memory of a bus knows the owner by its name, so a late PutM needs no message without
//! data; a cache evicts an unmodified exclusive copy on a bus as if it were modified; German's owner answers an
//! invalidation with data, not with an acknowledgement that carries them, and grants take the network of responses, where
//! an invalidation overtakes them and waits; caches have no sets, and replace the least recently used block.

pub mod bugs;
pub mod bus;
pub mod controller;
pub mod core;
pub mod home;
pub mod marks;
pub mod messages;
pub mod model;
pub mod ports;
pub mod processor;
pub mod protocol;
pub mod settings;
pub mod setup;
pub mod table;
mod workload;

pub use bugs::Bug;
pub use model::{Coherence, HOME, Node, program};
pub use protocol::{Interconnect, Protocol};
