//! The verdict on a cell.

use std::fmt;

use seedbed_sim::FaultClass;

use crate::atlas::measure::bound;
use crate::atlas::measure::cell::Cell;

/// A component blocks if clients wait for the end of a fault in this share of the worlds, with 95 % confidence.
pub const BLOCKING_SHARE: f64 = 0.05;
/// A component is slow if its median latency grows by this factor.
pub const SLOW_P50: f64 = 1.25;
/// It is also slow if the 99th percentile grows by this factor.
pub const SLOW_P99: f64 = 2.0;

/// Latencies below a millisecond, the time of one message in the usual network, count as a millisecond, so that factors
/// of local answers make sense.
pub const INSTANT_NS: u64 = 1_000_000;

/// The verdict on a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// A safety property was violated.
    Breaks,
    /// A liveness property was violated, or clients waited for the end of a fault.
    Blocks,
    /// All properties held, with higher latency than without faults.
    Slows,
    /// All properties held, with the same latency as without faults.
    Holds,
    /// The class has no effect on the component.
    Means(Nothing),
}

/// Why a class of faults has no effect on a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nothing {
    /// No fault of the class had an effect on the world.
    NeverStruck,
    /// The component writes nothing to disk.
    NoDisk,
    /// Its nodes have no Byzantine behaviour.
    NoLies,
    /// The component does not depend on its clock.
    NoClock,
    /// No run of the component differed.
    NoDifference,
    /// One of the classes of a pair has no effect, or breaks the component alone.
    Pair,
}

impl Verdict {
    /// The verdict on a cell, given its classes.
    pub fn of(cell: &Cell, classes: &[FaultClass]) -> Self {
        if cell.breaks() > 0 {
            return Verdict::Breaks;
        }
        if let Some(nothing) = Nothing::of(cell, classes) {
            return Verdict::Means(nothing);
        }
        let blocked = bound::at_least(cell.blocked.worlds, cell.counted);
        if cell.sticks() > 0 || blocked >= BLOCKING_SHARE {
            return Verdict::Blocks;
        }
        match slowdown(cell) {
            Some([p50, p99]) if p50 >= SLOW_P50 || p99 >= SLOW_P99 => Verdict::Slows,
            _ => Verdict::Holds,
        }
    }

    /// The word of the verdict.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Breaks => "breaks",
            Verdict::Blocks => "blocks",
            Verdict::Slows => "slows",
            Verdict::Holds => "holds",
            Verdict::Means(_) => "n/a",
        }
    }

    /// A symbol, distinct in shape.
    pub fn symbol(self) -> &'static str {
        match self {
            Verdict::Breaks => "✗",
            Verdict::Blocks => "■",
            Verdict::Slows => "◐",
            Verdict::Holds => "✓",
            Verdict::Means(_) => "–",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Nothing {
    fn of(cell: &Cell, classes: &[FaultClass]) -> Option<Self> {
        if classes.is_empty() || cell.sticks() > 0 {
            return None;
        }
        let alone = |class| classes == [class];
        match cell {
            Cell { counted: 1.., differed: 1.., .. } => None,
            Cell { wrote: 0, .. } if alone(FaultClass::Disk) => Some(Nothing::NoDisk),
            Cell { counted: 0, .. } => Some(Nothing::NeverStruck),
            _ if alone(FaultClass::Byzantine) => Some(Nothing::NoLies),
            _ if alone(FaultClass::Skew) => Some(Nothing::NoClock),
            _ => Some(Nothing::NoDifference),
        }
    }

    /// The reason in words.
    pub fn why(self) -> &'static str {
        match self {
            Nothing::NeverStruck => "none of its nodes can be struck so: no fault had an effect",
            Nothing::NoDisk => "it writes nothing to a disk",
            Nothing::NoLies => "its nodes have no Byzantine behaviour",
            Nothing::NoClock => "no clock matters to it: not one world came out differently",
            Nothing::NoDifference => "not one world came out differently",
            Nothing::Pair => "one of the two alone breaks it already, or means nothing to it",
        }
    }
}

/// The factors by which the median and the 99th percentile of latency grow against the twins; `None` if no operation
/// returned in both.
pub fn slowdown(cell: &Cell) -> Option<[f64; 2]> {
    let [faulty, calm] = cell.latency;
    let factor = |faulty: u64, calm: u64| faulty.max(INSTANT_NS) as f64 / calm.max(INSTANT_NS) as f64;
    (faulty.count > 0).then(|| [factor(faulty.p50, calm.p50), factor(faulty.p99, calm.p99)])
}

