//! Damaged and hostile input: traces, histories, results and command lines, each made from good ones by a few changes. Nothing
//! panics, everything ends with an exit code of the tool's, what is refused is refused in words, and no control character is
//! printed.
//!
//! A test runs 1,000 cases, or `SEEDBED_FUZZ_CASES`; they follow from `SEEDBED_FUZZ_SEED`. `scripts/fuzz.sh` runs many.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use seedbed_traces::cli::{captured, grammar};
use seedbed_traces::say::Captured;
use serde_json::{Value, json};

use crate::program::{code, command, place};

fn from_environment(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Runs `holds` on the cases of a test.
fn fuzz<S: Strategy>(name: &str, cases: S, holds: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let number = from_environment("SEEDBED_FUZZ_CASES", 1_000) as u32;
    let seed = from_environment("SEEDBED_FUZZ_SEED", 0);
    let config = Config { cases: number, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &key));
    match runner.run(&cases, holds) {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{name}, SEEDBED_FUZZ_SEED={seed}: {why}\n{case:#?}"),
        Err(TestError::Abort(why)) => panic!("{name}: {why}"),
    }
}

/// A change of a text. Places are reduced to its length.
#[derive(Clone, Debug)]
enum Damage {
    Flip {
        at: usize,
        bit: u8,
    },
    Remove {
        at: usize,
        length: usize,
    },
    Repeat {
        at: usize,
        length: usize,
    },
    Insert {
        at: usize,
        what: &'static str,
    },
    /// Another number, or another time, in the place of the n-th.
    Number {
        n: usize,
        by: &'static str,
    },
    Truncate {
        at: usize,
    },
}

/// What is well known to break readers.
const HOSTILE: [&str; 24] = [
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "nil",
    "{:f ",
    "#",
    "\n",
    "\t",
    "\\u0000",
    "\\ud800",
    "\u{1b}[2J",
    "é",
    "\u{202e}",
    "1e999",
    "-0",
    "NaN",
    "\\",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
];

const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "2",
    "255",
    "65535",
    "65536",
    "4294967295",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "0.5",
    "1e30",
];

fn damages() -> impl Strategy<Value = Vec<Damage>> {
    let at = || 0usize..1_000_000;
    let damage = prop_oneof![
        2 => (at(), 0u8..8).prop_map(|(at, bit)| Damage::Flip { at, bit }),
        2 => (at(), 1usize..40).prop_map(|(at, length)| Damage::Remove { at, length }),
        2 => (at(), 1usize..200).prop_map(|(at, length)| Damage::Repeat { at, length }),
        3 => (at(), prop::sample::select(&HOSTILE[..])).prop_map(|(at, what)| Damage::Insert { at, what }),
        8 => (at(), prop::sample::select(&NUMBERS[..])).prop_map(|(n, by)| Damage::Number { n, by }),
        1 => at().prop_map(|at| Damage::Truncate { at }),
    ];
    prop::collection::vec(damage, 1..4)
}

fn damaged(text: &str, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for damage in damages {
        let length = bytes.len().max(1);
        match damage {
            _ if bytes.is_empty() => {}
            Damage::Flip { at, bit } => bytes[at % length] ^= 1 << bit,
            Damage::Remove { at, length: count } => {
                let from = at % length;
                bytes.drain(from..length.min(from + count));
            }
            Damage::Repeat { at, length: count } => {
                let from = at % length;
                let part = bytes[from..length.min(from + count)].to_vec();
                bytes.splice(from..from, part);
            }
            Damage::Insert { at, what } => {
                let from = at % length;
                bytes.splice(from..from, what.bytes());
            }
            Damage::Number { n, by } => {
                let begins: Vec<usize> = (0..length)
                    .filter(|at| bytes[*at].is_ascii_digit() && (*at == 0 || !bytes[at - 1].is_ascii_digit()))
                    .collect();
                if let Some(from) = begins.get(n % begins.len().max(1)).copied() {
                    let count = bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                    bytes.splice(from..from + count, by.bytes());
                }
            }
            Damage::Truncate { at } => bytes.truncate(at % length),
        }
    }
    bytes
}

/// What is asked of every call.
fn well_ended(code: u8, said: &Captured) -> Result<(), TestCaseError> {
    prop_assert!(code <= 3, "exit code {code}");
    prop_assert!(code != 2 || !said.err.is_empty(), "refused without a word");
    for text in [&said.out, &said.err] {
        let control = text.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t');
        prop_assert!(control.is_none(), "{control:?} is printed: {text:?}");
    }
    Ok(())
}

