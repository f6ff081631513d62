//! RGA, the replicated growable array (Roh and others, "Replicated abstract data types: Building blocks for
//! collaborative applications", 2011; as an insertion tree in Attiya and others, "Specification and Complexity of
//! Collaborative Text Editing", PODC 2016). An element goes behind the one that its author saw before it; of several
//! behind the same the latest comes first. A removed element leaves a tombstone, for others may go behind it.
//!
//! A text is the same with characters that come and go several at a time.
//!
//! **When tombstones may go** (operation-based, where causal stability is known). That everybody knows of the removal
//! is not enough. Say X stands between P and Z, is removed, and everybody knows. A new element Y goes behind P: where X
//! is still there, Y is later than X and stops before it; where X has gone, Y is compared with Z, and if its author has
//! not seen Z, Z may be later, and then Y goes behind Z. So X goes only when the next element is causally stable too:
//! then whatever comes is later than that one, and stops there as it would have at X.

use std::collections::{BTreeMap, BTreeSet};

use crate::replication::crdt::clock::{Dot, Stamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Lattice, OperationBased, Weight};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{ElementId, ListOp, TextOp, Value};

/// What lists and texts have in common: insertions and deletions of ranges.
pub trait Edits: Clone + std::fmt::Debug + 'static {
    /// The edit, with its characters.
    fn edit(&self) -> Edit;
}

/// A change of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    /// These, at this place.
    Insert(usize, Vec<char>),
    /// As many, from this place on.
    Delete(usize, usize),
}

impl Edits for ListOp {
    fn edit(&self) -> Edit {
        match self {
            ListOp::Insert(at, what) => Edit::Insert(usize::from(*at), vec![*what]),
            ListOp::Delete(at) => Edit::Delete(usize::from(*at), 1),
        }
    }
}

impl Edits for TextOp {
    fn edit(&self) -> Edit {
        match self {
            TextOp::Insert(at, text) => Edit::Insert(usize::from(*at), text.chars().collect()),
            TextOp::Delete(at, count) => Edit::Delete(usize::from(*at), usize::from(*count)),
        }
    }
}

/// What an edit is to others: where they have it does not depend on what they have besides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Characters behind an element, or at the beginning; the first is called `first`, the others count on from it.
    Insert {
        /// Behind which element.
        after: Option<ElementId>,
        /// The name of the first.
        first: ElementId,
        /// The characters.
        what: Vec<char>,
    },
    /// These elements go.
    Delete {
        /// Which.
        elements: Vec<ElementId>,
        /// The update that removes them.
        by: Dot,
    },
}

/// The name of the element that comes `n` after `first` in one insertion.
fn nth(first: ElementId, n: usize) -> ElementId {
    ElementId { index: first.index + n as u16, ..first }
}

/// Turns an edit into an effect, given the visible elements around its place: `visible(at)` is the element there.
fn prepare(edit: Edit, len: usize, stamp: &Stamp, visible: impl Fn(usize) -> ElementId) -> Option<Effect> {
    match edit {
        Edit::Insert(_, what) if what.is_empty() || what.len() > usize::from(u16::MAX) => None,
        Edit::Insert(at, what) => {
            let after = at.min(len).checked_sub(1).map(visible);
            let first = ElementId { time: stamp.time.time, dot: stamp.dot, index: 0 };
            Some(Effect::Insert { after, first, what })
        }
        Edit::Delete(_, count) if len == 0 || count == 0 => None,
        Edit::Delete(at, count) => {
            let at = at.min(len - 1);
            let elements = (at..len.min(at + count)).map(visible).collect();
            Some(Effect::Delete { elements, by: stamp.dot })
        }
    }
}

/// One element, visible or removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Element {
    id: ElementId,
    what: char,
    /// The update that removed it, if one has; the one of the least name, if several.
    removed: Option<Dot>,
}

/// The operation-based form: all elements in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List<U> {
    elements: Vec<Element>,
    visible: usize,
    of: std::marker::PhantomData<U>,
}

impl<U> Default for List<U> {
    fn default() -> Self {
        List { elements: Vec::new(), visible: 0, of: std::marker::PhantomData }
    }
}

impl<U> List<U> {
    /// Where an element stands.
    ///
    /// # Panics
    /// If it is not here: what comes after it causally came before it.
    fn place(&self, id: &ElementId) -> usize {
        let place = self.elements.iter().rposition(|element| element.id == *id);
        place.unwrap_or_else(|| panic!("an edit has come before the element that it is about: {id:?}"))
    }

    /// The visible element at a place.
    fn visible(&self, at: usize) -> ElementId {
        if self.visible == self.elements.len() {
            return self.elements[at].id;
        }
        let mut visible = self.elements.iter().filter(|element| element.removed.is_none());
        visible.nth(at).expect("a place among the visible elements").id
    }

    /// The insertion of one element (Roh and others 2011, the remote insert): behind those that stand in the same place
    /// and are later. Returns where it comes to stand.
    fn insert(&mut self, mut place: usize, id: ElementId, what: char) -> usize {
        while self.elements.get(place).is_some_and(|next| next.id > id) {
            place += 1;
        }
        self.elements.insert(place, Element { id, what, removed: None });
        self.visible += 1;
        place
    }
}

