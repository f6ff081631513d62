//! Causal consistency in its three forms, by the bad patterns of Bouajjani, Enea, Guerraoui and Hamza ("On verifying
//! causal consistency", POPL 2017, sections 3 and 5). A differentiated history obeys a form if and only if it has none
//! of its patterns:
//! - **CC**, weak causal consistency: CyclicCO, WriteCOInitRead, ThinAirRead, WriteCORead;
//! - **CCv**, causal convergence (all agree on one order of concurrent writes): those of CC, and CyclicCF;
//! - **CM**, causal memory (each session explains all its reads by one order): those of CC, WriteHBInitRead, CyclicHB.
//!
//! Polynomial: n³ / 64 steps for CC and CCv, n⁵ at worst for CM.

use std::fmt::Debug;

use super::history::{Anomaly, Event, Outcome, ReadsFrom, Role};
use super::relation::Relation;
use super::saturation;

/// Weak causal consistency.
pub fn causal<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    judge(history, weak)
}

/// Causal convergence.
pub fn causal_convergence<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    judge(history, |reads, order| {
        weak(reads, order)?;
        convergent(reads, order)
    })
}

/// Causal memory.
pub fn causal_memory<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    judge(history, |reads, order| {
        weak(reads, order)?;
        memory(reads, order)
    })
}

fn judge<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(
    history: &[Event<K, V>],
    form: impl Fn(&ReadsFrom, &Relation) -> Result<(), Anomaly>,
) -> Outcome {
    match ReadsFrom::new(history) {
        Ok(reads) => form(&reads, &reads.causal_order()).into(),
        Err(known) => known,
    }
}

/// The patterns of CC.
fn weak(reads: &ReadsFrom, order: &Relation) -> Result<(), Anomaly> {
    if let Some(n) = order.cycle() {
        return Err(reads.anomaly("CyclicCO", &order.cycle_of(n), "a read was before the write it returned"));
    }
    for (n, role) in reads.role.iter().enumerate() {
        let mut others = reads.writes().filter(|&w| reads.key[w] == reads.key[n] && order.has(w, n));
        match *role {
            Role::Write => {}
            Role::ReadInitial => {
                if let Some(w) = others.next() {
                    let words = "a read found nothing, although it follows a write";
                    return Err(reads.anomaly("WriteCOInitRead", &[w, n], words));
                }
            }
            Role::Read(write) => {
                if let Some(w) = others.find(|&w| order.has(write, w)) {
                    let words = "a read returned a value although it follows a write that overwrote it";
                    return Err(reads.anomaly("WriteCORead", &[write, w, n], words));
                }
            }
        }
    }
    Ok(())
}

/// CyclicCF: a write that precedes a read precedes the write that the read returned, in the order that all share.
fn convergent(reads: &ReadsFrom, order: &Relation) -> Result<(), Anomaly> {
    let mut agreed = order.clone();
    for (n, role) in reads.role.iter().enumerate() {
        let Role::Read(write) = *role else { continue };
        for w in reads.writes().filter(|&w| w != write && reads.key[w] == reads.key[n] && order.has(w, n)) {
            agreed.add(w, write);
        }
    }
    agreed.close();
    match agreed.cycle() {
        None => Ok(()),
        Some(n) => {
            let words = "sessions saw concurrent writes in different orders";
            Err(reads.anomaly("CyclicCF", &agreed.cycle_of(n), words))
        }
    }
}

/// The patterns of CM, for the happened-before of each session's last operation, which contains that of earlier ones.
fn memory(reads: &ReadsFrom, order: &Relation) -> Result<(), Anomaly> {
    for last in saturation::last_of_each_session(reads) {
        let mut before = Relation::new(reads.len());
        let past: Vec<usize> = (0..reads.len()).filter(|&n| n == last || order.has(n, last)).collect();
        for &a in &past {
            order.after(a).filter(|&b| b == last || order.has(b, last)).for_each(|b| before.add(a, b));
        }
        saturation::explain(reads, reads.session[last], &mut before, "WriteHBInitRead", "CyclicHB")?;
    }
    Ok(())
}
