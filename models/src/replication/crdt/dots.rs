//! Dot stores and causal states: types that remember what they saw instead of what was removed (Almeida, Shoker and
//! Baquero 2018, "Causal CRDTs").
//!
//! What is in the context and no longer in the store was removed: no tombstone has to say so. All types of this kind
//! are a store, a δ-mutator and a query; joining and applying operations is the same for all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;

use crate::replication::crdt::clock::{Dot, Stamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Lattice, OperationBased, Weight};
use crate::replication::crdt::vocabulary::Value;

/// A container of dots: all that is needed to join two of them is who has seen what.
pub trait DotStore: Clone + Debug + Default + Eq + Hash {
    /// Joins with `theirs`, where this one has seen `seen` and theirs `their_seen`: what one lacks
    /// and has seen was removed there.
    fn join(&mut self, seen: &Context, theirs: &Self, their_seen: &Context);

    /// Whether no dot is in it.
    fn is_empty(&self) -> bool;

    /// Calls `each` with all dots in it.
    fn each_dot(&self, each: &mut dyn FnMut(Dot));

    /// All dots in it.
    fn dots(&self) -> Vec<Dot> {
        let mut dots = Vec::new();
        self.each_dot(&mut |dot| dots.push(dot));
        dots
    }
}

/// A set of dots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DotSet(pub BTreeSet<Dot>);

impl DotStore for DotSet {
    fn join(&mut self, seen: &Context, theirs: &Self, their_seen: &Context) {
        self.0.retain(|dot| theirs.0.contains(dot) || !their_seen.contains(dot));
        self.0.extend(theirs.0.iter().filter(|dot| !seen.contains(dot)));
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn each_dot(&self, each: &mut dyn FnMut(Dot)) {
        self.0.iter().copied().for_each(each);
    }
}

/// A map from dots to values. A dot is given to one update only, so one dot always has the same value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DotFun<V>(pub BTreeMap<Dot, V>);

impl<V> Default for DotFun<V> {
    fn default() -> Self {
        DotFun(BTreeMap::new())
    }
}

impl<V: Clone + Debug + Eq + Hash> DotStore for DotFun<V> {
    fn join(&mut self, seen: &Context, theirs: &Self, their_seen: &Context) {
        self.0.retain(|dot, _| theirs.0.contains_key(dot) || !their_seen.contains(dot));
        let news = theirs.0.iter().filter(|(dot, _)| !seen.contains(dot));
        self.0.extend(news.map(|(dot, value)| (*dot, value.clone())));
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn each_dot(&self, each: &mut dyn FnMut(Dot)) {
        self.0.keys().copied().for_each(each);
    }
}

/// A map from keys to dot stores. No key has an empty one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DotMap<K, S>(pub BTreeMap<K, S>);

impl<K, S> Default for DotMap<K, S> {
    fn default() -> Self {
        DotMap(BTreeMap::new())
    }
}

impl<K: Clone + Debug + Ord + Hash, S: DotStore> DotStore for DotMap<K, S> {
    fn join(&mut self, seen: &Context, theirs: &Self, their_seen: &Context) {
        let nothing = S::default();
        for (key, store) in &mut self.0 {
            store.join(seen, theirs.0.get(key).unwrap_or(&nothing), their_seen);
        }
        for (key, store) in &theirs.0 {
            if !self.0.contains_key(key) {
                let mut mine = S::default();
                mine.join(seen, store, their_seen);
                self.0.insert(key.clone(), mine);
            }
        }
        self.0.retain(|_, store| !store.is_empty());
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn each_dot(&self, each: &mut dyn FnMut(Dot)) {
        self.0.values().for_each(|store| store.each_dot(each));
    }
}

impl<K: Ord, S: DotStore> DotMap<K, S> {
    /// The dots under a key.
    pub fn dots_of(&self, key: &K) -> Vec<Dot> {
        self.0.get(key).map_or(Vec::new(), S::dots)
    }
}

/// Two stores side by side.
impl<A: DotStore, B: DotStore> DotStore for (A, B) {
    fn join(&mut self, seen: &Context, theirs: &Self, their_seen: &Context) {
        self.0.join(seen, &theirs.0, their_seen);
        self.1.join(seen, &theirs.1, their_seen);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty() && self.1.is_empty()
    }

