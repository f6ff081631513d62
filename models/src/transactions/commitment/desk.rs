//! Where a coordinator deals with clients: a transaction is begun at most once, in one life of the coordinator.
//!
//! A coordinator that has forgotten a transaction answers for it by presumption, so it must never begin it thereafter.
//! But requests are repeated, by clients and by the network, and arrive after crashes. So a coordinator counts its
//! lives, durably, and a request says in which it may begin: in every later one it is answered and not begun. (The
//! incarnation number that real systems have in their transaction identifiers.)

use std::collections::{BTreeMap, BTreeSet};

use crate::transactions::TxId;
use crate::transactions::commitment::client::Request;
use crate::transactions::commitment::work::Ret;

/// What a coordinator knows of its clients' requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Desk {
    life: u64,
    /// What the log says is committed.
    committed: BTreeSet<TxId>,
    /// What was answered in this life.
    answered: BTreeMap<TxId, Ret>,
}

impl Desk {
    /// A desk in this life, the first is 1, with what earlier lives have committed.
    pub fn new(life: u64, committed: BTreeSet<TxId>) -> Self {
        Desk { life, committed, answered: BTreeMap::new() }
    }

    /// Which life this is.
    pub fn life(&self) -> u64 {
        self.life
    }

    /// The answer to a request that is not to be begun; none if it may begin, unless it is open already.
    pub fn answer(&self, request: &Request) -> Option<Ret> {
        assert!(request.life <= self.life, "nobody knows of later lives: {request:?} came in life {}", self.life);
        let answered = self.answered.get(&request.tx);
        if answered.is_some() || request.life == self.life {
            return answered.cloned();
        }
        Some(match self.committed.contains(&request.tx) {
            true => Ret::Committed { reads: None },
            false => Ret::Aborted,
        })
    }

    /// Remembers an answer, for requests that are repeated.
    pub fn remember(&mut self, tx: TxId, ret: Ret) {
        self.answered.insert(tx, ret);
    }
}
