//! A protocol is a deterministic state machine that takes events and produces effects.
//!
//! This shape (no sockets, clocks or threads inside; time and input are arguments) is known as sans-IO; quinn-proto and
//! etcd's raft are well-known examples.

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::RangeInclusive;

use serde::{Serialize, de::DeserializeOwned};

use crate::bug::Planted;
use crate::disk::{File, Stored};
use crate::effects::{Effects, Step};
use crate::kind::Kinded;
use crate::mark::Mark;
use crate::stack::Floor;
use crate::time::{Span, Time};
use crate::written::Write;

pub use crate::node::{MAX_NODES, NoDisk, NoOp, NodeId, OpId};

/// A protocol: one state machine, as it runs on one node.
///
/// All nodes of a world run the same type; a protocol with several roles (server, client, coordinator) is an enum of
/// them. Everything in the value is *volatile*: a crash drops it, [`crate::Model::spawn`] creates a new one, and
/// [`Process::start`] recovers from the disk.
///
/// Runs are repeatable if handlers read no clock but [`Context::now`], draw nothing but by [`Context::draw`], and use
/// no `HashMap` and no statics.
///
/// `Clone` and `Hash` let worlds be forked and states be compared. A panic in a handler (a failed `assert!`) is a
/// violation with a trace, of a property named by the file and by the words of its message without the values, so each
/// assertion needs words of its own.
pub trait Process: Clone + Hash + Debug + Sized + 'static {
    /// Moved between nodes, never serialised.
    type Message: Clone + Debug + Hash + Kinded + 'static;
    /// Identifies a timer of this node; arming one that is armed moves it.
    type Timer: Clone + Debug + Hash + Ord + Kinded + 'static;
    /// A record of a file on this node's disk; [`NoDisk`] if it writes none.
    type Record: Clone + Debug + Hash + 'static;
    /// An operation of clients; [`NoOp`] if there are none.
    type Op: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;
    /// The answer to an operation.
    type Ret: Clone + Debug + Hash + PartialEq + Serialize + DeserializeOwned + Send + 'static;

    /// The node starts, or restarts after a crash: recover from [`Context::read`] and arm timers.
    fn start(&mut self, ctx: &mut Context<'_, Self>);

    /// A message has arrived.
    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Self::Message);

    /// A timer is due. It is no longer armed.
    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Self::Timer) {
        let _ = ctx;
        panic!("this process arms no timers: {timer:?} is due");
    }

    /// A sync has ended: all that was written before it began is durable. Outputs that waited for it leave after this.
    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        let _ = ctx;
    }

    /// A client of this node invokes an operation. Answer, now or later, with [`Context::complete`] or
    /// [`Context::fail`]; an operation that is never answered stays unknown.
    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Self::Op) {
        let _ = ctx;
        panic!("this process takes no operations: it was asked {op:?} {input:?}");
    }

    /// The size of a message in bytes, for networks with a bandwidth.
    fn size(message: &Self::Message) -> u64 {
        size_of_val(message) as u64
    }
}

/// The effects that handlers of `P` can have.
pub(crate) type EffectsOf<'a, P> =
    dyn Effects<<P as Process>::Message, <P as Process>::Timer, <P as Process>::Record, <P as Process>::Ret> + 'a;

/// A handler's view of its node: the clock, and the effects it can have.
///
/// Messages and answers leave after the handler, once every write that the node made before they leave is durable
/// (*output commit*); the methods that end in `_early` do not wait, which is how "replied before it was durable" is
/// written on purpose.
pub struct Context<'a, P: Process> {
    pub(crate) effects: &'a mut EffectsOf<'a, P>,
    pub(crate) id: NodeId,
    pub(crate) now: Time,
    pub(crate) bug: Option<&'static str>,
    pub(crate) floor: Floor,
}

