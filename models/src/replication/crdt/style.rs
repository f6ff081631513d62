//! The three styles of replicated data types, one small trait each, and what is forgotten in time.
//!
//! Shapiro, Preguiça, Baquero and Zawirski, "Conflict-free Replicated Data Types" (SSS 2011), define the state-based
//! and the operation-based style; Almeida, Shoker and Baquero, "Delta state replicated data types" (2018), the one with
//! deltas.

use std::fmt::Debug;
use std::hash::Hash;

use crate::replication::crdt::clock::{Dot, Stamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::vocabulary::Value;

/// A join semilattice with a least element, which is the default.
pub trait Lattice: Clone + Debug + Default + Eq + Hash {
    /// The least upper bound of both: idempotent, commutative, associative.
    fn join(&mut self, other: &Self);
}

/// The state-based style (CvRDT): a replica sends its whole state, and whoever gets it joins it with its own.
pub trait StateBased: Lattice {
    /// What clients ask.
    type Update;

    /// Makes an update: the state grows, for the lattice's order. `false` if the update is refused, and the state as it
    /// was.
    fn mutate(&mut self, update: &Self::Update, stamp: &Stamp) -> bool;

    /// What a client reads.
    fn value(&self) -> Value;

    /// What it takes to write it down.
    fn weight(&self) -> Weight;
}

/// The delta-state style: an update gives a small state of the same lattice, and replicas send those, or joins of some.
pub trait DeltaBased: Lattice {
    /// What clients ask.
    type Update;

    /// The δ-mutator mδ(X) of an update; nothing if the update is refused.
    fn delta(&self, update: &Self::Update, stamp: &Stamp) -> Option<Self>;

    /// What a client reads.
    fn value(&self) -> Value;

    /// What it takes to write it down.
    fn weight(&self) -> Weight;
}

/// What a δ-mutator is to its mutator: `m(X) = X ⊔ mδ(X)` (Almeida, Shoker and Baquero 2018).
impl<T: DeltaBased> StateBased for T {
    type Update = T::Update;

    fn mutate(&mut self, update: &Self::Update, stamp: &Stamp) -> bool {
        let Some(delta) = self.delta(update, stamp) else { return false };
        self.join(&delta);
        true
    }

    fn value(&self) -> Value {
        DeltaBased::value(self)
    }

    fn weight(&self) -> Weight {
        DeltaBased::weight(self)
    }
}

/// The operation-based style (CmRDT): an update is prepared where it is made, and its effect is applied everywhere,
/// once, in causal order. Effects of concurrent updates commute.
pub trait OperationBased: Clone + Debug + Default + Eq + Hash {
    /// What clients ask.
    type Update;
    /// What is broadcast.
    type Effect: Clone + Debug + Eq + Hash;

    /// Looks at the state and says what the update does; nothing if the update is refused. Changes nothing.
    fn prepare(&self, update: &Self::Update, stamp: &Stamp) -> Option<Self::Effect>;

    /// Does it. `after` is what the replica that made the update had delivered: a replica that has forgotten something
    /// cannot say that its update supersedes it.
    fn effect(&mut self, effect: &Self::Effect, after: &Context);

    /// What a client reads.
    fn value(&self) -> Value;

    /// What it takes to write it down.
    fn weight(&self) -> Weight;

    /// Forgets tombstones, where all that is still to come is after the updates in `stable`. Returns the names of the
    /// updates that it forgets to have removed something.
    fn forget(&mut self, stable: &Context) -> Vec<Dot> {
        let _ = stable;
        Vec::new()
    }
}

/// How much a state is written down with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Weight {
    /// Entries that a client can see: elements, keys, numbers of a counter.
    pub live: usize,
    /// Entries that are kept only to know that something was removed, and will be again if its removal is forgotten.
    pub tombstones: usize,
    /// Dots, and numbers of causal contexts.
    pub dots: usize,
}

/// A type whose effects are its deltas: they are idempotent and commute, whether concurrent or not, so that joining is
/// a way to apply them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Joined<S>(pub S);

/// What such a type forgets.
pub trait Forgets {
    /// As [`OperationBased::forget`].
    fn forget(&mut self, stable: &Context) -> Vec<Dot> {
        let _ = stable;
        Vec::new()
    }
}

impl<S: DeltaBased + Forgets> OperationBased for Joined<S> {
    type Update = S::Update;
    type Effect = S;

    fn prepare(&self, update: &Self::Update, stamp: &Stamp) -> Option<S> {
        self.0.delta(update, stamp)
    }

    fn effect(&mut self, effect: &S, _: &Context) {
        self.0.join(effect);
    }

    fn value(&self) -> Value {
        DeltaBased::value(&self.0)
    }

    fn weight(&self) -> Weight {
        DeltaBased::weight(&self.0)
    }

    fn forget(&mut self, stable: &Context) -> Vec<Dot> {
        self.0.forget(stable)
    }
}
