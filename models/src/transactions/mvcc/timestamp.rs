//! Timestamps, and the epochs of those who hand them out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A timestamp of the oracle: later ones are greater. Zero is before all that the oracle hands out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ts(pub u64);

impl fmt::Display for Ts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("@{}", self.0))
    }
}

/// The epoch in which one incarnation of one oracle hands out timestamps: each belongs to the one that claimed it, and at
/// most one is current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl Epoch {
    /// The epoch after it.
    pub fn next(self) -> Self {
        Epoch(self.0 + 1)
    }
}
