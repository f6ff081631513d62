//! The isolation of sagas, judged by the transaction checker on the reads and writes of their steps.
//!
//! A saga is one transaction: committed if it completed, aborted if it was cancelled. A `C_i` is a transaction of its
//! own, which commits (Korth, Levy & Silberschatz, *A formal approach to recovery by compensating transactions*, VLDB
//! 1990) and only writes: it undoes its `T_i`, whatever state it finds.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::ledger::Effect;
use seedbed_models::transactions::saga::business;
use seedbed_models::transactions::saga::messages::{Act, Entry};
use seedbed_models::transactions::saga::{Outcome, Saga};
use seedbed_models::transactions::store::{Cell, Key};
use seedbed_sim::{Broken, Property, Verdict, World};

use super::ends::outcomes;
use super::rules::journals;
use crate::checkers::isolation::{
    Anomaly, History, Kind, Level, Mop, Name, Options, Report, Seen, Status, Transaction, check,
};

/// An isolation guarantee of sagas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// No completed saga has overwritten a version of another without having read it: Elle's lost-update, Adya's
    /// G-cursor.
    NoLostUpdate,
    /// No completed saga has read a version of a cancelled one: Adya's G1a.
    NoDirtyRead,
    /// The reads and writes of sagas have a serial order.
    Serializable,
}

impl Isolation {
    /// The anomaly that violates it, from the checker's report.
    fn broken(self, report: &Report) -> Result<Option<&Anomaly>, Broken> {
        let named = |name: &str| report.anomalies.iter().find(|anomaly| anomaly.name == name);
        Ok(match self {
            Isolation::NoLostUpdate => named("lost-update"),
            Isolation::NoDirtyRead => named("G1a"),
            Isolation::Serializable => match report.keeps(Level::Serializable) {
                Some(true) => None,
                Some(false) => report.anomalies.first(),
                None => {
                    return Err(Broken::undecided(
                        "whether the sagas are serializable takes more steps than the limit",
                    ));
                }
            },
        })
    }
}

impl Property<Saga> for Isolation {
    fn name(&self) -> String {
        match self {
            Isolation::NoLostUpdate => "saga/no_lost_update".into(),
            Isolation::NoDirtyRead => "saga/no_dirty_read".into(),
            Isolation::Serializable => "saga/serializable".into(),
        }
    }

    fn at_end(&mut self, world: &World<Saga>) -> Verdict {
        let (mut history, names) = history(world);
        if self == &Isolation::NoLostUpdate {
            drop_intermediate_versions(&mut history);
        }
        let report = check(&history, &Options::default()).expect("each version has one writer");
        let Some(anomaly) = self.broken(&report)? else { return Ok(()) };
        let names = anomaly.transactions.iter().map(|t| format!("T{t} is {}", names[*t])).collect::<Vec<_>>();
        Err(format!("{}; {}", anomaly.to_string().trim_end().replace('\n', ";"), names.join(", ")).into())
    }
}

/// The history of a world's sagas, and the names of its transactions.
pub fn history(world: &World<Saga>) -> (History, Vec<String>) {
    let (journals, outcomes) = (journals().of_world(world), outcomes(world));
    let (mut sagas, mut compensations) = (BTreeMap::<TxId, Vec<Mop>>::new(), Vec::new());
    for (_, journal) in journals.all() {
        for entry in journal {
            let Effect::Done(prepared) = &entry.effect else { continue };
            let seen = |cell: &Cell| match cell.writer {
                Some(writer) => Seen::Value(version(&journal[writer.0 as usize])),
                None => Seen::Nothing,
            };
            let reads = prepared.reads.iter().map(|(key, cell)| Mop::Read(name(*key), seen(cell)));
            let writes = prepared.writes.keys().map(|key| Mop::Write(name(*key), version(entry)));
            match entry.act {
                Act::Execute => sagas.entry(entry.saga).or_default().extend(reads.chain(writes)),
                Act::Compensate => compensations.push((entry, writes.collect::<Vec<_>>())),
            }
        }
    }
    let saga = |(saga, mops): (TxId, Vec<Mop>)| {
        let status = match outcomes.get(&saga) {
            Some(Outcome::Completed) => Status::Ok,
            Some(Outcome::Cancelled(_)) => Status::Fail,
            None => Status::Info,
        };
        (status, mops, saga.to_string())
    };
    let compensation = |(entry, mops): (&Entry, Vec<Mop>)| (Status::Ok, mops, words(entry));
    let all: Vec<_> = sagas.into_iter().map(saga).chain(compensations.into_iter().map(compensation)).collect();
    let mut names = Vec::new();
    let transactions = all.into_iter().enumerate().map(|(process, (status, mops, name))| {
        names.push(name);
        Transaction { process: process as u64, status, mops, invoked: None, returned: None }
    });
    let transactions = transactions.collect();
    (History { kind: Kind::RwRegister, transactions }, names)
}

/// Leaves out cells that some transaction wrote more than once. Reads of intermediate versions are dirty reads (Adya's
/// G1b), and the checker, which identifies a version by its transaction, cannot distinguish the versions.
fn drop_intermediate_versions(history: &mut History) {
    let mut twice: Vec<Name> = Vec::new();
    for transaction in &history.transactions {
        let mut written = BTreeSet::new();
        let writes = transaction.mops.iter().filter_map(|mop| match mop {
            Mop::Write(key, _) => Some(key),
            Mop::Read(..) => None,
        });
        twice.extend(writes.filter(|key| !written.insert(*key)).cloned());
    }
    for transaction in &mut history.transactions {
        transaction.mops.retain(|(Mop::Write(key, _) | Mop::Read(key, _))| !twice.contains(key));
    }
}

fn name(key: Key) -> Name {
    Name::Text(business::name(key).into())
}

/// A version of a cell is identified by the transaction that wrote it.
fn version(entry: &Entry) -> Name {
    Name::Text(format!("what {} left", words(entry)).into())
}

fn words(entry: &Entry) -> String {
    let (saga, step) = (entry.saga, entry.request.plan()[entry.step].name);
    match entry.act {
        Act::Execute => format!("'{step}' of {saga}"),
        Act::Compensate => format!("the compensation of '{step}' of {saga}"),
    }
}
