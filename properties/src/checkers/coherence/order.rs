//! Whether some order of each location explains what the cores saw.

use std::collections::BTreeMap;
use std::hash::Hash;

use super::{Access, Performed};
use crate::checkers::consistency::sequential::{Sequential, sequential};
use crate::checkers::judge::{Id, Name, Refusal, Ruling, UNDECIDED};
use crate::checkers::linearizability::{Limits, Operation, Specification, Step};

/// Whether, for each location, there is a total order of its accesses that respects each core's program order and in
/// which each access reads the last value written: per-location sequential consistency, the part of coherence that
/// cores can observe (Primer, section 2.4.3). The order of `accesses` means nothing; their indices do.
///
/// Finding an order is NP-complete if values repeat. So the search for each location has a limit of `steps`, beyond
/// which it refuses with the rule `undecided`: a result that was not checked must not pass.
///
/// ```
/// use seedbed_properties::checkers::coherence::{Access, Performed, coherent};
///
/// let by = |core, index, access| Performed { core, location: 'x', access, index };
/// let back_in_time = [by('a', 0, Access::Store(1)), by('b', 0, Access::Load(1)), by('b', 1, Access::Load(0))];
/// assert!(coherent(&0, &back_in_time, 1_000).is_err());
/// assert!(coherent(&0, &back_in_time[..2], 1_000).is_ok());
/// ```
///
/// # Errors
/// The location that has no such order, or is undecided.
pub fn coherent<N: Id, L: Name, V: Name + Hash>(start: &V, accesses: &[Performed<N, L, V>], steps: u64) -> Ruling<N> {
    let mut locations: BTreeMap<&L, Vec<&Performed<N, L, V>>> = BTreeMap::new();
    for access in accesses {
        locations.entry(&access.location).or_default().push(access);
    }
    for (location, mut here) in locations {
        here.sort_by_key(|performed| (&performed.core, performed.index));
        let mut cores: BTreeMap<&N, u64> = BTreeMap::new();
        let history: Vec<Operation<Access<V>, ()>> = here
            .iter()
            .map(|performed| {
                let next = cores.len() as u64;
                let core = *cores.entry(&performed.core).or_insert(next);
                Operation::completed(core, performed.access.clone(), 0, 0, ())
            })
            .collect();
        match sequential(&Cell { start: start.clone() }, &history, Limits { steps, ..Limits::default() }) {
            Sequential::Consistent(_) => {}
            Sequential::Violation { furthest, stuck } => {
                let describe = |places: &[usize]| {
                    let items = places.iter().map(|n| format!("{:?} {:?}", here[*n].core, here[*n].access));
                    items.collect::<Vec<_>>().join(", ")
                };
                let words = format!(
                    "no order of the accesses to {location:?} explains them: after [{}] none of [{}] can come next",
                    describe(&furthest),
                    describe(&stuck)
                );
                return Err(Refusal::new("coherence", stuck.iter().map(|n| here[*n].core.clone()), words));
            }
            Sequential::Unknown(steps) => {
                let count = here.len();
                let words = format!("no order of {count} accesses to {location:?} was found in {steps} steps");
                return Err(Refusal::new(UNDECIDED, cores.into_keys().cloned(), words));
            }
        }
    }
    Ok(())
}

/// A location as a sequential object.
#[derive(Clone, Debug)]
struct Cell<V> {
    start: V,
}

impl<V: Name + Hash> Specification for Cell<V> {
    type State = V;
    type Op = Access<V>;
    type Ret = ();
    /// The value before the access.
    type Undo = V;
    type Key = ();

    fn initial(&self) -> V {
        self.start.clone()
    }

    fn apply(&self, there: &mut V, access: &Access<V>, _: Option<&()>) -> Step<V> {
        if access.read().is_some_and(|read| read != there) {
            return Step::Illegal;
        }
        match access.written() {
            Some(written) => Step::Changed(std::mem::replace(there, written.clone())),
            None => Step::Same,
        }
    }

    fn undo(&self, there: &mut V, _: &Access<V>, before: V) {
        *there = before;
    }
}
