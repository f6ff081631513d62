//! The staleness of each read, for a known order of writes.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use seedbed_sim::{Span, Time};

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// Writes and reads of keys. A read comes after all writes that took effect before it began.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<N, K, V> {
    /// A key gets a new value, which is unique for the key. Writes come in the order of time.
    Written {
        /// The key that is written.
        key: K,
        /// Never written to this key before.
        value: V,
        /// When the write took effect.
        at: Time,
    },
    /// A read returned.
    Read {
        /// The reader, named in refusals.
        by: N,
        /// The key that was read.
        key: K,
        /// The value that it returned; `None` if the key had never been written.
        value: Option<V>,
        /// When the read began.
        began: Time,
    },
}

/// The staleness of one read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stale {
    /// Newer values when the read began.
    pub versions: u64,
    /// How long the returned value had been overwritten when the read began.
    pub time: Span,
}

/// Measures reads and keeps their distribution, to three digits.
///
/// ```
/// use seedbed_properties::checkers::consistency::staleness::{Event, Stale, Staleness};
/// use seedbed_sim::{Span, Time};
///
/// let mut staleness = Staleness::default();
/// for (value, at) in [(1, 10), (2, 20), (3, 30)] {
///     staleness.observe::<char>(Event::Written { key: 'x', value, at: Time::ms(at) }).unwrap();
/// }
/// let read = |value, began| Event::Read { by: 'a', key: 'x', value: Some(value), began: Time::ms(began) };
/// assert_eq!(staleness.observe(read(3, 31)).unwrap(), Some(Stale::default()));
/// // 1 was overwritten at 20, and two values are newer.
/// assert_eq!(staleness.observe(read(1, 35)).unwrap(), Some(Stale { versions: 2, time: Span::ms(15) }));
/// assert_eq!((staleness.reads(), staleness.versions_at(0.5), staleness.versions_at(1.0)), (2, 0, 2));
/// assert_eq!(staleness.worst(), Stale { versions: 2, time: Span::ms(15) });
/// ```
#[derive(Clone, Debug)]
pub struct Staleness<K, V> {
    keys: BTreeMap<K, Versions<V>>,
    versions: Histogram<u64>,
    times: Histogram<u64>,
    worst: Stale,
}

#[derive(Clone, Debug)]
struct Versions<V> {
    /// The times of the writes.
    written: Vec<Time>,
    place: BTreeMap<V, usize>,
}

impl<K: Name, V: Name> Staleness<K, V> {
    /// Takes the next event; returns the staleness of a read.
    ///
    /// # Errors
    /// A read returned a value that was never written, or a write repeats a value or goes back in time.
    pub fn observe<N: Id>(&mut self, event: Event<N, K, V>) -> Result<Option<Stale>, Refusal<N>> {
        match event {
            Event::Written { key, value, at } => {
                let none = || Versions { written: Vec::new(), place: BTreeMap::new() };
                let versions = self.keys.entry(key.clone()).or_insert_with(none);
                if versions.written.last().is_some_and(|last| at < *last) {
                    let words = format!("{value:?} is written to {key:?} at {at}, before what was written last");
                    return Err(Refusal::new("order of writes", [], words));
                }
                if versions.place.insert(value.clone(), versions.written.len()).is_some() {
                    let words = format!("{value:?} is written to {key:?} for the second time: let values be unique");
                    return Err(Refusal::new("unique writes", [], words));
                }
                versions.written.push(at);
                Ok(None)
            }
            Event::Read { by, key, value, began } => {
                let versions = self.keys.get(&key);
                let next = match (&value, versions) {
                    (None, _) => 0,
                    (Some(value), Some(versions)) if versions.place.contains_key(value) => versions.place[value] + 1,
                    (Some(value), _) => {
                        let words = format!("{by:?} reads {value:?} from {key:?}, and nobody has written it");
                        return Err(Refusal::new("read from nowhere", [by], words));
                    }
                };
                let written = versions.map_or(&[][..], |versions| &versions.written);
                let newer = &written[next..written.partition_point(|at| *at <= began).max(next)];
                let stale = Stale {
                    versions: newer.len() as u64,
                    time: newer.first().map_or(Span::ZERO, |outdated| began.since(*outdated)),
                };
                for (histogram, value) in [(&mut self.versions, stale.versions), (&mut self.times, stale.time.0)] {
                    histogram.record(value).expect("a histogram grows to what it must hold");
                }
                self.worst.versions = self.worst.versions.max(stale.versions);
                self.worst.time = self.worst.time.max(stale.time);
                Ok(Some(stale))
            }
        }
    }

    /// How many reads were measured.
    pub fn reads(&self) -> u64 {
        self.versions.len()
    }

    /// The quantile of the staleness in versions, for a share of the reads from 0 to 1; to three digits.
    pub fn versions_at(&self, share: f64) -> u64 {
        self.versions.value_at_quantile(share)
    }

    /// The quantile of the staleness in time, for a share of the reads from 0 to 1; to three digits.
    pub fn time_at(&self, share: f64) -> Span {
        Span(self.times.value_at_quantile(share))
    }

    /// The greatest staleness in versions and in time, exactly; perhaps of different reads.
    pub fn worst(&self) -> Stale {
        self.worst
    }
}

impl<K, V> Default for Staleness<K, V> {
    fn default() -> Self {
        let histogram = || Histogram::new(3).expect("three digits are possible");
        Staleness { keys: BTreeMap::new(), versions: histogram(), times: histogram(), worst: Stale::default() }
    }
}

/// No read is staler than a bound, in versions and in time, and none returns a value that was never written.
#[derive(Clone, Debug)]
pub struct Bounded<N, K, V> {
    bound: Stale,
    staleness: Staleness<K, V>,
    readers: std::marker::PhantomData<fn() -> N>,
}

impl<N: Id, K: Name, V: Name> Bounded<N, K, V> {
    /// The bounds; the greatest number for one that is not limited.
    pub fn by(versions: u64, time: Span) -> Self {
        let bound = Stale { versions, time };
        Bounded { bound, staleness: Staleness::default(), readers: std::marker::PhantomData }
    }

    /// The measurements so far.
    pub fn measured(&self) -> &Staleness<K, V> {
        &self.staleness
    }
}

impl<N: Id, K: Name, V: Name> Judge for Bounded<N, K, V> {
    type Event = Event<N, K, V>;
    type Node = N;

    fn observe(&mut self, event: Event<N, K, V>) -> Ruling<N> {
        let read = match &event {
            Event::Read { by, key, value, began } => Some((by.clone(), key.clone(), value.clone(), *began)),
            Event::Written { .. } => None,
        };
        let (Some(stale), Some((by, key, value, began))) = (self.staleness.observe(event)?, read) else {
            return Ok(());
        };
        if stale.versions <= self.bound.versions && stale.time <= self.bound.time {
            return Ok(());
        }
        let (Stale { versions, time }, bound) = (stale, self.bound);
        let what = value.map_or_else(|| "nothing".into(), |value| format!("{value:?}"));
        let mut words =
            format!("{by:?} reads {what} from {key:?} at {began}, which is behind by {versions} versions and {time}");
        if stale.versions > bound.versions {
            words += &format!("; at most {} versions are allowed", bound.versions);
        }
        if stale.time > bound.time {
            words += &format!("; at most {} is allowed", bound.time);
        }
        Err(Refusal::new("bounded staleness", [by], words))
    }
}
