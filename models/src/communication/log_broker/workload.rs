//! What clients are asked, drawn and checked.

use proptest::prelude::*;

use crate::communication::log_broker::messages::{Isolation, Op, Post};
use crate::communication::log_broker::record::Key;

/// The most records of an operation.
const MOST_RECORDS: usize = 16;

/// Checks an operation.
pub(super) fn validate(op: &Op) -> Result<(), String> {
    match op {
        Op::Send(posts) | Op::Transact { posts, .. } if posts.is_empty() || posts.len() > MOST_RECORDS => {
            Err(format!("there must be 1 to {MOST_RECORDS} records"))
        }
        Op::Send(_) | Op::Transact { .. } | Op::Read(_) => Ok(()),
    }
}

/// Operations: mostly several records at once, some of them with a key; now and then all is read.
pub(super) fn op() -> BoxedStrategy<Op> {
    let post = prop::option::weighted(0.6, (0u16..5).prop_map(Key)).prop_map(|key| Post { key });
    let posts = prop::collection::vec(post, 1..6);
    let send = posts.clone().prop_map(Op::Send);
    let transact = (posts, prop::bool::weighted(0.7)).prop_map(|(posts, commit)| Op::Transact { posts, commit });
    let isolation = prop_oneof![Just(Isolation::ReadUncommitted), Just(Isolation::ReadCommitted)];
    prop_oneof![4 => send, 3 => transact, 2 => isolation.prop_map(Op::Read)].boxed()
}
