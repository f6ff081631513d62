//! `seedbed check` on what other tools write: every format whole, cut and damaged, the objects of their workloads, numbers
//! and characters that are not what they seem, and the limits.

use std::path::{Path, PathBuf};
use std::process::Output;

use seedbed_traces::shard::record::{FORMAT, sealed};
use serde_json::json;

use crate::program::{code, err, lines, out};

fn place(name: &str) -> PathBuf {
    crate::program::place(&format!("check_formats/{name}"))
}

fn write(place: &Path, name: &str, text: &str) {
    std::fs::write(place.join(name), text).expect("the directory is ours");
}

fn check(place: &Path, words: &str) -> Output {
    crate::program::seedbed(place, &format!("check {words}"))
}

/// The first line of a results file, as a worker of this shard of a sweep of this model writes it.
fn beginning(model: &str, shard: &str) -> String {
    let swept = json!({"format": FORMAT, "shard": shard, "models": [model], "seeds": "0..640", "options": null,
        "tool": null, "probe": null});
    format!("{}\n", sealed(&json!({"sweep": swept})))
}

/// Elle's registers: transactions whose functions are `read` and `write`.
const ELLE: &str = "\
{:type :invoke, :f :write, :value [[:w 9 1]], :process 0, :time 10, :index 0}
{:type :ok, :f :write, :value [[:w 9 1]], :process 0, :time 20, :index 1}
{:type :invoke, :f :read, :value [[:r 9 nil]], :process 1, :time 30, :index 2}
{:type :ok, :f :read, :value [[:r 9 1]], :process 1, :time 40, :index 3}
";
const JEPSEN_JSON: &str = r#"[{"type":"invoke","f":"txn","value":[["w","x",2]],"process":0,"index":1},
{"type":"ok","f":"txn","value":[["w","x",2]],"process":0,"index":2},
{"type":"invoke","f":"txn","value":[["r","x",null]],"process":1,"index":3},
{"type":":ok","f":":txn","value":[[":r","x",2]],"process":1,"index":4}]
"#;
const JEPSEN_TEXT: &str = "\
0\t:invoke\t:write\t3
0\t:ok\t:write\t3
:nemesis\t:info\t:start\tnil
1\t:invoke\t:read\tnil
1\t:ok\t:read\t3
";
const OK_ONLY: &str = "\
{:process 0, :type :ok, :f :txn, :value [[:append :x 1] [:r :y [1]]]}
{:process 1, :type :ok, :f :txn, :value [[:append :x 2] [:append :y 1]]}
{:process 2, :type :ok, :f :txn, :value [[:r :x [2 1]]]}
";
const CAS: &str = r#"{:process 0 :type :invoke :f :write :value ["k" "v0"]}
{:process 0 :type :ok :f :write :value ["k" "v0"]}
{:process 1 :type :invoke :f :cas :value ["k" "v0" "v1"]}
{:process 1 :type :ok :f :cas :value ["k" "v0" "v1"]}
{:process 0 :type :invoke :f :read :value ["k" nil]}
{:process 0 :type :ok :f :read :value ["k" "v1"]}
"#;
const ETCD: &str = r#"{"ClientId":1,"Input":{"Type":"txn","Range":null,"Txn":{"Conditions":null,"OperationsOnSuccess":[{"Type":"put-operation","Put":{"Key":"a","Value":{"Value":"1","Hash":0},"LeaseID":0}}],"OperationsOnFailure":null}},"Call":10,"Output":{"Txn":{"Failure":false,"Results":[{"KVs":null,"Count":0,"Deleted":0}]},"Revision":2,"Error":""},"Return":20}
{"ClientId":1,"Input":{"Type":"range","Range":{"Start":"a","End":"","Limit":0,"Revision":0},"Txn":null},"Call":30,"Output":{"Range":{"KVs":[{"Key":"a","Value":{"Value":"1","Hash":0},"ModRevision":2}],"Count":1},"Revision":2,"Error":""},"Return":40}
"#;
/// Two writers of different keys who read each other's old values.
const ISOVISTA: &str =
    "w(1,0,0,0)\nw(2,0,0,0)\nr(1,0,1,1)\nr(2,0,1,1)\nw(1,1,1,1)\nr(1,0,2,2)\nr(2,0,2,2)\nw(2,2,2,2)\n";
