//! Accounts between which money is transferred: every read of all of them sees the same total (Jepsen's bank workload).
//! Snapshot isolation and all that is stronger keeps it, read committed does not.

use std::fmt::Debug;

use crate::checkers::consistency::{Anomaly, Outcome};

/// A read of all accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot<K> {
    /// The event of the read.
    pub event: usize,
    /// The accounts with their balances, each once.
    pub balances: Vec<(K, i64)>,
}

impl<K> Snapshot<K> {
    fn total(&self) -> i128 {
        self.balances.iter().map(|(_, balance)| i128::from(*balance)).sum()
    }
}

/// Whether all reads see this total, or the one of the first read, and the same accounts. Balances below zero are not
/// judged: whether an account may be overdrawn is up to the bank.
///
/// ```
/// use seedbed_properties::checkers::workloads::bank::{Snapshot, constant_total};
///
/// let read = |event, balances: [i64; 2]| Snapshot { event, balances: (0..).zip(balances).collect() };
/// assert!(constant_total(&[read(0, [10, 10]), read(1, [5, 15])], None).holds());
/// assert!(!constant_total(&[read(0, [10, 10]), read(1, [5, 10])], None).holds());
/// assert!(!constant_total(&[read(0, [10, 10])], Some(30)).holds());
/// ```
pub fn constant_total<K: Ord + Debug>(reads: &[Snapshot<K>], total: Option<i128>) -> Outcome {
    let Some(first) = reads.first() else {
        return Outcome::Holds;
    };
    let expected = total.unwrap_or_else(|| first.total());
    for read in reads {
        let found = read.total();
        if found != expected {
            let (events, other) = match total {
                Some(_) => (vec![read.event], "the total is".to_string()),
                None => (vec![first.event, read.event], "the first read saw".to_string()),
            };
            let words = format!("a read saw {found} in all, and {other} {expected}");
            return Outcome::Violation(Anomaly { pattern: "WrongTotal", events, words });
        }
        if accounts(read) != accounts(first) {
            let words = format!("one read saw the accounts {:?}, another {:?}", accounts(first), accounts(read));
            let events = vec![first.event, read.event];
            return Outcome::Violation(Anomaly { pattern: "OtherAccounts", events, words });
        }
    }
    Outcome::Holds
}

fn accounts<K: Ord>(read: &Snapshot<K>) -> Vec<&K> {
    let mut accounts: Vec<&K> = read.balances.iter().map(|(account, _)| account).collect();
    accounts.sort_unstable();
    accounts
}
