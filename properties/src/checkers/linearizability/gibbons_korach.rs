//! Registers whose writes are unique: the polynomial algorithm of Gibbons and Korach ("Testing shared memories", 1997,
//! section 4), O(n log n).
//!
//! A write and the reads that return its value are a *cluster*. Let `f` be the first response in a cluster and `s` its
//! last invocation. Where `f < s` the register must hold the value all the time from `f` to `s`: a *forward zone*. Where
//! `s < f` the whole cluster fits at one instant anywhere between: a *backward zone*. The history is linearizable if and
//! only if no read precedes its write, no two forward zones overlap, and no backward zone lies within a forward one.

use std::fmt::Debug;

use super::specification::{Decider, Decision, Span};

/// An operation on a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access<V> {
    /// Sets the register to this value.
    Write(V),
    /// A read that returned this value.
    Read(V),
    /// A read whose answer is not known.
    BlindRead,
}

/// A history of a register whose writes are unique, without its times.
pub struct UniqueWrites<'a> {
    /// With numbered values; a value that was never written has the number of values.
    accesses: Vec<Access<u32>>,
    initial: u32,
    values: usize,
    /// The printed value of an access.
    name: Box<dyn Fn(usize) -> String + 'a>,
    initial_name: String,
}

/// Times are event ranks plus one; the initial value was written at time 0, before all.
const EVER: u64 = 0;
/// The response of an operation that never returned.
const NEVER: u64 = u64::MAX;
/// No operation.
const NONE: u32 = u32::MAX;

impl<'a> UniqueWrites<'a> {
    /// A history of a register with the initial value `initial`. `None` if a value is written twice, or is the initial
    /// one, so that the algorithm does not apply.
    pub fn new<V: Ord + Debug + Clone + 'a>(initial: V, accesses: Vec<Access<V>>) -> Option<Self> {
        let written = accesses.iter().filter_map(|access| match access {
            Access::Write(v) => Some(v),
            _ => None,
        });
        let mut values: Vec<&V> = written.chain([&initial]).collect();
        values.sort_unstable();
        if values.windows(2).any(|pair| pair[0] == pair[1]) {
            return None;
        }
        let number = |v: &V| values.binary_search(&v).unwrap_or(values.len()) as u32;
        let numbered = accesses.iter().map(|access| match access {
            Access::Write(v) => Access::Write(number(v)),
            Access::Read(v) => Access::Read(number(v)),
            Access::BlindRead => Access::BlindRead,
        });
        let (numbered, initial_number, count) = (numbered.collect(), number(&initial), values.len());
        let initial_name = format!("{initial:?}");
        let name = move |n: usize| match &accesses[n] {
            Access::Write(v) | Access::Read(v) => format!("{v:?}"),
            Access::BlindRead => unreachable!("a blind read is about no value"),
        };
        let name = Box::new(name);
        Some(UniqueWrites { accesses: numbered, initial: initial_number, values: count, name, initial_name })
    }

    fn value_name(&self, value: usize) -> String {
        let about = |access: &Access<u32>| matches!(access, Access::Write(v) if *v as usize == value);
        self.accesses.iter().position(about).map_or_else(|| self.initial_name.clone(), |n| (self.name)(n))
    }
}

/// The clusters of a history, by number of their value.
struct Clusters {
    write: Vec<u32>,
    first_response: Vec<u64>,
    last_invocation: Vec<u64>,
    /// By operation: its cluster; [`NONE`] for operations without effect.
    of: Vec<u32>,
}

impl Clusters {
    fn is_forward(&self, value: usize) -> bool {
        self.first_response[value] < self.last_invocation[value]
    }
}

fn time(rank: u32) -> u64 {
    if rank == Span::PENDING { NEVER } else { u64::from(rank) + 1 }
}

impl Decider for UniqueWrites<'_> {
    fn decide(&self, spans: &[Span]) -> Decision {
        let clusters = match self.clusters(spans) {
            Ok(clusters) => clusters,
            Err(why) => return Decision::Violation(why),
        };
        match self.instants(spans, &clusters) {
            Ok(instants) => Decision::Linearizable(self.order(spans, &clusters, instants)),
            Err(why) => Decision::Violation(why),
        }
    }
}