impl<U: Edits + Eq + std::hash::Hash> OperationBased for List<U> {
    type Update = U;
    type Effect = Effect;

    fn prepare(&self, update: &U, stamp: &Stamp) -> Option<Effect> {
        prepare(update.edit(), self.visible, stamp, |at| self.visible(at))
    }

    fn effect(&mut self, effect: &Effect, _: &Context) {
        match effect {
            Effect::Insert { after, first, what } => {
                let mut place = after.map_or(0, |after| self.place(&after) + 1);
                for (n, what) in what.iter().enumerate() {
                    place = self.insert(place, nth(*first, n), *what) + 1;
                }
            }
            Effect::Delete { elements, by } => {
                for id in elements {
                    let place = self.place(id);
                    let removed = &mut self.elements[place].removed;
                    self.visible -= usize::from(removed.is_none());
                    *removed = Some(removed.map_or(*by, |other| other.min(*by)));
                }
            }
        }
    }

    fn value(&self) -> Value {
        let visible = self.elements.iter().filter(|element| element.removed.is_none());
        Value::Sequence(visible.map(|element| (element.id, element.what)).collect())
    }

    fn weight(&self) -> Weight {
        let all = self.elements.len();
        Weight { live: self.visible, tombstones: all - self.visible, dots: all }
    }

    /// From the end, so that the next element that stays is known.
    fn forget(&mut self, stable: &Context) -> Vec<Dot> {
        let mut forgotten = BTreeSet::new();
        let mut next_is_stable = true;
        let mut kept = Vec::with_capacity(self.elements.len());
        for element in self.elements.drain(..).rev() {
            match element.removed {
                Some(by) if next_is_stable && stable.contains(&by) => _ = forgotten.insert(by),
                _ => {
                    next_is_stable = stable.contains(&element.id.dot);
                    kept.push(element);
                }
            }
        }
        kept.reverse();
        self.elements = kept;
        forgotten.into_iter().collect()
    }
}

/// The state-based form: the insertion tree, by name, and the tombstones. A delta may lack the elements that its own
/// stand behind.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tree<U> {
    /// Behind which element each was put, and what it is.
    pub nodes: BTreeMap<ElementId, (Option<ElementId>, char)>,
    /// The elements that were removed.
    pub removed: BTreeSet<ElementId>,
    of: std::marker::PhantomData<U>,
}

impl<U> Default for Tree<U> {
    fn default() -> Self {
        Tree { nodes: BTreeMap::new(), removed: BTreeSet::new(), of: std::marker::PhantomData }
    }
}

impl<U> Tree<U> {
    /// All elements in order, removed or not: a depth-first walk, the latest of those behind one element first.
    fn in_order(&self) -> Vec<ElementId> {
        let mut children: BTreeMap<Option<ElementId>, Vec<ElementId>> = BTreeMap::new();
        for (id, (after, _)) in &self.nodes {
            children.entry(*after).or_default().push(*id);
        }
        let mut order = Vec::with_capacity(self.nodes.len());
        // Ascending, so that the latest is taken first.
        let mut open = children.get(&None).cloned().unwrap_or_default();
        while let Some(id) = open.pop() {
            order.push(id);
            open.extend(children.get(&Some(id)).into_iter().flatten());
        }
        order
    }

    fn visible(&self) -> Vec<ElementId> {
        self.in_order().into_iter().filter(|id| !self.removed.contains(id)).collect()
    }
}

impl<U: Clone + std::fmt::Debug + Eq + std::hash::Hash> Lattice for Tree<U> {
    fn join(&mut self, other: &Self) {
        self.nodes.extend(&other.nodes);
        self.removed.extend(&other.removed);
    }
}

impl<U: Edits + Eq + std::hash::Hash> DeltaBased for Tree<U> {
    type Update = U;

    fn delta(&self, update: &U, stamp: &Stamp) -> Option<Self> {
        let visible = self.visible();
        match prepare(update.edit(), visible.len(), stamp, |at| visible[at])? {
            Effect::Insert { after, first, what } => {
                let behind = |n: usize| if n == 0 { after } else { Some(nth(first, n - 1)) };
                let nodes = what.into_iter().enumerate().map(|(n, what)| (nth(first, n), (behind(n), what)));
                Some(Tree { nodes: nodes.collect(), ..Tree::default() })
            }
            Effect::Delete { elements, .. } => {
                Some(Tree { removed: elements.into_iter().collect(), ..Tree::default() })
            }
        }
    }

    fn value(&self) -> Value {
        Value::Sequence(self.visible().into_iter().map(|id| (id, self.nodes[&id].1)).collect())
    }

    fn weight(&self) -> Weight {
        let tombstones = self.removed.len();
        Weight { live: self.nodes.len() - tombstones, tombstones, dots: self.nodes.len() }
    }
}

/// A sequence of elements.
#[derive(Clone, Debug)]
pub struct Rga;

impl DataType for Rga {
    type Update = ListOp;
    type State = Tree<ListOp>;
    type Payload = List<ListOp>;
}

/// A text.
#[derive(Clone, Debug)]
pub struct Text;

impl DataType for Text {
    type Update = TextOp;
    type State = Tree<TextOp>;
    type Payload = List<TextOp>;
}
