//! Request de-duplication across incarnations of a coordinator: a transaction is begun at most once.
//!
//! A coordinator that has forgotten a transaction answers for it by presumption, so it must not begin it afterwards. But
//! requests are repeated, by clients and by the network, and arrive after crashes. So a coordinator counts its
//! incarnations durably, and a request names the one that its client knew of. In any later incarnation the request is
//! answered from the log, and the transaction is not begun.

use std::collections::{BTreeMap, BTreeSet};

use crate::transactions::TxId;
use crate::transactions::commitment::requests::{Incarnation, Request};
use crate::transactions::commitment::work::Ret;

/// What a coordinator knows of its clients' requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestLog {
    incarnation: Incarnation,
    /// The transactions that earlier incarnations have committed, as the log says.
    committed: BTreeSet<TxId>,
    /// What this incarnation has answered.
    answered: BTreeMap<TxId, Ret>,
}

impl RequestLog {
    /// The log of requests in this incarnation; `committed` are the transactions that earlier ones have committed.
    pub fn new(incarnation: Incarnation, committed: BTreeSet<TxId>) -> Self {
        RequestLog { incarnation, committed, answered: BTreeMap::new() }
    }

    /// The coordinator's incarnation.
    pub fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The reply to a request whose transaction has ended, or must not be begun any more. `None` if it is open or may begin.
    pub fn ret(&self, request: &Request) -> Option<Ret> {
        let Request { tx, incarnation, .. } = request;
        assert!(*incarnation <= self.incarnation, "nobody knows of later incarnations: {request:?}");
        let answered = self.answered.get(tx);
        if answered.is_some() || *incarnation == self.incarnation {
            return answered.cloned();
        }
        Some(if self.committed.contains(tx) { Ret::Committed { reads: None } } else { Ret::Aborted })
    }

    /// Remembers a reply, for requests that are repeated.
    ///
    /// # Panics
    /// If another reply was given before.
    pub fn answered(&mut self, tx: TxId, ret: Ret) {
        let before = self.answered.insert(tx, ret);
        assert!(before.is_none(), "a transaction ends once: {tx} had ended with {before:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transactions::commitment::work::Op;

    fn request(tx: u64, incarnation: u64) -> Request {
        Request { tx: TxId(tx), incarnation: Incarnation(incarnation), op: Op::default() }
    }

    #[test]
    fn requests_of_earlier_incarnations_are_answered_and_not_begun() {
        let log = RequestLog::new(Incarnation(2), BTreeSet::from([TxId(1)]));
        assert_eq!(log.ret(&request(1, 1)), Some(Ret::Committed { reads: None }));
        assert_eq!(log.ret(&request(2, 1)), Some(Ret::Aborted));
        assert_eq!(log.ret(&request(3, 2)), None);
    }

    #[test]
    fn repeated_requests_are_answered_alike() {
        let mut log = RequestLog::new(Incarnation(1), BTreeSet::new());
        log.answered(TxId(1), Ret::Aborted);
        assert_eq!(log.ret(&request(1, 1)), Some(Ret::Aborted));
    }
}
