//! What a program sees of its node, and the first task of a node.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use madsim::time::TimeHandle;

use crate::history::{History, Outcome};
use crate::host::clock;
use crate::host::current::{self, current};
use crate::host::deployment::ip;
use crate::host::told;
use crate::process::{NodeId, OpId};
use crate::time::Time;

/// A program's view of its node: its identity, the addresses of others, and where it records operations.
pub struct Node<O, R> {
    pub(super) id: NodeId,
    pub(super) history: Arc<Mutex<History<O, R>>>,
}

impl<O, R> Clone for Node<O, R> {
    fn clone(&self) -> Self {
        Node { id: self.id, history: self.history.clone() }
    }
}

impl<O, R> fmt::Debug for Node<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<O: fmt::Debug, R> Node<O, R> {
    /// This node.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The address of a node: `10.0.0.1` is `n0`.
    pub fn address(&self, node: NodeId, port: u16) -> SocketAddr {
        (ip(node), port).into()
    }

    /// A client on this node invokes an operation. It stays unknown until the client learns how it ended.
    pub fn invoke(&self, op: O) -> Open<O, R> {
        let mut history = self.history.lock().expect("nobody panics while recording");
        let id = OpId(history.invocations().len() as u64);
        if let Some(current) = current() {
            current.say(Some(self.id), format!("invokes operation {}: {op:?}", id.0));
        }
        history.invoke(id, self.id, op, clock::read(&TimeHandle::current()));
        Open { id, client: self.id, history: self.history.clone() }
    }
}

/// An operation that was invoked. Dropped, as at a crash or a broken connection, it stays unknown.
#[must_use = "say how the operation ended, if it did"]
pub struct Open<O, R> {
    id: OpId,
    client: NodeId,
    history: Arc<Mutex<History<O, R>>>,
}

impl<O, R> fmt::Debug for Open<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<O, R: fmt::Debug> Open<O, R> {
    /// It returned this.
    pub fn returned(self, ret: R) {
        self.end(|at| Outcome::Returned { ret, at });
    }

    /// It certainly had no effect and never will.
    pub fn failed(self, reason: impl Into<String>) {
        self.end(|at| Outcome::Failed { reason: reason.into(), at });
    }

    fn end(self, outcome: impl FnOnce(Time) -> Outcome<R>) {
        let outcome = outcome(clock::read(&TimeHandle::current()));
        if let Some(current) = current() {
            let how = match &outcome {
                Outcome::Returned { ret, .. } => format!("returns {ret:?}"),
                Outcome::Failed { reason, .. } => format!("fails: {reason}"),
                Outcome::Unknown => "stays unknown".into(),
            };
            current.say(Some(self.client), format!("operation {} {how}", self.id.0));
        }
        self.history.lock().expect("nobody panics while recording").end(self.id, outcome);
    }
}

/// The first task of a node: the program itself, from its first statement on.
pub(super) struct FirstTask<F> {
    node: NodeId,
    future: Pin<Box<F>>,
    waker: Option<Arc<Watched>>,
}

impl<F> FirstTask<F> {
    pub(super) fn new(node: NodeId, future: F) -> Self {
        FirstTask { node, future: Box::pin(future), waker: None }
    }
}

impl<F: Future<Output = ()>> Future for FirstTask<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, poller: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let waker = match this.waker.take().filter(|watched| watched.waker.will_wake(poller.waker())) {
            Some(waker) => waker,
            None => Arc::new(Watched { node: this.node, waker: poller.waker().clone() }),
        };
        this.waker = Some(waker.clone());
        let waker = Waker::from(waker);
        let _polled = Polled;
        let ended = this.future.as_mut().poll(&mut Context::from_waker(&waker));
        if ended.is_ready() {
            let node = this.node;
            current::current().inspect(|current| current.say(Some(node), "exits".into()));
        }
        ended
    }
}

/// Notes that the first task panicked, if it does while this lives.
struct Polled;

impl Drop for Polled {
    fn drop(&mut self) {
        if std::thread::panicking() {
            told::nobody_is_told();
        }
    }
}

struct Watched {
    node: NodeId,
    waker: Waker,
}

impl Wake for Watched {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if std::thread::panicking() {
            told::is_told(self.node);
        }
        self.waker.wake_by_ref();
    }
}
