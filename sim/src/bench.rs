//! A bench for one process: its handlers are called by hand, and each call gives back the effects it had, in order. No
//! world, no network, no other node.
//!
//! ```
//! use seedbed_sim::bench::{Bench, Effect};
//! use seedbed_sim::{Context, File, Kinded, NoOp, NodeId, Process};
//!
//! /// Writes down what it is sent, and acknowledges it.
//! #[derive(Clone, Debug, Hash)]
//! struct Keeper;
//! #[derive(Clone, Debug, Hash, PartialEq, Kinded)]
//! enum Message { Keep(u32), Kept(u32) }
//!
//! impl Process for Keeper {
//!     type Message = Message;
//!     type Timer = ();
//!     type Record = u32;
//!     type Op = NoOp;
//!     type Ret = NoOp;
//!
//!     fn start(&mut self, _: &mut Context<'_, Self>) {}
//!     fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
//!         if let Message::Keep(item) = message {
//!             ctx.append(File(0), item);
//!             ctx.send(from, Message::Kept(item));
//!         }
//!     }
//! }
//!
//! let mut keeper = Bench::new(Keeper);
//! keeper.start();
//!
//! // The acknowledgement is queued at once, and leaves when the record is durable.
//! let handled = keeper.message(NodeId(1), Message::Keep(7));
//! assert_eq!(handled.appended(), [7]);
//! assert_eq!(handled.sent(), [(NodeId(1), Message::Kept(7))]);
//! assert!(handled.released().is_empty());
//! let handled = keeper.synced();
//! assert_eq!(handled.released(), [Effect::Send { to: NodeId(1), message: Message::Kept(7), early: false }]);
//!
//! // A crash loses what was not synced.
//! keeper.message(NodeId(1), Message::Keep(8));
//! keeper.restart(Keeper);
//! assert_eq!(keeper.read(File(0)), [7]);
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::ops::{Deref, RangeInclusive};

use crate::bug::Planted;
use crate::choice::default_draw;
use crate::disk::{Disk, File, NEVER_WRITTEN, Stored, WriteFate};
use crate::effects::{Effects, Path, path_text};
use crate::mark::Mark;
use crate::process::Context;
use crate::process::{NodeId, OpId, Process};
use crate::stack::Floor;
use crate::time::{Span, Time};

/// An effect of a handler. Notes are left out, and so are draws, whose values show in other effects.
#[derive(Clone, Debug)]
pub enum Effect<P: Process> {
    /// A message was sent. It leaves when all earlier forced writes are durable (output commit), or at once if it is
    /// early.
    Send {
        /// The receiver, which may be the sender too.
        to: NodeId,
        /// As the receiver gets it.
        message: P::Message,
        /// Whether it leaves without waiting for the disk.
        early: bool,
    },
    /// A timer was armed, or moved, to be due so much later on the node's clock.
    Arm(P::Timer, Span),
    /// A timer was disarmed, whether it was armed or not.
    Cancel(P::Timer),
    /// A forced record was appended to a file.
    Append(File, P::Record),
    /// A record was appended that no output waits for.
    AppendLazily(File, P::Record),
    /// The records of a file were replaced by these.
    Replace(File, Vec<P::Record>),
    /// An operation was answered. The answer leaves as a message does.
    Complete {
        /// The operation, by the name that [`Process::invoke`] got.
        op: OpId,
        /// The answer that the client gets.
        ret: P::Ret,
        /// Whether it leaves without waiting for the disk.
        early: bool,
    },
    /// An operation failed without effect, for this reason. The failure leaves as a message does.
    Fail(OpId, String),
    /// An operation was given up, for this reason: its outcome stays unknown. That leaves as a message does.
    GiveUp(OpId, String),
    /// An interesting state was reached.
    Mark(Mark),
    /// The process stopped for good, for this reason. Outputs that have not left are lost.
    Halt(String),
}

