//! The transactions that clients ask for.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_sim::{NodeId, Operation, Time};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::exists;
use crate::transactions::store::{Cell, Key, Step};
use crate::transactions::transfer::{self, Transfer, shard_of};

/// A transaction: reads some accounts, and moves money from one to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Op {
    /// The money to be moved; `None` in a transaction that only reads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfer: Option<Transfer>,
    /// The accounts to be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<Key>,
}

impl From<Transfer> for Op {
    fn from(transfer: Transfer) -> Self {
        Op { transfer: Some(transfer), reads: Vec::new() }
    }
}

impl Op {
    /// Checks that it is about so many accounts.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(&self, accounts: u16) -> Result<(), String> {
        self.reads.iter().try_for_each(|key| exists("account", key.0, accounts))?;
        self.transfer.map_or(Ok(()), |transfer| transfer.validate(accounts))
    }

    /// What it does, in order.
    pub fn steps(&self) -> impl Iterator<Item = Step> + '_ {
        let reads = self.reads.iter().map(|key| Step::Read { key: *key });
        reads.chain(self.transfer.iter().flat_map(|transfer| [transfer.withdrawal(), transfer.deposit()]))
    }

    /// What it does at each participant.
    ///
    /// # Panics
    /// If there are no participants.
    pub fn at(&self, participants: &[NodeId]) -> BTreeMap<NodeId, Vec<Step>> {
        let mut parts: BTreeMap<NodeId, Vec<Step>> = BTreeMap::new();
        for step in self.steps() {
            let shard = shard_of(step.key(), participants.len() as u16);
            parts.entry(participants[usize::from(shard)]).or_default().push(step);
        }
        parts
    }
}

/// How a transaction ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// All of it took effect.
    Committed {
        /// What it read, before its own writes; `None` where the coordinator has forgotten it in a crash.
        reads: Option<BTreeMap<Key, Cell>>,
    },
    /// Nothing of it took effect, or ever will.
    Aborted,
}

/// A workload: transfers, of which some also look at other accounts; and audits, which look at all accounts or at a few.
///
/// # Panics
/// If there are fewer than two accounts, or no clients.
pub fn workload(
    clients: std::ops::Range<u16>,
    accounts: u16,
    count: std::ops::Range<usize>,
    until: Time,
) -> BoxedStrategy<Vec<Operation<Op>>> {
    let few = prop::collection::vec((0..accounts).prop_map(Key), 1..4);
    // What is added to a transfer, or stands instead of it.
    let reads = prop_oneof![
        5 => Just((true, Vec::new())),
        2 => few.clone().prop_map(|reads| (true, reads)),
        1 => few.prop_map(|reads| (false, reads)),
        2 => Just((false, (0..accounts).map(Key).collect())),
    ];
    let reads = prop::collection::vec(reads, count.end);
    (transfer::transfers(clients, accounts, count, until), reads)
        .prop_map(|(transfers, reads)| {
            let both = transfers.into_iter().zip(reads);
            let op = |(Operation { at, client, op }, (moves, mut reads)): (Operation<Transfer>, (bool, Vec<Key>))| {
                reads.sort_unstable();
                reads.dedup();
                Operation { at, client, op: Op { transfer: moves.then_some(op), reads } }
            };
            both.map(op).collect()
        })
        .boxed()
}
