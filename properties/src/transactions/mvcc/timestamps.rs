//! What the timestamps say: which versions rows have, in which order, and which of them a snapshot has.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::mvcc::columns::{Columns, Row, Write};
use seedbed_models::transactions::mvcc::messages::{LockKind, Status};
use seedbed_models::transactions::mvcc::timestamp::Ts;
use seedbed_models::transactions::mvcc::{Mvcc, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_sim::{Broken, Verdict, World};

use super::stores;

/// A version of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// The commit timestamp of the transaction that wrote it.
    pub commit: Ts,
    /// Its start timestamp.
    pub start: Ts,
    /// The transaction.
    pub writer: TxId,
}

/// The versions of each row in the order of their commit timestamps, from the disks of the shards. What is still locked and
/// committed at its primary is a version: every reader would find it so.
pub(super) fn versions(world: &World<Mvcc>) -> BTreeMap<Key, Vec<Version>> {
    let stores = stores(world);
    let rows: BTreeMap<Key, &Row> = stores.values().flat_map(Columns::rows).collect();
    let mut all = BTreeMap::new();
    for (key, row) in &rows {
        let puts = row.writes.iter().filter_map(|(commit, write)| match write {
            Write::Put(start) => Some((*commit, *start)),
            Write::Rollback => None,
        });
        let written = row.locks.iter().filter(|(_, lock)| lock.kind == LockKind::Write);
        let committed = written.filter_map(|(start, lock)| match rows.get(&lock.primary)?.status(*start)? {
            Status::Committed(commit) => Some((commit, *start)),
            Status::Alive | Status::RolledBack => None,
        });
        let version = |(commit, start): (Ts, Ts)| {
            let writer = row.data[&start].writer.expect("only transactions write");
            Version { commit, start, writer }
        };
        let mut versions: Vec<Version> = puts.chain(committed).map(version).collect();
        versions.sort_by_key(|version| version.commit);
        all.insert(*key, versions);
    }
    all
}

/// Snapshot isolation by its definition (Berenson et al. 1995, section 4.2; Adya 1999, section 4.3.1, G-SI): each read returns
/// the version that the snapshot of its start timestamp has, and of two transactions that wrote one row, one was committed
/// before the other began.
pub(super) fn agree(world: &World<Mvcc>) -> Verdict {
    let versions = versions(world);
    for (key, versions) in &versions {
        if let Some(version) = versions.iter().find(|version| version.commit <= version.start) {
            let Version { commit, start, writer } = version;
            return Err(format!("{writer} is committed at {commit}, and its snapshot is {start}").into());
        }
        if let Some(pair) = versions.windows(2).find(|pair| pair[0].commit >= pair[1].start) {
            let [first, second] = [pair[0], pair[1]];
            let words = format!(
                "{} and {} both wrote {key}: one from {} to {}, the other from {} to {}",
                first.writer, second.writer, first.start, first.commit, second.start, second.commit
            );
            return Err(words.into());
        }
    }
    for invocation in world.history().invocations() {
        let Some(Ret::Committed { start, reads, .. }) = invocation.returned() else { continue };
        for (key, cell) in reads {
            let Some(versions) = versions.get(key) else { continue };
            let there = versions.iter().rfind(|version| version.commit <= *start);
            if cell.writer != there.map(|version| version.writer) {
                let of = |writer: Option<TxId>| writer.map_or("nobody".to_string(), |writer| writer.to_string());
                let words = format!(
                    "{} read {key} as of {start}: the version of {}, and its snapshot has that of {}",
                    TxId::from(invocation.id),
                    of(cell.writer),
                    of(there.map(|version| version.writer))
                );
                return Err(Broken::new([invocation.client], words));
            }
        }
    }
    Ok(())
}
