//! Committed transactions are strictly serializable: locks are held from the work to the decision, so a transaction
//! takes place at an instant at which it has all of them (strict two-phase locking; the book, chapter 3).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Commits, Op, Ret, ledger};
use seedbed_models::transactions::store::{Cell, Key};
use seedbed_sim::{Broken, Invocation, Outcome, Property, Time, Verdict, World};

use super::ledgers;
use crate::checkers::isolation::{History, Kind, Level, Mop, Name, Options, Seen, Status, Transaction, check};

/// The history of all transactions is strictly serializable. Each read identifies its writer, so the history checker
/// can judge it.
#[derive(Clone, Copy, Debug, Default)]
pub struct StrictlySerializable;

impl<M: Commits> Property<M> for StrictlySerializable {
    fn name(&self) -> String {
        format!("{}/strictly_serializable", M::INFO.name)
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        let history = history(world);
        let report = check(&history, &Options::default()).map_err(|malformed| malformed.to_string())?;
        match report.keeps(Level::StrictSerializable) {
            Some(true) => Ok(()),
            None => Err(Broken::undecided("whether the history is serializable takes more steps than the limit")),
            Some(false) => {
                let nodes: Vec<_> = world.history().invocations().iter().map(|invocation| invocation.client).collect();
                let words: Vec<_> =
                    report.anomalies.iter().map(|anomaly| format!("{}: {}", anomaly.name, anomaly.words)).collect();
                let nodes: BTreeSet<_> =
                    report.anomalies.iter().flat_map(|a| &a.transactions).map(|t| nodes[*t]).collect();
                Err(Broken::new(nodes, format!("the history is not strictly serializable: {}", words.join("; "))))
            }
        }
    }
}

/// The reads of a transaction in a participant's log; clients do not get all of them.
type Logged = BTreeMap<TxId, BTreeMap<Key, Cell>>;

/// The history for the checker. A value is the transaction that wrote it.
pub fn history<M: Commits>(world: &World<M>) -> History {
    let mut logged = Logged::new();
    for node in world.present() {
        for record in M::log(world, node) {
            if let ledger::Record::Prepared { prepared, .. } = record {
                logged.entry(prepared.tx).or_default().extend(&prepared.reads);
            }
        }
    }
    let committed: BTreeSet<TxId> = ledgers(world).flat_map(|(_, ledger)| ledger.store().committed()).collect();
    let transactions = world.history().invocations().iter();
    let transactions = transactions.map(|invocation| transaction(invocation, &logged, &committed));
    History { kind: Kind::RwRegister, transactions: transactions.collect() }
}

fn transaction(invocation: &Invocation<Op, Ret>, logged: &Logged, committed: &BTreeSet<TxId>) -> Transaction {
    let tx = TxId::from(invocation.id);
    let status = match &invocation.outcome {
        Outcome::Returned { ret: Ret::Committed { .. }, .. } => Status::Ok,
        Outcome::Returned { ret: Ret::Aborted, .. } | Outcome::Failed { .. } => Status::Fail,
        Outcome::Unknown if committed.contains(&tx) => Status::Ok,
        Outcome::Unknown => Status::Info,
    };
    let told = match invocation.returned() {
        Some(Ret::Committed { reads: Some(reads) }) => Some(reads),
        _ => None,
    };
    let saw = |key: Key| told.and_then(|told| told.get(&key)).or_else(|| logged.get(&tx)?.get(&key));
    let seen = |key: Key| match saw(key) {
        Some(Cell { writer: Some(writer), .. }) => Seen::Value(name(writer.0)),
        Some(Cell { writer: None, .. }) => Seen::Nothing,
        None => Seen::Unknown,
    };
    // All reads come before the writes.
    let keys: BTreeSet<Key> = invocation.op.steps().map(|step| step.key()).collect();
    let reads = keys.into_iter().map(|key| Mop::Read(name(u64::from(key.0)), seen(key)));
    let written: BTreeSet<Key> = invocation.op.steps().filter(|step| step.writes()).map(|step| step.key()).collect();
    let writes = written.into_iter().map(|key| Mop::Write(name(u64::from(key.0)), name(tx.0)));
    // What a client has not heard the end of may take effect at any later time, also after what the client does next: it has a
    // process of its own, and comes after what the client did before by real time.
    let process = match invocation.outcome {
        Outcome::Unknown => u64::from(u16::MAX) + 1 + tx.0,
        Outcome::Returned { .. } | Outcome::Failed { .. } => u64::from(invocation.client.0),
    };
    Transaction {
        process,
        status,
        mops: reads.chain(writes).collect(),
        invoked: Some(invocation.invoked.0),
        returned: invocation.ended().map(|Time(at)| at),
    }
}

fn name(n: u64) -> Name {
    Name::Integer(n as i64)
}
