//! A tree of nested maps with multi-value registers at any place, as a JSON document has them (after Kleppmann and
//! Beresford, "A Conflict-Free Replicated JSON Datatype", 2017; without its lists, and built from dot stores like the
//! OR-Map). An assignment replaces what its replica has seen at the place and below; a deletion removes that. What
//! others wrote there at the same time stays, and with it the way to it.

use std::collections::BTreeMap;

use crate::replication::crdt::clock::Dot;
use crate::replication::crdt::context::Context;
use crate::replication::crdt::dots::{Causal, CausalType, Change, DotFun, DotMap, DotStore, Observed};
use crate::replication::crdt::types::DataType;
use crate::replication::crdt::vocabulary::{Item, Key, Path, TreeOp, Value};

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Json;

/// What is at one place: a register, and a map of what is below.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Branch {
    register: DotFun<Item>,
    below: DotMap<Key, Branch>,
}

impl DotStore for Branch {
    fn join(&mut self, seen: &Context, theirs: &Self, their_seen: &Context) {
        self.register.join(seen, &theirs.register, their_seen);
        self.below.join(seen, &theirs.below, their_seen);
    }

    fn is_empty(&self) -> bool {
        self.register.is_empty() && self.below.is_empty()
    }

    fn each_dot(&self, each: &mut dyn FnMut(Dot)) {
        self.register.each_dot(each);
        self.below.each_dot(each);
    }
}

impl Branch {
    fn at(&self, path: &[Key]) -> Option<&Branch> {
        path.iter().try_fold(self, |branch, key| branch.below.0.get(key))
    }

    /// A tree with one assignment.
    fn with(path: &[Key], dot: Dot, item: Item) -> Branch {
        let leaf = Branch { register: DotFun([(dot, item)].into()), ..Branch::default() };
        let above = |branch, key: &Key| Branch { below: DotMap([(*key, branch)].into()), ..Branch::default() };
        path.iter().rev().fold(leaf, above)
    }

    fn leaves(&self, path: &mut Path, leaves: &mut BTreeMap<Path, std::collections::BTreeSet<Item>>) {
        if !self.register.is_empty() {
            leaves.insert(path.clone(), self.register.0.values().copied().collect());
        }
        for (key, branch) in &self.below.0 {
            path.push(*key);
            branch.leaves(path, leaves);
            path.pop();
        }
    }
}

impl CausalType for Json {
    type Store = Branch;
    type Update = TreeOp;

    fn change(store: &Branch, update: &TreeOp, dot: Dot) -> Option<Change<Branch>> {
        let (path, adds) = match update {
            TreeOp::Assign(path, item) => (path, Branch::with(path, dot, *item)),
            TreeOp::Delete(path) => (path, Branch::default()),
        };
        Some(Change { removes: store.at(path).map_or(Vec::new(), Branch::dots), adds })
    }

    fn value(store: &Branch) -> Value {
        let mut leaves = BTreeMap::new();
        store.leaves(&mut Vec::new(), &mut leaves);
        Value::Tree(leaves)
    }
}

impl DataType for Json {
    type Update = TreeOp;
    type State = Causal<Json>;
    type Payload = Observed<Json>;
}
