//! Transactions over several nodes: atomic commitment, and what is done where it costs too much.
//!
//! All models of the family keep real data, in the [`store`], and take money from one account to another
//! ([`transfer`]), so that they can be judged by what is in the stores and compared on the same work.
//!
//! Those who do local transactions for others keep a [`ledger`]; what a node has done for good stands in its [`journal`].

pub mod commitment;
pub mod journal;
pub mod ledger;
pub mod mvcc;
pub mod outbox;
pub mod saga;
pub mod store;
pub mod tcc;
pub mod three_phase_commit;
pub mod transfer;
pub mod two_phase_commit;

use std::fmt;

use seedbed_sim::OpId;
use serde::{Deserialize, Serialize};

/// A transaction: the number of the client's operation that asked for it, so that asking again is not asking twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TxId(pub u64);

impl fmt::Display for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("t{}", self.0))
    }
}

// Stories and refusals are full of them.
impl fmt::Debug for TxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<TxId> for OpId {
    fn from(tx: TxId) -> Self {
        OpId(tx.0)
    }
}

impl From<OpId> for TxId {
    fn from(op: OpId) -> Self {
        TxId(op.0)
    }
}
