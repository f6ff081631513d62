//! Hosting one process inside another: its messages, timers, records and answers are wrapped, nothing is copied.

use std::marker::PhantomData;
use std::ops::RangeInclusive;

use crate::disk::File;
use crate::disk::Stored;
use crate::effects::{Effects, Path, Step};
use crate::mark::Mark;
use crate::process::{Context, EffectsOf};
use crate::process::{NodeId, OpId, Process};
use crate::time::Span;

/// How a `Host` wraps the messages, timers and records of the process `Inner`. Usually a unit struct; give it a field
/// where a host has several processes of one kind.
///
/// A test of the crate, `sim/tests/simulator/hosting.rs`, hosts one protocol in another from beginning to end.
pub trait Embed<Host: Process, Inner: Process> {
    /// The hosted process in the names of choices: `raft` gives `raft/election_timeout`. An empty name leaves them as
    /// they are, for a host that replaces the process it hosts.
    fn name(&self) -> &'static str;

    /// Distinguishes several hosted processes of this name.
    fn instance(&self) -> Option<u64> {
        None
    }
    /// Wraps a message.
    fn message(&self, message: Inner::Message) -> Host::Message;
    /// Wraps a message to one node; overridden by a host that counts what it sends to each.
    fn message_to(&mut self, _to: NodeId, message: Inner::Message) -> Host::Message {
        self.message(message)
    }
    /// Wraps a timer.
    fn timer(&self, timer: Inner::Timer) -> Host::Timer;
    /// Wraps a record of the disk.
    fn record(&self, record: Inner::Record) -> Host::Record;
    /// Unwraps a record of [`Embed::record`]; `None` for the host's other records.
    fn unwrap_record(&self, record: Host::Record) -> Option<Inner::Record>;
    /// The host's file for the hosted process's `file`.
    fn file(&self, file: File) -> File;
    /// Wraps the answer to an operation of the world's clients. Operations that the host itself invoked
    /// ([`OpId::internal`]) come back from [`Context::host`] instead; a host that invokes all of them needs no more
    /// than this default.
    ///
    /// # Panics
    /// If not overridden.
    fn ret(&self, ret: Inner::Ret) -> Host::Ret {
        panic!("operations on the hosted {} are internal, so nobody else is answered: {ret:?}", self.name())
    }
}

/// The usual way to host a process, in one line: its messages, timers and records are converted by `From`, which
/// `#[derive(Hosts)]` writes for the variants that wrap them; its operations are internal.
///
/// ```ignore
/// ctx.host(Hosted::named("raft"), |ctx| self.raft.message(ctx, from, message));
/// ```
///
/// A host that has no timers or no records of its own needs no enum for them: its type is that of the process it hosts.
#[derive(Clone, Copy, Debug)]
pub struct Hosted {
    name: &'static str,
    instance: Option<u64>,
    files: u16,
}

impl Hosted {
    /// A hosted process of this name in the names of choices; its files are those of the host.
    pub const fn named(name: &'static str) -> Self {
        Hosted { name, instance: None, files: 0 }
    }

    /// Distinguishes several hosted processes of one name. Their files must differ too ([`Hosted::files_from`]).
    pub const fn instance(self, instance: u64) -> Self {
        Hosted { instance: Some(instance), ..self }
    }

    /// The hosted process's file 0 is this file of the host, its file 1 the next, and so on.
    pub const fn files_from(self, files: u16) -> Self {
        Hosted { files, ..self }
    }

    /// The same for a process whose operations are those of the world's clients: its answers are converted by `From`.
    pub const fn answering(self) -> Answering {
        Answering(self)
    }
}

/// A hosted process whose operations are those of the world's clients: see [`Hosted::answering`].
#[derive(Clone, Copy, Debug)]
pub struct Answering(Hosted);

impl<Host, Inner> Embed<Host, Inner> for Hosted
where
    Host: Process<
            Message: From<Inner::Message>,
            Timer: From<Inner::Timer>,
            Record: From<Inner::Record> + TryInto<Inner::Record>,
        >,
    Inner: Process,
{
    fn name(&self) -> &'static str {
        self.name
    }
    fn instance(&self) -> Option<u64> {
        self.instance
    }
    fn message(&self, message: Inner::Message) -> Host::Message {
        message.into()
    }
    fn timer(&self, timer: Inner::Timer) -> Host::Timer {
        timer.into()
    }
    fn record(&self, record: Inner::Record) -> Host::Record {
        record.into()
    }
    fn unwrap_record(&self, record: Host::Record) -> Option<Inner::Record> {
        record.try_into().ok()
    }
    fn file(&self, file: File) -> File {
        File(file.0 + self.files)
    }
}

/// The outcome of an operation that a host invoked on the process it hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<Ret> {
    /// It completed.
    Completed(OpId, Ret),
    /// It failed for certain: the operation, and the reason.
    Failed(OpId, String),
    /// Its outcome will never be known: the operation, and the reason.
    GivenUp(OpId, String),
}

