//! Why nothing is known of a run.

use std::fmt;

/// Why a run has no verdict. It is no violation: a limit says nothing about the protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Undecided {
    /// It was broken off at its bound on events ([`Scenario::most_events`](crate::Scenario::most_events)), or because it sent
    /// more messages than that.
    Events(u64),
    /// It was broken off because what was recorded of it takes more than [`MOST_RECORDED`].
    Recording,
    /// A property came to a limit of its own ([`Broken::undecided`](crate::Broken::undecided)).
    Property {
        /// The name of the property.
        name: String,
        /// Which limit, and what to do.
        why: String,
    },
}

/// The most memory that the recording of a run may take, in bytes.
pub const MOST_RECORDED: usize = 512 << 20;

impl fmt::Display for Undecided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undecided::Events(most) => {
                write!(
                    f,
                    "broken off at its bound of {most} events; --events, or most_events in its scenario, sets another"
                )
            }
            Undecided::Recording => {
                write!(f, "broken off because its recording takes more than {} MB", MOST_RECORDED >> 20)
            }
            Undecided::Property { name, why } => write!(f, "{name} is undecided: {why}"),
        }
    }
}
