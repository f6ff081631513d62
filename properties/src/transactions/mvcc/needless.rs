//! Needless aborts: serializable snapshot isolation aborts a transaction of each dangerous structure, and not all of these are
//! part of a cycle (Cahill, Röhm & Fekete 2008, section 3.6: false positives). Here they are counted, by the timestamps of what
//! was committed and of what was aborted.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use seedbed_models::transactions::mvcc::client::Attempt;
use seedbed_models::transactions::mvcc::timestamp::Ts;
use seedbed_models::transactions::mvcc::{Mvcc, Ret, Why};
use seedbed_models::transactions::store::Key;
use seedbed_sim::scenario::Impossible;
use seedbed_sim::{NodeId, OpId, Property, Record, Source, Swarm, Verdict, World, maker, run};

/// The totals of many worlds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aborts {
    /// Transactions that were committed.
    pub committed: u64,
    /// Transactions that were aborted, for whatever reason.
    pub aborted: u64,
    /// Those of them that had changed what another had read, or read what another had changed: aborted by serializable
    /// snapshot isolation because of a dangerous structure.
    pub dangerous: u64,
    /// Those of these without which the graph of the history would have stayed without a cycle.
    pub needless: u64,
}

/// Counts the aborts of a model in one world for each seed.
///
/// # Errors
/// If no world can run the model.
pub fn measure(model: &Mvcc, swarm: &Swarm, seeds: Range<u64>) -> Result<Aborts, Impossible> {
    let cases = swarm.clone().as_configured().cases(model);
    let total = Arc::new(Mutex::new(Aborts::default()));
    for seed in seeds {
        let watch = maker(Watch { total: total.clone(), attempts: BTreeMap::new() });
        run(&cases.case(seed), &Source::Seed(seed), &[watch], Record::No)?;
    }
    let total = *total.lock().expect("nobody panics with it");
    Ok(total)
}

/// A transaction, by its timestamps: under snapshot isolation they say which versions it has read and which it has written.
#[derive(Clone, Debug)]
struct Transaction {
    start: Ts,
    /// `None` if it writes nothing.
    commit: Option<Ts>,
    reads: BTreeSet<Key>,
    writes: BTreeSet<Key>,
}

impl Transaction {
    /// Whether both write one row, and neither began after the other was committed: only one of them can be committed.
    fn excludes(&self, other: &Transaction) -> bool {
        let (Some(own), Some(others)) = (self.commit, other.commit) else { return false };
        !self.writes.is_disjoint(&other.writes) && own > other.start && others > self.start
    }
}

/// Whether the dependency graph (Adya 1999, section 3.2) of these transactions has no cycle.
fn is_acyclic(transactions: &[Transaction]) -> bool {
    let mut after: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); transactions.len()];
    let keys: BTreeSet<Key> = transactions.iter().flat_map(|one| &one.reads | &one.writes).collect();
    for key in keys {
        let mut versions: Vec<(Ts, usize)> = transactions
            .iter()
            .enumerate()
            .filter(|(_, one)| one.writes.contains(&key))
            .map(|(place, one)| (one.commit.expect("who writes has a commit timestamp"), place))
            .collect();
        versions.sort_unstable();
        let mut edge = |from: usize, to: usize| {
            if from != to {
                after[from].insert(to);
            }
        };
        for pair in versions.windows(2) {
            edge(pair[0].1, pair[1].1);
        }
        for (place, one) in transactions.iter().enumerate().filter(|(_, one)| one.reads.contains(&key)) {
            let seen = versions.partition_point(|(commit, _)| *commit <= one.start);
            if let Some((_, writer)) = seen.checked_sub(1).map(|last| versions[last]) {
                edge(writer, place);
            }
            if let Some((_, next)) = versions[seen..].iter().find(|(_, writer)| *writer != place) {
                edge(place, *next);
            }
        }
    }
    let mut before = vec![0usize; transactions.len()];
    after.iter().flatten().for_each(|to| before[*to] += 1);
    let mut ready: Vec<usize> = (0..before.len()).filter(|place| before[*place] == 0).collect();
    let mut ordered = 0;
    while let Some(place) = ready.pop() {
        ordered += 1;
        for to in &after[place] {
            before[*to] -= 1;
            if before[*to] == 0 {
                ready.push(*to);
            }
        }
    }
    ordered == transactions.len()
}

