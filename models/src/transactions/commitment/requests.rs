//! What clients and coordinators say to each other.

use crate::transactions::TxId;
use crate::transactions::commitment::work::{Op, Ret};

/// How many times a coordinator has started, itself included: the incarnation number of transaction identifiers in real
/// systems. The first is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

impl Default for Incarnation {
    fn default() -> Self {
        Incarnation(1)
    }
}

/// A client asks a coordinator for a transaction. It is the same each time it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The transaction.
    pub tx: TxId,
    /// The coordinator's incarnation, as far as the client knew. In any later one the transaction is not begun; see
    /// [`crate::transactions::commitment::request_log`].
    pub incarnation: Incarnation,
    /// What the transaction does.
    pub op: Op,
}

/// A coordinator tells a client how a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The transaction.
    pub tx: TxId,
    /// How it ended.
    pub ret: Ret,
    /// The coordinator's incarnation, for the client's next request.
    pub incarnation: Incarnation,
}
