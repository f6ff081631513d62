//! An async node: a process whose logic is an async function.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::ops::RangeInclusive;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context as Poller, Poll, Waker};

use serde::{Serialize, de::DeserializeOwned};

use crate::disk::File;
use crate::disk::Stored;
use crate::fingerprint::StableHasher;
use crate::kind::Kinded;
use crate::mark::Mark;
use crate::process::Context;
use crate::process::{NodeId, OpId, Process};
use crate::time::{Span, Time};

/// The types of the messages, records, operations and answers of async nodes: those of their [`Process`].
pub trait Program: fmt::Debug + 'static {
    /// Moved between nodes, never serialised.
    type Message: Clone + fmt::Debug + Hash + Kinded + 'static;
    /// A record on disk; [`NoDisk`](crate::NoDisk) if nodes write none.
    type Record: Clone + fmt::Debug + Hash + 'static;
    /// An operation; [`NoOp`](crate::NoOp) if there are no clients.
    type Op: Clone + fmt::Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;
    /// The answer to an operation.
    type Ret: Clone + fmt::Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;
}

/// One [`Handle::sleep`]: the timers of async nodes, counted from 0 in each life of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, crate::Kinded)]
pub struct Alarm(u64);

/// What a node receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input<M, O> {
    /// A message from a node, which may be the receiver itself.
    Message {
        /// The sender.
        from: NodeId,
        /// As it was sent.
        message: M,
    },
    /// A client of this node invokes an operation: answer it with [`Handle::complete`].
    Op {
        /// Names the operation in [`Handle::complete`] and [`Handle::fail`].
        id: OpId,
        /// The operation with its arguments.
        op: O,
    },
}

/// A mailbox, shared by a node's process and its tasks.
pub(super) type Shared<A> = Rc<RefCell<Mailbox<A>>>;

type Main<A> = Box<dyn FnOnce(Handle<A>) -> Pin<Box<dyn Future<Output = ()>>>>;

/// The process of an async node. [`crate::Model::spawn`] makes it from an async function, which runs as the first task
/// of a madsim node and may spawn others with `madsim::task::spawn_local`. When it returns, the node's other tasks end
/// too, as they do when a `main` returns; the node then receives nothing.
///
/// *Clone*: tasks cannot be copied, so a world that has async nodes cannot be forked; cloning one panics.
/// *Hash*: of everything that the node received in this life. Its code is deterministic, so nodes with the same hash
/// are in the same state, if they also drew the same values and were scheduled in the same way.
pub struct Hosted<A: Program> {
    mailbox: Shared<A>,
    main: Option<Main<A>>,
}

impl<A: Program> Hosted<A> {
    /// A node that runs `main`.
    pub fn new<F: Future<Output = ()> + 'static>(main: impl FnOnce(Handle<A>) -> F + 'static) -> Self {
        Hosted { mailbox: Rc::default(), main: Some(Box::new(move |handle| Box::pin(main(handle)))) }
    }

    /// The async function and the mailbox of this life; `None` the second time.
    pub(super) fn take_main(&mut self) -> Option<(Main<A>, Shared<A>)> {
        Some((self.main.take()?, self.mailbox.clone()))
    }

    /// Whether a task with this mailbox belongs to the node's present life.
    pub(super) fn reads(&self, mailbox: &Shared<A>) -> bool {
        Rc::ptr_eq(&self.mailbox, mailbox)
    }

    fn deliver(&mut self, what: &impl Hash, put: impl FnOnce(&mut Mailbox<A>)) {
        let mut mailbox = self.mailbox.borrow_mut();
        what.hash(&mut mailbox.received);
        put(&mut mailbox);
        mailbox.wakers.drain(..).for_each(Waker::wake);
    }
}

impl<A: Program> Clone for Hosted<A> {
    fn clone(&self) -> Self {
        panic!("a world with async nodes cannot be forked: running tasks cannot be copied");
    }
}

