//! The levels of consistency by their names.

use std::str::FromStr;

use seedbed_properties::checkers::isolation::Level as Isolation;

/// A model of consistency for operations on one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfOperations {
    /// Herlihy and Wing 1990.
    Linearizability,
    /// Lamport 1979.
    Sequential,
    /// One of the models on reads and writes of registers.
    Weak(Weak),
    /// All four session guarantees.
    Sessions,
    /// How stale the worst read was.
    Staleness,
    /// Agreement after an instant.
    Eventual,
    /// The promise of a workload.
    Promise(Promise),
}

/// What a workload of Jepsen or Maelstrom promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// All reads of a bank see one total.
    ConstantTotal,
    /// No identifier is generated twice.
    UniqueIds,
    /// Logs lose, repeat and reorder nothing.
    Kafka,
}

impl OfOperations {
    /// Whether it depends on when operations were invoked and returned, beyond the order of each process.
    pub fn needs_real_time(self) -> bool {
        match self {
            OfOperations::Linearizability
            | OfOperations::Weak(Weak::Regular | Weak::Safe)
            | OfOperations::Staleness
            | OfOperations::Eventual => true,
            OfOperations::Sequential | OfOperations::Weak(_) | OfOperations::Sessions | OfOperations::Promise(_) => {
                false
            }
        }
    }
}

/// A model on reads and writes that is decided by what is forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weak {
    /// CC.
    Causal,
    /// CCv.
    CausalConvergence,
    /// CM.
    CausalMemory,
    /// FIFO consistency.
    Pram,
    /// A session guarantee (Terry and others 1994).
    ReadYourWrites,
    /// A session guarantee (Terry and others 1994).
    MonotonicReads,
    /// A session guarantee (Terry and others 1994).
    MonotonicWrites,
    /// A session guarantee (Terry and others 1994).
    WritesFollowReads,
    /// Lamport 1986.
    Regular,
    /// Lamport 1986.
    Safe,
}

/// A level, with its meaning for operations and for transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its name.
    pub name: &'static str,
    /// The model for operations on one object, if there is one.
    pub of_operations: Option<OfOperations>,
    /// The isolation level for transactions, if there is one.
    pub of_transactions: Option<Isolation>,
}

/// The levels of operations.
const OF_OPERATIONS: [(&str, OfOperations); 18] = [
    ("linearizability", OfOperations::Linearizability),
    ("sequential", OfOperations::Sequential),
    ("causal", OfOperations::Weak(Weak::Causal)),
    ("causal-convergence", OfOperations::Weak(Weak::CausalConvergence)),
    ("causal-memory", OfOperations::Weak(Weak::CausalMemory)),
    ("pram", OfOperations::Weak(Weak::Pram)),
    ("sessions", OfOperations::Sessions),
    ("read-your-writes", OfOperations::Weak(Weak::ReadYourWrites)),
    ("monotonic-reads", OfOperations::Weak(Weak::MonotonicReads)),
    ("monotonic-writes", OfOperations::Weak(Weak::MonotonicWrites)),
    ("writes-follow-reads", OfOperations::Weak(Weak::WritesFollowReads)),
    ("regular", OfOperations::Weak(Weak::Regular)),
    ("safe", OfOperations::Weak(Weak::Safe)),
    ("staleness", OfOperations::Staleness),
    ("eventual", OfOperations::Eventual),
    ("constant-total", OfOperations::Promise(Promise::ConstantTotal)),
    ("unique-ids", OfOperations::Promise(Promise::UniqueIds)),
    ("kafka", OfOperations::Promise(Promise::Kafka)),
];

/// Other common names.
const ALIASES: [(&str, &str); 19] = [
    ("linearizable", "linearizability"),
    ("atomic", "linearizability"),
    ("sequential-consistency", "sequential"),
    ("causal-consistency", "causal"),
    ("session-guarantees", "sessions"),
    ("fifo", "pram"),
    ("serializability", "serializable"),
    ("strict-serializability", "strict-serializable"),
    ("strong-serializable", "strict-serializable"),
    ("strong-session-serializability", "strong-session-serializable"),
    ("si", "snapshot-isolation"),
    ("snapshot", "snapshot-isolation"),
    ("session-snapshot-isolation", "strong-session-snapshot-isolation"),
    ("generalized-snapshot-isolation", "snapshot-isolation"),
    ("parallel-snapshot-isolation", "consistent-view"),
    ("psi", "consistent-view"),
    ("prefix-consistency", "prefix"),
    ("bank", "constant-total"),
    ("eventually-consistent", "eventual"),
];

impl Level {
    /// All names, those of operations first.
    pub fn names() -> Vec<&'static str> {
        let of_operations = OF_OPERATIONS.iter().map(|&(name, _)| name);
        let of_transactions = Isolation::ALL.iter().map(|level| level.name());
        let new = of_transactions.filter(|name| OF_OPERATIONS.iter().all(|(other, _)| other != name));
        of_operations.chain(new).collect()
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let plain = name.to_ascii_lowercase().replace('_', "-");
        let plain = ALIASES.iter().find(|(alias, _)| *alias == plain).map_or(plain.as_str(), |(_, name)| name);
        let of_operations = OF_OPERATIONS.iter().find(|(name, _)| *name == plain);
        let of_transactions = Isolation::named(plain);
        let known = of_operations.map(|(name, _)| *name).or(of_transactions.map(Isolation::name));
        let known =
            known.ok_or_else(|| format!("there is no level '{name}'; there are {}", Level::names().join(", ")))?;
        Ok(Level { name: known, of_operations: of_operations.map(|&(_, level)| level), of_transactions })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_and_aliases_are_levels() {
        for name in Level::names().into_iter().chain(ALIASES.map(|(alias, _)| alias)) {
            let level: Level = name.parse().expect("a level");
            assert!(level.of_operations.is_some() || level.of_transactions.is_some(), "{name} means nothing");
        }
        let causal: Level = "causal".parse().expect("a level");
        assert!(causal.of_operations.is_some() && causal.of_transactions.is_some());
        assert!("nonsense".parse::<Level>().is_err());
    }
}
