//! Tasks that stay on one thread. In a simulation all do.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::join::{AbortHandle, JoinHandle};
use super::spawn::spawn_local;

/// A set of tasks that need not be `Send`. Unlike tokio's, they run as soon as they are spawned, whether somebody awaits the set
/// or not; dropped, it aborts them.
#[derive(Default)]
pub struct LocalSet {
    tasks: RefCell<Vec<AbortHandle>>,
    running: Rc<RefCell<Running>>,
}

/// How many tasks of a set run, and who waits until none does.
#[derive(Default)]
struct Running {
    count: usize,
    waker: Option<Waker>,
}

/// A task of a set has ended, in whatever way, when this is dropped.
struct Runs(Rc<RefCell<Running>>);

impl Drop for Runs {
    fn drop(&mut self) {
        let mut running = self.0.borrow_mut();
        running.count -= 1;
        if running.count == 0 {
            running.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl fmt::Debug for LocalSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalSet").finish_non_exhaustive()
    }
}

impl LocalSet {
    /// An empty set.
    pub fn new() -> Self {
        LocalSet::default()
    }

    /// Spawns a task into the set.
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.running.borrow_mut().count += 1;
        let runs = Runs(self.running.clone());
        let task = spawn_local(async move {
            let _runs = runs;
            future.await
        });
        self.tasks.borrow_mut().push(task.abort_handle());
        task
    }

    /// Runs a future in which [`spawn_local`] may be used.
    pub async fn run_until<F: Future>(&self, future: F) -> F::Output {
        future.await
    }
}

impl Future for LocalSet {
    type Output = ();

    /// Resolves when all tasks of the set have ended.
    fn poll(self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<()> {
        let mut running = self.running.borrow_mut();
        if running.count == 0 {
            return Poll::Ready(());
        }
        running.waker = Some(poller.waker().clone());
        Poll::Pending
    }
}

impl Drop for LocalSet {
    fn drop(&mut self) {
        self.tasks.borrow().iter().for_each(AbortHandle::abort);
    }
}