impl<A: Program> Hash for Hosted<A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.mailbox.borrow().received.finish());
    }
}

impl<A: Program> fmt::Debug for Hosted<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mailbox = self.mailbox.borrow();
        let waiting = mailbox.inputs.len();
        f.debug_struct("Hosted")
            .field("waiting", &waiting)
            .field("asleep", &mailbox.asleep.len())
            .finish_non_exhaustive()
    }
}

/// Inputs of a node that its tasks have not taken yet.
#[derive(Debug)]
pub(super) struct Mailbox<A: Program> {
    inputs: VecDeque<Input<A::Message, A::Op>>,
    /// Running sleeps, with the wakers of the tasks that wait for them.
    asleep: BTreeMap<Alarm, Option<Waker>>,
    /// Sleeps that have ended and were not polled since.
    elapsed: BTreeSet<Alarm>,
    next_alarm: u64,
    /// Tasks that wait for an input or for the disk.
    wakers: Vec<Waker>,
    received: StableHasher,
}

impl<A: Program> Default for Mailbox<A> {
    fn default() -> Self {
        Mailbox {
            inputs: VecDeque::new(),
            asleep: BTreeMap::new(),
            elapsed: BTreeSet::new(),
            next_alarm: 0,
            wakers: Vec::new(),
            received: StableHasher::default(),
        }
    }
}

impl<A: Program> Mailbox<A> {
    fn wait(&mut self, poller: &Poller<'_>) {
        if !self.wakers.iter().any(|waker| waker.will_wake(poller.waker())) {
            self.wakers.push(poller.waker().clone());
        }
    }
}

impl<A: Program> Process for Hosted<A> {
    type Message = A::Message;
    type Timer = Alarm;
    type Record = A::Record;
    type Op = A::Op;
    type Ret = A::Ret;

    /// Does nothing: the host sees that the node has started, and launches its tasks.
    fn start(&mut self, _: &mut Context<'_, Self>) {}

    fn message(&mut self, _: &mut Context<'_, Self>, from: NodeId, message: A::Message) {
        let what = (from, message.clone());
        self.deliver(&what, |mailbox| mailbox.inputs.push_back(Input::Message { from, message }));
    }

    fn invoke(&mut self, _: &mut Context<'_, Self>, id: OpId, op: A::Op) {
        let what = (id, op.clone());
        self.deliver(&what, |mailbox| mailbox.inputs.push_back(Input::Op { id, op }));
    }

    fn timer(&mut self, _: &mut Context<'_, Self>, alarm: Alarm) {
        let mut mailbox = self.mailbox.borrow_mut();
        alarm.hash(&mut mailbox.received);
        if let Some(waker) = mailbox.asleep.remove(&alarm) {
            mailbox.elapsed.insert(alarm);
            waker.into_iter().for_each(Waker::wake);
        }
    }

    fn synced(&mut self, _: &mut Context<'_, Self>) {
        self.deliver(&"synced", |_| {});
    }
}

/// The world behind a handle, with the model's type erased.
pub(super) trait Site<A: Program> {
    /// Runs `effect` on a node that is up and still has this mailbox.
    fn act(&self, node: NodeId, mailbox: &Shared<A>, effect: &mut dyn FnMut(&mut Context<'_, Hosted<A>>));
}

/// A task's view of its node: what [`Context`] is to a handler. Cheap to clone; every task of a node may have one.
///
/// A task whose node goes down is dropped; what its destructors still do through a handle has no effect.
pub struct Handle<A: Program> {
    node: NodeId,
    mailbox: Shared<A>,
    site: Weak<dyn Site<A>>,
}

impl<A: Program> Clone for Handle<A> {
    fn clone(&self) -> Self {
        Handle { node: self.node, mailbox: self.mailbox.clone(), site: self.site.clone() }
    }
}

impl<A: Program> fmt::Debug for Handle<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("node", &self.node).finish_non_exhaustive()
    }
}

impl<A: Program> Handle<A> {
    pub(super) fn new(node: NodeId, mailbox: Shared<A>, site: Weak<dyn Site<A>>) -> Self {
        Handle { node, mailbox, site }
    }

