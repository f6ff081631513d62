//! The shares of operations in a workload.

use std::collections::BTreeMap;

use rand_core::Rng;
use serde::Serialize;
use serde_json::Value;

use crate::generator::generator;
use crate::workload::Operation;

/// How many operations of each kind a workload keeps, compared with the others: those of a kind with a smaller share than the
/// greatest are left out in proportion. A kind that is not named has the share 1, and 0 leaves out all of a kind.
///
/// The model draws its workload as always, so that operations stay what they would be: with `get=9`, all gets are there, and a
/// ninth of everything else.
///
/// ```
/// use seedbed_sim::{Shares, Swarm};
/// let mostly_reads = Swarm::tolerated().shares(Shares::of([("get", 9), ("cas", 0)]));
/// # let _ = mostly_reads;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shares(BTreeMap<String, u32>);

impl Shares {
    /// The shares of the named kinds; see [`kind_of`] for their names.
    pub fn of(shares: impl IntoIterator<Item = (impl Into<String>, u32)>) -> Self {
        Shares(shares.into_iter().map(|(kind, share)| (kind.into(), share)).collect())
    }

    /// The names of the kinds that have a share of their own.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Leaves operations of the workload of a seed out.
    pub(super) fn thin<O: Serialize>(&self, seed: u64, operations: &mut Vec<Operation<O>>) {
        if self.0.is_empty() {
            return;
        }
        let shares: Vec<u32> = operations.iter().map(|operation| self.share(&operation.op)).collect();
        let greatest = shares.iter().copied().max().unwrap_or(0);
        let mut words = generator(seed, "workload/shares");
        let mut shares = shares.into_iter();
        operations.retain(|_| {
            let (share, word) = (shares.next().expect("each operation has one"), words.next_u32());
            // A word below this part of all words; that its last bits make no difference is far below what anybody can see.
            u64::from(word) * u64::from(greatest) < u64::from(share) << 32
        });
    }

    fn share(&self, op: &impl Serialize) -> u32 {
        kind_of(op).and_then(|kind| self.0.get(&kind).copied()).unwrap_or(1)
    }
}

/// The kind of an operation, as a trace has it: the name of its variant. Operations that are all of one kind have no name.
pub fn kind_of(op: &impl Serialize) -> Option<String> {
    match serde_json::to_value(op).ok()? {
        Value::String(name) => Some(name),
        Value::Object(fields) if fields.len() == 1 => fields.into_iter().next().map(|(name, _)| name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::NodeId;
    use crate::time::Time;

    #[derive(Clone, Debug, PartialEq, Serialize)]
    #[serde(rename_all = "snake_case")]
    enum Op {
        Get,
        Put { item: u32 },
        Cas(u32),
    }

    fn operations() -> Vec<Operation<Op>> {
        let op = |n: u32| match n % 3 {
            0 => Op::Get,
            1 => Op::Put { item: n },
            _ => Op::Cas(n),
        };
        (0..3_000).map(|n| Operation { at: Time::ms(u64::from(n)), client: NodeId(0), op: op(n) }).collect()
    }

    fn left(shares: &Shares, seed: u64) -> [usize; 3] {
        let mut kept = operations();
        shares.thin(seed, &mut kept);
        assert!(kept.is_sorted_by_key(|operation| operation.at));
        let count =
            |kind: &str| kept.iter().filter(|operation| kind_of(&operation.op).as_deref() == Some(kind)).count();
        [count("get"), count("put"), count("cas")]
    }

    #[test]
    fn kinds_keep_their_shares() {
        assert_eq!(left(&Shares::default(), 1), [1_000; 3]);
        assert_eq!(left(&Shares::of([("get", 1)]), 1), [1_000; 3], "the share of those that are not named");
        assert_eq!(left(&Shares::of([("get", 0), ("put", 0), ("cas", 7)]), 1), [0, 0, 1_000]);
        let [get, put, cas] = left(&Shares::of([("get", 10), ("put", 5)]), 1);
        assert!(get == 1_000 && (450..550).contains(&put) && (70..130).contains(&cas), "{get} {put} {cas}");
        assert_ne!(left(&Shares::of([("get", 10), ("put", 5)]), 2), [get, put, cas], "another seed, other operations");
        assert_eq!(left(&Shares::of([("get", 0), ("put", 0), ("cas", 0)]), 1), [0; 3]);
    }

    #[test]
    fn an_operation_that_is_no_variant_has_no_kind() {
        #[derive(Serialize)]
        struct Transfer {
            from: u8,
            to: u8,
        }
        assert_eq!(kind_of(&Transfer { from: 1, to: 2 }), None);
        assert_eq!((kind_of(&Op::Get).as_deref(), kind_of(&Op::Cas(3)).as_deref()), (Some("get"), Some("cas")));
    }
}
