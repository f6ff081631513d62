//! The facts that a history determines, for both kinds of objects.

use std::collections::BTreeMap;

use super::{
    history::{History, Malformed, Mop, Name, Status},
    report::Problem,
};

/// An index of [`Facts::members`]: a committed transaction.
pub(super) type Member = u32;

/// The version that a read returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The one after this many of the key's ordered versions.
    Prefix(u32),
    /// The version of this transaction, whose position is not known.
    Loose(Member),
}

/// A read of a version that the reader did not write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub member: Member,
    pub key: u32,
    /// Its index in the transaction.
    pub mop: u32,
    pub source: Source,
}

/// The versions of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Versions {
    /// The writers of the versions with a known order, after the initial one.
    pub ordered: Vec<Member>,
    /// The writers of the other versions, which come later, in an unknown order. Each once, ascending.
    pub loose: Vec<Member>,
}

/// The facts about a history.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// The committed transactions, by index in the history, ascending.
    pub members: Vec<u32>,
    pub keys: Vec<Name>,
    /// By key.
    pub versions: Vec<Versions>,
    /// Ordered by reader, and by its operations.
    pub reads: Vec<Read>,
    /// Anomalies in every version order.
    pub problems: Vec<Problem>,
}

/// The writers of values: by key, sorted by value.
pub(super) struct Writers<'a> {
    pub keys: BTreeMap<&'a Name, u32>,
    /// By key: value, transaction, operation.
    by_key: Vec<Vec<(&'a Name, u32, u32)>>,
}

impl<'a> Writers<'a> {
    pub fn of(history: &'a History) -> Result<Writers<'a>, Malformed> {
        let mut writers = Writers { keys: BTreeMap::new(), by_key: Vec::new() };
        for (t, transaction) in history.transactions.iter().enumerate() {
            for (m, mop) in transaction.mops.iter().enumerate() {
                let (Mop::Write(key, _) | Mop::Read(key, _)) = mop;
                let key = *writers.keys.entry(key).or_insert_with(|| {
                    writers.by_key.push(Vec::new());
                    writers.by_key.len() as u32 - 1
                });
                if let Mop::Write(_, value) = mop {
                    writers.by_key[key as usize].push((value, t as u32, m as u32));
                }
            }
        }
        for (name, &key) in &writers.keys {
            let writes = &mut writers.by_key[key as usize];
            writes.sort();
            if let Some(twice) = writes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                let (a, b) = (twice[0], twice[1]);
                let (first, second) = (a.1 as usize, b.1 as usize);
                return Err(Malformed::WrittenTwice { key: (*name).clone(), value: a.0.clone(), first, second });
            }
        }
        Ok(writers)
    }

    /// The transaction and the operation that wrote this value.
    pub fn of_value(&self, key: u32, value: &Name) -> Option<(u32, u32)> {
        let writes = &self.by_key[key as usize];
        let place = writes.binary_search_by(|(v, ..)| (*v).cmp(value)).ok()?;
        Some((writes[place].1, writes[place].2))
    }

    /// All writes to a key: value, transaction, operation.
    pub fn of_key(&self, key: u32) -> &[(&'a Name, u32, u32)] {
        &self.by_key[key as usize]
    }

    /// The keys by their numbers.
    pub fn names(&self) -> Vec<Name> {
        let mut names = vec![Name::Integer(0); self.by_key.len()];
        for (&name, &key) in &self.keys {
            names[key as usize] = name.clone();
        }
        names
    }
}

/// Whether each transaction counts as committed: those with that status, and those of unknown status that a committed
/// one read from. `observed` calls back with each transaction that the given one read from.
pub(super) fn committed(history: &History, mut observed: impl FnMut(usize, &mut dyn FnMut(usize))) -> Vec<bool> {
    let status = |t: usize| history.transactions[t].status;
    let mut committed: Vec<bool> = (0..history.transactions.len()).map(|t| status(t) == Status::Ok).collect();
    let mut open: Vec<usize> = (0..committed.len()).filter(|&t| committed[t]).collect();
    while let Some(t) = open.pop() {
        observed(t, &mut |writer| {
            if !committed[writer] && status(writer) == Status::Info {
                committed[writer] = true;
                open.push(writer);
            }
        });
    }
    committed
}

/// Marks transactions that are no members.
pub(super) const NOBODY: u32 = u32::MAX;

/// Numbers the committed transactions: their indices in the history, and the inverse.
pub(super) fn members(committed: &[bool]) -> (Vec<u32>, Vec<Member>) {
    let members: Vec<u32> = (0..committed.len() as u32).filter(|&t| committed[t as usize]).collect();
    let mut number = vec![NOBODY; committed.len()];
    for (member, &t) in members.iter().enumerate() {
        number[t as usize] = member as u32;
    }
    (members, number)
}
