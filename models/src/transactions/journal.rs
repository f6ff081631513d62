//! A journal of what a node did since it last started, which the properties read. An entry is made when what it says can no
//! longer be forgotten: its record is on stable storage (Bernstein, Hadzilacos & Goodman 1987, section 7.4: the distributed
//! transaction log).

use std::collections::VecDeque;

use seedbed_sim::{Context, Process};

/// What a node did since it last started, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Journal<E> {
    entries: Vec<E>,
    /// Each is entered as soon as the write with this number is durable.
    pending: VecDeque<(u64, E)>,
}

impl<E> Default for Journal<E> {
    fn default() -> Self {
        Journal { entries: Vec::new(), pending: VecDeque::new() }
    }
}

impl<E> Journal<E> {
    /// All entries.
    pub fn entries(&self) -> &[E] {
        &self.entries
    }

    /// What waits for the disk.
    pub fn pending(&self) -> impl Iterator<Item = &E> {
        self.pending.iter().map(|(_, entry)| entry)
    }

    /// Enters something now, because it follows from what is durable here or elsewhere.
    pub fn push(&mut self, entry: E) {
        self.entries.push(entry);
    }

    /// Enters something once all that was written up to now is durable. A crash before that is as if it had not been.
    pub fn push_when_durable<P: Process>(&mut self, ctx: &Context<'_, P>, entry: E) {
        if ctx.written() <= ctx.durable_to() {
            self.entries.push(entry);
        } else {
            self.pending.push_back((ctx.written(), entry));
        }
    }

    /// To be called from [`Process::synced`].
    pub fn synced<P: Process>(&mut self, ctx: &Context<'_, P>) {
        let durable = self.pending.iter().take_while(|(written, _)| *written <= ctx.durable_to()).count();
        self.entries.extend(self.pending.drain(..durable).map(|(_, entry)| entry));
    }
}
