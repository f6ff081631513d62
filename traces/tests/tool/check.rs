//! `seedbed check` as people and scripts use it: all formats, verdicts, exit codes, lines of what is wrong, explanations.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::program::{code, err, lines, out};

/// A directory of a test's own.
fn place(name: &str) -> PathBuf {
    crate::program::place(&format!("check/{name}"))
}

fn write(place: &Path, name: &str, text: &str) {
    std::fs::write(place.join(name), text).expect("the directory is ours");
}

fn check(place: &Path, words: &str) -> Output {
    crate::program::seedbed(place, &format!("check {words}"))
}

/// The report, without how long it took.
fn told(output: &Output) -> String {
    let text = out(output);
    let lines = text.lines().map(|line| match line.rsplit_once(", ") {
        Some((head, time)) if time.ends_with(" ms)") => format!("{head})"),
        _ => line.to_string(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn names(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|name| name.as_str().expect("a name")).collect()
}

/// A write, a read that sees it, and a stale read (bad), in all formats.
const JSON_GOOD: &str = r#"{"id":"good","model":"cas-register","init":0,"events":[[0,"invoke","write",1],[1,"invoke","read",null],[0,"ok","write",1],[1,"ok","read",0],[1,"invoke","cas",[1,2]],[1,"ok","cas",[1,2]]],"expect":true}"#;
const JSON_BAD: &str = r#"{"id":"bad","model":"cas-register","init":0,"events":[[0,"invoke","write",1],[1,"invoke","read",null],[1,"ok","read",1],[2,"invoke","read",null],[2,"ok","read",0],[0,"ok","write",1]],"expect":false}"#;

const EDN_GOOD: &str = "\
{:process :nemesis, :type :info, :f :start, :value nil}
{:type :invoke, :f :write, :value 1, :process 0, :time 10, :index 1}
{:type :invoke, :f :read, :value nil, :process 1, :time 11, :index 2}
{:type :ok, :f :read, :value 1, :process 1, :time 12, :index 3}
{:type :info, :f :write, :value 1, :process 0, :time 13, :index 4, :error :timeout}
{:type :invoke, :f :cas, :value [2 3], :process 1, :time 14, :index 5}
{:type :fail, :f :cas, :value [2 3], :process 1, :time 15, :index 6}
";
const EDN_BAD: &str = "\
[#jepsen.history.Op{:index 0, :time 1, :type :invoke, :process 0, :f :write, :value [\"x\" 1]}
 #jepsen.history.Op{:index 1, :time 2, :type :ok, :process 0, :f :write, :value [\"x\" 1]}
 #jepsen.history.Op{:index 2, :time 3, :type :invoke, :process 1, :f :write, :value [\"x\" 2]}
 #jepsen.history.Op{:index 3, :time 4, :type :ok, :process 1, :f :write, :value [\"x\" 2]}
 #jepsen.history.Op{:index 4, :time 5, :type :invoke, :process 2, :f :read, :value [\"x\" nil]}
 #jepsen.history.Op{:index 5, :time 6, :type :ok, :process 2, :f :read, :value [\"x\" 1]}]
";
const LOG_GOOD: &str = "\
2015-05-21 12:00:00,123 INFO  jepsen.util - 0\t:invoke\t:read\tnil
INFO  jepsen.core - Worker 1 starting
INFO  jepsen.util - 0\t:ok\t:read\tnil
INFO  jepsen.util - 1\t:invoke\t:write\t3
INFO  jepsen.util - 1\t:info\t:write\t:timed-out
INFO  jepsen.util - 0\t:invoke\t:cas\t[3 4]
INFO  jepsen.util - 0\t:ok\t:cas\t[3 4]
";
const LOG_BAD: &str = "\
INFO  jepsen.util - 1\t:invoke\t:write\t3
INFO  jepsen.util - 1\t:ok\t:write\t3
INFO  jepsen.util - 0\t:invoke\t:cas\t[3 4]
INFO  jepsen.util - 0\t:fail\t:cas\t[3 4]
";
const KV_GOOD: &str = "\
{:process 0, :type :invoke, :f :put, :key \"4\", :value \"a\"}
{:process 1, :type :invoke, :f :append, :key \"4\", :value \"b\"}
{:process 0, :type :ok, :f :put, :key \"4\", :value \"a\"}
{:process 0, :type :invoke, :f :get, :key \"4\", :value nil}
{:process 0, :type :ok, :f :get, :key \"4\", :value \"ab\"}
{:process 2, :type :invoke, :f :get, :key \"9\", :value nil}
{:process 2, :type :ok, :f :get, :key \"9\", :value \"\"}
";
const KV_BAD: &str = "\
{:process 0, :type :invoke, :f :append, :key \"4\", :value \"a\"}
{:process 0, :type :ok, :f :append, :key \"4\", :value \"a\"}
{:process 1, :type :invoke, :f :append, :key \"4\", :value \"b\"}
{:process 1, :type :ok, :f :append, :key \"4\", :value \"b\"}
{:process 0, :type :invoke, :f :get, :key \"4\", :value nil}
{:process 0, :type :ok, :f :get, :key \"4\", :value \"ba\"}
";
/// Write skew, twice: as it was recorded by Elle, and as a line.
const SKEW_EDN: &str = "\
{:type :invoke, :f :txn, :value [[:append :x 1] [:r :y nil]], :process 0, :time 1, :index 0}
{:type :invoke, :f :txn, :value [[:append :y 1] [:r :x nil]], :process 1, :time 2, :index 1}
{:type :ok, :f :txn, :value [[:append :x 1] [:r :y nil]], :process 0, :time 3, :index 2}
{:type :ok, :f :txn, :value [[:append :y 1] [:r :x []]], :process 1, :time 4, :index 3}
";
const SKEW_JSON: &str = r#"{"id":"skew","kind":"list-append","txns":[{"p":0,"status":"ok","mops":[["append","x",1],["r","y",[]]],"inv":1,"ret":3},{"p":1,"status":"ok","mops":[["append","y",1],["r","x",[]]],"inv":2,"ret":4}],"expect":{"anomalies":["G2-item"],"violates":["serializable"],"holds":["snapshot-isolation"]}}"#;

#[test]
fn all_formats_are_told_by_their_contents_and_judged() {
    let place = place("formats");
    let cases = [
        ("json", JSON_GOOD, JSON_BAD),
        ("edn", EDN_GOOD, EDN_BAD),
        ("log", LOG_GOOD, LOG_BAD),
        ("kv", KV_GOOD, KV_BAD),
    ];
    for (format, good, bad) in cases {
        write(&place, &format!("{format}-good.txt"), good);
        write(&place, &format!("{format}-bad.txt"), bad);
        let good = check(&place, &format!("linearizability {format}-good.txt --json"));
        assert_eq!(code(&good), 0, "{format}: {}{}", out(&good), err(&good));
        assert_eq!(lines(&good)[0]["verdict"], "ok", "{format}");
        let bad = check(&place, &format!("linearizability {format}-bad.txt --json"));
        assert_eq!(code(&bad), 1, "{format}: {}{}", out(&bad), err(&bad));
        let line = &lines(&bad)[0];
        assert_eq!((&line["verdict"], names(&line["violates"])), (&"violation".into(), vec!["linearizability"]));
        for field in ["id", "line", "holds", "anomalies", "operations", "seconds", "explanation", "statistics"] {
            assert!(!line[field].is_null(), "{format}: {field} is missing from {line}");
        }
        assert!(line["counterexample"]["culprit"]["line"].is_u64(), "{line}");
    }
    // All at once, and by the names of the formats.
    let all = check(&place, "linearizability json-good.txt edn-good.txt log-good.txt kv-good.txt kv-bad.txt --json");
    assert_eq!(code(&all), 1);
    let verdicts: Vec<Value> = lines(&all).iter().map(|line| line["verdict"].clone()).collect();
    assert_eq!(verdicts, ["ok", "ok", "ok", "ok", "violation"]);
    for (format, file) in
        [("jsonl", "json-good"), ("edn", "edn-good"), ("etcd-log", "log-good"), ("kv-text", "kv-good")]
    {
        assert_eq!(code(&check(&place, &format!("linearizability {file}.txt --format {format}"))), 0, "{format}");
    }
    assert_eq!(code(&check(&place, "linearizability kv-good.txt --format jsonl")), 2);
}

#[test]
fn standard_input_is_a_file() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    command.args(["check", "linearizability", "-", "--json"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the tool can be started");
    let text = format!("{JSON_GOOD}\n\n{JSON_BAD}\n");
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(code(&output), 1);
    let lines = lines(&output);
    assert_eq!((&lines[0]["line"], &lines[0]["verdict"]), (&1.into(), &"ok".into()));
    assert_eq!((&lines[1]["line"], &lines[1]["verdict"]), (&3.into(), &"violation".into()));
    assert_eq!(lines[1]["as_expected"], true);
}

/// What is no client's is left out of a history, in JSON as in EDN.
#[test]
fn what_a_nemesis_does_is_no_operation() {
    let place = place("nemesis");
    let with = JSON_GOOD.replacen(
        "\"events\":[",
        "\"events\":[[\"nemesis\",\"info\",\"start\",null],[\"nemesis\",\"info\",null],",
        1,
    );
    assert_ne!(with, JSON_GOOD);
    write(&place, "operations.jsonl", &format!("{JSON_GOOD}\n{with}\n"));
    let output = check(&place, "linearizability operations.jsonl --json");
    assert_eq!(code(&output), 0, "{}", err(&output));
    let told = lines(&output);
    assert_eq!(told[0]["operations"], told[1]["operations"]);

    let nemesis = "{\"p\":\"nemesis\",\"status\":\"info\",\"mops\":[]},";
    write(&place, "transactions.jsonl", &SKEW_JSON.replacen("\"txns\":[", &format!("\"txns\":[{nemesis}"), 1));
    let output = check(&place, "snapshot-isolation transactions.jsonl --json");
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(lines(&output)[0]["operations"], 2);
}

#[test]
fn malformed_histories_are_refused_with_the_line() {
    let place = place("malformed");
    let edn_lines: Vec<&str> = EDN_GOOD.lines().collect();
    let log_lines: Vec<&str> = LOG_BAD.lines().collect();
    let good = JSON_GOOD;
    let cases: Vec<(&str, String, &str)> = vec![
        // Truncated.
        ("json-cut", format!("{good}\n{}", &good[..good.len() / 2]), ":2: the line ends in the middle"),
        ("edn-cut", EDN_GOOD[..EDN_GOOD.len() - 30].into(), ":7: the file ends in the middle of this: was it cut off?"),
        ("edn-list-cut", EDN_BAD.trim_end().trim_end_matches(']').into(), "the ']' at its end is missing"),
        ("log-cut", LOG_BAD[..LOG_BAD.len() - 12].into(), ":4: expected a process, its :type"),
        ("kv-cut", KV_BAD[..KV_BAD.len() - 10].into(), ":6: the file ends in the middle"),
        // Shuffled.
        ("edn-shuffled", [edn_lines[3], edn_lines[1], edn_lines[2]].join("\n"), ":2: the :index 1 comes after 3"),
        ("log-shuffled", [log_lines[1], log_lines[0]].join("\n"), ":1: process 1 has a response to write, but no invocation"),
        ("kv-shuffled", KV_BAD.lines().rev().collect::<Vec<_>>().join("\n"), ":1: process 0 has a response to get"),
        (
            "json-shuffled",
            r#"{"model":"register","events":[[0,"ok","write",1],[0,"invoke","write",1]]}"#.into(),
            ":1: event 1: process 0 has a response to write, but no invocation is open",
        ),
        (
            "txns-shuffled",
            r#"{"kind":"rw-register","txns":[{"p":0,"status":"ok","mops":[],"inv":5,"ret":6},{"p":0,"status":"ok","mops":[],"inv":1,"ret":2}]}"#.into(),
            ":1: T1 of process 0 was invoked at 1, but T0, which stands before it, lasted until 6",
        ),
        // Of the wrong types.
        ("json-process", good.replacen("[0,", "[1.5,", 1), ":1: events[0][0]: invalid type: floating point `1.5`"),
        ("json-type", good.replacen("invoke", "begin", 1), ":1: events[0][1]: unknown variant `begin`"),
        ("json-cas", good.replacen("[1,2]", "5", 1), ":1: event 5: expected [expected, new], found 5"),
        ("json-model", good.replace("cas-register", "cash-register"), ":1: unknown model \"cash-register\"; there are"),
        ("json-other", "{\"a\": 1}".into(), ":1: no history: it has neither"),
        ("edn-process", EDN_GOOD.replacen(":process 0", ":process \"a\"", 1), ":2: :process is \"a\""),
        ("edn-type", EDN_GOOD.replacen(":type :ok", ":type :fine", 1), ":4: :type is :fine"),
        ("log-value", LOG_BAD.replacen("[3 4]", "[3", 1), ":3: \"[3\" is no value"),
        ("txns-read", SKEW_JSON.replacen("[\"r\",\"y\",[]]", "[\"r\",\"y\",5]", 1), ":1: T0: read value is 5"),
        ("txns-status", SKEW_JSON.replacen("\"ok\"", "\"okay\"", 1), ":1: T0: status is okay"),
        ("txns-number", SKEW_JSON.replacen("\"inv\":1", "\"inv\":\"one\"", 1), ":1: txns[0].inv: invalid type"),
        ("edn-txn", SKEW_EDN.replacen("[:r :y nil]", "[:r :y]", 1), ":1: expected a transaction"),
        // Otherwise senseless.
        ("two-open", format!("{}\n{}", edn_lines[1], edn_lines[1].replace(":index 1", ":index 2")), ":2: process 0 invokes write, but"),
        ("unknown", EDN_GOOD.replace(":read", ":reed"), ":3: unknown function \"reed\""),
        ("other-answer", LOG_BAD.replacen(":ok\t:write\t3", ":ok\t:read\t3", 1), ":2: process 1 has a response to read, but it invoked write"),
        ("nothing", "\n \n".into(), ":1: there is nothing in it"),
        ("nonsense", "hello".into(), ":1: cannot tell what this is; say --format"),
        ("twice", SKEW_JSON.replace("\"y\",1", "\"x\",1"), ":1: T0 and T1 both write 1 to x"),
    ];
    for (name, text, expected) in cases {
        let file = format!("{name}.txt");
        write(&place, &file, &text);
        let level = if name.contains("txn") || name == "twice" { "serializable" } else { "linearizability" };
        let output = check(&place, &format!("{level} {file} --json"));
        let said = err(&output);
        assert_eq!(code(&output), 2, "{name}: {said}{}", out(&output));
        assert!(said.contains(&file), "{name} should name the file: {said}");
        assert!(said.contains(expected), "{name} should say '{expected}': {said}");
    }
    // What is good beside it is judged all the same.
    let output = check(&place, "linearizability json-cut.txt --json");
    assert_eq!(lines(&output).len(), 1);
    assert_eq!(lines(&output)[0]["verdict"], "ok");
}

#[test]
fn wrong_calls_end_with_2_and_say_what_to_do() {
    let place = place("calls");
    write(&place, "ops.jsonl", JSON_GOOD);
    write(&place, "txns.jsonl", SKEW_JSON);
    let cases = [
        ("nonsense ops.jsonl", "there is no level 'nonsense'; there are linearizability"),
        ("linearizability nowhere.jsonl", "cannot read nowhere.jsonl"),
        ("linearizability txns.jsonl", ":1: this is a history of transactions"),
        ("serializable ops.jsonl", ":1: this is a history of operations on one object"),
        ("linearizability ops.jsonl --model nonsense", "unknown model \"nonsense\"; there are register"),
        ("linearizability ops.jsonl --model queue", ":1: event 1: unknown function \"write\"; there are enqueue"),
        ("linearizability ops.jsonl --seconds 0", "--seconds must be more than 0"),
        ("linearizability ops.jsonl --out a.dot", "say in which form"),
        ("causal ops.jsonl", "a cas is more than a read or a write"),
        ("eventual ops.jsonl", "--quiet"),
    ];
    for (words, expected) in cases {
        let output = check(&place, words);
        let said = err(&output);
        assert_eq!(code(&output), 2, "{words}: {said}{}", out(&output));
        assert!(said.contains(expected), "'{words}' should say '{expected}': {said}");
    }
}

#[test]
fn transactions_are_judged_on_all_levels_whatever_recorded_them() {
    let place = place("transactions");
    write(&place, "skew.jsonl", SKEW_JSON);
    write(&place, "skew.edn", SKEW_EDN);
    for file in ["skew.jsonl", "skew.edn"] {
        let output = check(&place, &format!("serializability {file} --all-levels --json"));
        assert_eq!(code(&output), 1, "{file}: {}", err(&output));
        let line = &lines(&output)[0];
        assert_eq!(line["level"], "serializable");
        assert!(names(&line["violates"]).contains(&"repeatable-read"), "{line}");
        assert!(names(&line["holds"]).contains(&"strong-snapshot-isolation"), "{line}");
        assert!(names(&line["anomalies"]).contains(&"G2-item"), "{line}");
        // The asked level decides.
        assert_eq!(code(&check(&place, &format!("si {file}"))), 0);
        assert_eq!(code(&check(&place, &format!("causal {file}"))), 0);
    }
}

/// PolySI means snapshot isolation with the order of sessions, Elle without.
#[test]
fn snapshot_isolation_has_two_dialects() {
    let place = place("dialects");
    let history = r#""kind":"rw-register","txns":[{"p":0,"status":"ok","mops":[["w","x",1]]},{"p":0,"status":"ok","mops":[["w","x",2],["w","y",2]]},{"p":1,"status":"ok","mops":[["r","y",2],["r","x",1]]}]"#;
    write(&place, "plain.jsonl", &format!("{{{history}}}"));
    write(&place, "source.jsonl", &format!("{{\"source\":\"PolySI/somewhere\",{history}}}"));
    write(&place, "field.jsonl", &format!("{{\"sessions\":true,{history}}}"));
    assert_eq!(code(&check(&place, "snapshot-isolation plain.jsonl")), 0);
    assert_eq!(code(&check(&place, "snapshot-isolation plain.jsonl --sessions")), 1);
    assert_eq!(code(&check(&place, "snapshot-isolation source.jsonl")), 1);
    assert_eq!(code(&check(&place, "snapshot-isolation source.jsonl --sessions=false")), 0);
    assert_eq!(code(&check(&place, "snapshot-isolation field.jsonl")), 1);
    let line = &lines(&check(&place, "snapshot-isolation source.jsonl --json"))[0];
    assert_eq!(line["sessions"], true);
}

#[test]
fn flags_say_how_to_read() {
    let place = place("flags");
    let failed =
        "{:type :invoke, :f :cas, :value [0 1], :process 0}\n{:type :fail, :f :cas, :value [0 1], :process 0}\n";
    write(&place, "failed.edn", failed);
    assert_eq!(code(&check(&place, "linearizability failed.edn --init 0")), 0);
    assert_eq!(code(&check(&place, "linearizability failed.edn --init 0 --failed-cas definite")), 1);
    assert_eq!(code(&check(&place, "linearizability failed.edn --init 5 --failed-cas definite")), 0);
    let null = "{:type :invoke, :f :write, :value 1, :process 0}\n{:type :ok, :f :write, :value 1, :process 0}\n\
        {:type :invoke, :f :read, :value nil, :process 0}\n{:type :ok, :f :read, :value nil, :process 0}\n";
    write(&place, "null.edn", null);
    assert_eq!(code(&check(&place, "linearizability null.edn")), 0);
    assert_eq!(code(&check(&place, "linearizability null.edn --null-read absent")), 1);
}

/// One good and one bad history of each model.
#[test]
fn every_model_can_be_judged() {
    let place = place("models");
    let cases = [
        (
            "register",
            "null",
            r#"[[0,"invoke","write",1],[0,"ok","write",1],[0,"invoke","read",null],[0,"ok","read",1]]"#,
            r#""read",1"#,
            r#""read",2"#,
        ),
        (
            "multi-register",
            "0",
            r#"[[0,"invoke","txn",[["w","x",1],["w","y",1]]],[0,"ok","txn",[["w","x",1],["w","y",1]]],[0,"invoke","txn",[["r","x",null],["r","y",null]]],[0,"ok","txn",[["r","x",1],["r","y",1]]]]"#,
            r#"["r","y",1]"#,
            r#"["r","y",0]"#,
        ),
        (
            "kv",
            "null",
            r#"[[0,"invoke","put",["x",[1]]],[0,"ok","put",["x",[1]]],[0,"invoke","append",["x",[2]]],[0,"ok","append",["x",[2]]],[0,"invoke","get",["x",null]],[0,"ok","get",["x",[1,2]]]]"#,
            "[1,2]",
            "[2,1]",
        ),
        (
            "counter",
            "0",
            r#"[[0,"invoke","add",3],[0,"ok","add",3],[0,"invoke","read",null],[0,"ok","read",3]]"#,
            r#""read",3"#,
            r#""read",4"#,
        ),
        (
            "set",
            "null",
            r#"[[0,"invoke","add",3],[0,"ok","add",3],[0,"invoke","read",null],[0,"ok","read",[3]]]"#,
            "[3]",
            "[3,4]",
        ),
        (
            "queue",
            "null",
            r#"[[0,"invoke","enqueue",1],[0,"ok","enqueue",1],[0,"invoke","enqueue",2],[0,"ok","enqueue",2],[0,"invoke","dequeue",null],[0,"ok","dequeue",1]]"#,
            r#""dequeue",1"#,
            r#""dequeue",2"#,
        ),
        (
            "stack",
            "null",
            r#"[[0,"invoke","push",1],[0,"ok","push",1],[0,"invoke","push",2],[0,"ok","push",2],[0,"invoke","pop",null],[0,"ok","pop",2]]"#,
            r#""pop",2"#,
            r#""pop",1"#,
        ),
        (
            "mutex",
            "null",
            r#"[[0,"invoke","acquire",null],[0,"ok","acquire",null],[0,"invoke","release",null],[1,"invoke","acquire",null],[1,"ok","acquire",null]]"#,
            r#"[0,"invoke","release",null],"#,
            "",
        ),
        (
            "semaphore",
            "2",
            r#"[[0,"invoke","acquire",1],[0,"ok","acquire",1],[1,"invoke","acquire",1],[1,"ok","acquire",1]]"#,
            r#"[1,"invoke","acquire",1],[1,"ok","acquire",1]"#,
            r#"[1,"invoke","acquire",2],[1,"ok","acquire",2]"#,
        ),
        (
            "fenced-lock",
            "\"leased\"",
            r#"[[0,"invoke","acquire",null],[0,"ok","acquire",1],[1,"invoke","acquire",null],[1,"ok","acquire",2]]"#,
            r#"[1,"ok","acquire",2]"#,
            r#"[1,"ok","acquire",1]"#,
        ),
        (
            "append-only-log",
            "null",
            r#"[[0,"invoke","append","a"],[0,"ok","append",["a",0]],[0,"invoke","read",0],[0,"ok","read",["a"]]]"#,
            r#"["a",0]"#,
            r#"["a",1]"#,
        ),
    ];
    for (model, init, events, from, to) in cases {
        assert!(events.contains(from), "{model}: the good history has no {from}");
        for (name, events, expected) in [("good", events.to_string(), 0), ("bad", events.replacen(from, to, 1), 1)] {
            let file = format!("{model}-{name}.jsonl");
            write(&place, &file, &format!(r#"{{"model":"{model}","init":{init},"events":{events}}}"#));
            let output = check(&place, &format!("linearizability {file}"));
            assert_eq!(code(&output), expected, "{model}, {name}: {}{}", out(&output), err(&output));
            // Here order is all there is, so the weaker model agrees but where two processes may swap.
            let sequential = code(&check(&place, &format!("sequential {file}")));
            assert!(sequential == expected || (model != "register" && expected == 1), "{model}, {name}: {sequential}");
        }
    }
}

#[test]
fn what_is_undecided_is_neither_good_nor_bad() {
    let place = place("undecided");
    // Nobody can tell which write of 1 was read.
    let twice = r#"{"model":"register","events":[[0,"invoke","write",1],[0,"ok","write",1],[1,"invoke","write",1],[1,"ok","write",1],[0,"invoke","read",null],[0,"ok","read",1]]}"#;
    write(&place, "twice.jsonl", twice);
    let output = check(&place, "causal twice.jsonl --json");
    assert_eq!(code(&output), 3, "{}", err(&output));
    let line = &lines(&output)[0];
    assert_eq!((&line["verdict"], names(&line["unknown"])), (&"unknown".into(), vec!["causal"]));
    assert!(line["explanation"].as_str().expect("words").contains("written twice"), "{line}");
    // A violation beside it is a violation.
    write(
        &place,
        "bad.jsonl",
        r#"{"model":"register","null_read":"absent","events":[[0,"invoke","write",1],[0,"ok","write",1],[0,"invoke","read",null],[0,"ok","read",null]]}"#,
    );
    assert_eq!(code(&check(&place, "causal twice.jsonl bad.jsonl")), 1);
    // Too little memory for a relation on so many operations.
    let many: Vec<String> = (0..2_000).map(|n| format!(r#"[0,"invoke","write",{n}],[0,"ok","write",{n}]"#)).collect();
    write(&place, "many.jsonl", &format!(r#"{{"model":"register","events":[{}]}}"#, many.join(",")));
    let output = check(&place, "causal many.jsonl --memory 1");
    assert_eq!(code(&output), 3, "{}", out(&output));
    assert!(out(&output).contains("--memory"), "{}", out(&output));
    assert_eq!(code(&check(&place, "causal many.jsonl")), 0);
}

#[test]
fn what_is_not_as_expected_is_said() {
    let place = place("expected");
    write(&place, "wrong.jsonl", &JSON_GOOD.replace("\"expect\":true", "\"expect\":false"));
    let output = check(&place, "linearizability wrong.jsonl");
    assert_eq!(code(&output), 1);
    assert!(out(&output).contains("NOT AS EXPECTED: expected a violation, and found ok"), "{}", out(&output));
    write(
        &place,
        "wrong.jsonl",
        &SKEW_JSON.replace("\"holds\":[\"snapshot-isolation\"]", "\"holds\":[\"serializable\"]"),
    );
    let line = &lines(&check(&place, "serializable wrong.jsonl --json"))[0];
    assert_eq!(line["as_expected"], false);
    assert_eq!(names(&line["differences"]), ["expected it to keep serializable"]);
}

#[test]
fn staleness_is_measured_and_bounded() {
    let place = place("staleness");
    let history = r#"{"model":"register","events":[[0,"invoke","write",1],[0,"ok","write",1],[0,"invoke","write",2],[0,"ok","write",2],[0,"invoke","write",3],[0,"ok","write",3],[1,"invoke","read",null],[1,"ok","read",1]]}"#;
    write(&place, "stale.jsonl", history);
    let output = check(&place, "staleness stale.jsonl --json");
    assert_eq!(code(&output), 0);
    let lines = lines(&output);
    let statistics = &lines[0]["statistics"];
    assert_eq!((&statistics["k"], &statistics["delta"]), (&3.into(), &3.into()));
    assert_eq!(code(&check(&place, "staleness stale.jsonl --stale-writes 3")), 0);
    assert_eq!(code(&check(&place, "staleness stale.jsonl --stale-writes 2")), 1);
    assert_eq!(code(&check(&place, "staleness stale.jsonl --stale-time 3")), 0);
    assert_eq!(code(&check(&place, "staleness stale.jsonl --stale-time 2")), 1);
}

/// Our own traces are histories too: the tutorial's is a counter, Raft's a store.
#[test]
fn traces_are_replayed_and_judged() {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let file = |name: &str| corpus.join(name).display().to_string();
    let place = place("traces");
    let stale = check(&place, &format!("linearizability {} --json", file("raft-stale-read-without-heartbeat.json")));
    assert_eq!(code(&stale), 1, "{}", err(&stale));
    let line = &lines(&stale)[0];
    assert_eq!((&line["model"], &line["verdict"]), (&"kv".into(), &"violation".into()));
    let tutorial = check(&place, &format!("linearizability {} --json", file("tutorial-counts-retries.json")));
    assert_eq!(code(&tutorial), 0, "{}", err(&tutorial));
    assert_eq!(lines(&tutorial)[0]["model"], "counter");
    // A damaged trace names its line.
    let text = std::fs::read_to_string(file("tutorial-counts-retries.json")).expect("it is kept");
    write(&place, "cut.json", &text[..text.len() / 2]);
    let cut = check(&place, "linearizability cut.json");
    assert_eq!(code(&cut), 2);
    let half = text[..text.len() / 2].lines().count();
    assert!(err(&cut).contains(&format!("cut.json:{half}: ")), "{}", err(&cut));
}

/// One bad history of each sort, as its explanation reads.
#[test]
fn explanations() {
    let place = place("explanations");
    write(&place, "register.jsonl", JSON_BAD);
    write(&place, "keys.edn", EDN_BAD);
    write(&place, "log.txt", LOG_BAD);
    write(&place, "kv.txt", KV_BAD);
    write(&place, "skew.edn", SKEW_EDN);
    let fork = r#"{"id":"fork","model":"register","null_read":"absent","events":[[1,"invoke","write",1],[2,"invoke","write",2],[1,"ok","write",1],[2,"ok","write",2],[3,"invoke","read",null],[3,"ok","read",1],[4,"invoke","read",null],[4,"ok","read",2],[3,"invoke","read",null],[3,"ok","read",2],[4,"invoke","read",null],[4,"ok","read",1]]}"#;
    write(&place, "fork.jsonl", fork);
    let photo = r#"{"id":"photo","model":"kv","null_read":"absent","events":[[1,"invoke","put",["album","private"]],[1,"ok","put",["album","private"]],[1,"invoke","put",["photo","beach"]],[1,"ok","put",["photo","beach"]],[2,"invoke","get",["photo",null]],[2,"ok","get",["photo","beach"]],[2,"invoke","get",["album",null]],[2,"ok","get",["album",null]]]}"#;
    write(&place, "photo.jsonl", photo);
    let lost = r#"{"id":"own","model":"register","null_read":"absent","events":[[1,"invoke","write",1],[1,"ok","write",1],[1,"invoke","read",null],[1,"ok","read",null]]}"#;
    write(&place, "own.jsonl", lost);
    let blind = r#"{"id":"blind","kind":"rw-register","txns":[{"p":0,"status":"ok","mops":[["r","x",0],["w","x",1]]},{"p":1,"status":"ok","mops":[["r","x",0],["w","x",2]]}]}"#;
    write(&place, "blind.jsonl", blind);
    let aborted = r#"{"id":"aborted","kind":"list-append","txns":[{"p":0,"status":"fail","mops":[["append","x",1]]},{"p":1,"status":"ok","mops":[["r","x",[1]]]}]}"#;
    write(&place, "aborted.jsonl", aborted);
    for (level, file) in [
        ("linearizability", "register.jsonl"),
        ("linearizability", "keys.edn"),
        ("linearizability", "log.txt"),
        ("linearizability", "kv.txt"),
        ("sequential", "fork.jsonl"),
        ("causal", "photo.jsonl"),
        ("causal-convergence", "fork.jsonl"),
        ("pram", "own.jsonl"),
        ("sessions", "fork.jsonl"),
        ("regular", "own.jsonl"),
        ("staleness", "own.jsonl"),
        ("serializable", "skew.edn"),
        ("snapshot-isolation", "blind.jsonl"),
        ("read-committed", "aborted.jsonl"),
    ] {
        let output = check(&place, &format!("{level} {file}"));
        let name = format!("{level}.{}", file.split('.').next().unwrap_or(file));
        insta::assert_snapshot!(name, told(&output));
    }
    for (level, file) in [
        ("linearizability", "register.jsonl"),
        ("sequential", "fork.jsonl"),
        ("causal-convergence", "fork.jsonl"),
        ("serializable", "skew.edn"),
    ] {
        for form in ["text", "mermaid", "dot"] {
            let output = check(&place, &format!("{level} {file} --as {form}"));
            assert_eq!(code(&output), 1);
            insta::assert_snapshot!(format!("{level}.{form}"), out(&output));
        }
    }
}

#[test]
fn drawings_go_to_files() {
    let place = place("drawings");
    write(&place, "two.jsonl", &format!("{JSON_BAD}\n{JSON_BAD}\n"));
    let output = check(&place, "linearizability two.jsonl --as dot --out why.dot");
    assert_eq!((code(&output), out(&output)), (1, String::new()));
    for name in ["why.dot", "why-2.dot"] {
        let drawing = std::fs::read_to_string(place.join(name)).expect("it was drawn");
        assert!(drawing.starts_with("digraph") && drawing.trim_end().ends_with('}'), "{drawing}");
    }
}

/// Histories that others recorded and judged.
#[test]
fn oracles() {
    let Some(oracles) = std::env::var_os("SEEDBED_ORACLES") else {
        eprintln!("skipped: SEEDBED_ORACLES is unset");
        return;
    };
    let oracles = PathBuf::from(oracles);
    let place = place("oracles");
    for (level, folder, least) in [("linearizability", "linearizability", 40), ("serializability", "transactions", 30)]
    {
        let file = oracles.join(folder).join("histories.jsonl");
        let output = check(&place, &format!("{level} {} --json", file.display()));
        assert_eq!(code(&output), 1, "{folder}: {}", err(&output));
        let lines = lines(&output);
        assert!(lines.len() > least, "{folder} is nearly empty");
        for line in lines {
            assert_eq!(line["as_expected"], true, "{folder}, {}: {}", line["id"], line["differences"]);
        }
    }
}
