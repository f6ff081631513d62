//! Logs in virtual time: what a `tracing` subscriber needs to know of the world whose handler is running.

use std::cell::Cell;

use crate::process::NodeId;
use crate::time::Time;

/// Where a log line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// The world's time.
    pub at: Time,
    /// The node whose handler is running.
    pub node: NodeId,
    /// The role it holds, or nothing.
    pub role: &'static str,
}

thread_local! {
    static HERE: Cell<Option<Here>> = const { Cell::new(None) };
}

/// The handler that is running on this thread, if one is and logs are on.
pub fn here() -> Option<Here> {
    HERE.get()
}

/// Whether anybody listens to logs at all.
pub(crate) fn wanted() -> bool {
    tracing::level_filters::LevelFilter::current() != tracing::level_filters::LevelFilter::OFF
}

pub(crate) fn enter(at: Time, node: NodeId, role: &'static str) {
    HERE.set(Some(Here { at, node, role }));
}

pub(crate) fn leave() {
    HERE.set(None);
}
