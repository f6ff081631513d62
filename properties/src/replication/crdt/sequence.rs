//! S6, the strong list specification (Attiya and others, "Specification and Complexity of Collaborative Text Editing",
//! PODC 2016): the elements that a replica shows are those inserted and not deleted
//! ([`allows`](super::specification::allows) judges that); an edit takes effect at its position in the sequence that
//! the client saw; and one total order of all elements, deleted ones included, agrees with every sequence that any
//! replica ever showed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use seedbed_models::replication::crdt::clock::Dot;
use seedbed_models::replication::crdt::ghost::Entry;
use seedbed_models::replication::crdt::types::rga::Edit;
use seedbed_models::replication::crdt::vocabulary::ElementId;
use seedbed_models::replication::crdt::{Crdt, Kind, Value};
use seedbed_sim::{Broken, OpId, Property, Verdict, World};

use super::execution::{Execution, edit};
use super::specification::inserted;

/// S6: the total order, and the positions of edits.
///
/// An element is known by the update that inserts it, and not by the name that its replica gives it. An update that a crash
/// takes before it is durable was told to nobody, so its names are given again, to other elements.
#[derive(Clone, Debug, Default)]
pub struct StrongList {
    execution: Execution,
    /// By element: the elements that directly followed it in some sequence.
    behind: BTreeMap<Inserted, BTreeSet<Inserted>>,
}

/// An element: the update that inserts it, and which of the elements of that.
type Inserted = (OpId, u16);

impl Property<Crdt> for StrongList {
    fn name(&self) -> String {
        "crdt/strong_list".into()
    }

    fn after_event(&mut self, world: &World<Crdt>) -> Verdict {
        if !matches!(world.config().kind, Kind::Rga | Kind::Text) {
            return Ok(());
        }
        for &node in world.changed() {
            let Some(changed) = self.execution.look(world, node)? else { continue };
            let Value::Sequence(shown) = changed.replica.value() else { continue };
            if let [Entry::Made { op, .. }] = changed.entries
                && let Some(event) = self.execution.get(*op)
            {
                let mut must = changed.before;
                match edit(&event.update) {
                    Some(Edit::Insert(at, _)) => {
                        let at = at.min(must.len());
                        must.splice(at..at, inserted(event));
                    }
                    _ => must.retain(|(id, _)| !event.deletes.contains(id)),
                }
                if must != shown {
                    let words = |elements: &[(_, char)]| elements.iter().map(|(_, what)| what).collect::<String>();
                    let (must, shown) = (words(&must), words(&shown));
                    let words = format!("{node} shows {shown:?} after {:?}; it must show {must:?}", event.update);
                    return Err(Broken::new([node], words));
                }
            }
            let updates = self.execution.of(&changed.replica.ghost().seen);
            let named: BTreeMap<Dot, OpId> = updates.map(|(op, event)| (event.stamp.dot, op)).collect();
            let inserted = |(id, _): &(ElementId, char)| Some((*named.get(&id.dot)?, id.index));
            // What nobody has inserted is for the specification to judge.
            let Some(elements) = shown.iter().map(inserted).collect::<Option<Vec<Inserted>>>() else { continue };
            for pair in elements.windows(2) {
                self.behind.entry(pair[0]).or_default().insert(pair[1]);
            }
        }
        Ok(())
    }

    fn at_end(&mut self, _: &World<Crdt>) -> Verdict {
        match contradiction(&self.behind) {
            None => Ok(()),
            Some(circle) => {
                Err(format!("no order of all elements fits what was shown: {circle:?} stand in a circle").into())
            }
        }
    }
}

/// A cycle of elements, if there is one: then no total order exists.
fn contradiction<E: Ord + Copy + Debug>(behind: &BTreeMap<E, BTreeSet<E>>) -> Option<Vec<E>> {
    // Repeatedly removes elements without predecessors. The rest are on cycles, or behind one.
    let mut before: BTreeMap<E, usize> = BTreeMap::new();
    for (element, next) in behind {
        before.entry(*element).or_insert(0);
        next.iter().for_each(|next| *before.entry(*next).or_insert(0) += 1);
    }
    let mut first: Vec<E> = before.iter().filter(|(_, count)| **count == 0).map(|(element, _)| *element).collect();
    while let Some(element) = first.pop() {
        before.remove(&element);
        for next in behind.get(&element).into_iter().flatten() {
            let count = before.get_mut(next).expect("it is behind something that was still there");
            *count -= 1;
            first.extend((*count == 0).then_some(*next));
        }
    }
    // Following predecessors from any of them closes a cycle.
    let start = *before.keys().next()?;
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let previous = before.keys().find(|element| behind.get(element).is_some_and(|next| next.contains(&last)))?;
        if let Some(at) = path.iter().position(|element| element == previous) {
            return Some(path.split_off(at));
        }
        path.push(*previous);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(sequences: &[&str]) -> Option<Vec<char>> {
        let mut behind: BTreeMap<char, BTreeSet<char>> = BTreeMap::new();
        for sequence in sequences {
            let letters: Vec<char> = sequence.chars().collect();
            letters.windows(2).for_each(|pair| _ = behind.entry(pair[0]).or_default().insert(pair[1]));
        }
        contradiction(&behind)
    }

    /// The last case satisfies the weak specification: no two sequences contradict each other, all three do.
    #[test]
    fn sequences_without_an_order_are_found() {
        assert_eq!(shown(&["abc", "ac", "abxc"]), None);
        assert_eq!(shown(&["ab", "ba"]).map(|circle| circle.len()), Some(2));
        let mut circle = shown(&["pq", "ax", "xb", "ba"]).expect("a, x, b stand in a circle");
        circle.sort_unstable();
        assert_eq!(circle, ['a', 'b', 'x']);
    }
}
