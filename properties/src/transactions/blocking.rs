//! Blocking: how long live participants are in doubt.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Commits, Entry, Vote};
use seedbed_sim::{Broken, NodeId, Property, Span, Time, Verdict, World};

use super::entries;
use crate::checkers::judge::NewEntries;

/// The participants that are in doubt, and since when: they have voted yes, have not crashed since, and do not know the
/// decision. A participant that crashed and recovered has to wait for others in any protocol (Skeen 1981: there is no
/// independent recovery).
#[derive(Clone, Debug, Default)]
pub struct Blocked {
    new_entries: NewEntries,
    down: BTreeSet<NodeId>,
    since: BTreeMap<(NodeId, TxId), Time>,
    /// The intervals of doubt that have ended, in order: node, transaction, length.
    ended: Vec<(NodeId, TxId, Span)>,
}

impl Blocked {
    /// Must be called after each event.
    ///
    /// # Errors
    /// If a journal has become shorter.
    pub fn look<M: Commits>(&mut self, world: &World<M>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look_at(world, *node))
    }

    fn look_at<M: Commits>(&mut self, world: &World<M>, node: NodeId) -> Verdict {
        let entries = self.new_entries.of(world, node, entries(world, node))?;
        if world.process(node).is_none() {
            self.since.retain(|(of, _), _| *of != node);
            self.down.insert(node);
            return Ok(());
        }
        if self.down.remove(&node) {
            // These entries were recovered from its log.
            return Ok(());
        }
        for entry in entries {
            match entry {
                Entry::Voted(tx, Vote::Yes) => drop(self.since.insert((node, *tx), world.now())),
                Entry::Decided(tx, _) => {
                    if let Some(since) = self.since.remove(&(node, *tx)) {
                        self.ended.push((node, *tx, world.now().since(since)));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The participants that are in doubt, and since when.
    pub fn now(&self) -> impl Iterator<Item = (NodeId, TxId, Time)> {
        self.since.iter().map(|((node, tx), since)| (*node, *tx, *since))
    }

    /// The intervals of doubt that have ended: node, transaction, length.
    pub fn ended(&self) -> &[(NodeId, TxId, Span)] {
        &self.ended
    }
}

/// No live participant is in doubt for longer than a bound ("non-blocking", the book, section 7.4; Skeen 1981), however
/// many others are down.
#[derive(Clone)]
pub struct NonBlocking<M> {
    bound: fn(&M) -> Span,
    blocked: Blocked,
}

impl<M: Commits> NonBlocking<M> {
    /// With this bound, which may depend on the configuration.
    pub fn within(bound: fn(&M) -> Span) -> Self {
        NonBlocking { bound, blocked: Blocked::default() }
    }
}

impl<M: Commits> Property<M> for NonBlocking<M> {
    fn name(&self) -> String {
        format!("{}/non_blocking", M::INFO.name)
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        self.blocked.look(world)?;
        self.judge(world)
    }

    /// Where nothing happens any more, nobody looks before the end.
    fn at_end(&mut self, world: &World<M>) -> Verdict {
        self.judge(world)
    }
}

impl<M: Commits> NonBlocking<M> {
    fn judge(&self, world: &World<M>) -> Verdict {
        let bound = (self.bound)(world.config());
        match self.blocked.now().find(|(_, _, since)| world.now().since(*since) > bound) {
            None => Ok(()),
            Some((node, tx, since)) => Err(Broken::new(
                [node],
                format!("{node} is blocked: it voted yes on {tx} at {since} and is still in doubt"),
            )),
        }
    }
}
