//! How long checkers of linearizability take, and how that grows: `cargo bench -p seedbed-properties --bench checkers`. One
//! thread. The targets are a fifth of what porcupine takes on a machine of two cores; where its own histories are not at
//! hand, histories of the same shape stand for them. With `SEEDBED_ORACLES` set, recorded histories too.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "a program")]

mod generate;
#[path = "../measure/mod.rs"]
mod measure;

use seedbed_properties::checkers::linearizability::specs::{cas_register, kv, register};
use seedbed_properties::checkers::linearizability::{Checker, Limits, Specification, Verdict};
use seedbed_properties::formats::json::read;
use seedbed_properties::formats::{Contents, Model, Operations, Reading, linearizable};

use generate::{Ops, of_cas_register, of_register, of_store, record, with_a_short_read, with_a_stale_read};
use measure::{head, line, measure};

fn main() {
    head();
    registers();
    many_registers();
    stores();
    like_etcd();
    oracles();
}

/// One register: how the cost grows with the length, the number of clients, and the number of values.
fn registers() {
    for (values, name) in [(u64::MAX, "unique writes"), (5, "5 values")] {
        for clients in [2, 10, 50] {
            for length in [10, 100, 1_000, 10_000, 100_000] {
                let spec = register::Register::new(0);
                let history = record(&spec, clients, length, 0, 7, |random, n| of_register(random, n, values));
                let target = match (clients, length) {
                    (10, 1_000) => Some(5.0),
                    (10, 10_000) => Some(100.0),
                    _ => None,
                };
                let name = format!("register, {name}, {clients} clients");
                row(&name, &Checker::new(spec.clone()), &history, target);
                let bad = with_a_stale_read(&history);
                // Of many clients and few values, nobody knows which write a read saw: the search takes its limit and says so.
                let steps = if clients == 50 { 2_000_000 } else { Limits::default().steps };
                let limits = Limits { steps, ..Limits::default() };
                row(&format!("{name}, a stale read"), &Checker::new(spec).limits(limits), &bad, None);
            }
        }
    }
}

/// A hundred registers, judged one by one.
fn many_registers() {
    for (values, name) in [(u64::MAX, "unique writes"), (5, "5 values")] {
        let spec = kv::Kv::<u64, u64>::reading_absent_as(0);
        let history = record(&spec, 10, 100_000, 0, 7, |random, n| {
            let key = random.below(100);
            match of_register(random, n, values) {
                register::Access::Read => kv::Request::Get(key),
                register::Access::Write(v) => kv::Request::Put(key, v),
            }
        });
        let name = format!("100 registers, {name}, 10 clients");
        row(&name, &Checker::new(spec.clone()), &history, Some(80.0));
        row(&format!("{name}, search only"), &Checker::new(spec).search_only(), &history, None);
    }
}

/// Stores whose values grow by appending, as in porcupine's own histories of 10 and 50 clients.
fn stores() {
    for clients in [10, 50] {
        let spec = kv::Kv::<u64, String>::reading_absent_as(String::new());
        let length = if clients == 10 { 340 } else { 1_750 };
        let history = record(&spec, clients, length, 0, 7, |random, n| of_store(random, n, 10));
        let many = clients == 50;
        let name = format!("kv with append, {clients} clients");
        row(&name, &Checker::new(spec.clone()), &history, many.then_some(40.0));
        for (part, place) in [(0.1, "early"), (0.5, "in the middle"), (0.9, "late")] {
            let bad = with_a_short_read(&history, part);
            row(&format!("{name}, a short read {place}"), &Checker::new(spec.clone()), &bad, many.then_some(2.0));
        }
        if !many {
            row(&format!("{name}, unpartitioned"), &Checker::new(spec).whole(), &history, Some(300.0));
        }
    }
}

/// 102 short histories of a register with compare-and-set, some of whose operations had no answer, as Jepsen recorded them
/// of etcd; of half of them a read was changed, which an operation without an answer may explain.
fn like_etcd() {
    let spec = cas_register::CasRegister::new(0);
    let histories: Vec<_> = (0..102)
        .map(|seed| {
            let mut history = record(&spec, 5, 170, 80, seed, of_cas_register);
            if seed % 2 == 1 {
                let reads = history.iter_mut().filter_map(|operation| match &mut operation.ret {
                    Some(cas_register::Answer::Value(v)) => Some(v),
                    _ => None,
                });
                let last = reads.last().expect("somebody reads");
                *last = (*last + 1) % 5;
            }
            history
        })
        .collect();
    let checker = Checker::new(spec);
    let (bad, cost) = measure(|| {
        let verdicts = histories.iter().map(|history| checker.check(history));
        verdicts.filter(|verdict| verdict.violation().is_some()).count()
    });
    let count = histories.iter().map(Vec::len).sum();
    line("102 histories of a cas-register, 5 clients", count, &format!("{bad} bad"), &cost, Some(100.0));
}

fn row<S: Specification>(name: &str, checker: &Checker<S>, history: &Ops<S>, target: Option<f64>) {
    let (verdict, cost) = measure(|| checker.check(history));
    let verdict = match verdict {
        Verdict::Linearizable(_) => "good",
        Verdict::Violation(_) => "violation",
        Verdict::Unknown(_) => "unknown",
    };
    line(name, history.len(), verdict, &cost, target);
}

fn oracles() {
    let Some(oracles) = std::env::var_os("SEEDBED_ORACLES") else {
        return;
    };
    let path = std::path::PathBuf::from(oracles).join("linearizability/histories.jsonl");
    let text = std::fs::read_to_string(&path).expect("the folder has linearizability/histories.jsonl");
    let histories: Vec<Operations> = read(&text)
        .map(|recorded| match recorded.expect("a history").contents {
            Contents::Operations(operations) => operations,
            Contents::Transactions { .. } => panic!("the file has operations"),
        })
        .collect();
    for model in [Model::CasRegister, Model::KvStringAppend] {
        let (operations, cost) = measure(|| {
            let of_model = histories.iter().filter(|operations| operations.model == Some(model));
            let judged = of_model.map(|operations| {
                let reading = Reading::of(operations).expect("a history");
                linearizable(operations, &reading, Limits::default()).expect("a history").1.len()
            });
            judged.sum::<usize>()
        });
        line(&format!("recorded: {model}, all"), operations, "", &cost, None);
    }
}
