//! Registers whose writes are unique: the polynomial algorithm of Gibbons and Korach ("Testing shared memories", 1997,
//! section 4), O(n log n).
//!
//! A write and the reads that return its value are a *cluster*. Let `f` be the first response in a cluster and `s` its
//! last invocation. Where `f < s` the register must hold the value all the time from `f` to `s`: a *forward zone*. Where
//! `s < f` the whole cluster fits at one instant anywhere between: a *backward zone*. The history is linearizable if and
//! only if no read precedes its write, no two forward zones overlap, and no backward zone lies within a forward one.

use std::fmt::Debug;

use super::specification::{Decision, Spanned};

/// What an operation does to a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access<V> {
    /// Sets it.
    Write(V),
    /// Returned this.
    Read(V),
    /// Returned nobody knows what.
    BlindRead,
}

/// Times here are event ranks plus one; the initial value was written at time 0, before all.
const EVER: u64 = 0;
/// The response of a write that never returned.
const NEVER: u64 = u64::MAX;

/// The operations on one value.
struct Cluster {
    /// The write, and when it was invoked; the initial value has none.
    write: Option<(u32, u64)>,
    /// Members: places in the list of operations, in the order of invocation.
    reads: Vec<u32>,
    first_response: u64,
    last_invocation: u64,
}

impl Cluster {
    fn forward(&self) -> bool {
        self.first_response < self.last_invocation
    }
}

/// Decides a history of a register that first holds `initial`; `accesses` goes with `operations`, item by item, in the
/// order of invocation. Nothing: a value is written twice, so the algorithm does not apply.
pub fn decide<V: Ord + Debug, O, R>(
    initial: &V,
    accesses: &[Access<V>],
    operations: &[Spanned<'_, O, R>],
) -> Option<Decision> {
    assert_eq!(accesses.len(), operations.len(), "one access for each operation");
    let mut values: Vec<&V> = accesses
        .iter()
        .filter_map(|access| match access {
            Access::Write(v) => Some(v),
            _ => None,
        })
        .chain([initial])
        .collect();
    values.sort_unstable();
    if values.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }

    let place = |v: &V| values.binary_search(&v);
    let mut clusters: Vec<Cluster> = values
        .iter()
        .map(|_| Cluster {
            write: None,
            reads: Vec::new(),
            first_response: NEVER,
            last_invocation: EVER,
        })
        .collect();
    clusters[place(initial).expect("the initial value is among the values")].first_response = EVER;

    let mut blind = Vec::new();
    for (n, (access, spanned)) in (0..).zip(accesses.iter().zip(operations)) {
        let call = u64::from(spanned.call) + 1;
        let end = if spanned.end == Spanned::<O, R>::PENDING {
            NEVER
        } else {
            u64::from(spanned.end) + 1
        };
        let cluster = match access {
            Access::Write(v) => {
                let cluster = &mut clusters[place(v).expect("every written value is among the values")];
                cluster.write = Some((n, call));
                cluster
            }
            Access::Read(v) if end != NEVER => {
                let Ok(at) = place(v) else {
                    return Some(Decision::Violation(format!("{v:?} was read and never written")));
                };
                clusters[at].reads.push(n);
                &mut clusters[at]
            }
            Access::BlindRead if end != NEVER => {
                blind.push(n);
                continue;
            }
            Access::Read(_) | Access::BlindRead => continue,
        };
        cluster.first_response = cluster.first_response.min(end);
        cluster.last_invocation = cluster.last_invocation.max(call);
    }
    Some(match judge(&values, &clusters) {
        Decision::Linearizable(order) => Decision::Linearizable(with_blind(order, blind, operations)),
        violation => violation,
    })
}

/// The conditions, and where they hold, the order.
fn judge<V: Debug>(values: &[&V], clusters: &[Cluster]) -> Decision {
    let mut forward = Vec::new();
    for (at, cluster) in clusters.iter().enumerate() {
        if cluster.write.is_some_and(|(_, call)| cluster.first_response < call) {
            return Decision::Violation(format!("{:?} was read before its write was invoked", values[at]));
        }
        if cluster.forward() {
            forward.push(at);
        }
    }
    forward.sort_unstable_by_key(|&at| clusters[at].first_response);
    for pair in forward.windows(2) {
        if clusters[pair[1]].first_response < clusters[pair[0]].last_invocation {
            let (a, b) = (values[pair[0]], values[pair[1]]);
            let words = format!("{a:?} was there before and after {b:?} was, and each was written once");
            return Decision::Violation(words);
        }
    }

    // The instant of each cluster: a forward zone's beginning; of a backward zone, a point outside all forward zones.
    let mut instants = Vec::with_capacity(clusters.len());
    for (at, cluster) in clusters.iter().enumerate() {
        let effective = cluster.write.is_none() || !cluster.reads.is_empty() || cluster.first_response != NEVER;
        let Cluster {
            first_response: f,
            last_invocation: s,
            ..
        } = *cluster;
        match effective {
            false => continue,
            true if cluster.forward() => instants.push((f, at)),
            true => {
                let before = forward.partition_point(|&zone| clusters[zone].first_response <= s);
                let around = before.checked_sub(1).map(|zone| forward[zone]);
                let around = around.filter(|&zone| s < clusters[zone].last_invocation);
                let Some(zone) = around else {
                    instants.push((s, at));
                    continue;
                };
                let end = clusters[zone].last_invocation;
                if f < end {
                    let (a, b) = (values[at], values[zone]);
                    let words = format!("{a:?} came and went while {b:?} was there, and each was written once");
                    return Decision::Violation(words);
                }
                instants.push((end, at));
            }
        }
    }
    instants.sort_unstable();
    let members = |at: usize| {
        clusters[at]
            .write
            .into_iter()
            .map(|(n, _)| n)
            .chain(clusters[at].reads.iter().copied())
    };
    Decision::Linearizable(instants.into_iter().flat_map(|(_, at)| members(at)).collect())
}

/// Puts the reads that said nothing into an order: each at its invocation, every other operation at the last
/// invocation up to it.
fn with_blind<O, R>(order: Vec<u32>, blind: Vec<u32>, operations: &[Spanned<'_, O, R>]) -> Vec<u32> {
    if blind.is_empty() {
        return order;
    }
    let call = |n: u32| operations[n as usize].call;
    let mut latest = 0;
    let mut placed: Vec<(u32, u32)> = Vec::with_capacity(order.len() + blind.len());
    for n in order {
        latest = latest.max(call(n));
        placed.push((latest, n));
    }
    placed.extend(blind.into_iter().map(|n| (call(n), n)));
    placed.sort_by_key(|&(at, _)| at);
    placed.into_iter().map(|(_, n)| n).collect()
}