    fn each_dot(&self, each: &mut dyn FnMut(Dot)) {
        self.0.each_dot(each);
        self.1.each_dot(each);
    }
}

/// A data type that is made of a dot store.
pub trait CausalType: Clone + Debug + Default + Eq + Hash + 'static {
    /// What it keeps.
    type Store: DotStore;
    /// What clients ask.
    type Update;

    /// The δ-mutator, without the context that all have in common: which dots the update makes superfluous, and what it
    /// adds under its own dot. Nothing if the update is refused.
    fn change(store: &Self::Store, update: &Self::Update, dot: Dot) -> Option<Change<Self::Store>>;

    /// What a client reads.
    fn value(store: &Self::Store) -> Value;

    /// How many of the entries a client can see, and how many are there only because something was removed.
    fn entries(store: &Self::Store) -> (usize, usize) {
        (store.dots().len(), 0)
    }

    /// Takes away what an update with these additions supersedes and could not name, because it was forgotten where the
    /// update was made: of what it is about, all that was there before.
    fn supersede(store: &mut Self::Store, adds: &Self::Store, after: &Context) {
        let _ = (store, adds, after);
    }

    /// As [`OperationBased::forget`]; for types whose removals leave dots.
    fn forget(store: &mut Self::Store, stable: &Context) -> Vec<Dot> {
        let _ = (store, stable);
        Vec::new()
    }
}

/// What an update of a causal type does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Change<S> {
    /// Dots that are no longer needed.
    pub removes: Vec<Dot>,
    /// What is new, under the update's dot; may be empty.
    pub adds: S,
}

/// The causal state: a store, and all dots that it has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Causal<T: CausalType> {
    /// What is there.
    pub store: T::Store,
    /// What was ever there, and what this state is meant to remove elsewhere.
    pub context: Context,
    of: PhantomData<T>,
}

impl<T: CausalType> Causal<T> {
    /// A state of these parts; the context holds all dots of the store.
    pub fn new(store: T::Store, context: Context) -> Self {
        Causal { store, context, of: PhantomData }
    }

    /// The delta of an update: its own dot is in the context even if the store has none of it, so that every update is
    /// seen in the context of whoever has it.
    fn delta_of(store: &T::Store, update: &T::Update, dot: Dot) -> Option<Self> {
        let Change { removes, adds } = T::change(store, update, dot)?;
        Some(Causal::new(adds, removes.into_iter().chain([dot]).collect()))
    }

    fn weight_of(store: &T::Store, context: &Context) -> Weight {
        let (live, tombstones) = T::entries(store);
        Weight { live, tombstones, dots: store.dots().len() + context.size() }
    }
}

impl<T: CausalType> Lattice for Causal<T> {
    fn join(&mut self, other: &Self) {
        self.store.join(&self.context, &other.store, &other.context);
        self.context.join(&other.context);
    }
}

impl<T: CausalType> DeltaBased for Causal<T> {
    type Update = T::Update;

    fn delta(&self, update: &T::Update, stamp: &Stamp) -> Option<Self> {
        Causal::delta_of(&self.store, update, stamp.dot)
    }

    fn value(&self) -> Value {
        T::value(&self.store)
    }

    fn weight(&self) -> Weight {
        Causal::<T>::weight_of(&self.store, &self.context)
    }
}

/// The operation-based form: a store alone. Where every update comes once, and after those that it has seen, what it
/// removes is there to be removed, and nobody has to remember what was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Observed<T: CausalType>(pub T::Store);

impl<T: CausalType> OperationBased for Observed<T> {
    type Update = T::Update;
    type Effect = Causal<T>;

    fn prepare(&self, update: &T::Update, stamp: &Stamp) -> Option<Causal<T>> {
        Causal::delta_of(&self.0, update, stamp.dot)
    }

    fn effect(&mut self, Causal { store, context, .. }: &Causal<T>, after: &Context) {
        T::supersede(&mut self.0, store, after);
        self.0.join(&Context::default(), store, context);
    }

    fn value(&self) -> Value {
        T::value(&self.0)
    }

    fn weight(&self) -> Weight {
        Causal::<T>::weight_of(&self.0, &Context::default())
    }

    fn forget(&mut self, stable: &Context) -> Vec<Dot> {
        T::forget(&mut self.0, stable)
    }
}