impl UniqueWrites<'_> {
    fn clusters(&self, spans: &[Span]) -> Result<Clusters, String> {
        let mut clusters = Clusters {
            write: vec![NONE; self.values],
            first_response: vec![NEVER; self.values],
            last_invocation: vec![EVER; self.values],
            of: vec![NONE; spans.len()],
        };
        clusters.first_response[self.initial as usize] = EVER;
        for (n, (access, span)) in self.accesses.iter().zip(spans).enumerate() {
            let (call, end) = (time(span.call), time(span.end));
            let value = match *access {
                Access::Write(value) => {
                    clusters.write[value as usize] = n as u32;
                    value
                }
                Access::Read(value) if end != NEVER => value,
                Access::Read(_) | Access::BlindRead => continue,
            };
            let at = value as usize;
            if at == self.values {
                return Err(format!("{} was read and never written", (self.name)(n)));
            }
            clusters.of[n] = value;
            clusters.first_response[at] = clusters.first_response[at].min(end);
            clusters.last_invocation[at] = clusters.last_invocation[at].max(call);
        }
        Ok(clusters)
    }

    /// Checks the conditions, and returns the order of the clusters: each value with the beginning of its zone. Proof:
    /// let a cluster A have to come before B, that is, let A's first response be before B's last invocation. If B's
    /// zone began before A's, it would be a forward zone with A's zone or its beginning inside, which the conditions
    /// exclude.
    fn instants(&self, spans: &[Span], clusters: &Clusters) -> Result<Vec<(u64, u32)>, String> {
        let mut forward: Vec<(u64, u64, u32)> = Vec::new();
        for value in 0..self.values {
            let (first, last) = (clusters.first_response[value], clusters.last_invocation[value]);
            let call = match clusters.write[value] {
                NONE if value == self.initial as usize => EVER,
                NONE => NEVER,
                n => time(spans[n as usize].call),
            };
            if first < call {
                return Err(format!("{} was read before its write was invoked", self.value_name(value)));
            }
            if clusters.is_forward(value) {
                forward.push((first, last, value as u32));
            }
        }
        forward.sort_unstable();
        for pair in forward.windows(2) {
            if pair[1].0 < pair[0].1 {
                let (a, b) = (self.value_name(pair[0].2 as usize), self.value_name(pair[1].2 as usize));
                return Err(format!("it held {a} before and after it held {b}, and each was written once"));
            }
        }
        let mut instants = Vec::with_capacity(self.values);
        // A write that never returned and was not read has no response in its cluster, and is left out.
        for value in (0..self.values).filter(|&value| clusters.first_response[value] != NEVER) {
            let (first, last) = (clusters.first_response[value], clusters.last_invocation[value]);
            if clusters.is_forward(value) {
                instants.push((first, value as u32));
                continue;
            }
            let before = forward.partition_point(|zone| zone.0 <= last);
            let around = before.checked_sub(1).map(|zone| forward[zone]);
            if let Some((.., other)) = around.filter(|&(_, end, _)| first < end) {
                let (a, b) = (self.value_name(value), self.value_name(other as usize));
                return Err(format!("{a} came and went while it held {b}, and each was written once"));
            }
            instants.push((last, value as u32));
        }
        instants.sort_unstable();
        Ok(instants)
    }

    /// The operations by cluster, each write before its reads; blind reads are at their invocation.
    fn order(&self, spans: &[Span], clusters: &Clusters, instants: Vec<(u64, u32)>) -> Vec<u32> {
        let mut sizes = vec![0u32; self.values];
        clusters.of.iter().filter(|&&value| value != NONE).for_each(|&value| sizes[value as usize] += 1);
        // By cluster: the position of its next operation.
        let mut places = vec![NONE; self.values];
        let mut count = 0;
        for (_, value) in instants {
            places[value as usize] = count;
            count += sizes[value as usize];
        }
        let mut order = vec![0; count as usize];
        let mut put = |n: u32, value: u32| {
            let place = &mut places[value as usize];
            if *place != NONE {
                order[*place as usize] = n;
                *place += 1;
            }
        };
        for (value, &n) in (0..).zip(&clusters.write).filter(|&(_, &n)| n != NONE) {
            put(n, value);
        }
        let mut blind = Vec::new();
        for (n, span) in (0u32..).zip(spans) {
            match (self.accesses[n as usize], clusters.of[n as usize]) {
                (Access::Read(_), value) if value != NONE => put(n, value),
                (Access::BlindRead, _) if span.end != Span::PENDING => blind.push(n),
                _ => {}
            }
        }
        with_blind(order, blind, spans)
    }
}

/// Inserts the blind reads into an order: each at its invocation, every other operation at the latest invocation up to
/// it.
fn with_blind(order: Vec<u32>, blind: Vec<u32>, spans: &[Span]) -> Vec<u32> {
    if blind.is_empty() {
        return order;
    }
    let call = |n: u32| spans[n as usize].call;
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
