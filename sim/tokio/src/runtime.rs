//! Runtimes: there is one, which runs already, and these are names for it.

use std::future::Future;
use std::io;
use std::sync::Mutex;

use crate::task::{AbortHandle, JoinHandle};

/// Builds a [`Runtime`]; what it is told has no effect in a simulation.
#[derive(Debug)]
pub struct Builder {}

impl Builder {
    /// As for any other runtime.
    pub fn new_current_thread() -> Self {
        Builder {}
    }

    /// As for any other runtime.
    pub fn new_multi_thread() -> Self {
        Builder {}
    }

    /// Has no effect.
    pub fn worker_threads(&mut self, _: usize) -> &mut Self {
        self
    }

    /// Has no effect.
    pub fn max_blocking_threads(&mut self, _: usize) -> &mut Self {
        self
    }

    /// Has no effect.
    pub fn thread_name(&mut self, _: impl Into<String>) -> &mut Self {
        self
    }

    /// Has no effect.
    pub fn enable_all(&mut self) -> &mut Self {
        self
    }

    /// Has no effect.
    pub fn enable_io(&mut self) -> &mut Self {
        self
    }

    /// Has no effect.
    pub fn enable_time(&mut self) -> &mut Self {
        self
    }

    /// The runtime.
    ///
    /// # Errors
    /// Never.
    pub fn build(&mut self) -> io::Result<Runtime> {
        Ok(Runtime { tasks: Mutex::default() })
    }
}

/// A runtime: tasks that are spawned by it end when it is dropped. It cannot block, because the simulation runs the task that
/// would.
#[derive(Debug)]
pub struct Runtime {
    tasks: Mutex<Vec<AbortHandle>>,
}

impl Runtime {
    /// The runtime.
    ///
    /// # Errors
    /// Never.
    pub fn new() -> io::Result<Self> {
        Builder::new_multi_thread().build()
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.keep(crate::task::spawn(future))
    }

    /// Runs `work` in a task.
    #[track_caller]
    pub fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.keep(crate::task::spawn_blocking(work))
    }

    fn keep<T>(&self, task: JoinHandle<T>) -> JoinHandle<T> {
        self.tasks.lock().expect("no panic while it is held").push(task.abort_handle());
        task
    }

    /// A name for the runtime.
    pub fn handle(&self) -> Handle {
        Handle
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.tasks.get_mut().expect("no panic while it is held").iter().for_each(AbortHandle::abort);
    }
}

/// No simulation runs on this thread.
#[derive(Debug)]
pub struct TryCurrentError(());

impl std::fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("there is no reactor running, must be called from the context of a simulation")
    }
}

impl std::error::Error for TryCurrentError {}

/// A name for the runtime that runs the present task.
#[derive(Clone, Debug)]
pub struct Handle;

impl Handle {
    /// The present runtime.
    ///
    /// # Panics
    /// Outside of a simulation.
    #[track_caller]
    pub fn current() -> Self {
        Handle::try_current().expect("a simulation runs")
    }

    /// The present runtime.
    ///
    /// # Errors
    /// Outside of a simulation.
    pub fn try_current() -> Result<Self, TryCurrentError> {
        madsim::runtime::Handle::try_current().map(|_| Handle).map_err(|_| TryCurrentError(()))
    }

    /// Spawns a task.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        crate::task::spawn(future)
    }

    /// Runs `work` in a task.
    #[track_caller]
    pub fn spawn_blocking<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        crate::task::spawn_blocking(work)
    }
}
