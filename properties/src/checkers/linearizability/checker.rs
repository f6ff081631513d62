//! The checker of one history.

use std::collections::BTreeMap;

use super::judge;
use super::layout::Ranks;
use super::operation::Operation;
use super::part::{Part, PartOf};
use super::specification::Specification;
use super::verdict::Verdict;

/// The limits of a check, in steps and sizes, so that verdicts are the same on every machine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps of the search in each part of a history. A second is some 5 to 20 million steps.
    pub steps: u64,
    /// Failed configurations that are kept at once, each one state and a few words.
    pub configurations: usize,
    /// The bytes that those may take, by the approximate size of their states.
    pub bytes: u64,
    /// Asked now and then whether to give up, by who has limits in seconds.
    pub stop: Option<Stop>,
}

/// Whether a search is to give up.
pub type Stop = fn() -> bool;

impl Default for Limits {
    fn default() -> Self {
        Limits { steps: 50_000_000, configurations: 1_000_000, bytes: 4 << 30, stop: None }
    }
}

/// Judges histories against a specification.
#[derive(Clone, Debug)]
pub struct Checker<S> {
    spec: S,
    limits: Limits,
    partitioned: bool,
    shortcuts: bool,
}

impl<S: Specification> Checker<S> {
    /// A checker with the default limits.
    pub fn new(spec: S) -> Self {
        Checker { spec, limits: Limits::default(), partitioned: true, shortcuts: true }
    }

    /// The same with other limits.
    pub fn limits(self, limits: Limits) -> Self {
        Checker { limits, ..self }
    }

    /// The same, without division into parts.
    pub fn whole(self) -> Self {
        Checker { partitioned: false, ..self }
    }

    /// The same, without polynomial algorithms ([`Specification::decider`]).
    pub fn search_only(self) -> Self {
        Checker { shortcuts: false, ..self }
    }

    /// The specification.
    pub fn spec(&self) -> &S {
        &self.spec
    }

    /// Checks a history; the operations may be in any order.
    pub fn check(&self, operations: &[Operation<S::Op, S::Ret>]) -> Verdict {
        let ranks = Ranks::new(operations);
        let part = |(key, members)| PartOf::new(&self.spec, operations, members, key, self.shortcuts);
        let parts: Vec<_> = self.parts(operations, &ranks).into_iter().map(part).collect();
        judge::judge(&ranks, parts.iter().map(|part| part as &dyn Part).collect(), self.limits)
    }

    /// The independent parts, each in the order of invocation.
    fn parts(&self, operations: &[Operation<S::Op, S::Ret>], ranks: &Ranks) -> Vec<(Option<S::Key>, Vec<u32>)> {
        let mut parts: BTreeMap<S::Key, Vec<u32>> = BTreeMap::new();
        for &n in &ranks.by_call {
            match self.spec.partition(&operations[n as usize].op).filter(|_| self.partitioned) {
                Some(key) => parts.entry(key).or_default().push(n),
                None => return vec![(None, ranks.by_call.clone())],
            }
        }
        parts.into_iter().map(|(key, part)| (Some(key), part)).collect()
    }
}
