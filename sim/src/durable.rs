//! What is durable, as a process asks for it: facts that it has written, logs that grow, and what it reads back.

use std::collections::VecDeque;

use crate::disk::File;
use crate::process::{Context, Process};
use crate::written::{Durable, Written};

impl<T: Clone> Written<T> {
    /// The fact, if its write is durable.
    pub fn durable<P: Process>(&self, ctx: &Context<'_, P>) -> Option<Durable<T>> {
        self.up_to(ctx.durable_to())
    }
}

/// How far something is durable that grows write by write, such as a log: a fact that is durable, and those behind it that
/// are not yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Watermark<T> {
    durable: Durable<T>,
    /// In the order of their writes.
    unsynced: VecDeque<Written<T>>,
}

impl<T: Clone> Watermark<T> {
    /// All is durable up to here.
    pub fn at(durable: Durable<T>) -> Self {
        Watermark { durable, unsynced: VecDeque::new() }
    }

    /// The latest that is durable.
    pub fn durable(&self) -> &T {
        &self.durable
    }

    /// The process has written more.
    pub fn wrote(&mut self, more: Written<T>) {
        self.unsynced.push_back(more);
    }

    /// To be called from [`Process::synced`]. Says whether more is durable than before.
    pub fn synced<P: Process>(&mut self, ctx: &Context<'_, P>) -> bool {
        let mut moved = false;
        while let Some(durable) = self.unsynced.front().and_then(|more| more.durable(ctx)) {
            (self.durable, moved) = (durable, true);
            self.unsynced.pop_front();
        }
        moved
    }
}

impl<P: Process> Context<'_, P> {
    /// A fact that follows from what `file` held when the process started: what is read back at a start has survived a
    /// crash, and [`Process::start`] runs before anything is written.
    ///
    /// # Panics
    /// If the node has writes that are not durable.
    pub fn recovered<T>(&self, file: File, fact: T) -> Durable<T> {
        let settled = self.written() <= self.durable_to();
        assert!(settled, "what a process takes for recovered from {file:?} is durable: it has unsynced writes");
        Durable::recovered(fact)
    }
}
