//! How long checkers take: `cargo bench -p seedbed-properties --bench checkers`. One thread. With `SEEDBED_ORACLES` set,
//! recorded histories too.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a benchmark reads the wall clock")]
#![allow(missing_docs, reason = "a program")]

use std::time::{Duration, Instant};

use seedbed_properties::formats::json::read;
use seedbed_properties::formats::{Contents, Model, Operations, Reading, linearizable};
use seedbed_properties::linearizability::specs::{kv, register};
use seedbed_properties::linearizability::{Checker, Limits, Operation, Specification, Verdict};

fn main() {
    println!("{:<58} {:>9} {:>12} {:>11}", "history", "operations", "verdict", "time");
    for (values, name) in [(u64::MAX, "unique writes"), (5, "5 values")] {
        for clients in [2, 10, 50] {
            for length in [10, 100, 1_000, 10_000, 100_000] {
                let spec = register::Register::new(0);
                let history = record(&spec, clients, length, 7, |random, n| register_op(random, n, values));
                row(&format!("register, {name}, {clients} clients"), &Checker::new(spec.clone()), &history);
                if values == 5 && clients == 50 && length > 100 {
                    // Nobody knows which write a read saw, and the search takes its limit and says so.
                    continue;
                }
                let bad = stale(&history);
                row(&format!("register, {name}, {clients} clients, a stale read"), &Checker::new(spec), &bad);
            }
        }
    }
    for (values, name) in [(u64::MAX, "unique writes"), (5, "5 values")] {
        let spec = kv::Kv::<u64, u64>::reading_absent_as(0);
        let op = |random: &mut Random, n| {
            let key = random.below(100);
            match register_op(random, n, values) {
                register::Access::Read => kv::Request::Get(key),
                register::Access::Write(v) => kv::Request::Put(key, v),
            }
        };
        let history = record(&spec, 10, 100_000, 7, op);
        row(&format!("100 registers, {name}, 10 clients"), &Checker::new(spec.clone()), &history);
        row(&format!("100 registers, {name}, 10 clients, search only"), &Checker::new(spec).search_only(), &history);
    }
    for clients in [10, 50] {
        let spec = kv::Kv::<u64, String>::reading_absent_as(String::new());
        let op = |random: &mut Random, n| {
            let (key, text) = (random.below(10), format!("x {n} y"));
            match random.below(20) {
                0..9 => kv::Request::Get(key),
                9..19 => kv::Request::Append(key, text),
                _ => kv::Request::Put(key, text),
            }
        };
        let history = record(&spec, clients, clients as usize * 32, 7, op);
        row(&format!("kv with append, {clients} clients"), &Checker::new(spec.clone()), &history);
        if clients == 10 {
            row(
                &format!("kv with append, {clients} clients, unpartitioned"),
                &Checker::new(spec.clone()).whole(),
                &history,
            );
        }
        let mut bad = history.clone();
        let reads = bad.iter_mut().filter_map(|operation| match &mut operation.ret {
            Some(kv::Answer::Value(Some(text))) if text.len() > 20 => Some(text),
            _ => None,
        });
        let last = reads.last().expect("somebody reads something long");
        last.replace_range(0..1, "!");
        row(&format!("kv with append, {clients} clients, a corrupt read"), &Checker::new(spec), &bad);
    }
    oracles();
}

/// A small generator (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn register_op(random: &mut Random, n: u64, values: u64) -> register::Access<u64> {
    match random.below(2) {
        0 => register::Access::Read,
        _ => register::Access::Write(1 + n % values),
    }
}

/// What a correct object does with clients that invoke, take effect and return at random.
fn record<S: Specification>(
    spec: &S,
    clients: u64,
    length: usize,
    seed: u64,
    mut op: impl FnMut(&mut Random, u64) -> S::Op,
) -> Vec<Operation<S::Op, S::Ret>> {
    let mut random = Random(seed);
    let mut state = spec.initial();
    let mut history: Vec<Operation<S::Op, S::Ret>> = Vec::new();
    let mut open: Vec<Option<usize>> = vec![None; clients as usize];
    let mut now = 0;
    while history.len() < length || open.iter().any(Option::is_some) {
        let client = random.below(clients);
        now += 1;
        match open[client as usize] {
            None if history.len() >= length => {}
            None => {
                open[client as usize] = Some(history.len());
                let asked = op(&mut random, history.len() as u64);
                history.push(Operation::pending(client, asked, now));
            }
            Some(n) if history[n].ret.is_none() => {
                let ret = spec.answer(&state, &history[n].op).expect("it is determined");
                spec.apply(&mut state, &history[n].op, Some(&ret));
                history[n].ret = Some(ret);
            }
            Some(n) => {
                history[n].returned = Some(now);
                open[client as usize] = None;
            }
        }
    }
    history
}

/// The same with one late read that returns what was there at the very first.
fn stale(
    history: &[Operation<register::Access<u64>, register::Answer<u64>>],
) -> Vec<Operation<register::Access<u64>, register::Answer<u64>>> {
    let mut history = history.to_vec();
    let last = history.iter_mut().rfind(|operation| operation.op == register::Access::Read).expect("somebody reads");
    last.ret = Some(register::Answer::Value(0));
    history
}

fn row<S: Specification>(name: &str, checker: &Checker<S>, history: &[Operation<S::Op, S::Ret>]) {
    let (verdict, time) = fastest(|| checker.check(history));
    let verdict = match verdict {
        Verdict::Linearizable(_) => "good",
        Verdict::Violation(_) => "violation",
        Verdict::Unknown(_) => "unknown",
    };
    println!("{name:<58} {:>9} {verdict:>12} {:>8.3} ms", history.len(), time.as_secs_f64() * 1e3);
}

/// The fastest of some runs; slow ones are run once.
fn fastest<T>(mut f: impl FnMut() -> T) -> (T, Duration) {
    let mut best: Option<(T, Duration)> = None;
    let begin = Instant::now();
    while best.is_none() || begin.elapsed() < Duration::from_millis(100) {
        let start = Instant::now();
        let result = f();
        let time = start.elapsed();
        if best.as_ref().is_none_or(|(_, least)| time < *least) {
            best = Some((result, time));
        }
    }
    best.expect("it ran at least once")
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
    let judge = |model: Model| {
        let of_model = histories.iter().filter(|operations| operations.model == Some(model));
        let judged = of_model.map(|operations| {
            let reading = Reading::of(operations).expect("a history");
            linearizable(operations, &reading, Limits::default()).expect("a history").1.len()
        });
        judged.sum::<usize>()
    };
    for model in [Model::CasRegister, Model::KvStringAppend] {
        let (operations, time) = fastest(|| judge(model));
        println!(
            "{:<58} {operations:>9} {:>12} {:>8.3} ms",
            format!("recorded: {model}, all"),
            "",
            time.as_secs_f64() * 1e3
        );
    }
}