impl<P: Process> PartialEq for Effect<P>
where
    P::Message: PartialEq,
    P::Timer: PartialEq,
    P::Record: PartialEq,
    P::Ret: PartialEq,
{
    fn eq(&self, other: &Self) -> bool {
        use Effect::*;
        match (self, other) {
            (Send { to, message, early }, Send { to: to_, message: message_, early: early_ }) => {
                (to, message, early) == (to_, message_, early_)
            }
            (Arm(timer, after), Arm(timer_, after_)) => (timer, after) == (timer_, after_),
            (Cancel(timer), Cancel(timer_)) => timer == timer_,
            (Append(file, record), Append(file_, record_))
            | (AppendLazily(file, record), AppendLazily(file_, record_)) => (file, record) == (file_, record_),
            (Replace(file, records), Replace(file_, records_)) => (file, records) == (file_, records_),
            (Complete { op, ret, early }, Complete { op: op_, ret: ret_, early: early_ }) => {
                (op, ret, early) == (op_, ret_, early_)
            }
            (Fail(op, reason), Fail(op_, reason_)) | (GiveUp(op, reason), GiveUp(op_, reason_)) => {
                (op, reason) == (op_, reason_)
            }
            (Mark(mark), Mark(mark_)) => mark == mark_,
            (Halt(reason), Halt(reason_)) => reason == reason_,
            _ => false,
        }
    }
}

/// What one call of a handler did: a slice of its effects in order, with ways to look at those of one kind.
#[derive(Clone, Debug)]
pub struct Handled<P: Process> {
    effects: Vec<Effect<P>>,
    released: Vec<Effect<P>>,
}

impl<P: Process> Deref for Handled<P> {
    type Target = [Effect<P>];
    fn deref(&self) -> &[Effect<P>] {
        &self.effects
    }
}

impl<P: Process> Handled<P> {
    fn pick<T>(&self, of: impl Fn(&Effect<P>) -> Option<T>) -> Vec<T> {
        self.effects.iter().filter_map(of).collect()
    }

    /// The messages that the handler sent, whether they have left or wait for the disk.
    pub fn sent(&self) -> Vec<(NodeId, P::Message)> {
        messages(&self.effects)
    }

    /// Of those, the ones for one node.
    pub fn sent_to(&self, node: NodeId) -> Vec<P::Message> {
        self.sent().into_iter().filter(|(to, _)| *to == node).map(|(_, message)| message).collect()
    }

    /// What left the node by the end of this call, in the order in which it left: sends, answers and failures, also
    /// those of earlier handlers that waited for the disk until now.
    pub fn released(&self) -> &[Effect<P>] {
        &self.released
    }

    /// The messages among [`Handled::released`].
    pub fn messages_released(&self) -> Vec<(NodeId, P::Message)> {
        messages(&self.released)
    }

    /// The timers that were armed, and how long from now.
    pub fn armed(&self) -> Vec<(P::Timer, Span)> {
        self.pick(|effect| match effect {
            Effect::Arm(timer, after) => Some((timer.clone(), *after)),
            _ => None,
        })
    }

    /// The timers that were disarmed.
    pub fn cancelled(&self) -> Vec<P::Timer> {
        self.pick(|effect| match effect {
            Effect::Cancel(timer) => Some(timer.clone()),
            _ => None,
        })
    }

    /// The forced records that were appended, to whichever file.
    pub fn appended(&self) -> Vec<P::Record> {
        self.pick(|effect| match effect {
            Effect::Append(_, record) => Some(record.clone()),
            _ => None,
        })
    }

    /// The records that were appended lazily, to whichever file.
    pub fn appended_lazily(&self) -> Vec<P::Record> {
        self.pick(|effect| match effect {
            Effect::AppendLazily(_, record) => Some(record.clone()),
            _ => None,
        })
    }

    /// Whether the handler wrote anything, forced or lazily.
    pub fn wrote(&self) -> bool {
        let writes =
            |effect: &Effect<P>| matches!(effect, Effect::Append(..) | Effect::AppendLazily(..) | Effect::Replace(..));
        self.effects.iter().any(writes)
    }

