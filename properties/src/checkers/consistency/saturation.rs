//! The view of one session: whether one order of the writes it knows of explains all its reads.

use std::collections::BTreeMap;

use super::history::{Anomaly, ReadsFrom, Role};
use super::relation::Relation;

/// The last event of each session.
pub(super) fn last_of_each_session(reads: &ReadsFrom) -> Vec<usize> {
    let lasts: BTreeMap<u64, usize> = reads.session.iter().copied().zip(0..).collect();
    lasts.into_values().collect()
}

/// Saturates the closed relation `before` with the orders that the reads of a session force: a write of the same key
/// that precedes a read precedes the write that the read returned (Bouajjani 2017, definition 9). As the reads of one
/// session are totally ordered, an order exists if and only if the result has no cycle, and no write before a read of
/// the initial value.
pub(super) fn explain(
    reads: &ReadsFrom,
    session: u64,
    before: &mut Relation,
    initial: &'static str,
    cyclic: &'static str,
) -> Result<(), Anomaly> {
    let own: Vec<usize> = (0..reads.len()).filter(|&n| reads.session[n] == session).collect();
    loop {
        let mut changed = false;
        for &n in &own {
            let others = || reads.writes().filter(|&w| reads.key[w] == reads.key[n]);
            match reads.role[n] {
                Role::Write => {}
                Role::ReadInitial => {
                    if let Some(w) = others().find(|&w| before.has(w, n)) {
                        let words = "in one order of what this session saw, a read of nothing follows a write";
                        return Err(reads.anomaly(initial, &[w, n], words));
                    }
                }
                Role::Read(write) => {
                    for w in others().filter(|&w| w != write) {
                        changed |= before.has(w, n) && before.add_closed(w, write);
                    }
                }
            }
        }
        if let Some(n) = before.cycle() {
            let words = "no order of the writes explains all reads of this session";
            return Err(reads.anomaly(cyclic, &before.cycle_of(n), words));
        }
        if !changed {
            return Ok(());
        }
    }
}
