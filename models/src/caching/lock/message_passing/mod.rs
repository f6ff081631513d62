//! Distributed mutual exclusion by messages among the clients, without a server and without leases.
//!
//! | algorithm | idea | messages an entry, with `n` nodes |
//! |---|---|---|
//! | [`suzuki_kasami`] | the node that has the token may enter; the token knows who waits | 0 or `n` |
//! | [`ricart_agrawala`] | a node that all others permit to may enter; the older request goes first | `2(n − 1)` |
//! | [`maekawa`] | a node that its quorum permits to may enter; any two quorums intersect | `3√n` to `6√n` |
//!
//! **Tolerated**: all three papers assume links that lose, duplicate and (Maekawa) reorder nothing. [`crate::parts::link`] makes
//! such links of the network's, so loss, duplicates, reordering and partitions that end are tolerated; and as no algorithm
//! looks at a clock, so are skew and pauses. During a partition a node that needs the other side is blocked.
//!
//! **Not tolerated**: crashes. A node that loses its state loses the token, or forgets what it has permitted.
//!
//! **Fencing tokens** are not in the papers. The token of Suzuki and Kasami counts its uses; a request of Ricart and Agrawala
//! has a timestamp, and nodes enter in their order; Maekawa's arbiters remember the last fencing token that was released to
//! them and send it with their permission, so that the next is greater, for any two quorums intersect.

pub mod effects;
pub mod maekawa;
pub mod messages;
pub mod peer;
pub mod ricart_agrawala;
pub mod suzuki_kasami;

pub use messages::{PeerMessage, Privilege, Timestamp};
pub use peer::{Algorithm, Peer};
