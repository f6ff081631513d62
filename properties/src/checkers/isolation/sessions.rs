//! The orders of sessions and of real time.

use std::collections::BTreeMap;

use super::{
    facts::Facts,
    graph::{Dependency, Edge},
    history::{History, Malformed, Status},
};

/// Session edges from each transaction to the next of its process, and real-time edges. Also the number of nodes,
/// including the barriers of real time.
///
/// A transaction without an answer may take effect at any later time, so nothing follows it.
pub(super) fn orders(history: &History, facts: &Facts) -> Result<(Vec<Edge>, u32), Malformed> {
    let mut edges = Vec::new();
    let edge = |from, to, why| Edge { from, to, why, key: 0, at: 0 };
    let mut last: BTreeMap<u64, u32> = BTreeMap::new();
    let mut events: Vec<(u64, bool, u32)> = Vec::new();
    for (member, &place) in facts.members.iter().enumerate() {
        let (member, transaction) = (member as u32, &history.transactions[place as usize]);
        if let Some(&before) = last.get(&transaction.process) {
            edges.push(edge(before, member, Dependency::Process));
        }
        if let (Some(invoked), Some(returned)) = (transaction.invoked, transaction.returned)
            && returned < invoked
        {
            return Err(Malformed::Backwards { transaction: place as usize, invoked, returned });
        }
        // At one instant invocations come first, so that these transactions are concurrent.
        events.extend(transaction.invoked.map(|t| (t, false, member)));
        if transaction.status == Status::Ok {
            last.insert(transaction.process, member);
            events.extend(transaction.returned.map(|t| (t, true, member)));
        }
    }
    events.sort_unstable();
    // A chain of barriers, one for each run of returns: a return leads to its barrier, a barrier to the next one, and
    // the latest barrier to each invocation. Linear in size, while the order is quadratic.
    let mut nodes = facts.members.len() as u32;
    let mut barrier: Option<u32> = None;
    let mut open = false;
    for (_, returned, member) in events {
        if returned {
            if !open {
                edges.extend(barrier.map(|before| edge(before, nodes, Dependency::Realtime)));
                barrier = Some(nodes);
                nodes += 1;
                open = true;
            }
            edges.push(edge(member, barrier.expect("just made"), Dependency::Realtime));
        } else {
            open = false;
            edges.extend(barrier.map(|barrier| edge(barrier, member, Dependency::Realtime)));
        }
    }
    Ok((edges, nodes))
}
