//! A set of tasks that are joined as they end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use madsim_tokio::task::Id;

use super::join::{AbortHandle, JoinError, JoinHandle};
use super::spawn::{spawn, spawn_blocking, spawn_local};

/// A set of tasks; dropped, it aborts those that run. Of several that have ended, the one that was spawned first is joined
/// first.
pub struct JoinSet<T> {
    tasks: Vec<JoinHandle<T>>,
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        JoinSet { tasks: Vec::new() }
    }
}

impl<T> JoinSet<T> {
    /// An empty set.
    pub fn new() -> Self {
        JoinSet::default()
    }

    /// How many tasks are in it, ended ones included.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether no task is in it.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Aborts all tasks; they are then joined as cancelled.
    pub fn abort_all(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }

    /// Lets all tasks run on by themselves.
    pub fn detach_all(&mut self) {
        self.tasks.clear();
    }

    /// The next task that ends, with its identifier; `Ready(None)` if none is left.
    pub fn poll_join_next_with_id(&mut self, poller: &mut Context<'_>) -> Poll<Option<Result<(Id, T), JoinError>>> {
        if self.tasks.is_empty() {
            return Poll::Ready(None);
        }
        for at in 0..self.tasks.len() {
            if let Poll::Ready(ended) = Pin::new(&mut self.tasks[at]).poll(poller) {
                let id = self.tasks.remove(at).id();
                return Poll::Ready(Some(ended.map(|output| (id, output))));
            }
        }
        Poll::Pending
    }

    /// The next task that ends; `Ready(None)` if none is left.
    pub fn poll_join_next(&mut self, poller: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_join_next_with_id(poller).map(|ended| ended.map(|ended| ended.map(|(_, output)| output)))
    }

    /// Waits for the next task that ends; `None` if none is left.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        std::future::poll_fn(|poller| self.poll_join_next(poller)).await
    }

    /// Waits for the next task that ends, and says which it was.
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        std::future::poll_fn(|poller| self.poll_join_next_with_id(poller)).await
    }

    /// A task that has ended, if there is one.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        match self.poll_join_next(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(ended) => ended,
            Poll::Pending => None,
        }
    }

    /// Aborts all tasks and waits until they have ended.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Waits for all tasks.
    ///
    /// # Panics
    /// If one of them did, or was aborted.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(ended) = self.join_next().await {
            match ended.map_err(JoinError::try_into_panic) {
                Ok(output) => outputs.push(output),
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                Err(Err(cancelled)) => panic!("{cancelled}"),
            }
        }
        outputs
    }
}

impl<T: 'static> JoinSet<T> {
    /// Spawns a task into the set.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.add(spawn(future))
    }

    /// Spawns a task that stays on its thread.
    #[track_caller]
    pub fn spawn_local<F: Future<Output = T> + 'static>(&mut self, future: F) -> AbortHandle {
        self.add(spawn_local(future))
    }

    /// Runs `work` in a task.
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, work: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.add(spawn_blocking(work))
    }

    fn add(&mut self, task: JoinHandle<T>) -> AbortHandle {
        let abort = task.abort_handle();
        self.tasks.push(task);
        abort
    }
}

impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.abort_all();
    }
}

impl<T: Send + 'static, F: Future<Output = T> + Send + 'static> FromIterator<F> for JoinSet<T> {
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = JoinSet::new();
        futures.into_iter().for_each(|future| {
            set.spawn(future);
        });
        set
    }
}
