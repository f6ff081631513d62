//! The aggregate of many worlds: one cell of the atlas.

use std::collections::BTreeMap;

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

use crate::atlas::measure::sample::{Blocked, Sample, Served};
use crate::report::latencies;

/// How many seeds of a violated property are kept, lowest first, in case the first one gives no story.
const SEEDS: usize = 3;

/// The measurements of one component or configuration under some classes of faults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Worlds run, each with a fault-free twin.
    pub worlds: u64,
    /// Worlds that count: faults of every class had an effect, or a property was violated.
    pub counted: u64,
    /// Worlds whose run differed from that of their twins.
    pub differed: u64,
    /// Worlds whose configuration declares to tolerate all the classes.
    pub inside: u64,
    /// Worlds that wrote to a disk.
    pub wrote: u64,
    /// The violated safety properties.
    pub broken: BTreeMap<String, Failures>,
    /// The violated liveness properties.
    pub stuck: BTreeMap<String, Failures>,
    /// The outcomes of operations under the faults, in the counted worlds that ran to their end.
    pub served: Sums,
    /// The outcomes in the twins of these worlds.
    pub calm: Sums,
    /// The latency of operations that returned in both: with faults, and in the twin.
    pub latency: [Latency; 2],
    /// The worlds in which no client was answered until a fault was over.
    pub blocked: Blocks,
}

/// The violations of one property.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// Worlds with such a violation.
    pub worlds: u64,
    /// Worlds in which the faults were inside the declared tolerance.
    pub inside: u64,
    /// The lowest seeds, ascending.
    pub seeds: Vec<u64>,
}

/// The outcomes of operations in many worlds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Operations in the workload.
    pub asked: u64,
    /// Operations that returned.
    pub returned: u64,
    /// Operations that failed without effect.
    pub failed: u64,
    /// Operations of unknown outcome at the end.
    pub open: u64,
}

impl Sums {
    fn add(&mut self, served: &Served) {
        self.asked += served.asked;
        self.returned += served.returned;
        self.failed += served.failed;
        self.open += served.open;
    }

    /// The share of operations that returned; `None` without operations.
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
    /// The median.
    pub p50: u64,
    /// The 90th percentile.
    pub p90: u64,
    /// The 99th percentile.
    pub p99: u64,
    /// The greatest latency.
    pub max: u64,
    /// The number of operations.
    pub count: u64,
}

impl Latency {
    fn of(nanos: &[u64]) -> Self {
        let histogram = latencies(nanos);
        let at = |quantile| histogram.value_at_quantile(quantile);
        Latency { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: histogram.max(), count: nanos.len() as u64 }
    }
}

/// Worlds in which a client waited for long, and none was answered until a fault was over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// Worlds with such a wait.
    pub worlds: u64,
    /// The median of the waiting times.
    pub median: Span,
    /// The longest waiting time.
    pub longest: Span,
    /// The median time from the end of the fault to the first answer, in worlds in which there was one.
    pub went_on: Span,
    /// Worlds in which no client was answered any more.
    pub never: u64,
}

impl Cell {
    /// The aggregate of samples. Worlds in which some class never had an effect show nothing, and do not count.
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

    /// Worlds that violated a safety property.
    pub fn breaks(&self) -> u64 {
        self.broken.values().map(|failures| failures.worlds).sum()
    }

    /// Worlds that violated a liveness property.
    pub fn sticks(&self) -> u64 {
        self.stuck.values().map(|failures| failures.worlds).sum()
    }

    /// Worlds that violated a property inside the declared tolerance, which are bugs.
    pub fn failed_inside(&self) -> u64 {
        self.broken.values().chain(self.stuck.values()).map(|failures| failures.inside).sum()
    }

    /// All violated properties, the worst first: safety before liveness, then by number of worlds, then by name.
    pub fn violated(&self) -> Vec<(&str, &Failures)> {
        let mut violated: Vec<(&str, &Failures)> = Vec::new();
        for kind in [&self.broken, &self.stuck] {
            let mut of_kind: Vec<_> = kind.iter().map(|(name, failures)| (&name[..], failures)).collect();
            of_kind.sort_by_key(|(_, failures)| std::cmp::Reverse(failures.worlds));
            violated.extend(of_kind);
        }
        violated
    }

    /// The worst violated property, of which the story is shown.
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
            // A wait that also occurs without faults is no blocking.
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

/// The lower median of a sorted list; zero if it is empty.
fn median(sorted: &[Span]) -> Span {
    let middle = sorted.len().checked_sub(1).map(|last| last / 2);
    middle.map_or(Span::ZERO, |middle| sorted[middle])
}
