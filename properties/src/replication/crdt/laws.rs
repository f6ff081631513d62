//! S1 and S4: laws of the states of the state-based and the delta style.

use std::collections::BTreeMap;

use super::running;
use seedbed_models::replication::crdt::clock::ReplicaId;
use seedbed_models::replication::crdt::ghost::{Entry, Updates};
use seedbed_models::replication::crdt::types::State;
use seedbed_models::replication::crdt::{Crdt, Replica};
use seedbed_sim::{Broken, NodeId, PerLife, Property, Verdict, World};

use crate::checkers::judge::NewEntries;

/// The state of a replica; `None` if its style has no states.
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

/// S1: the states of replicas are elements of a join semilattice, and a replica's states only increase (Shapiro and
/// others 2011: a monotonic semilattice object).
#[derive(Clone, Debug, Default)]
pub struct Semilattice {
    new_entries: NewEntries,
    /// By node: its last state.
    last: PerLife<Option<State>>,
    /// A sample of the states that were reached.
    reached: Vec<State>,
    looked: usize,
}

/// The size of the sample; then one of so many states is compared.
const COMPARED: usize = 8;

impl Semilattice {
    fn judge(&mut self, world: &World<Crdt>, node: NodeId, state: &State) -> Verdict {
        let wrong = |law: &str, words: String| Err(Broken::new([node], format!("{law}: {words}")));
        let twice = joined(state, state);
        if twice != *state {
            return wrong("joining is not idempotent", format!("{state:?} with itself is {twice:?}"));
        }
        // Updates lost in a crash were not sent, so their identities are reused.
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
            if !self.new_entries.of(world, node, &replica.ghost().journal)?.is_empty() {
                self.judge(world, node, state)?;
            }
        }
        Ok(())
    }
}

/// S4: each replica has a shadow that makes the same updates with full mutators, and joins the full states of those
/// whose deltas the replica joins. Both are equal at every instant (Almeida, Shoker and Baquero 2018: the purpose of
/// the causal delta-merging condition).
#[derive(Clone, Debug, Default)]
pub struct DeltaIsFull {
    new_entries: NewEntries,
    /// The shadow of a replica after it had these updates.
    shadows: BTreeMap<(ReplicaId, Updates), State>,
    /// By node: its replica at the last look, and that replica's updates.
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
        let entries = self.new_entries.of(world, node, &replica.ghost().journal)?;
        let seen = &replica.ghost().seen;
        let last = self.last.of(world, node);
        let Some((who, had)) = last.clone() else {
            // The replica is new or recovered: its shadow had the updates on its disk.
            *last = Some((id, seen.clone()));
            return Ok(());
        };
        if who != id {
            // It goes by a later name, with what it had.
            let shadow = self.shadow(world, who, &had);
            self.shadows.insert((id, had.clone()), shadow);
            *self.last.of(world, node) = Some((id, had.clone()));
        }
        if entries.is_empty() {
            return Ok(());
        }
        let mut shadow = self.shadow(world, id, &had);
        for entry in entries {
            match entry {
                Entry::Made { update, stamp, .. } => _ = shadow.mutate(update, stamp),
                Entry::Joined { from, had } => shadow.join(&self.shadow(world, *from, had)),
                Entry::Refused { .. } | Entry::Applied(_) | Entry::WentOn | Entry::Forgot(_) => {}
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
