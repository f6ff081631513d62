//! S1 and S2: isolation of clients' reads and writes, judged by the transaction checker, in the order of versions that the
//! commit timestamps give.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::mvcc::{Mvcc, Op, Ret};
use seedbed_models::transactions::store::{Cell, Key, Step};
use seedbed_sim::{AtEnd, Broken, Invocation, NodeId, Outcome, Property, Verdict, World};

use super::timestamps::{self, Version};
use crate::checkers::isolation::{
    self, Anomaly, History, Kind, Level, Mop, Name, Options, Report, Seen, Status, Transaction,
};

/// S1: the reads and writes are those that snapshots and timestamps say; and no G0, G1a, G1b, G1c, G-single, nor any other
/// cycle that snapshot isolation forbids (Adya 1999, section 4.3.3), in the order of versions that the commit timestamps give.
pub fn snapshot_isolation() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/snapshot_isolation", |world: &World<Mvcc>| {
        timestamps::agree(world)?;
        keeps(world, Level::SnapshotIsolation)
    })
}

/// S2: no G2 either, if the configuration promises serializability.
pub fn serializable() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/serializable", |world: &World<Mvcc>| {
        if world.config().relied_on.is_serializable() { keeps(world, Level::Serializable) } else { Ok(()) }
    })
}

/// The oracle's timestamps agree with real time, so a snapshot contains every transaction that committed before its own
/// began (Daudjee and Salem 2006: strong snapshot isolation), and the serial order agrees with real time too.
pub fn real_time() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/real_time", |world: &World<Mvcc>| {
        let serializable = world.config().isolation.is_serializable();
        keeps(world, if serializable { Level::StrictSerializable } else { Level::StrongSnapshotIsolation })
    })
}

/// What plain snapshot isolation does not promise: that a transaction which only reads sees nothing that has no place in the
/// serial order of the others (Fekete, O'Neil & O'Neil, *A Read-Only Transaction Anomaly Under Snapshot Isolation*, SIGMOD
/// Record 2004). Broken where the history is not serializable, and would be without those that only read.
pub fn no_read_only_anomaly() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/no_read_only_anomaly", |world: &World<Mvcc>| {
        let writes = |invocation: &Invocation<Op, Ret>| invocation.op.steps().iter().any(|step| step.writes());
        let writers = history(world, writes);
        let report = isolation::check(&writers, &Options::default()).map_err(|malformed| malformed.to_string())?;
        if report.keeps(Level::Serializable) == Some(true) { keeps(world, Level::Serializable) } else { Ok(()) }
    })
}

fn keeps(world: &World<Mvcc>, level: Level) -> Verdict {
    let judged = history(world, |_| true);
    let report = isolation::check(&judged, &Options::default()).map_err(|malformed| malformed.to_string())?;
    match report.keeps(level) {
        Some(true) => Ok(()),
        Some(false) => {
            let anomalies = anomalies(&report);
            let clients = world.history().invocations().iter().map(|invocation| invocation.client);
            let involved = |place: usize| anomalies.iter().any(|anomaly| anomaly.transactions.contains(&place));
            let nodes = clients.enumerate().filter(|(place, _)| involved(*place)).map(|(_, client)| client);
            let nodes: BTreeSet<NodeId> = nodes.collect();
            let words: String = anomalies.iter().map(ToString::to_string).collect();
            Err(Broken::new(nodes, format!("not {level}: {}", words.trim_end())))
        }
        // An undecided search proves nothing.
        None => Err(Broken::undecided(format!("whether the history keeps {level} takes more steps than the limit"))),
    }
}

/// The anomalies of every version order; if there are none, those of which each order has one.
fn anomalies(report: &Report) -> Vec<&Anomaly> {
    let certain: Vec<&Anomaly> = report.anomalies.iter().filter(|anomaly| !anomaly.assumed()).collect();
    if !certain.is_empty() {
        return certain;
    }
    report.refusals.iter().flat_map(|refusal| &refusal.cycles).collect()
}

/// The history for the checker, of those invocations that are wanted. A row is a list, to which each version appends its writer:
/// so a read tells the order of all versions up to the one that it saw, which is that of their commit timestamps. The last
/// transaction is no client's: it reads all rows as they are in the end.
pub fn history(world: &World<Mvcc>, wanted: impl Fn(&Invocation<Op, Ret>) -> bool) -> History {
    let versions = timestamps::versions(world);
    let invocations = world.history().invocations().iter().filter(|invocation| wanted(invocation));
    let mut transactions: Vec<Transaction> = invocations.map(|invocation| transaction(invocation, &versions)).collect();
    let now = world.now().0;
    transactions.push(Transaction {
        process: u64::from(u16::MAX) + 1,
        status: Status::Ok,
        mops: versions.iter().map(|(key, all)| Mop::Read(row(*key), list(all))).collect(),
        invoked: Some(now),
        returned: Some(now),
    });
    History { kind: Kind::ListAppend, transactions }
}

fn transaction(invocation: &Invocation<Op, Ret>, versions: &BTreeMap<Key, Vec<Version>>) -> Transaction {
    let steps = invocation.op.steps();
    let (status, reads) = match &invocation.outcome {
        Outcome::Returned { ret: Ret::Committed { reads, .. }, .. } => (Status::Ok, Some(reads)),
        Outcome::Returned { ret: Ret::Aborted(_), .. } | Outcome::Failed { .. } => (Status::Fail, None),
        Outcome::Unknown => (Status::Info, None),
    };
    let mut mops = Vec::new();
    // All reads are from the snapshot, so they come before all writes.
    for step in steps.iter().filter(|step| !matches!(step, Step::Put { .. })) {
        let key = step.key();
        let seen =
            reads.map_or(Seen::Unknown, |reads| seen(reads[&key], versions.get(&key).map_or(&[], Vec::as_slice)));
        mops.push(Mop::Read(row(key), seen));
    }
    let me = TxId::from(invocation.id);
    let writes = steps.iter().filter(|step| step.writes());
    mops.extend(writes.map(|step| Mop::Write(row(step.key()), version(me))));
    Transaction {
        process: u64::from(invocation.client.0),
        status,
        mops,
        invoked: Some(invocation.invoked.0),
        returned: invocation.ended().map(|at| at.0),
    }
}

fn row(key: Key) -> Name {
    Name::Text(key.to_string().into())
}

fn version(writer: TxId) -> Name {
    Name::Text(writer.to_string().into())
}

fn list(versions: &[Version]) -> Seen {
    Seen::List(versions.iter().map(|one| version(one.writer)).collect())
}

/// The versions up to the one that was seen. One that the row does not have is alone: nobody may have read it.
fn seen(cell: Cell, versions: &[Version]) -> Seen {
    let Some(writer) = cell.writer else { return Seen::List(Vec::new()) };
    match versions.iter().position(|one| one.writer == writer) {
        Some(place) => list(&versions[..=place]),
        None => Seen::List(vec![version(writer)]),
    }
}