    /// The operations that were answered, whether the answers have left or wait for the disk.
    pub fn completed(&self) -> Vec<(OpId, P::Ret)> {
        self.pick(|effect| match effect {
            Effect::Complete { op, ret, .. } => Some((*op, ret.clone())),
            _ => None,
        })
    }

    /// The operations that failed for certain.
    pub fn failed(&self) -> Vec<OpId> {
        self.pick(|effect| match effect {
            Effect::Fail(op, _) => Some(*op),
            _ => None,
        })
    }

    /// The operations that were given up.
    pub fn given_up(&self) -> Vec<OpId> {
        self.pick(|effect| match effect {
            Effect::GiveUp(op, _) => Some(*op),
            _ => None,
        })
    }

    /// Whether this mark was made.
    pub fn marked(&self, mark: Mark) -> bool {
        self.effects.iter().any(|effect| matches!(effect, Effect::Mark(made) if made.name == mark.name))
    }

    /// Why the process halted, if it did.
    pub fn halted(&self) -> Option<&str> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::Halt(reason) => Some(reason.as_str()),
            _ => None,
        })
    }
}

fn messages<P: Process>(effects: &[Effect<P>]) -> Vec<(NodeId, P::Message)> {
    let message = |effect: &Effect<P>| match effect {
        Effect::Send { to, message, .. } => Some((*to, message.clone())),
        _ => None,
    };
    effects.iter().filter_map(message).collect()
}

/// One process on a bench, with a disk, a clock and timers of its own.
///
/// The clock stands still but where [`Bench::at`], [`Bench::pass`] and [`Bench::timer`] move it. A write becomes
/// durable where [`Bench::synced`] says so; a bench with [`Bench::instant_disk`] syncs after each handler that wrote,
/// as worlds do whose disks take no time. A draw gives the default of its choice, a fixed point of its range, where
/// [`Bench::draws`] says nothing else.
///
/// A bench is a value: clone it to try two continuations of one state.
#[derive(Clone, Debug)]
pub struct Bench<P: Process> {
    process: P,
    node: Node<P>,
    instant_disk: bool,
}

impl<P: Process> Bench<P> {
    /// A process on node `n0`, at time zero, with an empty disk. It has not been started.
    pub fn new(process: P) -> Self {
        let node = Node {
            id: NodeId(0),
            now: Time::ZERO,
            bug: None,
            disk: Disk::new(),
            timers: BTreeMap::new(),
            draws: BTreeMap::new(),
            byzantine: false,
            full: false,
            halted: None,
            effects: Vec::new(),
            outbox: Vec::new(),
            held: VecDeque::new(),
            released: Vec::new(),
            floor: Floor::below_here(),
        };
        Bench { process, node, instant_disk: false }
    }

    /// The same on another node.
    pub fn on(mut self, node: NodeId) -> Self {
        self.node.id = node;
        self
    }

    /// The same with a bug planted.
    pub fn plant(mut self, bug: impl Planted) -> Self {
        self.node.bug = Some(bug.name());
        self
    }

    /// The same with a disk whose syncs take no time: one follows each handler that wrote, and what [`Process::synced`]
    /// does is among that handler's effects.
    pub fn instant_disk(mut self) -> Self {
        self.instant_disk = true;
        self
    }

    /// The same with these durable records at the end of a file, as an earlier life left them.
    pub fn with_file(mut self, file: File, records: impl IntoIterator<Item = P::Record>) -> Self {
        for record in records {
            self.node.disk.append(file, record);
        }
        if !self.node.disk.settled() {
            self.node.disk.begin_sync();
            self.node.disk.end_sync();
        }
        self
    }

    // ---------------------------------------------------------------------------------------------------------------
    // What surrounds it

    /// Sets the node's clock. It may go back, as real ones do.
    pub fn at(&mut self, now: Time) -> &mut Self {
        self.node.now = now;
        self
    }

    /// Moves the node's clock on.
    pub fn pass(&mut self, by: Span) -> &mut Self {
        self.node.now += by;
        self
    }