/// Observes the transactions that clients run, as a property that always holds.
#[derive(Clone)]
struct Watch {
    total: Arc<Mutex<Aborts>>,
    /// What each transaction was about to commit when it was last seen.
    attempts: BTreeMap<OpId, Attempt>,
}

impl Watch {
    fn look(&mut self, world: &World<Mvcc>, node: NodeId) {
        let client = world.process(node).and_then(|process| process.client());
        if let Some((op, attempt)) = client.and_then(|client| client.attempt()) {
            self.attempts.insert(op, attempt);
        }
    }
}

impl Property<Mvcc> for Watch {
    fn name(&self) -> String {
        "mvcc/needless_aborts".into()
    }

    fn after_event(&mut self, world: &World<Mvcc>) -> Verdict {
        world.changed().iter().for_each(|node| self.look(world, *node));
        Ok(())
    }

    fn at_end(&mut self, world: &World<Mvcc>) -> Verdict {
        let mut total = self.total.lock().expect("nobody panics with it");
        let (mut committed, mut dangerous) = (Vec::new(), Vec::new());
        for invocation in world.history().invocations() {
            match invocation.returned() {
                Some(Ret::Committed { start, commit, reads }) => {
                    let steps = invocation.op.steps();
                    let writes = steps.iter().filter(|step| step.writes()).map(|step| step.key()).collect();
                    let reads = reads.keys().copied().collect();
                    committed.push(Transaction { start: *start, commit: *commit, reads, writes });
                }
                Some(Ret::Aborted(why)) => {
                    total.aborted += 1;
                    if let (Why::Pivot | Why::BeforePivot(_), Some(attempt)) = (why, self.attempts.get(&invocation.id))
                    {
                        let Attempt { start, commit, reads, writes } = attempt.clone();
                        dangerous.push(Transaction { start, commit, reads, writes });
                    }
                }
                None => {}
            }
        }
        total.committed += committed.len() as u64;
        total.dangerous += dangerous.len() as u64;
        for aborted in dangerous {
            // What was committed only because this was aborted is left out.
            let others = committed.iter().filter(|other| !other.excludes(&aborted)).cloned();
            let history: Vec<Transaction> = others.chain([aborted.clone()]).collect();
            total.needless += u64::from(is_acyclic(&history));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transaction(start: u64, commit: u64, reads: &[u16], writes: &[u16]) -> Transaction {
        let keys = |keys: &[u16]| keys.iter().copied().map(Key).collect();
        let commit = (!writes.is_empty()).then_some(Ts(commit));
        Transaction { start: Ts(start), commit, reads: keys(reads), writes: keys(writes) }
    }

    /// Berenson et al. 1995, A5B; Fekete, O'Neil & O'Neil 2004.
    #[test]
    fn known_anomalies_are_cycles() {
        let skew = [transaction(1, 3, &[0], &[1]), transaction(2, 4, &[1], &[0])];
        assert!(!is_acyclic(&skew));
        assert!(is_acyclic(&skew[..1]));
        let withdrawal = transaction(1, 6, &[0, 1], &[0]);
        let deposit = transaction(2, 3, &[1], &[1]);
        let report = transaction(4, 4, &[0, 1], &[]);
        assert!(is_acyclic(&[withdrawal.clone(), deposit.clone()]));
        assert!(!is_acyclic(&[withdrawal, deposit, report]));
    }

    #[test]
    fn who_begins_later_follows() {
        assert!(is_acyclic(&[transaction(1, 2, &[0], &[1]), transaction(3, 4, &[1], &[0])]));
    }

    #[test]
    fn concurrent_writers_of_one_row_exclude_each_other() {
        assert!(transaction(1, 3, &[], &[0]).excludes(&transaction(2, 4, &[], &[0])));
        assert!(!transaction(1, 2, &[], &[0]).excludes(&transaction(3, 4, &[], &[0])));
        assert!(!transaction(1, 3, &[], &[0]).excludes(&transaction(2, 4, &[], &[1])));
    }
}
