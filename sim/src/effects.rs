//! The effects that handlers can have, and the names of draws.

use std::ops::RangeInclusive;

use crate::disk::{File, Stored};
use crate::mark::Mark;
use crate::node::{NodeId, OpId};
use crate::time::Span;

/// The effects of handlers, by the types of messages, timers, records and answers. Handlers see a [`Context`]; behind
/// it is a node of a world, a bench, or the adapter of [`Context::host`].
pub(crate) trait Effects<Message, Timer, Record, Ret> {
    fn send(&mut self, to: NodeId, message: Message, early: bool);
    fn arm(&mut self, timer: Timer, after: Span);
    fn cancel(&mut self, timer: &Timer);
    fn draw(&mut self, path: Path<'_>, range: RangeInclusive<u64>) -> u64;
    /// Returns the number of the write, as do the next two.
    fn append(&mut self, file: File, record: Record) -> u64;
    fn append_lazily(&mut self, file: File, record: Record) -> u64;
    fn replace(&mut self, file: File, records: Vec<Record>) -> u64;
    fn read(&self, file: File) -> Vec<Stored<Record>>;
    fn durable(&self) -> bool;
    fn written(&self) -> u64;
    fn durable_to(&self) -> u64;
    fn complete(&mut self, op: OpId, ret: Ret, early: bool);
    fn fail(&mut self, op: OpId, reason: &str);
    fn give_up(&mut self, op: OpId, reason: &str);
    fn mark(&mut self, mark: Mark);
    fn note(&mut self, text: &dyn Fn() -> String);
    fn halt(&mut self, reason: &str);
    fn byzantine(&self) -> bool;
}

/// One step of the path that names a draw: the draw's own label, or a process that it is hosted in.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    /// Distinguishes hosted processes of one kind, such as the groups of a multi-Raft.
    pub(crate) instance: Option<u64>,
}

/// The name of a draw, innermost step first.
pub(crate) type Path<'a> = &'a [Step];

/// The path as a trace has it: `raft/election_timeout`, `raft.3/election_timeout`.
pub(crate) fn path_text(path: Path<'_>) -> String {
    let step = |step: &Step| match step.instance {
        Some(n) => format!("{}.{n}", step.name),
        None => step.name.to_string(),
    };
    path.iter().rev().map(step).collect::<Vec<_>>().join("/")
}