/// Runs a command with the damaged text as a file.
fn call(file: &Path, bytes: &[u8], words: &[&str]) -> (u8, Captured) {
    std::fs::write(file, bytes).expect("the directory is ours");
    let file = file.to_str().expect("the directory has a plain name");
    let words: Vec<&str> = words.iter().map(|word| if *word == "FILE" { file } else { *word }).collect();
    captured(&words)
}

/// The kept traces, each with a low bound on events.
fn traces() -> Vec<String> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut files: Vec<_> =
        std::fs::read_dir(corpus).expect("it is there").map(|file| file.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let bounded = |file: PathBuf| {
        let text = std::fs::read_to_string(file).expect("a kept trace can be read");
        let mut trace: Value = serde_json::from_str(&text).expect("a kept trace is JSON");
        trace["scenario"]["most_events"] = json!(3_000);
        trace.to_string()
    };
    files.into_iter().map(bounded).collect()
}

#[test]
fn damaged_traces() {
    let file = place("fuzz/traces").join("trace.json");
    const FORMS: [&str; 7] = ["text", "mermaid", "dot", "shiviz", "perfetto", "otlp", "html"];
    let cases = (prop::sample::select(traces()), damages(), prop::sample::select(&FORMS[..]));
    fuzz("traces", cases, |(text, damages, form)| {
        let (code, said) = call(&file, &damaged(&text, &damages), &["show", "FILE", "--as", form, "--lines", "20"]);
        well_ended(code, &said)?;
        prop_assert!(!said.out.contains("assertion"), "an assertion of a protocol failed: {}", said.out);
        Ok(())
    });
}

