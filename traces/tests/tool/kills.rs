//! The kill matrix of two small models, by all strategies; and the corpus of guided searches, by the tool.

use std::process::Output;

use seedbed_sim::Strategy;
use seedbed_traces::kills::compare::compare;
use seedbed_traces::kills::{Effort, Plan, Row, json, measure, page, text};
use seedbed_traces::registry;
use serde_json::Value;

use crate::program::{err, lines, place, seedbed};

fn plan() -> Plan {
    let strategies = vec![Strategy::Swarm, Strategy::Uniform, Strategy::Pct, Strategy::Guided];
    Plan { effort: Effort { attempts: 5, seeds: 300, budget: 600 }, strategies }
}

fn measured(threads: usize) -> Vec<Row> {
    let components = ["tutorial", "outbox"].map(|name| registry::find(name).expect("it is there"));
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had");
    pool.install(|| measure(&components, &plan(), &|| (), &|| true)).expect("the bugs can be planted")
}

fn told(rows: &[Row]) -> Vec<Value> {
    let comparison = json::comparison(rows, &compare(rows));
    rows.iter().map(json::row).chain([comparison]).collect()
}

#[test]
fn the_matrix_of_two_models() {
    let rows = measured(1);
    assert_eq!(told(&rows), told(&measured(4)), "the matrix does not depend on threads");
    for row in &rows {
        let line = json::row(row);
        for field in
            ["model", "bug", "expected_property", "killed", "killed_by", "seeds_median", "seeds_max", "attempts"]
        {
            assert!(!line[field].is_null(), "{field} is missing from {line}");
        }
        assert_eq!((&line["killed"], &line["killed_by"]), (&Value::Bool(true), &line["expected_property"]));
        let (low, high) = (&line["seeds_interval"][0], &line["seeds_interval"][1]);
        let median = line["seeds_median"].as_u64();
        assert!(low.as_u64() <= median && median <= high.as_u64(), "{line}");
        assert_eq!(line["by_strategy"].as_object().map(serde_json::Map::len), Some(4));
        let seen = &line["by_property"][row.bug.caught_by];
        assert_eq!(seen["seeds_median"], line["seeds_median"]);
    }
    let comparisons = compare(&rows);
    let told = [
        text::bugs(&rows).to_string(),
        text::other_detections(&rows).to_string(),
        text::only(&rows).join("\n"),
        text::strategies(&rows).to_string(),
        text::verdicts(&rows, &comparisons).join("\n"),
    ];
    let told: Vec<_> = told.iter().flat_map(|part| part.lines()).map(str::trim_end).collect();
    insta::assert_snapshot!("two-models.text", told.join("\n"));
    check_page(&page::page(&rows, &plan()), rows.len());
}

/// The page needs nothing but itself, and its tables say what their rows and columns are.
fn check_page(page: &str, bugs: usize) {
    for outside in ["http", "src=", "<link", "@import", "url(", "<script"] {
        assert!(!page.contains(outside), "{outside} leads outside the page");
    }
    let count = |what: &str| page.matches(what).count();
    assert_eq!(count("<table>"), 3, "one for each model, one for the strategies");
    for (open, close) in [("<table", "</table>"), ("<tr>", "</tr>"), ("<td", "</td>"), ("<section", "</section>")] {
        assert_eq!(count(open), count(close), "{open}");
    }
    assert_eq!(count("<caption>"), count("<table>"));
    assert_eq!(count("scope=\"row\""), 2 * bugs, "once by property, once by strategy");
    assert_eq!(count("class=\"must\""), bugs, "each bug has one property that must see it");
}

fn fingerprint(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", err(output));
    lines(output).last().expect("a summary")["summary"]["fingerprint"].clone()
}

#[test]
fn a_guided_sweep_keeps_what_it_found_and_begins_with_it() {
    let place = place("guided");
    let sweep = "sweep tutorial --strategy guided --seeds 0..300 --json";
    let alone = fingerprint(&seedbed(&place, sweep));
    let first = fingerprint(&seedbed(&place, &format!("{sweep} --corpus")));
    assert_eq!(alone, first, "an empty corpus changes nothing");
    let files: Vec<_> = std::fs::read_dir(place.join("traces/guided/tutorial")).expect("it was written").collect();
    assert!(!files.is_empty());
    for file in &files {
        let file = file.as_ref().expect("a file").path();
        let replay = seedbed(&place, &format!("replay {} --json", file.display()));
        assert_eq!(replay.status.code(), Some(0), "{}", err(&replay));
        let line: Value = serde_json::from_slice(&replay.stdout).expect("JSON");
        assert_eq!((&line["replayed"], &line["verdict"]), (&Value::from("exact"), &Value::from("held")));
        assert_eq!(line["fingerprint"], line["recorded_fingerprint"]);
    }
    let copy = |to: &str| {
        std::fs::create_dir_all(place.join(to).join("tutorial")).expect("ours");
        for file in &files {
            let file = file.as_ref().expect("a file");
            std::fs::copy(file.path(), place.join(to).join("tutorial").join(file.file_name())).expect("ours");
        }
    };
    copy("one");
    copy("other");
    let second = fingerprint(&seedbed(&place, &format!("{sweep} --corpus one --threads 1")));
    assert_ne!(first, second, "it begins elsewhere");
    assert_eq!(second, fingerprint(&seedbed(&place, &format!("{sweep} --corpus other --threads 3"))));
}

/// What a sweep says of a seed is what a run of it alone shows, under every strategy.
#[test]
fn a_failing_seed_of_any_strategy_can_be_run_alone() {
    let place = place("alone");
    for strategy in Strategy::ALL {
        let options = format!("--bug counts-retries --strategy {strategy} --json");
        let swept = seedbed(&place, &format!("sweep tutorial {options} --seeds 0..100 --no-shrink"));
        assert_eq!(swept.status.code(), Some(1), "{strategy}: {}", err(&swept));
        let line = &lines(&swept)[0];
        let ran = seedbed(&place, &format!("run tutorial {options} --seed {}", line["seed"]));
        assert_eq!(ran.status.code(), Some(1), "{strategy}: {}", err(&ran));
        let alone: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
        for field in ["property", "fingerprint", "events"] {
            assert_eq!(alone[field], line[field], "{strategy}");
        }
        let replay = seedbed(&place, &format!("replay {}", alone["trace"].as_str().expect("a trace")));
        assert_eq!(replay.status.code(), Some(1), "{strategy}: {}", err(&replay));
    }
}

#[test]
fn wrong_calls_say_what_to_do() {
    let place = place("wrong-kills");
    for (words, says) in [
        ("sweep tutorial --strategy best", "choose from uniform swarm pct guided"),
        ("sweep tutorial --corpus x", "--strategy guided does"),
        ("mutants tutorial --strategies swarm,best", "choose from uniform swarm pct guided"),
        ("mutants tutorial --attempts 0", "at least one of each"),
        ("mutants --all tutorial", "cannot be used with"),
    ] {
        let output = seedbed(&place, words);
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(err(&output).contains(says), "{words}: {}", err(&output));
    }
}
