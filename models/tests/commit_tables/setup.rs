//! Who is there, and the one transaction that all tests are about: it takes money from an account of `P1` to one of `P2`, and
//! looks at one of `P3`.

use std::collections::BTreeSet;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Incarnation, Op, Reads, Reply, Request, Ret};
use seedbed_models::transactions::store::{Key, Step, Store};
use seedbed_models::transactions::transfer::{Transfer, keys_of};
use seedbed_sim::NodeId;

pub const COORDINATOR: NodeId = NodeId(0);
pub const P1: NodeId = NodeId(1);
pub const P2: NodeId = NodeId(2);
pub const P3: NodeId = NodeId(3);
pub const CLIENT: NodeId = NodeId(9);
pub const TX: TxId = TxId(1);

pub fn participants() -> Vec<NodeId> {
    vec![P1, P2, P3]
}

pub fn request() -> Request {
    let transfer = Transfer { from: Key(0), to: Key(1), amount: 30 };
    Request { tx: TX, incarnation: Incarnation(1), op: Op { transfer: Some(transfer), reads: vec![Key(2)] } }
}

pub fn reply(ret: Ret) -> Reply {
    Reply { tx: TX, ret, incarnation: Incarnation(1) }
}

pub fn committed() -> Reply {
    reply(Ret::Committed { reads: Some(Reads::new()) })
}

pub fn aborted() -> Reply {
    reply(Ret::Aborted)
}

/// What `P1` holds: two accounts of a hundred each.
pub fn store() -> Store {
    Store::new(keys_of(0, 3, 6), 100)
}

pub fn withdrawal() -> Vec<Step> {
    vec![Step::Add { key: Key(0), amount: -30 }]
}

pub fn overdraft() -> Vec<Step> {
    vec![Step::Add { key: Key(0), amount: -300 }]
}

pub fn look() -> Vec<Step> {
    vec![Step::Read { key: Key(0) }]
}

pub fn set(nodes: impl IntoIterator<Item = NodeId>) -> BTreeSet<NodeId> {
    nodes.into_iter().collect()
}