    /// From now on each draw of this label gives `value`. The label of a draw that a hosted process makes is a path,
    /// such as `raft/election_timeout`. A draw whose range does not hold the value panics.
    pub fn draws(&mut self, label: &str, value: u64) -> &mut Self {
        self.node.draws.entry(label.into()).or_default().fixed = Some(value);
        self
    }

    /// The next draws of this label give these values, one each; those after them, what they would have given
    /// otherwise.
    pub fn draws_in_turn(&mut self, label: &str, values: impl IntoIterator<Item = u64>) -> &mut Self {
        self.node.draws.entry(label.into()).or_default().script.extend(values);
        self
    }

    /// Whether a Byzantine fault is in force on the node.
    pub fn byzantine(&mut self, is: bool) -> &mut Self {
        self.node.byzantine = is;
        self
    }

    /// Whether the disk is full: whoever then writes halts.
    pub fn disk_full(&mut self, is: bool) -> &mut Self {
        self.node.full = is;
        self
    }

    /// A sync begins: the next [`Bench::synced`] makes durable what has been written up to here, and not what is
    /// written in between.
    ///
    /// # Panics
    /// If one is under way, or nothing waits for one.
    pub fn sync_begins(&mut self) {
        assert!(!self.node.disk.syncing(), "a sync is under way");
        assert!(!self.node.disk.settled(), "nothing waits for the disk: no sync would begin");
        self.node.disk.begin_sync();
    }

