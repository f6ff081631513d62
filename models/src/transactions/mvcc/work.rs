//! What clients ask, and what they are answered.

use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use seedbed_sim::{NodeId, Operation, Time};
use serde::{Deserialize, Serialize};

use crate::transactions::mvcc::timestamp::Ts;
use crate::transactions::store::{Cell, Key, Step};
use crate::transactions::transfer::Transfer;

/// A transaction.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// These steps, as one. All reads see the snapshot, whatever the steps before them write.
    Steps(Vec<Step>),
    /// Money from one account to another.
    Transfer(Transfer),
}

impl Op {
    /// What it does.
    pub fn steps(&self) -> Vec<Step> {
        match self {
            Op::Steps(steps) => steps.clone(),
            Op::Transfer(transfer) => vec![transfer.withdrawal(), transfer.deposit()],
        }
    }
}

/// As drawings have it: `read k0, add 2 to k1`.
impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |step: Step| match step {
            Step::Read { key } => format!("read {key}"),
            Step::Put { key, value } => format!("put {value} into {key}"),
            Step::Add { key, amount } => format!("add {amount} to {key}"),
        };
        f.write_str(&self.steps().into_iter().map(words).collect::<Vec<_>>().join(", "))
    }
}

/// How a transaction ended.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ret {
    /// It is committed.
    Committed {
        /// Its snapshot.
        start: Ts,
        /// From which snapshot on its writes are seen; none if it writes nothing.
        commit: Option<Ts>,
        /// What it read.
        reads: BTreeMap<Key, Cell>,
    },
    /// It is not, and never will be.
    Aborted(Why),
}

/// As drawings have it: `committed, snapshot @1, commit @3, read k0 = 100 of nobody`.
impl fmt::Debug for Ret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (start, commit, reads) = match self {
            Ret::Aborted(why) => return write!(f, "aborted: {why:?}"),
            Ret::Committed { start, commit, reads } => (start, commit, reads),
        };
        write!(f, "committed, snapshot {start}")?;
        if let Some(commit) = commit {
            write!(f, ", commit {commit}")?;
        }
        for (key, Cell { value, writer }) in reads {
            let writer = writer.map_or("nobody".to_string(), |writer| writer.to_string());
            write!(f, ", read {key} = {value} of {writer}")?;
        }
        Ok(())
    }
}

/// Why a transaction was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Somebody committed a version of this row after the snapshot.
    Conflict(Key),
    /// Somebody who is at work has locked this row.
    Locked(Key),
    /// Others took it for abandoned.
    RolledBack,
    /// This cell would be below zero.
    Overdrawn(Key),
    /// Somebody that it needs did not answer.
    NoAnswer,
}

/// Transactions of one to three steps on a few rows, most of them close to others, so that they meet. Some only read.
pub(super) fn workload(clients: std::ops::Range<u16>, keys: u16, until: Time) -> BoxedStrategy<Vec<Operation<Op>>> {
    let key = (0..keys).prop_map(Key);
    let step = (key, 0u8..8, 0i64..1_000).prop_map(|(key, kind, n)| match kind {
        0..3 => Step::Read { key },
        3..5 => Step::Put { key, value: n },
        _ => Step::Add { key, amount: n % 5 + 1 },
    });
    let reads = prop::collection::vec((0..keys).prop_map(|key| Step::Read { key: Key(key) }), 2..4);
    let steps = prop_oneof![1 => reads, 3 => prop::collection::vec(step, 1..4)];
    // Few instants, so that many transactions begin together.
    let burst = prop::collection::vec((0..clients.end - clients.start, 0u64..12, steps), 1..7);
    let bursts = prop::collection::vec((0..until.0 / 1_000_000, burst), 4..12);
    bursts
        .prop_map(move |bursts| {
            let first = clients.start;
            let operations = bursts.into_iter().flat_map(move |(at, burst)| {
                burst.into_iter().map(move |(client, later, steps)| Operation {
                    at: Time::ms(at + later),
                    client: NodeId(first + client),
                    op: Op::Steps(once_a_row(steps)),
                })
            });
            let mut operations: Vec<_> = operations.collect();
            operations.sort_by_key(|operation| operation.at);
            operations
        })
        .boxed()
}

/// A row is touched by one step.
fn once_a_row(steps: Vec<Step>) -> Vec<Step> {
    let by_key: BTreeMap<Key, Step> = steps.into_iter().map(|step| (step.key(), step)).collect();
    by_key.into_values().collect()
}
