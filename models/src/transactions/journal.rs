//! A journal of what a node did since it last started, which the properties read. An entry is made when what it says can no
//! longer be forgotten: its record is on stable storage (Bernstein, Hadzilacos & Goodman 1987, section 7.4: the distributed
//! transaction log).

use std::collections::VecDeque;

use seedbed_sim::{Context, Process, Written};

/// What a node did since it last started, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Journal<E> {
    entries: Vec<E>,
    /// Each is entered as soon as its write is durable.
    pending: VecDeque<Written<E>>,
}

impl<E> Default for Journal<E> {
    fn default() -> Self {
        Journal { entries: Vec::new(), pending: VecDeque::new() }
    }
}

impl<E: Clone> Journal<E> {
    /// All entries.
    pub fn entries(&self) -> &[E] {
        &self.entries
    }

    /// What waits for the disk.
    pub fn pending(&self) -> impl Iterator<Item = &E> {
        self.pending.iter().map(Written::not_yet)
    }

    /// Enters something now, because it follows from what is durable here or elsewhere.
    pub fn push(&mut self, entry: E) {
        self.entries.push(entry);
    }

    /// Enters something once its write is durable. A crash before that is as if it had not been.
    pub fn push_when_durable<P: Process>(&mut self, ctx: &Context<'_, P>, entry: Written<E>) {
        self.pending.push_back(entry);
        self.synced(ctx);
    }

    /// To be called from [`Process::synced`].
    pub fn synced<P: Process>(&mut self, ctx: &Context<'_, P>) {
        while let Some(entry) = self.pending.front().and_then(|entry| entry.durable(ctx)) {
            self.entries.push(entry.into_inner());
            self.pending.pop_front();
        }
    }
}
