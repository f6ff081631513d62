//! Sweeps beyond one machine: a sweep is cut into shards, each for one worker; a shard is cut into parts, and a worker
//! writes a line for each part that it has finished ([`record`]). So the file of a worker that was killed is still of
//! use: another one goes on where it ended ([`results`]), and a merge uses its whole lines ([`collect`]).

pub mod auto;
pub mod collect;
pub mod record;
pub mod results;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of several shards of a sweep; written `I/N`, I from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    index: u64,
    of: u64,
}

/// A part has at least so many seeds, that its line is not dearer than its worlds.
const FEWEST_SEEDS: u64 = 64;
/// A shard is cut into so many parts at most, that its file stays small however many seeds it has.
const MOST_PARTS: u64 = 256;

impl Shard {
    /// The only shard of a sweep that is not cut.
    pub const WHOLE: Shard = Shard { index: 0, of: 1 };

    /// Shard `index`, from 0, of `of`; `None` if there is no such shard.
    pub fn new(index: u64, of: u64) -> Option<Self> {
        (index < of).then_some(Shard { index, of })
    }

    /// Which, from 0.
    pub fn index(self) -> u64 {
        self.index
    }

    /// Of how many.
    pub fn of(self) -> u64 {
        self.of
    }

    /// Its share of the seeds: the shares follow each other and differ in length by one at most.
    pub fn share(self, seeds: &Range<u64>) -> Range<u64> {
        let cut =
            |i: u64| seeds.start + (u128::from(seeds.end - seeds.start) * u128::from(i) / u128::from(self.of)) as u64;
        cut(self.index)..cut(self.index + 1)
    }

    /// The parts of its share, ascending. They depend on nothing but the seeds and the shard, so that a worker that goes
    /// on with the file of another one cuts at the same places.
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
        shard.ok_or_else(|| format!("'{text}' is not a shard: write I/N with I from 0 to N−1, such as 0/4"))
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
