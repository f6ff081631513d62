//! What must never be more, or less.

use std::collections::BTreeMap;

use crate::checkers::judge::{Id, Judge, Refusal, Ruling};

/// How much there is of something now; may be told again and again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Level<N> {
    /// Of what: a queue, a pool, a node.
    pub of: N,
    /// How much.
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
    /// Between these, both allowed.
    pub fn between(least: i128, most: i128) -> Self {
        Bound { least, most, of: std::marker::PhantomData }
    }

    /// No more than this.
    pub fn at_most(most: i128) -> Self {
        Bound::between(i128::MIN, most)
    }

    /// No less than this.
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

/// Something begins, or is over: a request, a message that is not yet acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Flight<N> {
    /// One more is under way.
    Begins {
        /// Whose.
        of: N,
    },
    /// One is over: its credit comes back.
    Ends {
        /// Whose.
        of: N,
    },
}

/// At most so many are under way at once, of each: a credit, a prefetch, a concurrency limit. And none ends that has not
/// begun.
#[derive(Clone, Debug)]
pub struct InFlight<N> {
    most: u64,
    now: BTreeMap<N, u64>,
}

impl<N: Id> InFlight<N> {
    /// At most so many.
    pub fn at_most(most: u64) -> Self {
        InFlight { most, now: BTreeMap::new() }
    }
}

impl<N: Id> Judge for InFlight<N> {
    type Event = Flight<N>;
    type Node = N;

    fn observe(&mut self, event: Flight<N>) -> Ruling<N> {
        match event {
            Flight::Begins { of } => {
                let now = self.now.entry(of.clone()).or_default();
                *now += 1;
                if *now > self.most {
                    let words = format!("{of:?} has {now} under way; at most {} are allowed", self.most);
                    return Err(Refusal::new("in flight", [of], words));
                }
            }
            Flight::Ends { of } => match self.now.get_mut(&of) {
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

/// Something is done, first for its own sake, or once more because of that.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Counted<N> {
    /// What is counted against: a call.
    Base {
        /// Whose.
        of: N,
    },
    /// What is counted: an attempt.
    Extra {
        /// Whose.
        of: N,
    },
}

/// At every instant there is no more than `times` extra for each base, and a slack: attempts ≤ calls·times + slack, the
/// bound of a retry budget on amplification.
#[derive(Clone, Debug)]
pub struct Ratio<N> {
    times: (u64, u64),
    slack: u64,
    counts: BTreeMap<N, (u64, u64)>,
}

impl<N: Id> Ratio<N> {
    /// At most `numerator / denominator` extra for each base, and `slack` more.
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
            Counted::Base { of } => {
                self.counts.entry(of).or_default().0 += 1;
                return Ok(());
            }
            Counted::Extra { of } => of,
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
