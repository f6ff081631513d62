//! A generator of unique identifiers (Maelstrom's workload of that name).

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::checkers::consistency::{Anomaly, Outcome};

/// Whether no two events were given the same identifier.
///
/// ```
/// use seedbed_properties::checkers::workloads::unique_ids::unique_ids;
///
/// assert!(unique_ids([(0, "a"), (1, "b")]).holds());
/// assert!(!unique_ids([(0, "a"), (1, "b"), (2, "a")]).holds());
/// ```
pub fn unique_ids<I: Ord + Debug>(given: impl IntoIterator<Item = (usize, I)>) -> Outcome {
    let mut first: BTreeMap<I, usize> = BTreeMap::new();
    for (event, id) in given {
        if let Some(&other) = first.get(&id) {
            let words = format!("{id:?} was generated twice");
            return Outcome::Violation(Anomaly { pattern: "DuplicateId", events: vec![other, event], words });
        }
        first.insert(id, event);
    }
    Outcome::Holds
}
