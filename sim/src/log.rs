//! Logs in virtual time: the context that a `tracing` subscriber adds to each line.

use std::cell::Cell;

use crate::process::NodeId;
use crate::time::Time;

/// The handler that a log line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Here {
    /// The world's time.
    pub at: Time,
    /// The node whose handler is running.
    pub node: NodeId,
    /// The role of the node ([`crate::Model::role`]), or an empty string.
    pub role: &'static str,
}

thread_local! {
    static HERE: Cell<Option<Here>> = const { Cell::new(None) };
}

/// The handler that is running on this thread; `None` outside of handlers and when logs are off.
pub fn here() -> Option<Here> {
    HERE.get()
}

/// Whether a subscriber is interested in any level.
pub(crate) fn wanted() -> bool {
    tracing::level_filters::LevelFilter::current() != tracing::level_filters::LevelFilter::OFF
}

pub(crate) fn enter(at: Time, node: NodeId, role: &'static str) {
    HERE.set(Some(Here { at, node, role }));
}

pub(crate) fn leave() {
    HERE.set(None);
}
