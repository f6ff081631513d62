//! The lattice of isolation levels.
//!
//! For a given version order, each level forbids certain cycles of dependencies. A history satisfies a level if *some*
//! version order that agrees with the reads does.
//!
//! - Adya, "Weak Consistency" (1999): PL-1, PL-2, PL-CS, PL-2+, PL-2.99, PL-3 (sections 3 and 4);
//! - Kingsbury and Alvaro, "Elle" (VLDB 2020): the names, sessions and real time;
//! - Cerone, Bernardi, Gotsman, "A Framework for Transactional Consistency Models with Atomic Visibility" (CONCUR 2015,
//!   figure 1): read atomic, causal, update atomic, prefix, snapshot isolation, serializability, by axioms on visibility
//!   and arbitration; Cerone and Gotsman, "Analysing Snapshot Isolation" (JACM 2018, theorem 10): snapshot isolation as
//!   cycles;
//! - Bailis et al., "Highly Available Transactions" (VLDB 2014): monotonic atomic view;
//! - Crooks et al., "Seeing is Believing" (PODC 2017): the same hierarchy from the clients' side.

use std::fmt;

macro_rules! levels {
    ($($(#[$doc:meta])* $level:ident = $name:literal below [$($weaker:ident),*];)*) => {
        /// An isolation level. The ordering is a linear extension of strength: no level precedes a weaker one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Level { $($(#[$doc])* $level,)* }

        impl Level {
            /// All levels, none before a weaker one.
            pub const ALL: &[Level] = &[$(Level::$level),*];

            /// Its name in Elle.
            pub fn name(self) -> &'static str {
                match self { $(Level::$level => $name,)* }
            }

            /// The levels directly below in the lattice.
            pub fn directly_implies(self) -> &'static [Level] {
                match self { $(Level::$level => &[$(Level::$weaker),*],)* }
            }
        }
    };
}

levels! {
    /// PL-1 (Adya 4.2.1): writes are not interleaved, no G0.
    ReadUncommitted = "read-uncommitted" below [];
    /// PL-2 (Adya 4.2.2): no G0 and no G1.
    ReadCommitted = "read-committed" below [ReadUncommitted];
    /// PL-2, and information flows forward in each session (Elle's G1c-process).
    StrongSessionReadCommitted = "strong-session-read-committed" below [ReadCommitted];
    /// PL-CS (Adya 4.3.1): no lost update, that is no G-cursor.
    CursorStability = "cursor-stability" below [ReadCommitted];
    /// Bailis et al. 2014, section 5.1.2: a transaction that has read from another misses none of its other writes
    /// later.
    MonotonicAtomicView = "monotonic-atomic-view" below [ReadCommitted];
    /// Cerone et al. 2015, RA: a transaction sees all writes of another or none, also before the first read from it.
    ReadAtomic = "read-atomic" below [MonotonicAtomicView];
    /// Cerone et al. 2015, UA: read atomic, and of two writers of one key one sees the other.
    UpdateAtomic = "update-atomic" below [ReadAtomic, CursorStability];
    /// Cerone et al. 2015, CC: visibility is transitive.
    Causal = "causal" below [ReadAtomic];
    /// PL-2+ (Adya 4.3.2): no G-single. The same as parallel snapshot isolation.
    ConsistentView = "consistent-view" below [UpdateAtomic, Causal];
    /// Cerone et al. 2015, PC: each transaction sees a prefix of one order of all.
    Prefix = "prefix" below [Causal];
    /// PL-SI (Adya 4.3.3); Cerone et al. 2015, SI.
    SnapshotIsolation = "snapshot-isolation" below [ConsistentView, Prefix];
    /// PL-2.99 (Adya 4.2.3): no G2-item. Without predicates, which these histories have not, as strong as serializability.
    RepeatableRead = "repeatable-read" below [ConsistentView];
    /// PL-3 (Adya 4.2.4).
    Serializable = "serializable" below [SnapshotIsolation, RepeatableRead];
    /// Snapshot isolation whose snapshots contain the session's earlier transactions (Daudjee and Salem 2006).
    StrongSessionSnapshotIsolation = "strong-session-snapshot-isolation" below [SnapshotIsolation, StrongSessionReadCommitted];
    /// Snapshot isolation whose snapshots contain all that committed before in real time (Daudjee and Salem 2006).
    StrongSnapshotIsolation = "strong-snapshot-isolation" below [StrongSessionSnapshotIsolation];
    /// Serializable in an order that agrees with the sessions.
    StrongSessionSerializable = "strong-session-serializable" below [Serializable, StrongSessionSnapshotIsolation];
    /// Serializable in an order that agrees with real time (Papadimitriou 1979), and with the sessions.
    StrictSerializable = "strict-serializable" below [StrongSessionSerializable, StrongSnapshotIsolation];
}

impl Level {
    /// Whether every history that satisfies this level satisfies `other`; true of a level and itself.
    pub fn implies(self, other: Level) -> bool {
        self == other || self.directly_implies().iter().any(|weaker| weaker.implies(other))
    }

    /// The level of this name; `None` if there is none.
    pub fn named(name: &str) -> Option<Level> {
        Level::ALL.iter().copied().find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
