//! S1 and S2: isolation of clients' reads and writes, judged by the transaction checker.

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::mvcc::{Isolation, Mvcc, Op, Ret};
use seedbed_models::transactions::store::{Cell, Key, Step};
use seedbed_sim::{AtEnd, Broken, History, Outcome, Property, Verdict, World};

use crate::checkers::isolation::{self, Anomaly, Level, Mop, Name, Options, Report, Seen, Status, Transaction};

/// S1: no G0, G1a, G1b, G1c, G-single, nor any other cycle that snapshot isolation forbids (Adya 1999, section 4.3.3).
pub fn snapshot_isolation() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/snapshot_isolation", |world: &World<Mvcc>| keeps(world, Level::SnapshotIsolation))
}

/// S2: no G2 either, if the configuration promises serializability.
pub fn serializable() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/serializable", |world: &World<Mvcc>| match world.config().relied_on {
        Isolation::Snapshot => Ok(()),
        Isolation::Serializable => keeps(world, Level::Serializable),
    })
}

/// The oracle's timestamps agree with real time, so a snapshot contains every transaction that committed before its own
/// began (Daudjee and Salem 2006: strong snapshot isolation), and the serial order agrees with real time too.
pub fn real_time() -> impl Property<Mvcc> + Clone + Send + Sync {
    AtEnd::new("mvcc/real_time", |world: &World<Mvcc>| {
        let level = match world.config().isolation {
            Isolation::Snapshot => Level::StrongSnapshotIsolation,
            Isolation::Serializable => Level::StrictSerializable,
        };
        keeps(world, level)
    })
}

fn keeps(world: &World<Mvcc>, level: Level) -> Verdict {
    let judged = history(world.history());
    let report = isolation::check(&judged, &Options::default()).map_err(|malformed| malformed.to_string())?;
    match report.keeps(level) {
        Some(true) => Ok(()),
        Some(false) => {
            let anomalies = anomalies(&report);
            let clients = world.history().invocations().iter().map(|invocation| invocation.client);
            let involved = |place: usize| anomalies.iter().any(|anomaly| anomaly.transactions.contains(&place));
            let nodes = clients.enumerate().filter(|(place, _)| involved(*place)).map(|(_, client)| client);
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

/// The history for the checker: rows are registers, and a version is identified by its writer.
pub fn history(history: &History<Op, Ret>) -> isolation::History {
    let invocations = history.invocations().iter();
    let transactions = invocations.map(|invocation| {
        let steps = invocation.op.steps();
        let (status, reads) = match &invocation.outcome {
            Outcome::Returned { ret: Ret::Committed { reads, .. }, .. } => (Status::Ok, Some(reads)),
            Outcome::Returned { ret: Ret::Aborted(_), .. } | Outcome::Failed { .. } => (Status::Fail, None),
            Outcome::Unknown => (Status::Info, None),
        };
        let mut mops = Vec::new();
        // All reads are from the snapshot, so they come before all writes.
        for step in steps.iter().filter(|step| !matches!(step, Step::Put { .. })) {
            let seen = reads.map_or(Seen::Unknown, |reads| seen(reads[&step.key()]));
            mops.push(Mop::Read(row(step.key()), seen));
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
    });
    isolation::History { kind: isolation::Kind::RwRegister, transactions: transactions.collect() }
}

fn row(key: Key) -> Name {
    Name::Text(key.to_string().into())
}

fn version(writer: TxId) -> Name {
    Name::Text(writer.to_string().into())
}

fn seen(cell: Cell) -> Seen {
    cell.writer.map_or(Seen::Nothing, |writer| Seen::Value(version(writer)))
}