impl<Host: Process> Context<'_, Host> {
    /// Runs a handler of a hosted process: `embed` wraps its effects, and this node performs them. Returns the answers
    /// to internal operations.
    pub fn host<Inner: Process, E: Embed<Host, Inner>>(
        &mut self,
        embed: E,
        run: impl FnOnce(&mut Context<'_, Inner>),
    ) -> Vec<Answer<Inner::Ret>> {
        let (id, now, bug) = (self.id, self.now, self.bug);
        let mut adapter =
            Adapter::<Host, Inner, E> { outer: &mut *self.effects, embed, answers: Vec::new(), inner: PhantomData };
        run(&mut Context { effects: &mut adapter, id, now, bug });
        adapter.answers
    }
}

impl<Host, Inner> Embed<Host, Inner> for Answering
where
    Host: Process<Ret: From<Inner::Ret>>,
    Inner: Process,
    Hosted: Embed<Host, Inner>,
{
    fn name(&self) -> &'static str {
        Embed::<Host, Inner>::name(&self.0)
    }
    fn instance(&self) -> Option<u64> {
        Embed::<Host, Inner>::instance(&self.0)
    }
    fn message(&self, message: Inner::Message) -> Host::Message {
        Embed::<Host, Inner>::message(&self.0, message)
    }
    fn timer(&self, timer: Inner::Timer) -> Host::Timer {
        Embed::<Host, Inner>::timer(&self.0, timer)
    }
    fn record(&self, record: Inner::Record) -> Host::Record {
        Embed::<Host, Inner>::record(&self.0, record)
    }
    fn unwrap_record(&self, record: Host::Record) -> Option<Inner::Record> {
        Embed::<Host, Inner>::unwrap_record(&self.0, record)
    }
    fn file(&self, file: File) -> File {
        Embed::<Host, Inner>::file(&self.0, file)
    }
    fn ret(&self, ret: Inner::Ret) -> Host::Ret {
        ret.into()
    }
}

struct Adapter<'a, Host: Process, Inner: Process, E> {
    outer: &'a mut EffectsOf<'a, Host>,
    embed: E,
    answers: Vec<Answer<Inner::Ret>>,
    inner: PhantomData<Inner>,
}

impl<Host: Process, Inner: Process, E: Embed<Host, Inner>>
    Effects<Inner::Message, Inner::Timer, Inner::Record, Inner::Ret> for Adapter<'_, Host, Inner, E>
{
    fn send(&mut self, to: NodeId, message: Inner::Message, early: bool) {
        self.outer.send(to, self.embed.message_to(to, message), early);
    }
    fn arm(&mut self, timer: Inner::Timer, after: Span) {
        self.outer.arm(self.embed.timer(timer), after);
    }
    fn cancel(&mut self, timer: &Inner::Timer) {
        self.outer.cancel(&self.embed.timer(timer.clone()));
    }
    fn draw(&mut self, path: Path<'_>, range: RangeInclusive<u64>) -> u64 {
        let (name, instance) = (self.embed.name(), self.embed.instance());
        if name.is_empty() {
            return self.outer.draw(path, range);
        }
        let mut outward = path.to_vec();
        outward.push(Step { name, instance });
        self.outer.draw(&outward, range)
    }
    fn append(&mut self, file: File, record: Inner::Record) -> u64 {
        self.outer.append(self.embed.file(file), self.embed.record(record))
    }
    fn append_lazily(&mut self, file: File, record: Inner::Record) -> u64 {
        self.outer.append_lazily(self.embed.file(file), self.embed.record(record))
    }
    fn replace(&mut self, file: File, records: Vec<Inner::Record>) -> u64 {
        let records = records.into_iter().map(|record| self.embed.record(record)).collect();
        self.outer.replace(self.embed.file(file), records)
    }
    fn read(&self, file: File) -> Vec<Stored<Inner::Record>> {
        let stored = self.outer.read(self.embed.file(file)).into_iter();
        stored.filter_map(|item| item.filter_map(|record| self.embed.unwrap_record(record))).collect()
    }
    fn durable(&self) -> bool {
        self.outer.durable()
    }
    fn written(&self) -> u64 {
        self.outer.written()
    }
    fn durable_to(&self) -> u64 {
        self.outer.durable_to()
    }
    fn complete(&mut self, op: OpId, ret: Inner::Ret, early: bool) {
        if op.is_internal() {
            self.answers.push(Answer::Completed(op, ret));
        } else {
            self.outer.complete(op, self.embed.ret(ret), early);
        }
    }
    fn fail(&mut self, op: OpId, reason: &str) {
        if op.is_internal() {
            self.answers.push(Answer::Failed(op, reason.to_string()));
        } else {
            self.outer.fail(op, reason);
        }
    }
    fn give_up(&mut self, op: OpId, reason: &str) {
        if op.is_internal() {
            self.answers.push(Answer::GivenUp(op, reason.to_string()));
        } else {
            self.outer.give_up(op, reason);
        }
    }
    fn mark(&mut self, mark: Mark) {
        self.outer.mark(mark);
    }
    fn note(&mut self, text: &dyn Fn() -> String) {
        self.outer.note(text);
    }
    fn halt(&mut self, reason: &str) {
        self.outer.halt(reason);
    }
    fn byzantine(&self) -> bool {
        self.outer.byzantine()
    }
}
