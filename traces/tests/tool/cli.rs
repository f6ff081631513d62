//! The tool as people and scripts use it: what it prints, its exit codes, and how it refuses what is wrong.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{code, lines, place, seedbed};

/// A failing trace of the tutorial, as a sweep writes it.
fn failing(place: &Path) -> (PathBuf, String) {
    let output = seedbed(place, "sweep tutorial --bug counts-retries --seeds 0..40 --threads 1 --json");
    assert_eq!(code(&output), 1);
    let first = lines(&output).into_iter().find(|line| line["trace"].is_string()).expect("one failure is shrunk");
    let file = place.join(first["trace"].as_str().expect("a path"));
    let text = std::fs::read_to_string(&file).expect("the trace was written");
    (file, text)
}

#[test]
fn a_sweep_without_violations_ends_with_0_and_a_summary() {
    let output = seedbed(&place("calm"), "sweep tutorial echo --seeds 0..60 --json");
    assert_eq!(code(&output), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let lines = lines(&output);
    let [only] = &lines[..] else { panic!("one line was expected: {lines:?}") };
    let summary = &only["summary"];
    assert_eq!(summary["runs"], 120);
    assert_eq!(summary["violations"], 0);
    assert_eq!(summary["models"], serde_json::json!(["tutorial", "echo"]));
    assert_eq!(summary["unfired"], serde_json::json!([]));
    assert_eq!(summary["unreached"], serde_json::json!([]));
}

#[test]
fn the_fingerprint_does_not_depend_on_threads_or_shards() {
    let place = place("shards");
    let fingerprint = |words: &str| {
        let output = seedbed(&place, words);
        lines(&output).last().expect("a summary")["summary"]["fingerprint"].clone()
    };
    let one = fingerprint("sweep tutorial --seeds 3..90 --threads 1 --json");
    assert_eq!(one, fingerprint("sweep tutorial --seeds 3..90 --threads 2 --json"));
    for shard in 0..2 {
        let output = seedbed(&place, &format!("sweep tutorial --seeds 3..90 --shard {shard}/2 --json"));
        std::fs::write(place.join(format!("{shard}.jsonl")), &output.stdout).expect("the directory is ours");
    }
    assert_eq!(one, fingerprint("merge 0.jsonl 1.jsonl --json"));
    assert_eq!(one, fingerprint("merge 0.jsonl 1.jsonl 0.jsonl --json"), "the same shard twice counts once");
    assert_ne!(one, fingerprint("merge 0.jsonl --json"));
}

#[test]
fn a_failure_is_found_shrunk_replayed_and_drawn() {
    let place = place("failure");
    let (file, text) = failing(&place);
    let name = file.display().to_string();
    let replay = seedbed(&place, &format!("replay {name} --json"));
    assert_eq!(code(&replay), 1);
    let line = &lines(&replay)[0];
    assert_eq!(line["verdict"], "violated");
    assert_eq!(line["property"], "tutorial/tally_is_exact");
    assert_eq!(line["fingerprint"], line["recorded_fingerprint"]);
    assert_eq!(line["unused"], 0);

    // A trace needs no seed: without its origin it is the same.
    let mut value: Value = serde_json::from_str(&text).expect("a trace is JSON");
    value.as_object_mut().expect("an object").remove("origin");
    let bare = place.join("bare.json");
    std::fs::write(&bare, value.to_string()).expect("the directory is ours");
    assert_eq!(&lines(&seedbed(&place, "replay bare.json --json"))[0], line);

    // What if the bug were not there?
    let mended = seedbed(&place, &format!("replay {name} --no-bug --json"));
    assert_eq!((code(&mended), lines(&mended)[0]["verdict"].as_str()), (0, Some("held")));
    for (with, expected) in [("nonsense=1", "it has: clients"), ("nonsense", "FIELD=VALUE")] {
        let refused = seedbed(&place, &format!("replay {name} --with {with}"));
        assert_eq!(code(&refused), 2);
        assert!(String::from_utf8_lossy(&refused.stderr).contains(expected), "--with {with} should say '{expected}'");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("it is still there"), text, "the trace itself stays");

    // A property of a test is not known here.
    let of_a_test =
        text.replace("tutorial/tally_is_exact", "mine/exact").replace("bug\": \"counts-retries\",", "bug\": null,");
    std::fs::write(place.join("mine.json"), of_a_test).expect("the directory is ours");
    for command in ["replay", "shrink"] {
        let refused = seedbed(&place, &format!("{command} mine.json"));
        assert_eq!(code(&refused), 2, "{command}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("no property 'mine/exact'"), "{command}");
    }

    // Another story under the same name takes no other's place.
    let other = seedbed(&place, "sweep tutorial --faults loss,wipe --every --seeds 0..1");
    assert_eq!(code(&other), 1);
    let aside = file.with_extension("1.json");
    assert_eq!(std::fs::read_to_string(&aside).expect("the first story is kept"), text);
    std::fs::rename(&aside, &file).expect("the directory is ours");

    let drawn = seedbed(&place, &format!("show {name}"));
    assert_eq!(code(&drawn), 0);
    assert!(String::from_utf8_lossy(&drawn.stdout).contains("VIOLATED"));
    let mermaid = seedbed(&place, &format!("show {name} --as mermaid --out drawing.mmd"));
    assert_eq!(code(&mermaid), 0);
    let drawing = std::fs::read_to_string(place.join("drawing.mmd")).expect("it was written");
    assert!(drawing.starts_with("sequenceDiagram\n"));

    let shrunk = seedbed(&place, &format!("shrink {name} --out again.json --json"));
    assert_eq!(code(&shrunk), 1);
    let line = &lines(&shrunk)[0];
    assert!(line["after"]["operations"].as_u64() <= line["before"]["operations"].as_u64());
    assert_eq!(std::fs::read_to_string(&file).expect("it is still there"), text, "shrinking changed its input");
}

#[test]
fn damaged_traces_are_refused_with_the_place() {
    let place = place("damaged");
    let (_, text) = failing(&place);
    let cases = [
        ("truncated", text[..text.len() / 2].to_string(), "line"),
        ("later", text.replace("\"version\": 1", "\"version\": 99"), "version 99"),
        ("unknown", text.replace("\"model\": \"tutorial\"", "\"model\": \"nonsense\""), "no model 'nonsense'"),
        ("time", text.replacen("\"at\": \"", "\"at\": \"soon ", 1), "at"),
        ("node", text.replace("\"client\": \"n", "\"client\": \"n9"), "operations[0].client"),
        ("field", text.replace("\"faults\":", "\"faulst\":"), "faulst"),
        ("trailing", format!("{text}x"), "after the trace"),
        ("nothing", String::new(), "not a trace"),
        ("json", "[1, 2]".to_string(), "not a trace"),
    ];
    for (name, damaged, expected) in cases {
        let file = format!("{name}.json");
        std::fs::write(place.join(&file), &damaged).expect("the directory is ours");
        for command in ["replay", "shrink", "show"] {
            let output = seedbed(&place, &format!("{command} {file}"));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(code(&output), 2, "{command} {name}: {said}");
            assert!(said.contains(expected), "{command} {name} should name '{expected}': {said}");
            assert!(said.contains(&file), "{command} {name} should name the file: {said}");
        }
        assert_eq!(std::fs::read_to_string(place.join(&file)).expect("it is still there"), damaged);
    }
}

#[test]
fn wrong_calls_end_with_2_and_say_what_to_do() {
    let place = place("wrong");
    let cases = [
        ("sweep nonsense", "there are echo"),
        ("sweep tutorial --bug nonsense", "it has: counts-retries"),
        ("sweep echo --bug nonsense", "no bugs"),
        ("sweep tutorial --seeds 9..3", "B must be above A"),
        ("sweep tutorial --seeds many", "0..1000"),
        ("sweep tutorial --seeds 0..18446744073709551615", "at most 1000000000000"),
        ("sweep tutorial --shard 2/2", "I/N"),
        ("sweep tutorial --faults rain", "choose from loss"),
        ("sweep tutorial --threads 0", "at least one thread"),
        ("run tutorial --nodes 1", "at least one client"),
        ("replay nowhere.json", "nowhere.json"),
        ("merge nowhere.jsonl", "nowhere.jsonl"),
        ("nonsense", "unrecognized subcommand"),
        // Counts have bounds, which are said.
        ("sweep tutorial --threads 99999999999", "99999999999 is not in 0..="),
        ("mutants tutorial --threads 4096", "4096 is not in 0..="),
        ("mutants tutorial --attempts 18446744073709551615", "is not in 0..=100000"),
        ("mutants tutorial --seeds 18446744073709551615", "is not in 0..=1000000000"),
        ("mutants tutorial --budget 18446744073709551615", "is not in 0..=1000000000"),
        ("atlas --seeds 18446744073709551615", "is not in 0..=1000000000"),
        ("run tutorial --nodes 99999999999", "99999999999 is not in 0..="),
        ("run tutorial --lines 99999999999", "99999999999 is not in 0..="),
        ("shrink nowhere.json --runs 99999999999", "99999999999 is not in 0..="),
        ("shrink nowhere.json --seconds 1e300", "a year"),
        ("check linearizability nowhere.jsonl --memory 99999999999", "99999999999 is not in 1..="),
        ("check linearizability nowhere.jsonl --seconds nan", "a year"),
    ];
    for (words, expected) in cases {
        let output = seedbed(&place, words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 2, "{words}: {said}");
        assert!(said.contains(expected), "'{words}' should say '{expected}': {said}");
    }
}

/// Devices that never end are refused like files that are too large, before they take the machine's memory.
#[test]
#[cfg(target_os = "linux")]
fn what_never_ends_is_not_read_to_its_end() {
    let place = place("endless");
    for device in ["/dev/zero", "/dev/full"] {
        for words in ["replay", "shrink", "show", "check linearizability", "merge"] {
            let output = seedbed(&place, &format!("{words} {device}"));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(code(&output), 2, "{words} {device}: {said}");
            assert!(said.contains(device) && said.contains(" MB"), "{words} {device}: {said}");
        }
    }
}

#[test]
fn list_names_everything() {
    let output = seedbed(&place("list"), "list --json");
    assert_eq!(code(&output), 0);
    for line in lines(&output) {
        for field in ["model", "row", "family", "tolerates", "properties", "bugs", "boundaries", "marks"] {
            assert!(!line[field].is_null(), "{field} is missing from {line}");
        }
        assert!(!line["properties"].as_array().expect("a list").is_empty(), "{} checks nothing", line["model"]);
    }
}

#[test]
fn mutants_are_killed() {
    let output = seedbed(&place("mutants"), "mutants tutorial --attempts 3 --seeds 100 --json");
    assert_eq!(code(&output), 0);
    let line = &lines(&output)[0];
    assert_eq!(line["killed"], true);
    assert_eq!(line["killed_by"], line["expected_property"]);
    assert!(line["seeds_median"].as_u64() >= Some(1));
}

/// What the guide says of each is what the table shows: who promises to lose nothing loses nothing, and who does not promise it
/// does, if what it relies on fails.
#[test]
fn compared_messaging_loses_what_it_does_not_promise_to_keep() {
    let output = seedbed(&place("messaging"), "compare messaging --seeds 0..20 --json");
    assert_eq!(code(&output), 0);
    let lines = lines(&output);
    let lost = |contender: &str, faults: &str| {
        let line = lines.iter().find(|line| line["contender"] == contender && line["faults"] == faults);
        let line = line.unwrap_or_else(|| panic!("no line of {contender} under {faults}"));
        assert!(line["processed"].as_u64() > Some(0), "{line}");
        line["lost"].as_u64().expect("a number")
    };
    for faults in ["calm", "loss", "server crashes", "consumer crashes", "consumer pauses", "server cut off"] {
        for contender in ["AMQP, classic queue", "AMQP, quorum queue", "Redis stream, always synced"] {
            assert_eq!(lost(contender, faults), 0, "{contender} under {faults}");
        }
    }
    assert!(lost("AMQP, classic, no confirms, auto-ack", "consumer crashes") > 0);
    assert!(lost("AMQP, classic, no confirms, auto-ack", "server crashes") > 0);
}

#[test]
fn compared_transactions_cost_what_the_textbooks_say() {
    let output = seedbed(&place("compare"), "compare transactions --seeds 0..3 --json");
    assert_eq!(code(&output), 0);
    let lines = lines(&output);
    let told: Vec<_> = lines.iter().filter(|line| line["textbook"].is_object()).collect();
    assert_eq!(told.len(), 3, "2PC in three forms");
    for line in told {
        let (counted, textbook) = (&line["one_transfer"], &line["textbook"]);
        assert_eq!(counted["forced_writes"], textbook["forced_writes"], "{line}");
        assert_eq!(counted["lazy_writes"], textbook["lazy_writes"], "{line}");
        // Beside the two phases: the client's question and answer, and a round of work with two participants.
        let beside = counted["messages"].as_u64().zip(textbook["messages"].as_u64()).map(|(all, phases)| all - phases);
        assert_eq!(beside, Some(6), "{line}");
    }
    let measured = lines.iter().filter(|line| line["faults"].is_string());
    assert!(measured.clone().count() >= 40, "every contender under every plan");
    assert!(measured.clone().all(|line| line["asked"].as_u64() > Some(0)), "all are asked for transfers");
}
