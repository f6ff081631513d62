//! What many worlds came to together: one cell of the atlas.

use std::collections::BTreeMap;

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

use crate::atlas::measure::sample::{Blocked, Sample, Served};
use crate::report::latencies;

/// So many seeds of a violated property are remembered, lowest first: where the first gives no story, the next may.
const SEEDS: usize = 3;

/// One component or configuration under some classes of faults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Worlds run, each with its twin.
    pub worlds: u64,
    /// How many of them count: faults of every class had an effect, or a property was violated.
    pub counted: u64,
    /// How many differed from their twins in anything that the component did.
    pub differed: u64,
    /// How many had a configuration that declares to tolerate all the classes.
    pub inside: u64,
    /// How many wrote to a disk.
    pub wrote: u64,
    /// The properties of safety that were violated.
    pub broken: BTreeMap<String, Failures>,
    /// The properties of liveness that were violated.
    pub stuck: BTreeMap<String, Failures>,
    /// How clients fared under the faults, in the worlds that counted and went on to their end.
    pub served: Sums,
    /// How they fared in the twins of these.
    pub calm: Sums,
    /// How long the operations took that returned in both.
    pub latency: [Latency; 2],
    /// The worlds in which nobody was answered until a fault was over.
    pub blocked: Blocks,
}

/// The worlds that violated one property.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// How many.
    pub worlds: u64,
    /// How many of them inside what their configuration declares to tolerate.
    pub inside: u64,
    /// The lowest seeds.
    pub seeds: Vec<u64>,
}

/// How the clients of many worlds fared together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Operations that they meant to invoke.
    pub asked: u64,
    /// Returned.
    pub returned: u64,
    /// Failed for certain.
    pub failed: u64,
    /// Never ended.
    pub open: u64,
}

impl Sums {
    fn add(&mut self, served: &Served) {
        self.asked += served.asked;
        self.returned += served.returned;
        self.failed += served.failed;
        self.open += served.open;
    }

    /// The share of operations that returned; nothing where nobody asks for anything.
    pub fn available(&self) -> Option<f64> {
        (self.asked > 0).then(|| self.returned as f64 / self.asked as f64)
    }

    /// Operations that were never invoked.
    pub fn never_invoked(&self) -> u64 {
        self.asked.saturating_sub(self.returned + self.failed + self.open)
    }
}

/// Percentiles of latency, in nanoseconds of virtual time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of them took no longer.
    pub p50: u64,
    /// Nine of ten.
    pub p90: u64,
    /// Ninety-nine of a hundred.
    pub p99: u64,
    /// The longest.
    pub max: u64,
    /// How many there are.
    pub count: u64,
}

impl Latency {
    fn of(nanos: &[u64]) -> Self {
        let histogram = latencies(nanos);
        let at = |quantile| histogram.value_at_quantile(quantile);
        Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.max(), count: nanos.len() as u64 }
    }
}

/// Worlds in which somebody waited for long, and nobody was answered until a fault was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// How many.
    pub worlds: u64,
    /// How long, in the median of them.
    pub median: Span,
    /// How long at the most.
    pub longest: Span,
    /// How long after the fault somebody was answered, in the median of those in which anybody was.
    pub went_on: Span,
    /// In how many nobody was any more.
    pub never: u64,
}

impl Cell {
    /// What these samples come to. Worlds in which some class never had an effect prove nothing, and do not count.
    pub fn of(samples: &[Sample]) -> Self {
        let mut cell = Cell { worlds: samples.len() as u64, ..Cell::default() };
        let (mut faulty, mut calm) = (Vec::new(), Vec::new());
        for sample in samples {
            cell.wrote += u64::from(sample.wrote);
            cell.inside += u64::from(sample.inside);
            if let Some((property, liveness)) = &sample.violation {
                let of_kind = if *liveness { &mut cell.stuck } else { &mut cell.broken };
                of_kind.entry(property.clone()).or_default().add(sample);
            } else if !sample.struck {
                continue;
            }
            cell.counted += 1;
            cell.differed += u64::from(sample.differs);
            let (Some(served), Some(twin)) = (&sample.served, &sample.calm) else { continue };
            cell.served.add(served);
            cell.calm.add(twin);
            faulty.extend(sample.latencies.iter().map(|pair| pair[0]));
            calm.extend(sample.latencies.iter().map(|pair| pair[1]));
        }
        cell.latency = [Latency::of(&faulty), Latency::of(&calm)];
        cell.blocked = Blocks::of(samples);
        cell
    }

    /// How many worlds violated a property of safety.
    pub fn breaks(&self) -> u64 {
        self.broken.values().map(|failures| failures.worlds).sum()
    }

    /// How many worlds were stuck.
    pub fn sticks(&self) -> u64 {
        self.stuck.values().map(|failures| failures.worlds).sum()
    }

    /// How many worlds violated anything inside what their configuration declares to tolerate: these are bugs.
    pub fn failed_inside(&self) -> u64 {
        self.broken.values().chain(self.stuck.values()).map(|failures| failures.inside).sum()
    }

    /// Everything that was violated, the worst first: safety before liveness, what was violated more often before what
    /// was less often, and of those the first by name.
    pub fn violated(&self) -> Vec<(&str, &Failures)> {
        let mut violated: Vec<(&str, &Failures)> = Vec::new();
        for kind in [&self.broken, &self.stuck] {
            let mut of_kind: Vec<_> = kind.iter().map(|(name, failures)| (&name[..], failures)).collect();
            of_kind.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.worlds));
            violated.extend(of_kind);
        }
        violated
    }

    /// The worst of what was violated: what a story is told of.
    pub fn worst(&self) -> Option<(&str, &Failures)> {
        self.violated().first().copied()
    }
}

impl Failures {
    fn add(&mut self, sample: &Sample) {
        self.worlds += 1;
        self.inside += u64::from(sample.inside);
        if self.seeds.len() < SEEDS {
            self.seeds.push(sample.seed);
        }
    }
}

impl Blocks {
    fn of(samples: &[Sample]) -> Self {
        let blocked = samples.iter().filter(|sample| sample.struck).filter_map(|sample| {
            let (blocked, calm) = (sample.served.as_ref()?.blocked?, sample.calm.as_ref()?);
            // Some work takes long without anybody's fault.
            (blocked.lasted > calm.stood_still * 2).then_some(blocked)
        });
        let blocked: Vec<Blocked> = blocked.collect();
        let mut lasted: Vec<Span> = blocked.iter().map(|blocked| blocked.lasted).collect();
        let mut went_on: Vec<Span> = blocked.iter().filter_map(|blocked| blocked.went_on).collect();
        lasted.sort_unstable();
        went_on.sort_unstable();
        Blocks {
            worlds: blocked.len() as u64,
            median: median(&lasted),
            longest: lasted.last().copied().unwrap_or_default(),
            went_on: median(&went_on),
            never: (blocked.len() - went_on.len()) as u64,
        }
    }
}

/// The lower median of what is sorted; zero of nothing.
fn median(sorted: &[Span]) -> Span {
    let middle = sorted.len().checked_sub(1).map(|last| last / 2);
    middle.map_or(Span::ZERO, |middle| sorted[middle])
}