impl<P: Process> Context<'_, P> {
    /// This node.
    pub fn id(&self) -> NodeId {
        self.floor.guard();
        self.id
    }

    /// This node's own clock, with its offset and drift. It can go back, as real ones do.
    pub fn now(&self) -> Time {
        self.floor.guard();
        self.now
    }

    /// Whether this bug is planted ([`crate::Scenario::bug`]).
    #[inline]
    pub fn planted(&self, bug: impl Planted) -> bool {
        self.floor.guard();
        self.bug.is_some_and(|planted| planted == bug.name())
    }

    /// The name of the planted bug, if one is.
    pub fn bug(&self) -> Option<&'static str> {
        self.floor.guard();
        self.bug
    }

    /// The same context for another process with the same types of messages, timers, records and answers: a node that
    /// is an enum of roles hands an event to its role with it. The role's effects are those of this node.
    pub fn as_role<Role>(&mut self) -> Context<'_, Role>
    where
        Role: Process<Message = P::Message, Timer = P::Timer, Record = P::Record, Ret = P::Ret>,
    {
        self.floor.guard();
        let Context { id, now, bug, floor, .. } = *self;
        Context { effects: &mut *self.effects, id, now, bug, floor }
    }

    /// Sends a message. It may be lost, doubled, delayed or overtaken, as the network has it; a message to itself
    /// takes the network too. Leaves when all writes made so far are durable.
    pub fn send(&mut self, to: NodeId, message: P::Message) {
        self.effects.send(to, message, false);
    }

    /// Sends without waiting for this node's disk.
    pub fn send_early(&mut self, to: NodeId, message: P::Message) {
        self.effects.send(to, message, true);
    }

    /// Sends a copy to each of `to`, in that order.
    pub fn broadcast(&mut self, to: impl IntoIterator<Item = NodeId>, message: P::Message) {
        for node in to {
            self.send(node, message.clone());
        }
    }

    /// Arms `timer` to fire once, `after` from now on this node's clock. Arming an armed timer moves it.
    pub fn arm(&mut self, timer: P::Timer, after: Span) {
        self.effects.arm(timer, after);
    }

    /// Disarms `timer` if it is armed.
    pub fn cancel(&mut self, timer: &P::Timer) {
        self.effects.cancel(timer);
    }

    /// A random number in `range`: the choice `(draw, node, label, n)`. Its default is a fixed point of the range that
    /// differs from node to node.
    ///
    /// # Panics
    /// If the range is empty.
    pub fn draw(&mut self, label: &'static str, range: RangeInclusive<u64>) -> u64 {
        assert!(!range.is_empty(), "a draw needs a range with something in it: {label} has {range:?}");
        self.effects.draw(&[Step { name: label, instance: None }], range)
    }

    /// A random length of time in `range`; see [`Context::draw`].
    pub fn draw_span(&mut self, label: &'static str, range: RangeInclusive<Span>) -> Span {
        Span(self.draw(label, range.start().0..=range.end().0))
    }

    /// Appends a record to `file`. Durable after the next sync, which begins by itself. What the process concludes from its
    /// own write before that is a [`Written`](crate::Written).
    pub fn append(&mut self, file: File, record: P::Record) -> Write {
        Write::numbered(self.effects.append(file, record))
    }

    /// Appends a record to `file` that no output waits for (a log record that is *not forced*). It becomes durable with
    /// the next forced write; a crash before that may lose it, by the choice `(crash, node, n, write)`.
    pub fn append_lazily(&mut self, file: File, record: P::Record) -> Write {
        Write::numbered(self.effects.append_lazily(file, record))
    }

    /// Replaces the whole of `file`, atomically: after a crash it is the old one or the new one (write to a new file,
    /// sync, rename).
    pub fn replace(&mut self, file: File, records: Vec<P::Record>) -> Write {
        Write::numbered(self.effects.replace(file, records))
    }

    /// The records of `file` in order, synced or not. Meant for recovery in [`Process::start`].
    pub fn read(&self, file: File) -> Vec<Stored<P::Record>> {
        self.effects.read(file)
    }

    /// Whether every forced write of this node is durable.
    pub fn durable(&self) -> bool {
        self.effects.durable()
    }

    /// The number of this node's last write, forced or lazy: in databases, its log sequence number.
    pub fn written(&self) -> u64 {
        self.effects.written()
    }

    /// Up to which number ([`Context::written`]) the writes of this node are durable: what a process looks at in
    /// [`Process::synced`], if it waits for some of its writes and not for all.
    pub fn durable_to(&self) -> u64 {
        self.effects.durable_to()
    }

    /// Answers a client operation; the answer leaves when all writes made so far are durable.
    pub fn complete(&mut self, op: OpId, ret: P::Ret) {
        self.effects.complete(op, ret, false);
    }

    /// Answers without waiting for this node's disk.
    pub fn complete_early(&mut self, op: OpId, ret: P::Ret) {
        self.effects.complete(op, ret, true);
    }

    /// Ends a client operation that certainly had no effect and never will. Where that is not certain, leave it
    /// unanswered or [give it up](Self::give_up): it is then unknown, and checkers treat it so.
    pub fn fail(&mut self, op: OpId, reason: &str) {
        self.effects.fail(op, reason);
    }

    /// Stops waiting for a client operation whose outcome this process will never learn. It stays unknown: it may have had
    /// its effect, or have it later. The client can take its next operation. (Jepsen's `info`.)
    pub fn give_up(&mut self, op: OpId, reason: &str) {
        self.effects.give_up(op, reason);
    }

    /// Reports that an interesting state was reached. Marks are declared by [`marks!`](crate::marks), and sweeps demand
    /// that seeds reach them.
    pub fn mark(&mut self, mark: Mark) {
        self.effects.mark(mark);
    }

    /// Adds a note to the timeline, and to the log at the level `debug`; `text` is only called if the run is recorded
    /// or logged.
    pub fn note(&mut self, text: impl Fn() -> String) {
        self.effects.note(&text);
    }

    /// Stops this node for good (fail-stop), as a database does that finds its log damaged. It stays down until a fault
    /// restarts it or the world heals.
    pub fn halt(&mut self, reason: &str) {
        self.effects.halt(reason);
    }

    /// Whether a Byzantine fault is in force on this node; the model decides how it then violates the protocol.
    pub fn byzantine(&self) -> bool {
        self.effects.byzantine()
    }
}
