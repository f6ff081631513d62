//! Timestamps, and the epochs of those who hand them out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A timestamp of the oracle: a number, later ones are greater. What is there at the beginning has zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ts(pub u64);

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("@{}", self.0))
    }
}

/// The reign of one life of one oracle: each belongs to one that claimed it, and at most one is current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The one after it.
    pub fn next(self) -> Self {
        Epoch(self.0 + 1)
    }
}
