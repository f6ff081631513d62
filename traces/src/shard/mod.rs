//! Sweeps on several machines: a sweep is divided into shards, one for each worker, and a shard into parts. A worker
//! writes a line for each finished part ([`record`]), so the file of a killed worker remains useful: another worker
//! continues it ([`results`]), and a merge uses its complete lines ([`collect`]).

pub mod auto;
pub mod collect;
pub mod record;
pub mod results;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A shard of a sweep, written `I/N` with I from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u64,
    of: u64,
}

/// The fewest seeds of a part, so that its line costs less than its worlds.
const FEWEST_SEEDS: u64 = 64;
/// The most shards of a sweep. A merge looks for the results of each.
const MOST_SHARDS: u64 = 100_000;
/// The most parts of a shard, which bounds the size of its file.
const MOST_PARTS: u64 = 256;

impl Shard {
    /// The only shard of a sweep that is not divided.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// Shard `index`, from 0, of `of`; `None` if there is no such shard, or there would be too many.
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (index < of && of <= MOST_SHARDS).then_some(Shard { index, of })
    }

    /// The index of the shard, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// The number of shards.
    pub fn of(self) -> u64 {
        self.of
    }

    /// Its share of the seeds. Shares are consecutive, and differ in length by at most one.
    pub fn share(self, seeds: &Range<u64>) -> Range<u64> {
        let cut =
            |i: u64| seeds.start + (u128::from(seeds.end - seeds.start) * u128::from(i) / u128::from(self.of)) as u64;
        cut(self.index)..cut(self.index + 1)
    }

    /// The parts of its share, ascending. They depend only on the seeds and the shard, so that a worker that continues
    /// another's file divides it in the same way.
    pub fn parts(self, seeds: &Range<u64>) -> Vec<Range<u64>> {
        let share = self.share(seeds);
        let length = (share.end - share.start).div_ceil(MOST_PARTS).max(FEWEST_SEEDS);
        let begins = (share.start..share.end).step_by(length as usize);
        begins.map(|begin| begin..share.end.min(begin.saturating_add(length))).collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let shard = numbers.and_then(|(index, of)| Shard::new(index, of));
        shard.ok_or_else(|| {
            format!("'{text}' is not a shard: write I/N with I from 0 to N−1 and N up to {MOST_SHARDS}, such as 0/4")
        })
    }
}

impl Serialize for Shard {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}