    /// A durable record rots: the one `back` places from the end of the file.
    ///
    /// # Panics
    /// If the file has no such record.
    pub fn corrupt(&mut self, file: File, back: u32) -> &mut Self {
        assert!(self.node.disk.corrupt(file, back), "{file:?} has no record {back} places from its end");
        self
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Events

    /// The node begins.
    pub fn start(&mut self) -> Handled<P> {
        self.handle(|process, ctx| process.start(ctx))
    }

    /// A message arrives.
    pub fn message(&mut self, from: NodeId, message: P::Message) -> Handled<P> {
        self.handle(|process, ctx| process.message(ctx, from, message))
    }

    /// A timer is due. The clock moves on to when it is, unless it is later already.
    ///
    /// # Panics
    /// If the timer is not armed: no world would call the handler.
    pub fn timer(&mut self, timer: P::Timer) -> Handled<P> {
        let Some(due) = self.node.timers.remove(&timer) else {
            panic!("the timer is not armed: {timer:?}; armed are {:?}", self.node.timers);
        };
        self.node.now = self.node.now.max(due);
        self.handle(|process, ctx| process.timer(ctx, timer))
    }

    /// The sync that is under way ends; if none is, one has begun just now. What it covers is durable, and what waited
    /// for that leaves.
    ///
    /// # Panics
    /// If nothing waits for the disk: no world would call the handler.
    pub fn synced(&mut self) -> Handled<P> {
        if !self.node.disk.syncing() {
            self.sync_begins();
        }
        self.node.disk.end_sync();
        self.handle(|process, ctx| process.synced(ctx))
    }

    /// A client invokes an operation.
    pub fn invoke(&mut self, op: OpId, input: P::Op) -> Handled<P> {
        self.handle(|process, ctx| process.invoke(ctx, op, input))
    }

    /// The node crashes, and begins again as `process`. What was synced stays; writes that were not are lost, timers
    /// are gone, and what waited for the disk never leaves.
    pub fn restart(&mut self, process: P) -> Handled<P> {
        self.restart_with(process, |_| WriteFate::Lost)
    }

    /// The same where each unsynced write meets its own fate, by its number among them, oldest first.
    pub fn restart_with(&mut self, process: P, fate: impl FnMut(u32) -> WriteFate) -> Handled<P> {
        self.process = process;
        self.node.disk.crash(fate);
        self.node.timers.clear();
        self.node.held.clear();
        self.node.halted = None;
        self.start()
    }

    /// Calls a handler, and sees to what it leaves behind, as a world does.
    fn handle(&mut self, handler: impl FnOnce(&mut P, &mut Context<'_, P>)) -> Handled<P> {
        self.call(handler);
        while self.instant_disk && !self.node.disk.settled() && self.node.halted.is_none() {
            self.node.disk.begin_sync();
            self.node.disk.end_sync();
            self.call(|process, ctx| process.synced(ctx));
        }
        let Node { effects, released, .. } = &mut self.node;
        Handled { effects: std::mem::take(effects), released: std::mem::take(released) }
    }

    fn call(&mut self, handler: impl FnOnce(&mut P, &mut Context<'_, P>)) {
        if let Some(reason) = &self.node.halted {
            panic!("the process has halted, and handles nothing until it restarts: {reason}");
        }
        let Node { id, now, bug, .. } = self.node;
        let floor = Floor::below_here();
        self.node.floor = floor;
        handler(&mut self.process, &mut Context { effects: &mut self.node, id, now, bug, floor });
        self.node.commit_outputs();
    }

    // ---------------------------------------------------------------------------------------------------------------
    // What can be looked at

    /// The process.
    pub fn process(&self) -> &P {
        &self.process
    }

    /// The node's clock.
    pub fn now(&self) -> Time {
        self.node.now
    }

    /// When a timer is due on the node's clock; `None` if it is not armed.
    pub fn due(&self, timer: &P::Timer) -> Option<Time> {
        self.node.timers.get(timer).copied()
    }

    /// The good records of a file, synced or not.
    pub fn read(&self, file: File) -> Vec<P::Record> {
        self.node.disk.read(file).into_iter().filter_map(Stored::good).collect()
    }

    /// The records of a file as a recovering process reads them, torn and corrupt ones too.
    pub fn stored(&self, file: File) -> Vec<Stored<P::Record>> {
        self.node.disk.read(file)
    }

    /// Whether everything that was written, but for lazy writes, is durable.
    pub fn durable(&self) -> bool {
        self.node.disk.settled()
    }

    /// The number of the last write, forced or lazy.
    pub fn written(&self) -> u64 {
        self.node.disk.written()
    }

    /// The number of the last durable write.
    pub fn durable_to(&self) -> u64 {
        self.node.disk.durable()
    }

    /// What was said and waits for the disk, oldest first.
    pub fn held(&self) -> Vec<Effect<P>> {
        self.node.held.iter().map(|(_, effect)| effect.clone()).collect()
    }

    /// Why the process has halted, if it has.
    pub fn halted(&self) -> Option<&str> {
        self.node.halted.as_deref()
    }
}

/// What the draws of one label give.
#[derive(Clone, Debug, Default)]
struct Draws {
    script: VecDeque<u64>,
    fixed: Option<u64>,
}

/// What surrounds the process.
#[derive(Clone, Debug)]
struct Node<P: Process> {
    id: NodeId,
    now: Time,
    bug: Option<&'static str>,
    disk: Disk<P::Record>,
    /// When each armed timer is due, on the node's clock.
    timers: BTreeMap<P::Timer, Time>,
    draws: BTreeMap<String, Draws>,
    byzantine: bool,
    full: bool,
    halted: Option<String>,
    /// What the handlers of this call have done.
    effects: Vec<Effect<P>>,
    /// What the running handler has said, but for what leaves early.
    outbox: Vec<Effect<P>>,
    /// What waits for the write with this number to be durable.
    held: VecDeque<(u64, Effect<P>)>,
    /// What has left during this call.
    released: Vec<Effect<P>>,
    /// How low the stack may come in this call.
    floor: Floor,
}

impl<P: Process> Node<P> {
    fn put_out(&mut self, output: Effect<P>, early: bool) {
        self.effects.push(output.clone());
        if early {
            self.released.push(output);
        } else {
            self.outbox.push(output);
        }
    }

    /// Whether there is room for a write; a process that writes to a full disk halts.
    fn writes(&mut self, write: Effect<P>) -> bool {
        if self.full {
            self.halt("its disk is full");
        } else {
            self.effects.push(write);
        }
        !self.full
    }

    /// Output commit: what the handler said leaves once everything that was forced before is durable.
    fn commit_outputs(&mut self) {
        if self.halted.is_some() {
            self.outbox.clear();
            self.held.clear();
        }
        let forced = self.disk.forced();
        self.held.extend(self.outbox.drain(..).map(|output| (forced, output)));
        while let Some((_, output)) = self.held.pop_front_if(|(forced, _)| *forced <= self.disk.durable()) {
            self.released.push(output);
        }
    }
}

impl<P: Process> Effects<P::Message, P::Timer, P::Record, P::Ret> for Node<P> {
    fn send(&mut self, to: NodeId, message: P::Message, early: bool) {
        self.floor.guard();
        self.put_out(Effect::Send { to, message, early }, early);
    }

    fn arm(&mut self, timer: P::Timer, after: Span) {
        self.floor.guard();
        self.timers.insert(timer.clone(), self.now + after);
        self.effects.push(Effect::Arm(timer, after));
    }

    fn cancel(&mut self, timer: &P::Timer) {
        self.floor.guard();
        self.timers.remove(timer);
        self.effects.push(Effect::Cancel(timer.clone()));
    }

    fn draw(&mut self, path: Path<'_>, range: RangeInclusive<u64>) -> u64 {
        self.floor.guard();
        let label = path_text(path);
        let said = self.draws.get_mut(&label).and_then(|draws| draws.script.pop_front().or(draws.fixed));
        let value = said.unwrap_or_else(|| default_draw(self.id, *range.start(), *range.end()));
        assert!(range.contains(&value), "the bench answers a draw outside of its range: {label} {value} in {range:?}");
        value
    }

    fn append(&mut self, file: File, record: P::Record) -> u64 {
        self.floor.guard();
        if !self.writes(Effect::Append(file, record.clone())) {
            return NEVER_WRITTEN;
        }
        self.disk.append(file, record)
    }

    fn append_lazily(&mut self, file: File, record: P::Record) -> u64 {
        self.floor.guard();
        if !self.writes(Effect::AppendLazily(file, record.clone())) {
            return NEVER_WRITTEN;
        }
        self.disk.append_lazily(file, record)
    }

    fn replace(&mut self, file: File, records: Vec<P::Record>) -> u64 {
        self.floor.guard();
        if !self.writes(Effect::Replace(file, records.clone())) {
            return NEVER_WRITTEN;
        }
        self.disk.replace(file, records)
    }

    fn read(&self, file: File) -> Vec<Stored<P::Record>> {
        self.floor.guard();
        self.disk.read(file)
    }

    fn durable(&self) -> bool {
        self.floor.guard();
        self.disk.settled()
    }

    fn written(&self) -> u64 {
        self.floor.guard();
        self.disk.written()
    }

    fn durable_to(&self) -> u64 {
        self.floor.guard();
        self.disk.durable()
    }

    fn complete(&mut self, op: OpId, ret: P::Ret, early: bool) {
        self.floor.guard();
        self.put_out(Effect::Complete { op, ret, early }, early);
    }

    fn fail(&mut self, op: OpId, reason: &str) {
        self.floor.guard();
        self.put_out(Effect::Fail(op, reason.into()), false);
    }

    fn give_up(&mut self, op: OpId, reason: &str) {
        self.floor.guard();
        self.put_out(Effect::GiveUp(op, reason.into()), false);
    }

    fn mark(&mut self, mark: Mark) {
        self.floor.guard();
        self.effects.push(Effect::Mark(mark));
    }

    /// Nobody reads it here, and yet it is made: what panics in a note would panic in a recorded world.
    fn note(&mut self, text: &dyn Fn() -> String) {
        self.floor.guard();
        drop(text());
    }

    fn halt(&mut self, reason: &str) {
        self.floor.guard();
        self.halted = Some(reason.into());
        self.effects.push(Effect::Halt(reason.into()));
    }

    fn byzantine(&self) -> bool {
        self.floor.guard();
        self.byzantine
    }
}

#[cfg(test)]
mod tests;
