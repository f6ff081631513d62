//! Who is told of a panic that ends a poll.

use std::cell::Cell;

use crate::process::NodeId;

thread_local! {
    /// The node whose first task was woken by a task that panicked.
    static TOLD: Cell<Option<NodeId>> = const { Cell::new(None) };
    /// Whether the panic is one that nobody can be told of: of the first task of a node, or of a task whose handle is gone.
    static UNTOLD: Cell<bool> = const { Cell::new(false) };
}

/// The node whose program has been told of the panic that was just caught.
///
/// Tasks that madsim spawned by itself, not through `seedbed-tokio`, end a run when they panic, and the only trace of somebody
/// who waits for them is that he is woken. The first task of a node counts; others cannot be seen.
pub(super) fn who_was_told() -> Option<NodeId> {
    let (told, untold) = (TOLD.take(), UNTOLD.take());
    told.filter(|_| !untold)
}

/// The first task of this node is woken by a panic.
pub(super) fn is_told(node: NodeId) {
    TOLD.set(Some(node));
}

/// A task is about to be polled: what earlier panics did, which were caught, no longer counts.
pub(super) fn poll_begins() {
    TOLD.take();
    UNTOLD.take();
}

/// The panic that is under way is one that nobody can be told of, whoever is woken by it.
pub fn nobody_is_told() {
    UNTOLD.set(true);
}
