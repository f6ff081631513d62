//! How tasks begin.

use std::future::Future;

use super::join::JoinHandle;

/// Spawns a task on this node.
#[track_caller]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_local(future)
}

/// Spawns a task that stays on its thread, as all tasks of a simulation do.
#[track_caller]
pub fn spawn_local<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    JoinHandle::of(future)
}

/// Runs `work` in a task. In a simulation nothing blocks for long: it takes no virtual time.
#[track_caller]
pub fn spawn_blocking<T, F>(work: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    JoinHandle::of(async move { work() })
}

/// Runs `work` here and now.
pub fn block_in_place<T>(work: impl FnOnce() -> T) -> T {
    work()
}