/// With 95 % confidence, no more than this share of seeds fails.
pub fn fails_at_most(cell: &Cell) -> f64 {
    bound::at_most(cell.breaks() + cell.sticks(), cell.counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atlas::measure::sample::{Blocked, Sample, Served};
    use seedbed_sim::Span;

    const MS: u64 = 1_000_000;
    const ONE: &[FaultClass] = &[FaultClass::Crash];

    fn world(seed: u64) -> Sample {
        let served = Served { asked: 2, returned: 2, stood_still: Span::ms(10), ..Served::default() };
        Sample {
            seed,
            inside: true,
            violation: None,
            struck: true,
            differs: true,
            wrote: true,
            served: Some(served),
            calm: Some(served),
            latencies: vec![[10 * MS, 10 * MS], [20 * MS, 20 * MS]],
        }
    }

    fn hundred(change: impl Fn(&mut Sample)) -> Cell {
        let mut samples: Vec<_> = (0..100).map(world).collect();
        samples.iter_mut().for_each(change);
        Cell::of(&samples)
    }

    fn violating(property: &str, liveness: bool) -> Option<(String, bool)> {
        Some((property.into(), liveness))
    }

    #[test]
    fn what_never_fails_holds_and_says_how_sure_that_is() {
        let cell = hundred(|_| {});
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Holds);
        assert!((fails_at_most(&cell) - 0.02951).abs() < 1e-5);
        // Worlds without effective faults show nothing.
        let cell = hundred(|sample| sample.struck = sample.seed < 10);
        assert_eq!((Verdict::of(&cell, ONE), cell.counted), (Verdict::Holds, 10));
        assert!((fails_at_most(&cell) - 0.25887).abs() < 1e-5);
    }

    #[test]
    fn one_violation_of_safety_breaks_whatever_else_there_is() {
        let cell = hundred(|sample| match sample.seed {
            77 => (sample.violation, sample.served) = (violating("b/safe", false), None),
            80.. => sample.violation = violating("a/live", true),
            _ => sample.latencies = vec![[100 * MS, 10 * MS]],
        });
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Breaks);
        assert_eq!(cell.worst().map(|(name, failures)| (name, &failures.seeds[..])), Some(("b/safe", &[77][..])));
        assert_eq!((cell.breaks(), cell.sticks(), cell.failed_inside()), (1, 20, 21));
        // Even if no fault had an effect: then it breaks by itself.
        let cell = hundred(|sample| {
            sample.struck = false;
            sample.violation = (sample.seed == 5).then(|| ("b/safe".into(), false));
        });
        assert_eq!((Verdict::of(&cell, ONE), cell.counted), (Verdict::Breaks, 1));
    }

    #[test]
    fn of_properties_violated_as_often_the_first_by_name_is_told() {
        let cell = hundred(|sample| match sample.seed {
            0..10 => sample.violation = violating("z", false),
            20..30 => sample.violation = violating("c", false),
            _ => {}
        });
        let (name, failures) = cell.worst().expect("two are violated");
        assert_eq!((name, &failures.seeds[..]), ("c", &[20, 21, 22][..]));
    }

    #[test]
    fn a_stuck_world_blocks_and_so_does_waiting_for_faults_to_end_where_it_is_not_rare() {
        let cell = hundred(|sample| sample.violation = (sample.seed == 3).then(|| ("live".into(), true)));
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Blocks);
        let waiting = |worlds: u64| {
            hundred(move |sample| {
                if let Some(served) = sample.served.as_mut().filter(|_| sample.seed < worlds) {
                    let went_on = (sample.seed > 0).then(|| Span::ms(sample.seed));
                    served.blocked = Some(Blocked { lasted: Span::ms(401 + sample.seed), went_on });
                }
            })
        };
        assert_eq!(Verdict::of(&waiting(9), ONE), Verdict::Holds);
        let cell = waiting(10);
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Blocks);
        let blocked = cell.blocked;
        assert_eq!((blocked.worlds, blocked.median, blocked.longest), (10, Span::ms(405), Span::ms(410)));
        assert_eq!((blocked.never, blocked.went_on), (1, Span::ms(5)));
        // A usual wait is no blocking.
        let cell = hundred(|sample| {
            let blocked = Blocked { lasted: Span::ms(600), went_on: None };
            sample.served.as_mut().expect("whole").blocked = Some(blocked);
            sample.calm.as_mut().expect("whole").stood_still = Span::ms(300);
        });
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Holds);
    }

    #[test]
    fn what_takes_longer_in_pairs_is_slow() {
        let cell = hundred(|sample| sample.latencies = vec![[100 * MS, 100 * MS], [124 * MS, 100 * MS]]);
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Holds);
        let cell = hundred(|sample| sample.latencies = vec![[125 * MS, 100 * MS], [125 * MS, 100 * MS]]);
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Slows);
        // Two in a hundred at double the time.
        let cell = hundred(|sample| {
            let slow = if sample.seed < 2 { 200 } else { 100 };
            sample.latencies = vec![[slow * MS, 100 * MS]];
        });
        assert_eq!(Verdict::of(&cell, ONE), Verdict::Slows);
        let instant = hundred(|sample| sample.latencies = vec![[100, 0]]);
        assert_eq!((Verdict::of(&instant, ONE), slowdown(&instant)), (Verdict::Holds, Some([1.0, 1.0])));
        let nobody_asks = hundred(|sample| sample.latencies.clear());
        assert_eq!((Verdict::of(&nobody_asks, ONE), slowdown(&nobody_asks)), (Verdict::Holds, None));
    }

    #[test]
    fn a_class_that_changes_nothing_means_nothing() {
        let unchanged = |struck: bool, wrote: bool| {
            hundred(move |sample| (sample.struck, sample.differs, sample.wrote) = (struck, false, wrote))
        };
        let says = |cell: &Cell, class| Verdict::of(cell, &[class]);
        assert_eq!(says(&unchanged(false, false), FaultClass::Disk), Verdict::Means(Nothing::NoDisk));
        assert_eq!(says(&unchanged(false, true), FaultClass::Disk), Verdict::Means(Nothing::NeverStruck));
        assert_eq!(says(&unchanged(true, true), FaultClass::Byzantine), Verdict::Means(Nothing::NoLies));
        assert_eq!(says(&unchanged(true, true), FaultClass::Skew), Verdict::Means(Nothing::NoClock));
        assert_eq!(says(&unchanged(true, true), FaultClass::Dup), Verdict::Means(Nothing::NoDifference));
        // Without faults there is nothing to differ.
        assert_eq!(Verdict::of(&unchanged(true, true), &[]), Verdict::Holds);
    }
}
