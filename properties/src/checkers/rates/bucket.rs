//! Limits on the amount that is admitted in an interval.

use std::collections::{BTreeMap, VecDeque};

use seedbed_sim::{Span, Time};

use crate::checkers::judge::{Id, Judge, Refusal, Ruling};

/// An admission by a limiter. Events come in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Admitted<N> {
    /// The limit that it counts against: of a limiter, or of a client of it; `()` for one shared limit.
    pub of: N,
    /// When it was admitted.
    pub at: Time,
    /// In the unit of the limit.
    pub amount: u64,
}

/// In any interval of length t, ends included, at most `burst + rate·t` is admitted: the guarantee of a token bucket
/// (Turner 1986; the generic cell rate algorithm of ATM).
///
/// The judge is a leaky bucket. Its level is the greatest excess over the rate of any interval that ends now, so one
/// number decides all intervals.
#[derive(Clone, Debug)]
pub struct TokenBucket<N> {
    burst: u64,
    rate: u64,
    per: Span,
    buckets: BTreeMap<N, Bucket>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// In units of amount times nanoseconds of `per`.
    level: u128,
    last: Time,
    /// The beginning of the worst interval that ends now, and the amount in it.
    from: Time,
    held: u128,
}

impl<N: Id> TokenBucket<N> {
    /// A burst, and `rate` for every `per`, which must be longer than zero.
    pub fn new(burst: u64, rate: u64, per: Span) -> Self {
        assert!(per > Span::ZERO, "a rate needs a length of time");
        TokenBucket { burst, rate, per, buckets: BTreeMap::new() }
    }
}

impl<N: Id> Judge for TokenBucket<N> {
    type Event = Admitted<N>;
    type Node = N;

    fn observe(&mut self, Admitted { of, at, amount }: Admitted<N>) -> Ruling<N> {
        let first = || Bucket { level: 0, last: at, from: at, held: 0 };
        let bucket = self.buckets.entry(of.clone()).or_insert_with(first);
        in_order(&of, bucket.last, at)?;
        let leaked = u128::from(at.since(bucket.last).0) * u128::from(self.rate);
        bucket.level = bucket.level.saturating_sub(leaked);
        if bucket.level == 0 {
            (bucket.from, bucket.held) = (at, 0);
        }
        bucket.last = at;
        bucket.level += u128::from(amount) * u128::from(self.per.0);
        bucket.held += u128::from(amount);
        if bucket.level <= u128::from(self.burst) * u128::from(self.per.0) {
            return Ok(());
        }
        let Bucket { from, held, .. } = *bucket;
        let (burst, rate, per, length) = (self.burst, self.rate, self.per, at.since(from));
        let allowed = format!("at most {burst} + {rate} each {per} are allowed");
        let words = format!("{of:?} admits {held} in {length}, from {from} to {at}; {allowed}");
        Err(Refusal::new("rate", [of], words))
    }
}

/// In any window of this length at most k are admitted: any k + 1 span at least the length.
#[derive(Clone, Debug)]
pub struct Window<N> {
    most: u64,
    length: Span,
    recent: BTreeMap<N, Recent>,
}

#[derive(Clone, Debug)]
struct Recent {
    admitted: VecDeque<(Time, u64)>,
    total: u128,
    last: Time,
}

impl<N: Id> Window<N> {
    /// At most this many in any window of this length, its beginning included and its end not.
    pub fn new(most: u64, length: Span) -> Self {
        Window { most, length, recent: BTreeMap::new() }
    }
}

impl<N: Id> Judge for Window<N> {
    type Event = Admitted<N>;
    type Node = N;

    fn observe(&mut self, Admitted { of, at, amount }: Admitted<N>) -> Ruling<N> {
        let none = || Recent { admitted: VecDeque::new(), total: 0, last: at };
        let recent = self.recent.entry(of.clone()).or_insert_with(none);
        in_order(&of, recent.last, at)?;
        recent.last = at;
        recent.admitted.push_back((at, amount));
        recent.total += u128::from(amount);
        while let Some((earliest, gone)) = recent.admitted.front().filter(|(t, _)| at.since(*t) >= self.length).copied()
        {
            debug_assert!(earliest < at || self.length == Span::ZERO, "only what is over is forgotten");
            recent.admitted.pop_front();
            recent.total -= u128::from(gone);
        }
        if recent.total <= u128::from(self.most) {
            return Ok(());
        }
        let (from, total) = (recent.admitted[0].0, recent.total);
        let (most, length) = (self.most, self.length);
        let words = format!("{of:?} admits {total} from {from} to {at}; at most {most} in {length} are allowed");
        Err(Refusal::new("window", [of], words))
    }
}

fn in_order<N: Id>(of: &N, last: Time, at: Time) -> Ruling<N> {
    if at < last {
        Err(Refusal::new("order of time", [of.clone()], format!("{of:?} admits at {at}, after {last}")))
    } else {
        Ok(())
    }
}
