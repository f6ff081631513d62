//! Upper and lower bounds on levels and counts.

use std::collections::BTreeMap;

use crate::checkers::judge::{Id, Judge, Refusal, Ruling};

/// The present level of something; may be repeated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Level<N> {
    /// What is measured: a queue, a pool, a node.
    pub of: N,
    /// In any unit.
    pub value: i128,
}

/// A level stays within its bounds, at every instant.
///
/// ```
/// use seedbed_properties::checkers::judge::Judge;
/// use seedbed_properties::checkers::rates::{Bound, Level};
///
/// let refusal = Bound::at_most(8).judge([Level { of: "queue", value: 9 }]).unwrap_err();
/// assert_eq!(refusal.to_string(), r#"bound: "queue" is at 9; at most 8 is allowed"#);
/// ```
#[derive(Clone, Debug)]
pub struct Bound<N> {
    least: i128,
    most: i128,
    of: std::marker::PhantomData<fn() -> N>,
}

impl<N: Id> Bound<N> {
    /// Bounds on both sides, inclusive.
    pub fn between(least: i128, most: i128) -> Self {
        Bound { least, most, of: std::marker::PhantomData }
    }

    /// An inclusive upper bound.
    pub fn at_most(most: i128) -> Self {
        Bound::between(i128::MIN, most)
    }

    /// An inclusive lower bound.
    pub fn at_least(least: i128) -> Self {
        Bound::between(least, i128::MAX)
    }
}

impl<N: Id> Judge for Bound<N> {
    type Event = Level<N>;
    type Node = N;

    fn observe(&mut self, Level { of, value }: Level<N>) -> Ruling<N> {
        let allowed = match (value > self.most, value < self.least) {
            (true, _) => format!("at most {}", self.most),
            (_, true) => format!("at least {}", self.least),
            _ => return Ok(()),
        };
        Err(Refusal::new("bound", [of.clone()], format!("{of:?} is at {value}; {allowed} is allowed")))
    }
}

/// The begin or end of a request, or of an unacknowledged message. Each names whose limit it counts against.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Flight<N> {
    /// One more is in flight.
    Begins(N),
    /// One has ended, which frees its credit.
    Ends(N),
}

/// At most this many are in flight at once, for each limit: a credit, a prefetch, a concurrency limit. None ends that
/// has not begun.
#[derive(Clone, Debug)]
pub struct InFlight<N> {
    most: u64,
    now: BTreeMap<N, u64>,
}

impl<N: Id> InFlight<N> {
    /// The most that may be in flight.
    pub fn at_most(most: u64) -> Self {
        InFlight { most, now: BTreeMap::new() }
    }
}

impl<N: Id> Judge for InFlight<N> {
    type Event = Flight<N>;
    type Node = N;

    fn observe(&mut self, event: Flight<N>) -> Ruling<N> {
        match event {
            Flight::Begins(of) => {
                let now = self.now.entry(of.clone()).or_default();
                *now += 1;
                if *now > self.most {
                    let words = format!("{of:?} has {now} under way; at most {} are allowed", self.most);
                    return Err(Refusal::new("in flight", [of], words));
                }
            }
            Flight::Ends(of) => match self.now.get_mut(&of) {
                Some(now) if *now > 0 => *now -= 1,
                _ => {
                    let words = format!("{of:?} ends one more than it has begun");
                    return Err(Refusal::new("in flight", [of], words));
                }
            },
        }
        Ok(())
    }
}

/// A base event, or an extra event that it causes. Each names whose ratio it counts for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Counted<N> {
    /// A base event, such as a call.
    Base(N),
    /// An extra event, such as an attempt.
    Extra(N),
}

/// At every instant there are at most `times` extra events for each base event, plus a slack: attempts ≤ calls·times +
/// slack, the bound of a retry budget on amplification.
#[derive(Clone, Debug)]
pub struct Ratio<N> {
    times: (u64, u64),
    slack: u64,
    counts: BTreeMap<N, (u64, u64)>,
}

impl<N: Id> Ratio<N> {
    /// At most `numerator / denominator` extra events for each base event, and `slack` more.
    pub fn new(numerator: u64, denominator: u64, slack: u64) -> Self {
        assert!(denominator > 0, "a ratio has a denominator");
        Ratio { times: (numerator, denominator), slack, counts: BTreeMap::new() }
    }
}

impl<N: Id> Judge for Ratio<N> {
    type Event = Counted<N>;
    type Node = N;

    fn observe(&mut self, event: Counted<N>) -> Ruling<N> {
        let of = match event {
            Counted::Base(of) => {
                self.counts.entry(of).or_default().0 += 1;
                return Ok(());
            }
            Counted::Extra(of) => of,
        };
        let (base, extra) = self.counts.entry(of.clone()).or_default();
        *extra += 1;
        let ((numerator, denominator), slack) = (self.times, self.slack);
        let [wide_extra, wide_base] = [*extra, *base].map(u128::from);
        let allowed = wide_base * u128::from(numerator) + u128::from(slack) * u128::from(denominator);
        if wide_extra * u128::from(denominator) <= allowed {
            return Ok(());
        }
        let words = format!(
            "{of:?} made {extra} for {base}; at most {numerator}/{denominator} each and {slack} more are allowed"
        );
        Err(Refusal::new("ratio", [of], words))
    }
}
