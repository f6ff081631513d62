//! The identifiers of entries: a time in milliseconds, and a number in it (Redis documentation, *Redis Streams*, "Entry IDs").

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Milliseconds on the clock of a server.
pub type Millis = u64;

/// The identifier of an entry, `ms-seq`. Identifiers are ordered by the time, and then by the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id {
    /// The time.
    pub ms: Millis,
    /// The number in it.
    pub seq: u64,
}

impl Id {
    /// `0-0`, which no entry has.
    pub const ZERO: Id = Id { ms: 0, seq: 0 };
    /// The greatest.
    pub const MAX: Id = Id { ms: u64::MAX, seq: u64::MAX };

    /// The identifier `ms-seq`.
    pub const fn new(ms: Millis, seq: u64) -> Self {
        Id { ms, seq }
    }

    /// The next greater one (`streamIncrID`); none after the greatest.
    pub fn next(self) -> Option<Id> {
        match self {
            Id { ms, seq } if seq < u64::MAX => Some(Id { ms, seq: seq + 1 }),
            Id { ms, .. } if ms < u64::MAX => Some(Id { ms: ms + 1, seq: 0 }),
            _ => None,
        }
    }

    /// The next smaller one (`streamDecrID`); none before `0-0`.
    pub fn previous(self) -> Option<Id> {
        match self {
            Id { ms, seq } if seq > 0 => Some(Id { ms, seq: seq - 1 }),
            Id { ms, .. } if ms > 0 => Some(Id { ms: ms - 1, seq: u64::MAX }),
            _ => None,
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}-{}", self.ms, self.seq))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no identifier: write a time and a number, such as 1526919030474-55");
        let (ms, seq) = text.split_once('-').ok_or_else(wrong)?;
        Ok(Id { ms: ms.parse().map_err(|_| wrong())?, seq: seq.parse().map_err(|_| wrong())? })
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The identifier that `XADD` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NewId {
    /// `*`: the server's time, and a number in it.
    Auto,
    /// `ms-*`: this time, and the next number in it.
    At(Millis),
    /// `ms-seq`.
    Exactly(Id),
}

impl NewId {
    /// The identifier of a new entry behind `last` (`streamAppendItem`, `streamNextID`): with `*`, that of the present time, or
    /// the next after the last one if the clock is not ahead of it. `None` if it would not be greater than `last`.
    pub fn after(self, last: Id, now: Millis) -> Option<Id> {
        let id = match self {
            NewId::Auto if now > last.ms => Id::new(now, 0),
            NewId::Auto => last.next()?,
            NewId::At(ms) if ms == last.ms => Id::new(ms, last.seq.checked_add(1)?),
            NewId::At(ms) => Id::new(ms, 0),
            NewId::Exactly(id) => id,
        };
        (id > last).then_some(id)
    }
}