const LONG_FORK: &str = "\
{:type :invoke, :f :write, :value [[:w 0 1]], :process 0, :index 0}
{:type :ok, :f :write, :value [[:w 0 1]], :process 0, :index 1}
{:type :invoke, :f :write, :value [[:w 1 1]], :process 1, :index 2}
{:type :ok, :f :write, :value [[:w 1 1]], :process 1, :index 3}
{:type :invoke, :f :read, :value [[:r 0 nil] [:r 1 nil]], :process 2, :index 4}
{:type :ok, :f :read, :value [[:r 0 1] [:r 1 nil]], :process 2, :index 5}
{:type :invoke, :f :read, :value [[:r 0 nil] [:r 1 nil]], :process 3, :index 6}
{:type :ok, :f :read, :value [[:r 0 nil] [:r 1 1]], :process 3, :index 7}
";

/// The name of a file, its text, a level, the exit code.
type Case<'a> = (&'a str, String, &'a str, i32);

fn judge(name: &str, cases: &[Case<'_>]) {
    let place = place(name);
    for (n, (name, text, level, expected)) in cases.iter().enumerate() {
        let file = format!("{n}-{name}.txt");
        write(&place, &file, text);
        let output = check(&place, &format!("{level} {file}"));
        assert_eq!(code(&output), *expected, "{name}, {level}: {}{}", out(&output), err(&output));
    }
}

#[test]
fn every_format_has_good_and_bad_histories() {
    let lines_of = |array: &str| array.trim().trim_matches(['[', ']']).replace("},", "}");
    judge(
        "good_and_bad",
        &[
            ("elle", ELLE.into(), "strict-serializable", 0),
            ("elle", ELLE.into(), "causal", 0),
            ("elle-stale", ELLE.replace("[[:r 9 1]]", "[[:r 9 nil]]"), "serializable", 0),
            ("elle-stale", ELLE.replace("[[:r 9 1]]", "[[:r 9 nil]]"), "strict-serializable", 1),
            ("jepsen-json", JEPSEN_JSON.into(), "serializable", 0),
            (
                "jepsen-json-thin-air",
                JEPSEN_JSON.replace("\"x\",2]],\"process\":1", "\"x\",7]],\"process\":1"),
                "serializable",
                0,
            ),
            ("jepsen-lines", lines_of(JEPSEN_JSON), "serializable", 0),
            (
                "jepsen-lines-stale",
                lines_of(JEPSEN_JSON).replace("\"x\",2]],\"process\":1", "\"x\",null]],\"process\":1"),
                "strict-serializable",
                1,
            ),
            ("jepsen-text", JEPSEN_TEXT.into(), "linearizability", 0),
            ("jepsen-text-other", JEPSEN_TEXT.replace(":ok\t:read\t3", ":ok\t:read\t4"), "linearizability", 1),
            ("ok-only", OK_ONLY.into(), "serializable", 0),
            ("ok-only", OK_ONLY.into(), "strict-serializable", 3),
            ("ok-only-skew", OK_ONLY.replace("[2 1]", "[1 2]").replace("[1]]", "[]]"), "strict-serializable", 3),
            (
                "ok-only-bad",
                OK_ONLY.replace("[2 1]", "[1 2]").replace("[:append :x 2]", "[:append :x 2] [:r :x [2]]"),
                "strict-serializable",
                1,
            ),
            ("cas", CAS.into(), "linearizability", 0),
            ("cas-nested", CAS.replace("[\"k\" \"v0\" \"v1\"]", "[\"k\" [\"v0\" \"v1\"]]"), "linearizability", 0),
            ("cas-bad", CAS.replace("[\"k\" \"v0\" \"v1\"]", "[\"k\" \"v9\" \"v1\"]"), "linearizability", 1),
            ("etcd", ETCD.into(), "linearizability", 0),
            (
                "etcd-stale",
                ETCD.replace("[{\"Key\":\"a\",\"Value\":{\"Value\":\"1\",\"Hash\":0},\"ModRevision\":2}]", "null"),
                "linearizability",
                1,
            ),
            ("isovista", ISOVISTA.into(), "serializable", 1),
            ("isovista", ISOVISTA.into(), "snapshot-isolation", 0),
            ("isovista-serial", ISOVISTA.replace("r(1,0,2,2)", "r(1,1,2,2)"), "serializable", 0),
            ("long-fork", LONG_FORK.into(), "parallel-snapshot-isolation", 0),
            ("long-fork", LONG_FORK.into(), "snapshot-isolation", 1),
        ],
    );
}

/// A history of transactions is no history of a register, whatever its functions are called; and what fits two objects, or
/// none as a whole, is judged as none.
#[test]
fn a_guess_that_does_not_fit_is_refused() {
    let place = place("guesses");
    let op = |kind: &str, f: &str, value: &str, process: u64| {
        format!("{{:type :{kind}, :f :{f}, :value {value}, :process {process}}}\n")
    };
    let call = |f: &str, asked: &str, answered: &str, process: u64| {
        op("invoke", f, asked, process) + &op("ok", f, answered, process)
    };
    let cases = [
        (ELLE.to_string(), ":1: these are transactions"),
        (ELLE.replacen("[[:w 9 1]]", "3", 2), ":1: these are transactions"),
        (call("write", "[1 2]", "[1 2]", 0) + &call("read", "nil", "[1 3]", 1), ":1: all values are pairs"),
        (
            call("write", "[1 2]", "[1 2]", 0)
                + &call("cas", "[1 [2 3]]", "[1 [2 3]]", 1)
                + &call("read", "nil", "3", 1),
            ":5: the cas of line 3 names a key, and this read does not",
        ),
        (call("write", "3", "3", 0) + &call("read", "[1 nil]", "[1 3]", 1), ":1: the read of line 3 names a key"),
        (
            call("acquire", "2", "2", 0) + &call("acquire", "1", "1", 1),
            ":1: this is a mutex whose operations have values",
        ),
        (call("read", "nil", "[1 2 3]", 0), ":1: there are only reads"),
        (
            call("read", "[1 nil]", "[2 3]", 0) + &call("write", "[1 2]", "[1 2]", 0),
            ":1: the answer is about the key 2",
        ),
        (call("frob", "nil", "3", 0), ":1: cannot tell which object has the function \"frob\""),
    ];
    for (n, (text, expected)) in cases.iter().enumerate() {
        write(&place, &format!("{n}.edn"), text);
        let output = check(&place, &format!("linearizability {n}.edn"));
        assert_eq!(code(&output), 2, "{text}\n{}{}", out(&output), err(&output));
        assert!(err(&output).contains(expected), "expected {expected}, found {}", err(&output));
    }
    // Where the object is said, nothing is guessed.
    write(&place, "said.edn", &(call("write", "[1 2]", "[1 2]", 0) + &call("read", "nil", "[1 2]", 1)));
    assert_eq!(code(&check(&place, "linearizability said.edn --model register")), 0);
}

#[test]
fn what_is_cut_or_damaged_is_refused_with_its_line() {
    let place = place("damaged");
    let half = |text: &str| text[..text.trim_end().len() - 12].to_string();
    let cases = [
        ("jepsen-json", half(JEPSEN_JSON), ":4: the file ends in the middle"),
        ("jepsen-json", JEPSEN_JSON.replace("\"process\":1", "\"process\":[]"), ":3: process: invalid type"),
        ("jepsen-text", half(JEPSEN_TEXT), ":5: expected a process"),
        ("jepsen-text", JEPSEN_TEXT.replace(":invoke\t:read", ":begin\t:read"), ":4: \":begin\" is not"),
        ("etcd-operations", half(ETCD), ":2: the line ends in the middle"),
        ("etcd-operations", ETCD.replace("\"Limit\":0", "\"Limit\":5"), ":2: this is a range, a limit"),
        ("isovista", ISOVISTA.trim_end()[..ISOVISTA.len() - 4].to_string(), ":8: expected r(key"),
        ("isovista", ISOVISTA.replace("r(2,0,1,1)", "r(2,0,0,1)"), ":4: transaction 1 is of session 1"),
        ("edn", ELLE.replace("[[:r 9 1]]", "[[:r 9 1 2]]"), ":4: expected a transaction"),
        ("edn", ELLE.replace(":process 0", ":process 0 :key 18446744073709551616"), ":1: there is a number"),
    ];
    for (n, (format, text, expected)) in cases.iter().enumerate() {
        let file = format!("{n}-{format}.txt");
        write(&place, &file, text);
        for flag in [String::new(), format!(" --format {format}")] {
            let level = if *format == "jepsen-text" || *format == "etcd-operations" {
                "linearizability"
            } else {
                "serializable"
            };
            let output = check(&place, &format!("{level} {file}{flag}"));
            assert_eq!(code(&output), 2, "{file}{flag}: {}{}", out(&output), err(&output));
            assert!(err(&output).contains(expected), "{file}{flag}: expected {expected}, found {}", err(&output));
        }
    }
}

/// Numbers keep their values, or are refused for their size.
#[test]
fn different_numbers_are_different() {
    let place = place("numbers");
    let history = |model: &str, events: &str| format!(r#"{{"model":"{model}","init":0,"events":[{events}]}}"#);
    let register = |a: &str, b: &str| {
        history(
            "register",
            &format!(r#"[1,"invoke","write",{a}],[1,"ok","write",{a}],[2,"invoke","read",null],[2,"ok","read",{b}]"#),
        )
    };
    let cases = [
        (register("18446744073709551616", "18446744073709551617"), 2),
        (register("-9223372036854775809", "-9223372036854775810"), 2),
        (register("18446744073709551615", "18446744073709551614"), 1),
        (register("18446744073709551615", "18446744073709551615"), 0),
        (register("-9223372036854775808", "-9223372036854775807"), 1),
        (r#"{"model":"set","events":[[1,"invoke","add",36893488147419103233],[1,"ok","add",true],[2,"invoke","contains",36893488147419103232],[2,"ok","contains",true]]}"#.into(), 2),
        (history("counter", r#"[1,"invoke","add",9223372036854775807],[1,"ok","add",null],[1,"invoke","add",1],[1,"ok","add",null],[2,"invoke","read",null],[2,"ok","read",-9223372036854775808]"#), 1),
        (history("counter", r#"[1,"invoke","add",9223372036854775807],[1,"ok","add",null],[1,"invoke","add",1],[1,"ok","add",null],[1,"invoke","add",-2],[1,"ok","add",null],[2,"invoke","read",null],[2,"ok","read",9223372036854775806]"#), 0),
    ];
    for (n, (text, expected)) in cases.iter().enumerate() {
        write(&place, &format!("{n}.jsonl"), text);
        let output = check(&place, &format!("linearizability {n}.jsonl"));
        assert_eq!(code(&output), *expected, "{text}: {}{}", out(&output), err(&output));
    }
    assert_eq!(code(&check(&place, "linearizability 3.jsonl --init 18446744073709551616")), 2);
}

const BANK: &str = "\
{:type :invoke, :f :transfer, :process 0, :value {:from 0, :to 1, :amount 5}, :index 0}
{:type :ok, :f :transfer, :process 0, :value {:from 0, :to 1, :amount 5}, :index 1}
{:type :invoke, :f :read, :process 1, :index 2}
{:type :ok, :f :read, :process 1, :value {0 5, 1 15}, :index 3}
{:type :invoke, :f :read, :process 1, :index 4}
{:type :ok, :f :read, :process 1, :value {0 5, 1 15}, :index 5}
";
const KAFKA: &str = "\
{:process 0, :type :invoke, :f :assign, :value [\"a\"]}
{:process 0, :type :ok, :f :assign, :value [\"a\"]}
{:process 0, :type :invoke, :f :send, :value [[:send \"a\" 7]]}
{:process 0, :type :ok, :f :send, :value [[:send \"a\" [0 7]]]}
{:process 0, :type :invoke, :f :send, :value [[:send \"a\" 8]]}
{:process 0, :type :ok, :f :send, :value [[:send \"a\" [3 8]]]}
{:process 1, :type :invoke, :f :poll, :value [[:poll]]}
{:process 1, :type :ok, :f :poll, :value [[:poll {\"a\" [[0 7] [3 8]]}]]}
{:process 1, :type :invoke, :f :poll, :value [[:poll]]}
{:process 1, :type :ok, :f :poll, :value [[:poll {}]]}
";
const COUNTER: &str = "\
{:process 0, :type :invoke, :f :add, :value 5}
{:process 0, :type :ok, :f :add, :value 5}
{:process 1, :type :invoke, :f :add, :value -3}
{:process 1, :type :ok, :f :add, :value -3}
{:process 0, :type :invoke, :f :read, :value nil}
{:process 0, :type :ok, :f :read, :value 2}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 2}
";
const PN_COUNTER: &str = "\
{:process 0, :type :invoke, :f :increment, :value 5}
{:process 0, :type :ok, :f :increment, :value 5}
{:process 1, :type :invoke, :f :decrement, :value 3}
{:process 1, :type :ok, :f :decrement, :value 3}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value 2}
";
const SET: &str = "\
{:process 0, :type :invoke, :f :add, :value 0}
{:process 0, :type :ok, :f :add, :value 0}
{:process 1, :type :invoke, :f :add, :value 1}
{:process 1, :type :info, :f :add, :value 1}
{:process 2, :type :invoke, :f :read, :value nil}
{:process 2, :type :ok, :f :read, :value #{0}}
";
const BROADCAST: &str = "\
{:process 0, :type :invoke, :f :broadcast, :value 0}
{:process 0, :type :ok, :f :broadcast, :value 0}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value [0]}
";
const IDS: &str = "\
{:process 0, :type :invoke, :f :generate, :value nil}
{:process 1, :type :invoke, :f :generate, :value nil}
{:process 1, :type :ok, :f :generate, :value \"b\"}
{:process 0, :type :ok, :f :generate, :value \"a\"}
";

#[test]
fn workloads_are_judged_by_their_promises() {
    let last = |text: &str, from: &str, to: &str| {
        let at = text.rfind(from).expect("it is there");
        format!("{}{to}{}", &text[..at], &text[at + from.len()..])
    };
    let early =
        format!("{}{}", &COUNTER[..COUNTER.find("{:process 0, :type :invoke, :f :read").expect("it reads")], "");
    judge(
        "workloads",
        &[
            ("bank", BANK.into(), "bank", 0),
            ("bank-bad", last(BANK, "1 15", "1 10"), "constant-total", 1),
            ("bank-other-accounts", last(BANK, "1 15", "2 15"), "constant-total", 1),
            ("bank-no-map", last(BANK, "{0 5, 1 15}", "7"), "constant-total", 2),
            ("bank", BANK.into(), "linearizability", 2),
            ("ids", IDS.into(), "unique-ids", 0),
            ("ids-twice", IDS.replace("\"b\"", "\"a\""), "unique-ids", 1),
            ("ids", IDS.into(), "constant-total", 2),
            ("kafka", KAFKA.into(), "kafka", 0),
            ("kafka-order", KAFKA.replace("[[0 7] [3 8]]", "[[3 8] [0 7]]"), "kafka", 1),
            ("kafka-lost", KAFKA.replace("[[0 7] [3 8]]", "[[3 8]]"), "kafka", 1),
            ("kafka-other", KAFKA.replace("[[0 7] [3 8]]", "[[0 9] [3 8]]"), "kafka", 1),
            ("kafka-again", last(KAFKA, "{}", "{\"a\" [[0 7]]}"), "kafka", 1),
            ("kafka-twice", last(KAFKA, "{}", "{\"a\" [[5 8]]}"), "kafka", 1),
            ("kafka-shape", last(KAFKA, "{}", "{\"a\" [5]}"), "kafka", 2),
            ("counter", COUNTER.into(), "eventual", 0),
            ("counter-diverged", last(COUNTER, ":value 2", ":value -3"), "eventual", 1),
            ("counter-wrong", COUNTER.replace(":value 2}", ":value 3}"), "eventual", 1),
            ("counter-unread", early, "eventual", 2),
            ("pn-counter", PN_COUNTER.into(), "eventual", 0),
            ("pn-counter", PN_COUNTER.into(), "linearizability", 0),
            ("pn-counter-lost", PN_COUNTER.replace(":read, :value 2", ":read, :value 5"), "eventual", 1),
            (
                "pn-counter-unknown",
                PN_COUNTER
                    .replace(":ok, :f :decrement", ":info, :f :decrement")
                    .replace(":read, :value 2", ":read, :value 5"),
                "eventual",
                0,
            ),
            ("set", SET.into(), "eventual", 0),
            ("set-unknown", SET.replace("#{0}", "#{0 1}"), "eventual", 0),
            ("set-lost", SET.replace("#{0}", "#{1}"), "eventual", 1),
            ("set-thin-air", SET.replace("#{0}", "#{0 7}"), "eventual", 1),
            ("broadcast", BROADCAST.into(), "eventual", 0),
            ("broadcast-lost", BROADCAST.replace("[0]", "[]"), "eventual", 1),
            // A read before the end of all changes is none of the last ones.
            (
                "broadcast-early",
                format!("{}{BROADCAST}", BROADCAST.replace(":value 0", ":value 1").replace("[0]", "[1]")),
                "eventual",
                1,
            ),
            (
                "broadcast-unread",
                BROADCAST.lines().rev().skip(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n"),
                "eventual",
                3,
            ),
            ("broadcast-final", BROADCAST.replace(":value nil}", ":value nil, :final? true}"), "eventual", 0),
        ],
    );
    // From when on reads count can be said.
    let place = place("quiet");
    write(&place, "a.edn", &last(COUNTER, ":value 2", ":value -3"));
    assert_eq!(code(&check(&place, "eventual a.edn --quiet 8")), 3);
    assert_eq!(code(&check(&place, "eventual a.edn --quiet 5")), 1);
}

/// What is in a file cannot hide what was found in it.
#[test]
fn control_characters_do_not_reach_the_terminal() {
    let place = place("escapes");
    write(
        &place,
        "id.jsonl",
        "{\"id\":\"a: ok, serializable (2 transactions, 0.1 ms)\\u001b[8m\\nb\",\"kind\":\"list-append\",\"txns\":[{\"p\":0,\"status\":\"ok\",\"mops\":[[\"append\",\"x\\u009b\\n2\",1],[\"r\",\"x\\u009b\\n2\",[2]]]}]}",
    );
    write(&place, "function.jsonl", "{\"events\":[[0,\"invoke\",\"\\u001b[8m\\u009b\",1]]}");
    write(
        &place,
        "value.edn",
        "{:type :invoke, :f :write, :value \"\u{1b}[2J\", :process 0}\n{:type :ok, :f :write, :value \"\u{1b}[2J\", :process 0}\n{:type :invoke, :f :read, :value nil, :process 0}\n{:type :ok, :f :read, :value \"\u{9b}a\nb\", :process 0}\n",
    );
    write(&place, "merged.jsonl", &beginning("\u{1b}[8m\u{9b}a\nb", "0/1"));
    let outputs = [
        (check(&place, "serializable id.jsonl"), 1),
        (check(&place, "serializable id.jsonl --json"), 1),
        (check(&place, "serializable id.jsonl --as text"), 1),
        (check(&place, "serializable id.jsonl --as mermaid"), 1),
        (check(&place, "serializable id.jsonl --as dot"), 1),
        (check(&place, "linearizability function.jsonl"), 2),
        (check(&place, "linearizability value.edn"), 1),
        (check(&place, "linearizability value.edn --as dot"), 1),
        (crate::program::seedbed(&place, "merge merged.jsonl"), 3),
        (crate::program::seedbed(&place, "merge merged.jsonl --json"), 3),
    ];
    for (n, (output, expected)) in outputs.iter().enumerate() {
        assert_eq!(code(output), *expected, "{n}: {}{}", out(output), err(output));
        for text in [out(output), err(output)] {
            let wrong = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert_eq!(wrong, None, "{n}: {text:?}");
        }
    }
    assert_eq!(out(&outputs[0].0).lines().filter(|line| line.contains("id.jsonl:1")).count(), 1);
    for (merged, _) in &outputs[8..] {
        assert!(err(merged).contains("sweep \\u001b[8m\\u009ba\\u000ab --seeds"), "{}", err(merged));
    }
    assert!(lines(&outputs[1].0)[0]["id"].as_str().expect("it has an id").contains('\u{1b}'));
}

/// A sweep of more shards than anyone could run is refused, and not waited for.
#[test]
fn results_of_countless_shards_are_refused() {
    let place = place("shards");
    for (shard, expected, said) in [
        ("0/1", 3, "shard 0/1 is missing"),
        ("0/100000", 3, "shard 99999/100000 is missing"),
        ("0/100001", 2, "'0/100001' is not a shard"),
        ("0/18446744073709551615", 2, "'0/18446744073709551615' is not a shard"),
    ] {
        write(&place, "a.jsonl", &beginning("tutorial", shard));
        let output = crate::program::seedbed(&place, "merge a.jsonl");
        assert_eq!(code(&output), expected, "{shard}: {}{}", out(&output), err(&output));
        assert!(err(&output).contains(said), "{shard}: {}", err(&output));
    }
}

/// Large states do not take more than they may, nor steps on them longer: the search ends, and says what it would need.
#[test]
fn limits_hold_for_large_states() {
    let place = place("limits");
    let pushes = |kind: &str| (0..200).map(|n| format!(r#"[{n},"{kind}","push",{n}]"#)).collect::<Vec<_>>();
    let pop = |n: u64| format!(r#"[{0},"invoke","pop",null],[{0},"ok","pop",{1}]"#, 1000 + n, n * 7 % 200);
    let events = [pushes("invoke"), pushes("ok"), (0..200).map(pop).collect()].concat().join(",");
    write(&place, "stack.jsonl", &format!(r#"{{"model":"stack","events":[{events}]}}"#));
    for level in ["linearizability", "sequential"] {
        let output = check(&place, &format!("{level} stack.jsonl --seconds 1 --memory 50"));
        assert!([0, 3].contains(&code(&output)), "{level}: {}{}", out(&output), err(&output));
        assert!(code(&output) == 0 || out(&output).contains("try --seconds"), "{level}: {}", out(&output));
    }
}
