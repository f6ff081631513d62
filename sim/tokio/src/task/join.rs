//! Handles of tasks, and what became of a task that did not end well.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use madsim::task as madsim_task;
pub use madsim::task::AbortHandle;
use madsim_tokio::task::Id;
use seedbed_sim::host::task::{abandon_panic, join_panic, keep_panic, nobody_is_told};

type Payload = Box<dyn Any + Send + 'static>;

/// What a task and its handle know of each other.
#[derive(Debug, Default)]
struct Link {
    /// The handle is gone: nobody will join the task.
    detached: bool,
    /// The name of the task's panic among those of the run.
    panic: Option<u64>,
}

/// An owned permission to join a task: to wait for its end and take its output, or its panic.
///
/// A panic in a task whose handle is gone ends the run, as a violation. So does one whose handle is dropped later and never
/// joined, at the end of the run.
pub struct JoinHandle<T> {
    task: madsim_task::JoinHandle<Result<T, Payload>>,
    link: Arc<Mutex<Link>>,
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id()).finish()
    }
}

impl<T: 'static> JoinHandle<T> {
    /// Spawns `future` on the node of the present task.
    #[track_caller]
    pub(super) fn of<F: Future<Output = T> + 'static>(future: F) -> Self {
        let link = Arc::new(Mutex::new(Link::default()));
        let task = madsim_task::spawn_local(Caught { future: Box::pin(future), link: link.clone() });
        JoinHandle { task, link }
    }
}

impl<T> JoinHandle<T> {
    /// Ends the task where it waits.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// A handle that can end the task, and nothing else.
    pub fn abort_handle(&self) -> AbortHandle {
        self.task.abort_handle()
    }

    /// The task's identifier. They are counted in the process, and so differ from run to run.
    pub fn id(&self) -> Id {
        self.task.id()
    }

    /// Whether the task has ended.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Self::Output> {
        let id = self.task.id();
        let ended = std::task::ready!(Pin::new(&mut self.task).poll(poller));
        Poll::Ready(match ended {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(panic)) => {
                let panicked = self.link.lock().expect("no panic while it is held").panic.take();
                panicked.into_iter().for_each(join_panic);
                Err(JoinError { id, panic: Some(Mutex::new(panic)) })
            }
            Err(_) => Err(JoinError { id, panic: None }),
        })
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let mut link = self.link.lock().expect("no panic while it is held");
        link.detached = true;
        link.panic.take().into_iter().for_each(abandon_panic);
    }
}

/// A future whose panic is its output, if somebody may take it.
struct Caught<F> {
    future: Pin<Box<F>>,
    link: Arc<Mutex<Link>>,
}

impl<F: Future> Future for Caught<F> {
    type Output = Result<F::Output, Payload>;

    fn poll(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<Self::Output> {
        match catch_unwind(AssertUnwindSafe(|| self.future.as_mut().poll(poller))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(panic) => {
                let mut link = self.link.lock().expect("no panic while it is held");
                if link.detached {
                    drop(link);
                    nobody_is_told();
                    resume_unwind(panic);
                }
                link.panic = keep_panic(&*panic);
                Poll::Ready(Err(panic))
            }
        }
    }
}

/// Why a task has no output: it was aborted, or it panicked.
pub struct JoinError {
    id: Id,
    panic: Option<Mutex<Payload>>,
}

impl JoinError {
    /// Whether the task was aborted.
    pub fn is_cancelled(&self) -> bool {
        self.panic.is_none()
    }

    /// Whether the task panicked.
    pub fn is_panic(&self) -> bool {
        self.panic.is_some()
    }

    /// The task's identifier.
    pub fn id(&self) -> Id {
        self.id
    }

    /// What the panic carries.
    ///
    /// # Panics
    /// If the task did not panic.
    #[track_caller]
    pub fn into_panic(self) -> Payload {
        self.try_into_panic().expect("`JoinError` reason is not a panic.")
    }

    /// What the panic carries; the error itself, if the task did not panic.
    ///
    /// # Errors
    /// If the task did not panic.
    pub fn try_into_panic(self) -> Result<Payload, JoinError> {
        match self.panic {
            Some(panic) => Ok(panic.into_inner().expect("no panic while it is held")),
            None => Err(self),
        }
    }

    /// The words of the panic.
    fn words(&self) -> Option<String> {
        let panic = self.panic.as_ref()?.lock().expect("no panic while it is held");
        let words = panic.downcast_ref::<String>().cloned();
        words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string))
    }
}

// As tokio writes them, but for the identifier, which is another one in each run.
impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_panic(), self.words()) {
            (false, _) => f.write_str("task was cancelled"),
            (true, Some(words)) => write!(f, "task panicked with message {words:?}"),
            (true, None) => f.write_str("task panicked"),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.is_panic(), self.words()) {
            (false, _) => f.write_str("JoinError::Cancelled"),
            (true, Some(words)) => write!(f, "JoinError::Panic({words:?})"),
            (true, None) => f.write_str("JoinError::Panic(...)"),
        }
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for std::io::Error {
    fn from(error: JoinError) -> Self {
        std::io::Error::other(error.to_string())
    }
}
