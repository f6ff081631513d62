//! The units of the models (a component, or a part that several share), and which components use which.

use std::collections::{BTreeMap, BTreeSet};

/// A file, relative to the repository, with its text.
pub type Sources = BTreeMap<String, String>;

/// The components that the tool knows, with the family whose tests are theirs.
pub const COMPONENTS: [(&str, &str, &str); 18] = [
    ("examples::echo", "echo", "examples"),
    ("examples::tutorial", "tutorial", "examples"),
    ("communication::request_response", "request_response", "communication"),
    ("communication::message_queue", "message_queue", "communication"),
    ("communication::log_broker", "log_broker", "communication"),
    ("communication::stream", "stream", "communication"),
    ("communication::ordering", "ordering", "communication"),
    ("communication::gossip", "gossip", "communication"),
    ("replication::raft", "raft", "replication"),
    ("replication::crdt", "crdt", "replication"),
    ("transactions::two_phase_commit", "two_phase_commit", "transactions"),
    ("transactions::three_phase_commit", "three_phase_commit", "transactions"),
    ("transactions::saga", "saga", "transactions"),
    ("transactions::tcc", "tcc", "transactions"),
    ("transactions::outbox", "outbox", "transactions"),
    ("transactions::mvcc", "mvcc", "transactions"),
    ("caching::coherence", "coherence", "caching"),
    ("caching::lock", "lock", "caching"),
];

/// The unit of a file: `models/src/parts/wal.rs` is of `parts::wal`.
pub fn unit_of(file: &str) -> String {
    let path = file.trim_start_matches("models/src/").trim_end_matches(".rs");
    path.split('/').filter(|part| *part != "mod").take(2).collect::<Vec<_>>().join("::")
}

/// For each unit, the components that use it, directly or not; its own first.
pub fn users(sources: &Sources) -> BTreeMap<String, Vec<usize>> {
    let units: BTreeSet<String> = sources.keys().map(|file| unit_of(file)).collect();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, text) in sources {
        let named = |unit: &&String| {
            let (before, after) = (format!("crate::{unit}::"), format!("crate::{unit};"));
            text.contains(&before) || text.contains(&after)
        };
        let used = units.iter().filter(named).cloned();
        uses.entry(unit_of(file)).or_default().extend(used);
    }
    let reached = |from: &str| {
        let mut reached = BTreeSet::from([from.to_string()]);
        let mut left = vec![from.to_string()];
        while let Some(unit) = left.pop() {
            for next in uses.get(&unit).into_iter().flatten() {
                if reached.insert(next.clone()) {
                    left.push(next.clone());
                }
            }
        }
        reached
    };
    let reached: Vec<BTreeSet<String>> = COMPONENTS.iter().map(|(unit, ..)| reached(unit)).collect();
    let users_of = |unit: &String| {
        // A module of a family that is no unit is used by all of the family.
        let of_family = |component: &str| !unit.contains("::") && component.starts_with(unit.as_str());
        let uses = |index: &usize| reached[*index].contains(unit) || of_family(COMPONENTS[*index].0);
        let mut users: Vec<usize> = (0..COMPONENTS.len()).filter(uses).collect();
        users.sort_by_key(|index| COMPONENTS[*index].0 != unit.as_str());
        users
    };
    units.iter().map(|unit| (unit.clone(), users_of(unit))).collect()
}
