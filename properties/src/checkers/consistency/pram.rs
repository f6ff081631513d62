//! PRAM, also called FIFO consistency (Lipton and Sandberg 1988): each session sees the writes of every session in the
//! order in which it made them; how different sessions interleave may look different to each.

use std::fmt::Debug;

use super::history::{Event, Outcome, ReadsFrom, Role};
use super::relation::Relation;
use super::saturation;

/// Whether, for each session, one order of all writes and its own reads explains its reads and respects session order.
pub fn pram<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Event<K, V>]) -> Outcome {
    let reads = match ReadsFrom::new(history) {
        Ok(reads) => reads,
        Err(known) => return known,
    };
    let order = reads.session_order();
    for last in saturation::last_of_each_session(&reads) {
        let session = reads.session[last];
        let counts = |n: usize| reads.session[n] == session || reads.role[n] == Role::Write;
        let mut before = Relation::new(reads.len());
        for a in (0..reads.len()).filter(|&a| counts(a)) {
            order.after(a).filter(|&b| counts(b)).for_each(|b| before.add(a, b));
            if let (Role::Read(write), true) = (reads.role[a], reads.session[a] == session) {
                before.add(write, a);
            }
        }
        before.close();
        if let Err(anomaly) = saturation::explain(&reads, session, &mut before, "WriteHBInitRead", "CyclicHB") {
            return Outcome::Violation(anomaly);
        }
    }
    Outcome::Holds
}
