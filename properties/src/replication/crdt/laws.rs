//! S1 and S4: what the states of the state-based and the delta style are, as states.

use std::collections::BTreeMap;

use super::running;
use seedbed_models::replication::crdt::clock::ReplicaId;
use seedbed_models::replication::crdt::ghost::{Entry, Updates};
use seedbed_models::replication::crdt::types::State;
use seedbed_models::replication::crdt::{Crdt, Replica};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use crate::checkers::judge::News;

/// The state of a replica, if its style has one.
pub fn state(replica: &Replica) -> Option<&State> {
    match replica {
        Replica::State(replica) => Some(replica.state()),
        Replica::Delta(replica) => Some(replica.state()),
        Replica::Operation(_) => None,
    }
}

fn joined(a: &State, b: &State) -> State {
    let mut a = a.clone();
    a.join(b);
    a
}

/// S1: the states that replicas reach are elements of a join semilattice, and no replica goes back in it (Shapiro and
/// others 2011: a monotonic semilattice object).
#[derive(Clone, Debug, Default)]
pub struct Semilattice {
    news: News,
    /// What each node was.
    last: PerLife<Option<State>>,
    /// Some of the states that were reached.
    reached: Vec<State>,
    looked: usize,
}

/// So many states are compared with each other in a run, and then one of so many.
const COMPARED: usize = 8;

impl Semilattice {
    fn judge(&mut self, world: &World<Crdt>, node: NodeId, state: &State) -> Verdict {
        let wrong = |law: &str, words: String| Err(Broken::new([node], format!("{law}: {words}")));
        let twice = joined(state, state);
        if twice != *state {
            return wrong("joining is not idempotent", format!("{state:?} with itself is {twice:?}"));
        }
        // What a crash took, nobody has heard of: the names of these updates are given again.
        if self.last.is_outlived(world, node) {
            self.reached.clear();
        }
        let before = self.last.of(world, node).replace(state.clone());
        if let Some(before) = before.filter(|before| joined(before, state) != *state) {
            return wrong("a state has not grown", format!("{before:?} has become {state:?}"));
        }
        self.looked += 1;
        if self.looked > COMPARED && !self.looked.is_multiple_of(COMPARED) {
            return Ok(());
        }
        for other in &self.reached {
            let (one, two) = (joined(state, other), joined(other, state));
            if one != two {
                let words = format!("{state:?} and {other:?} give {one:?} or {two:?}");
                return wrong("joining is not commutative", words);
            }
        }
        if let [a, b, ..] = &self.reached[..] {
            let (one, two) = (joined(&joined(a, b), state), joined(a, &joined(b, state)));
            if one != two {
                let words = format!("{a:?}, {b:?} and {state:?} give {one:?} or {two:?}");
                return wrong("joining is not associative", words);
            }
        }
        if !self.reached.contains(state) {
            self.reached.insert(0, state.clone());
            self.reached.truncate(3);
        }
        Ok(())
    }
}

impl Property<Crdt> for Semilattice {
    fn name(&self) -> String {
        "crdt/semilattice".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        for &node in world.changed() {
            let Some(replica) = world.process(node) else { continue };
            let Some(state) = state(replica) else { continue };
            if !self.news.of(world, node, &replica.ghost().journal)?.is_empty() {
                self.judge(world, node, state)?;
            }
        }
        Ok(())
    }
}

/// S4: with every replica goes a shadow that makes the same updates with the whole mutators and joins the whole states
/// of those whose deltas the replica joins. They are the same at every instant (Almeida, Shoker and Baquero 2018: what
/// the causal delta-merging condition is for).
#[derive(Clone, Debug, Default)]
pub struct DeltaIsFull {
    news: News,
    /// What each replica's shadow was when the replica had these updates.
    shadows: BTreeMap<(ReplicaId, Updates), State>,
    /// Of each node, who it was when it was looked at, and which updates it had.
    last: PerLife<Option<(ReplicaId, Updates)>>,
}

impl DeltaIsFull {
    fn shadow(&self, world: &World<Crdt>, id: ReplicaId, seen: &Updates) -> State {
        let known = self.shadows.get(&(id, seen.clone())).cloned();
        known.unwrap_or_else(|| State::new(running(world)))
    }

    fn look(&mut self, world: &World<Crdt>, node: NodeId) -> Verdict {
        let Some(replica) = world.process(node) else { return Ok(()) };
        let (Some(state), Some(id)) = (state(replica), replica.id()) else { return Ok(()) };
        let entries = self.news.of(world, node, &replica.ghost().journal)?;
        let seen = &replica.ghost().seen;
        let last = self.last.of(world, node);
        let Some((_, had)) = last.as_ref().filter(|(who, _)| *who == id) else {
            // Just born or recovered: what it has on disk, its shadow had too.
            *last = Some((id, seen.clone()));
            return Ok(());
        };
        if entries.is_empty() {
            return Ok(());
        }
        let had = had.clone();
        let mut shadow = self.shadow(world, id, &had);
        for entry in entries {
            match entry {
                Entry::Made { update, stamp, .. } => _ = shadow.mutate(update, stamp),
                Entry::Joined { from, had } => shadow.join(&self.shadow(world, *from, had)),
                Entry::Applied(_) | Entry::WentOn | Entry::Forgot(_) => {}
            }
        }
        if shadow != *state {
            let words = format!("{node} has {state:?}; whole states would have made it {shadow:?}");
            return Err(Broken::new([node], words));
        }
        self.shadows.insert((id, seen.clone()), shadow);
        *self.last.of(world, node) = Some((id, seen.clone()));
        Ok(())
    }
}

impl Property<Crdt> for DeltaIsFull {
    fn name(&self) -> String {
        "crdt/delta_is_full".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}
