//! What sagas see of each other, judged by the transaction checker on all that their steps read and wrote.
//!
//! A saga is one transaction: committed if it completed, aborted if it was cancelled. A `C_i` is a transaction of its own,
//! which commits (Korth, Levy & Silberschatz, *A formal approach to recovery by compensating transactions*, VLDB 1990);
//! what it reads of its own saga is what it is there to undo, and is left out.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::service::{Effect, Entry, Way};
use seedbed_models::transactions::saga::{Outcome, Saga};
use seedbed_models::transactions::store::{Cell, Key};
use seedbed_sim::{Property, Verdict, World};

use super::books::Books;
use super::ends::outcomes;
use crate::transactions::{History, Kind, Level, Mop, Name, Options, Report, Seen, Status, Transaction, check};

/// What sagas must not see of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// No completed saga has overwritten what another wrote without having read it: Elle's lost-update, Adya's G-cursor.
    NoLostUpdate,
    /// No completed saga has read what a cancelled one wrote: Adya's G1a.
    NoDirtyRead,
    /// All that sagas read and wrote could be in some order of them, one after the other.
    Serializable,
}

impl Isolation {
    fn broken(self, report: &Report) -> bool {
        match self {
            Isolation::NoLostUpdate => report.has("lost-update"),
            Isolation::NoDirtyRead => report.has("G1a"),
            Isolation::Serializable => report.keeps(Level::Serializable) == Some(false),
        }
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
        let (history, names) = history(world);
        let report = check(&history, &Options::default()).expect("each version has one writer");
        match self.broken(&report) {
            false => Ok(()),
            true => {
                let names: Vec<String> = names.iter().enumerate().map(|(t, name)| format!("T{t} is {name}")).collect();
                Err(format!("{}; {}", report.to_string().trim_end().replace('\n', "; "), names.join(", ")).into())
            }
        }
    }
}

/// The history of a world's sagas, and what its transactions are.
pub fn history(world: &World<Saga>) -> (History, Vec<String>) {
    let (books, outcomes) = (Books::of(world), outcomes(world));
    let (mut sagas, mut compensations) = (BTreeMap::<TxId, Vec<Mop>>::new(), Vec::new());
    for (_, journal) in books.all() {
        for entry in journal {
            let Effect::Done(prepared) = &entry.effect else { continue };
            let own = |cell: &Cell| cell.writer.is_some_and(|writer| journal[writer.0 as usize].saga == entry.saga);
            let left_out = |cell: &Cell| entry.way == Way::Compensate && own(cell);
            let reads = prepared.reads.iter().filter(|(_, cell)| !left_out(cell));
            let reads = reads.map(|(key, cell)| Mop::Read(name(*key), seen(*cell)));
            let writes = prepared.writes.keys().map(|key| Mop::Write(name(*key), version(prepared.tx)));
            let mops = reads.chain(writes);
            match entry.way {
                Way::Execute => sagas.entry(entry.saga).or_default().extend(mops),
                Way::Compensate => compensations.push((entry, mops.collect::<Vec<_>>())),
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
    let compensation = |(entry, mops): (&Entry, Vec<Mop>)| {
        (Status::Ok, mops, format!("the compensation of '{}' of {}", entry.request.plan()[entry.step].name, entry.saga))
    };
    let all: Vec<_> = sagas.into_iter().map(saga).chain(compensations.into_iter().map(compensation)).collect();
    let mut names = Vec::new();
    let transactions = all.into_iter().enumerate().map(|(process, (status, mops, name))| {
        names.push(name);
        Transaction { process: process as u64, status, mops, invoked: None, returned: None }
    });
    let transactions = transactions.collect();
    (History { kind: Kind::RwRegister, transactions }, names)
}

fn name(key: Key) -> Name {
    Name::Integer(key.0.into())
}

/// A version of a cell is known by the local transaction that wrote it.
fn version(tx: TxId) -> Name {
    Name::Integer(tx.0 as i64)
}

fn seen(cell: Cell) -> Seen {
    cell.writer.map_or(Seen::Nothing, |writer| Seen::Value(version(writer)))
}