    /// Does something on the node at once; `None` where this life of the node is over.
    fn act<T>(&self, effect: impl FnOnce(&mut Context<'_, Hosted<A>>) -> T) -> Option<T> {
        let (mut effect, mut result) = (Some(effect), None);
        self.site.upgrade()?.act(self.node, &self.mailbox, &mut |ctx| {
            result = effect.take().map(|effect| effect(ctx));
        });
        result
    }

    /// This node.
    pub fn id(&self) -> NodeId {
        self.node
    }

    /// This node's own clock; see [`Context::now`].
    pub fn now(&self) -> Time {
        self.act(|ctx| ctx.now()).unwrap_or(Time::NEVER)
    }

    /// Sends a message, when all writes made so far are durable; see [`Context::send`].
    pub fn send(&self, to: NodeId, message: A::Message) {
        self.act(|ctx| ctx.send(to, message));
    }

    /// Sends without waiting for this node's disk.
    pub fn send_early(&self, to: NodeId, message: A::Message) {
        self.act(|ctx| ctx.send_early(to, message));
    }

    /// A number in `range`, by the choice `(draw, node, label, n)`; see [`Context::draw`].
    ///
    /// # Panics
    /// If the range is empty.
    pub fn draw(&self, label: &'static str, range: RangeInclusive<u64>) -> u64 {
        let least = *range.start();
        self.act(|ctx| ctx.draw(label, range)).unwrap_or(least)
    }

    /// Writes a record at the end of `file`; see [`Context::append`].
    pub fn append(&self, file: File, record: A::Record) {
        self.act(|ctx| ctx.append(file, record));
    }

    /// Replaces the whole of `file`, atomically; see [`Context::replace`].
    pub fn replace(&self, file: File, records: Vec<A::Record>) {
        self.act(|ctx| ctx.replace(file, records));
    }

    /// What `file` holds, synced or not.
    pub fn read(&self, file: File) -> Vec<Stored<A::Record>> {
        self.act(|ctx| ctx.read(file)).unwrap_or_default()
    }

    /// Answers a client operation, when all writes made so far are durable; see [`Context::complete`].
    pub fn complete(&self, op: OpId, ret: A::Ret) {
        self.act(|ctx| ctx.complete(op, ret));
    }

    /// Answers without waiting for this node's disk.
    pub fn complete_early(&self, op: OpId, ret: A::Ret) {
        self.act(|ctx| ctx.complete_early(op, ret));
    }

    /// Ends a client operation that certainly had no effect; see [`Context::fail`].
    pub fn fail(&self, op: OpId, reason: &str) {
        self.act(|ctx| ctx.fail(op, reason));
    }

    /// Stops waiting for a client operation whose outcome stays unknown; see [`Context::give_up`].
    pub fn give_up(&self, op: OpId, reason: &str) {
        self.act(|ctx| ctx.give_up(op, reason));
    }

    /// Counts that an interesting state was reached; see [`Context::mark`].
    pub fn mark(&self, mark: Mark) {
        self.act(|ctx| ctx.mark(mark));
    }

    /// Adds a note to the timeline; see [`Context::note`].
    pub fn note(&self, text: impl Fn() -> String) {
        self.act(|ctx| ctx.note(text));
    }

    /// Stops this node for good; see [`Context::halt`].
    pub fn halt(&self, reason: &str) {
        self.act(|ctx| ctx.halt(reason));
    }

    /// The next message or operation. Where several tasks wait, each input goes to one of them.
    pub async fn next(&self) -> Input<A::Message, A::Op> {
        self.take(Ok).await
    }

    /// The next message; operations wait for [`Handle::next_op`].
    pub async fn recv(&self) -> (NodeId, A::Message) {
        self.take(|input| match input {
            Input::Message { from, message } => Ok((from, message)),
            op => Err(op),
        })
        .await
    }

    /// The next operation that a client of this node invokes; messages wait for [`Handle::recv`].
    pub async fn next_op(&self) -> (OpId, A::Op) {
        self.take(|input| match input {
            Input::Op { id, op } => Ok((id, op)),
            message => Err(message),
        })
        .await
    }

    /// Waits for the first input that `pick` accepts.
    async fn take<T>(&self, pick: impl Fn(Input<A::Message, A::Op>) -> Result<T, Input<A::Message, A::Op>>) -> T {
        std::future::poll_fn(|poller| {
            let mut mailbox = self.mailbox.borrow_mut();
            for at in 0..mailbox.inputs.len() {
                match pick(mailbox.inputs.remove(at).expect("an input within the bounds")) {
                    Ok(picked) => return Poll::Ready(picked),
                    Err(input) => mailbox.inputs.insert(at, input),
                }
            }
            mailbox.wait(poller);
            Poll::Pending
        })
        .await
    }

    /// Waits until everything this node has written is durable, as `fsync` does. Not needed before a message or an
    /// answer: those wait by themselves.
    pub async fn durable(&self) {
        std::future::poll_fn(|poller| match self.act(|ctx| ctx.durable()) {
            Some(true) => Poll::Ready(()),
            _ => {
                self.mailbox.borrow_mut().wait(poller);
                Poll::Pending
            }
        })
        .await
    }

    /// Sleeps for `span` on this node's clock, exactly: no rounding to milliseconds, as `madsim::time::sleep` does.
    /// By how much the world lets it be late is the choice `(timer, node, alarm, n)`.
    pub fn sleep(&self, span: Span) -> Sleep<A> {
        Sleep { handle: self.clone(), span, alarm: None }
    }

    /// The output of `future`; `None` if it takes longer than `span`.
    pub async fn timeout<T>(&self, span: Span, future: impl Future<Output = T>) -> Option<T> {
        let mut sleep = self.sleep(span);
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|poller| match future.as_mut().poll(poller) {
            Poll::Ready(value) => Poll::Ready(Some(value)),
            Poll::Pending => Pin::new(&mut sleep).poll(poller).map(|()| None),
        })
        .await
    }
}

/// A sleep on a node's clock; see [`Handle::sleep`]. It begins when it is first polled.
#[derive(Debug)]
pub struct Sleep<A: Program> {
    handle: Handle<A>,
    span: Span,
    alarm: Option<Alarm>,
}

impl<A: Program> Future for Sleep<A> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<()> {
        let Some(alarm) = self.alarm.clone() else {
            let mut mailbox = self.handle.mailbox.borrow_mut();
            let alarm = Alarm(mailbox.next_alarm);
            mailbox.next_alarm += 1;
            mailbox.asleep.insert(alarm.clone(), Some(poller.waker().clone()));
            drop(mailbox);
            self.alarm = Some(alarm.clone());
            let span = self.span;
            self.handle.act(|ctx| ctx.arm(alarm, span));
            return Poll::Pending;
        };
        let mut mailbox = self.handle.mailbox.borrow_mut();
        if mailbox.elapsed.remove(&alarm) {
            drop(mailbox);
            self.alarm = None;
            return Poll::Ready(());
        }
        mailbox.asleep.insert(alarm, Some(poller.waker().clone()));
        Poll::Pending
    }
}

impl<A: Program> Drop for Sleep<A> {
    fn drop(&mut self) {
        let Some(alarm) = self.alarm.take() else { return };
        let mut mailbox = self.handle.mailbox.borrow_mut();
        mailbox.elapsed.remove(&alarm);
        if mailbox.asleep.remove(&alarm).is_some() {
            drop(mailbox);
            self.handle.act(|ctx| ctx.cancel(&alarm));
        }
    }
}