/// Good histories in several formats, each with a level to judge it by.
const HISTORIES: [(&str, &str); 9] = [
    (
        "linearizability",
        r#"{"id":"good","model":"cas-register","init":0,"events":[[0,"invoke","write",1],[1,"invoke","read",null],[0,"ok","write",1],[1,"ok","read",0],[1,"invoke","cas",[1,2]],[1,"ok","cas",[1,2]]],"expect":true}"#,
    ),
    ("sequential", r#"{"model":"register","init":0,"events":[[1,"invoke","read",null],[1,"ok","read",5]]}"#),
    (
        "serializable",
        r#"{"id":"a","kind":"list-append","txns":[{"p":0,"status":"ok","mops":[["append","x",1],["r","x",[1]]]},{"p":1,"status":"info","mops":[["append","x",2]]}]}"#,
    ),
    (
        "snapshot-isolation",
        r#"{"id":"w","kind":"rw-register","txns":[{"p":0,"status":"ok","mops":[["r","x",null],["w","y",1]]},{"p":1,"status":"ok","mops":[["r","y",null],["w","x",2]]}]}"#,
    ),
    (
        "linearizability",
        "INFO  jepsen.util - 0\t:invoke\t:write\t4\nINFO  jepsen.util - 1\t:invoke\t:read\tnil\nINFO  jepsen.util - 0\t:ok\t:write\t4\nINFO  jepsen.util - 1\t:ok\t:read\t4\n",
    ),
    (
        "linearizability",
        "{:process 0, :type :invoke, :f :write, :value 1, :index 0, :time 1}\n{:process 0, :type :ok, :f :write, :value 1, :index 1, :time 2}\n{:process 1, :type :invoke, :f :read, :value nil, :index 2, :time 3}\n{:process 1, :type :ok, :f :read, :value 1, :index 3, :time 4}\n",
    ),
    (
        "serializable",
        "{:process 0, :type :invoke, :f :txn, :value [[:append 8 1] [:r 8 nil]], :index 0, :time 1}\n{:process 0, :type :ok, :f :txn, :value [[:append 8 1] [:r 8 [1]]], :index 1, :time 2}\n",
    ),
    (
        "causal",
        r#"{"model":"kv","events":[[0,"invoke","put",{"key":"a","value":1}],[0,"ok","put",{"key":"a","value":1}]]}"#,
    ),
    (
        "eventual",
        r#"{"model":"set","events":[[0,"invoke","add",1],[0,"ok","add",1],[1,"invoke","read",null],[1,"ok","read",[1]]]}"#,
    ),
];

#[test]
fn damaged_histories() {
    let file = place("fuzz/histories").join("history");
    let cases = (prop::sample::select(&HISTORIES[..]), damages(), any::<bool>());
    fuzz("histories", cases, |((level, text), damages, json)| {
        let mut words = vec!["check", level, "FILE", "--seconds", "1", "--memory", "50"];
        words.extend(json.then_some("--json"));
        let (code, said) = call(&file, &damaged(text, &damages), &words);
        well_ended(code, &said)
    });
}

/// What is still said to be whole is what was swept.
#[test]
fn damaged_results() {
    let place = place("fuzz/results");
    for shard in ["0/2", "1/2"] {
        let words =
            format!("sweep tutorial echo --seeds 0..200 --threads 1 --shard {shard} --results {}.jsonl", &shard[..1]);
        assert_eq!(code(&crate::program::seedbed(&place, &words)), 0);
    }
    let read = |name: &str| std::fs::read_to_string(place.join(name)).expect("it was written");
    let whole = format!("{}{}", read("0.jsonl"), read("1.jsonl"));
    let file = place.join("damaged.jsonl");
    let fingerprint = |said: &Captured| {
        let last: Value = serde_json::from_str(said.out.lines().last()?).ok()?;
        Some(last["summary"]["fingerprint"].clone())
    };
    let (code, undamaged) = call(&file, whole.as_bytes(), &["merge", "FILE", "--json"]);
    assert_eq!(code, 0, "{}", undamaged.err);
    fuzz("results", damages(), |damages| {
        let (code, said) = call(&file, &damaged(&whole, &damages), &["merge", "FILE", "--json"]);
        well_ended(code, &said)?;
        prop_assert!(code != 1, "damage is no violation: {}", said.out);
        prop_assert!(code != 0 || fingerprint(&said) == fingerprint(&undamaged), "another result: {}", said.out);
        Ok(())
    });
}

/// Values of flags and arguments: good ones, extreme ones and nonsense.
const VALUES: [&str; 34] = [
    "tutorial",
    "echo",
    "raft",
    "mvcc",
    "nonsense",
    "0",
    "1",
    "3",
    "-1",
    "0..3",
    "3..0",
    "0..18446744073709551615",
    "65535",
    "18446744073709551615",
    "18446744073709551616",
    "0.5",
    "1e999",
    "NaN",
    "",
    "=",
    "a=b",
    "clients=3",
    "clients=65535",
    "request_timeout=0s",
    "loss,dup",
    "none",
    "crash",
    "uniform",
    "guided",
    "text",
    "serializable",
    "\u{1b}[2J",
    "--",
    "é",
];

/// Commands that read and say, and neither write files nor take long; the others are only parsed here.
const RUN_HERE: [&str; 4] = ["list", "show", "check", "merge"];

#[test]
fn odd_command_lines() {
    let place = place("fuzz/calls");
    let trace = place.join("trace.json");
    std::fs::write(&trace, &traces()[0]).expect("the directory is ours");
    let history = place.join("history.jsonl");
    std::fs::write(&history, HISTORIES[0].1).expect("the directory is ours");
    let files = [&trace, &history].map(|file| file.to_str().expect("the directory has a plain name").to_string());
    let grammar = grammar();
    let flags = |command: &clap::Command| -> Vec<String> {
        command.get_arguments().filter_map(|flag| Some(format!("--{}", flag.get_long()?))).collect()
    };
    let commands: Vec<(String, Vec<String>)> =
        grammar.get_subcommands().map(|command| (command.get_name().to_string(), flags(command))).collect();
    assert!(commands.len() > 10, "there are many commands");
    let words = move |(name, flags): (String, Vec<String>)| {
        let values = VALUES.iter().map(ToString::to_string).chain(files.clone()).collect::<Vec<_>>();
        let value = prop::sample::select(values);
        // A file that is asked for would be written wherever the test runs.
        let flags: Vec<_> = flags.into_iter().filter(|flag| flag != "--out").chain(["--help".into()]).collect();
        let word = prop_oneof![1 => value.clone(), 1 => prop::sample::select(flags)];
        (Just(name), prop::collection::vec(word, 0..7))
    };
    let cases = (prop::sample::select(commands).prop_flat_map(words), 0u32..200);
    fuzz("command lines", cases, |((name, words), sample)| {
        let mut all = vec![name.as_str()];
        all.extend(words.iter().map(String::as_str));
        if RUN_HERE.contains(&name.as_str()) {
            let (code, said) = captured(&all);
            return well_ended(code, &said);
        }
        // That it can be parsed, or not, is all that is asked here.
        let _ = grammar.clone().try_get_matches_from(std::iter::once("seedbed").chain(all.iter().copied()));
        if sample == 0 && name == "run" {
            let output = command(&place, "").args(&all).args(["--events", "2000"]).output().expect("it can be started");
            let said = Captured { out: crate::program::out(&output), err: crate::program::err(&output) };
            let code = output.status.code();
            prop_assert!(code.is_some(), "killed: {}", said.err);
            well_ended(code.unwrap_or_default() as u8, &said)?;
        }
        Ok(())
    });
}
