//! The four session guarantees (Terry and others, "Session guarantees for weakly consistent replicated data", 1994), in
//! the axioms of Viotti and Vukolić ("Consistency in non-transactional distributed storage systems", 2016, section 3.5):
//! a history obeys a guarantee if there are a set of writes that each read sees and one order of all writes such that a
//! read returns the last write of its key that it sees, and
//! - **read your writes**: a session sees what it wrote before;
//! - **monotonic reads**: it sees what it saw before;
//! - **monotonic writes**: whoever sees a write sees what the same session wrote before it, and in that order;
//! - **writes follow reads**: whoever sees a write sees what its session had seen before it, and in that order.
//!
//! Reads of one key cannot show violations of the last two, so these are judged together with monotonic reads; all four
//! together are then causal convergence ([`super::causal::causal_convergence`]).

use std::fmt::Debug;

use super::history::{Anomaly, Event, Outcome, ReadsFrom, Role};
use super::relation::Relation;

/// A set of guarantees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guarantees {
    /// A session sees its own earlier writes.
    pub read_your_writes: bool,
    /// A session sees what it saw before.
    pub monotonic_reads: bool,
    /// The writes of a session are seen in its order; judged together with monotonic reads.
    pub monotonic_writes: bool,
    /// A write is seen after the writes that its session had seen; judged together with monotonic reads.
    pub writes_follow_reads: bool,
}

/// A session sees its own writes.
pub fn read_your_writes<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    guarantees(history, Guarantees { read_your_writes: true, ..Guarantees::default() })
}

/// A session sees at least what it saw before.
pub fn monotonic_reads<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    guarantees(history, Guarantees { monotonic_reads: true, ..Guarantees::default() })
}

/// The writes of a session are seen in its order.
pub fn monotonic_writes<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    guarantees(history, Guarantees { monotonic_writes: true, ..Guarantees::default() })
}

/// A session that sees a write sees the writes that its writer had seen.
pub fn writes_follow_reads<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    guarantees(history, Guarantees { writes_follow_reads: true, ..Guarantees::default() })
}

/// Whether a history satisfies all of these at once, with one order of the writes.
pub fn guarantees<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(
    history: &[Event<K, V>],
    asked: Guarantees,
) -> Outcome {
    match ReadsFrom::new(history) {
        Ok(reads) => judge(&reads, asked).into(),
        Err(known) => known,
    }
}

fn judge(reads: &ReadsFrom, asked: Guarantees) -> Result<(), Anomaly> {
    let order = reads.session_order();
    for (n, role) in reads.role.iter().enumerate() {
        if let Role::Read(write) = *role
            && order.has(n, write)
        {
            return Err(reads.anomaly("FutureRead", &[n, write], "a session read what it wrote only later"));
        }
    }

    let sees = least_views(reads, &order, asked);
    let mut line = Relation::new(reads.len());
    for n in 0..reads.len() {
        for w in sees.after(n) {
            match reads.role[n] {
                // The writes that are seen with a write precede it.
                Role::Write => line.add(w, n),
                _ if reads.key[w] != reads.key[n] => {}
                Role::Read(write) if write == w => {}
                Role::Read(write) => line.add(w, write),
                Role::ReadInitial => {
                    let words = "a read found nothing, although its session must see a write of this key";
                    return Err(reads.anomaly("InitRead", &[w, n], words));
                }
            }
        }
    }
    line.close();
    match line.cycle() {
        None => Ok(()),
        Some(n) => {
            let words = "no order of the writes agrees with what sessions must have seen";
            Err(reads.anomaly("CyclicOrder", &line.cycle_of(n), words))
        }
    }
}

/// By read, the writes that it sees at least; by write, those that every session sees with it. These least sets decide,
/// because a session that sees more satisfies less. They grow until the guarantees are met.
fn least_views(reads: &ReadsFrom, order: &Relation, asked: Guarantees) -> Relation {
    let cumulative = asked.monotonic_reads || asked.monotonic_writes || asked.writes_follow_reads;
    let mut sees = Relation::new(reads.len());
    loop {
        let before = sees.clone();
        for n in 0..reads.len() {
            for earlier in (0..reads.len()).filter(|&earlier| order.has(earlier, n)) {
                match (reads.role[earlier], reads.role[n]) {
                    (Role::Write, Role::Write) if asked.monotonic_writes => sees.add(n, earlier),
                    (Role::Write, Role::Write) => {}
                    (Role::Write, _) if asked.read_your_writes => sees.add(n, earlier),
                    (Role::Write, _) => {}
                    (_, Role::Write) if asked.writes_follow_reads => sees.include(n, earlier),
                    (_, Role::Write) => {}
                    _ if cumulative => sees.include(n, earlier),
                    _ => {}
                }
            }
            if let Role::Read(write) = reads.role[n] {
                sees.add(n, write);
            }
        }
        sees.close();
        if sees == before {
            return sees;
        }
    }
}
