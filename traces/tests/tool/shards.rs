//! Sweeps beyond one machine: recognising a shard, joining what workers wrote, and going on where one was killed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use seedbed_traces::shard::Shard;
use seedbed_traces::shard::auto::recognise;
use seedbed_traces::shard::collect::{Collected, Joined};
use seedbed_traces::shard::record::{Seeds, sealed};
use serde_json::{Value, json};

use crate::program::{err, out};

// -------------------------------------------------------------------------------------------------------------------
// Shards and parts

#[test]
fn parts_cover_every_seed_once() {
    for (seeds, of) in
        [(0..1, 1), (0..1000, 7), (5..70, 64), (0..3, 8), (17..1_000_000, 3), (u64::MAX - 9..u64::MAX, 2)]
    {
        let mut next = seeds.start;
        for index in 0..of {
            let shard = Shard::new(index, of).expect("the index is below the number");
            for part in shard.parts(&seeds) {
                assert_eq!(part.start, next);
                assert!(part.end > part.start);
                next = part.end;
            }
            assert_eq!(next, shard.share(&seeds).end);
            assert!(shard.parts(&seeds).len() <= 256);
        }
        assert_eq!(next, seeds.end);
    }
}

#[test]
fn shards_are_read_as_they_are_written() {
    let shard: Shard = "3/8".parse().expect("a shard");
    assert_eq!((shard.to_string(), Shard::new(3, 8)), ("3/8".to_string(), Some(shard)));
    for wrong in ["8/8", "-1/8", "1", "a/b", "1/0", "1/2/3", "", "0/18446744073709551615"] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
}

// -------------------------------------------------------------------------------------------------------------------
// Which shard a process is

fn environment(words: &str) -> BTreeMap<String, String> {
    words.split_whitespace().filter_map(|word| word.split_once('=')).map(|(a, b)| (a.into(), b.into())).collect()
}

#[test]
fn engines_are_recognised() {
    let slurm = "SLURM_JOB_ID=9 SLURM_ARRAY_TASK_ID=";
    let cases = [
        (format!("{slurm}3 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3"), "3/4", "SLURM"),
        (format!("{slurm}1 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=4"), "0/4", "SLURM"),
        (
            format!(
                "{slurm}15 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_MAX=16 SLURM_ARRAY_TASK_STEP=5"
            ),
            "2/3",
            "SLURM",
        ),
        ("JOB_COMPLETION_INDEX=0 SEEDBED_SHARD_COUNT=6".into(), "0/6", "Kubernetes"),
        ("AWS_BATCH_JOB_ARRAY_INDEX=9 AWS_BATCH_JOB_ARRAY_SIZE=10".into(), "9/10", "AWS Batch"),
        ("AWS_BATCH_JOB_ARRAY_INDEX=9 SEEDBED_SHARD_COUNT=10".into(), "9/10", "AWS Batch"),
        ("BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=2".into(), "1/2", "Buildkite"),
        ("GITHUB_ACTIONS=true SEEDBED_SHARD_INDEX=2 SEEDBED_SHARD_COUNT=3".into(), "2/3", "GitHub Actions"),
        ("SEEDBED_SHARD_INDEX=2 SEEDBED_SHARD_COUNT=3".into(), "2/3", "the environment"),
        // Two that agree.
        (
            "BUILDKITE_PARALLEL_JOB=1 BUILDKITE_PARALLEL_JOB_COUNT=2 SEEDBED_SHARD_INDEX=1 SEEDBED_SHARD_COUNT=2"
                .into(),
            "1/2",
            "Buildkite",
        ),
    ];
    for (variables, shard, engine) in cases {
        let recognised = recognise(&environment(&variables)).unwrap_or_else(|problem| panic!("{variables}: {problem}"));
        assert_eq!(recognised.shard.to_string(), shard, "{variables}");
        assert!(recognised.engine.contains(engine), "{variables}: {}", recognised.engine);
        assert!(recognised.from.contains('='), "{variables}: {}", recognised.from);
    }
}

#[test]
fn what_is_missing_or_contradictory_is_named() {
    let cases = [
        ("", "write --shard I/N"),
        ("SLURM_JOB_ID=9", "SLURM_ARRAY_TASK_ID is not set"),
        ("SLURM_ARRAY_TASK_ID=3", "SLURM_ARRAY_TASK_COUNT is not set"),
        ("SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4", "SLURM_ARRAY_TASK_MIN is not set"),
        ("SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=4", "SLURM_ARRAY_TASK_ID='x' is not a number"),
        ("SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7", "gaps"),
        ("SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=2", "gaps"),
        ("SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=4 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=0", "gaps"),
        ("JOB_COMPLETION_INDEX=3", "SEEDBED_SHARD_COUNT is not set"),
        ("JOB_COMPLETION_INDEX=3 SEEDBED_SHARD_COUNT=3", "no shard 3 of 3"),
        ("AWS_BATCH_JOB_ID=a", "AWS_BATCH_JOB_ARRAY_INDEX is not set"),
        ("AWS_BATCH_JOB_ARRAY_INDEX=1 AWS_BATCH_JOB_ARRAY_SIZE=4 SEEDBED_SHARD_COUNT=5", "contradicts"),
        ("BUILDKITE_PARALLEL_JOB=0", "BUILDKITE_PARALLEL_JOB_COUNT is not set"),
        ("BUILDKITE_JOB_ID=a", "parallelism"),
        ("GITHUB_ACTIONS=true", "${{ strategy.job-index }}"),
        ("GITHUB_ACTIONS=true SEEDBED_SHARD_INDEX=0", "${{ strategy.job-total }}"),
        ("SEEDBED_SHARD_COUNT=4", "SEEDBED_SHARD_INDEX is not"),
        ("SEEDBED_SHARD_INDEX=-1 SEEDBED_SHARD_COUNT=4", "not a number"),
        (
            "JOB_COMPLETION_INDEX=1 SEEDBED_SHARD_COUNT=4 BUILDKITE_PARALLEL_JOB=0 BUILDKITE_PARALLEL_JOB_COUNT=4",
            "two engines",
        ),
    ];
    for (variables, expected) in cases {
        let problem = recognise(&environment(variables)).expect_err(variables);
        assert!(problem.contains(expected), "'{variables}' should say '{expected}': {problem}");
    }
}

// -------------------------------------------------------------------------------------------------------------------
// Joining

fn header(shard: &str) -> Value {
    json!({"sweep": {"format": 2, "shard": shard, "models": ["oak"], "seeds": "0..200",
        "options": {"bug": null, "faults": null, "nodes": null, "boundary": null, "settings": {}},
        "tool": "1.0.0", "probe": "00000000000000aa"}})
}

/// A part whose fingerprint tells which seeds are in it.
fn part(start: u64, end: u64) -> Value {
    let bits = (start / 10..end / 10).fold(0u64, |bits, ten| bits | 1 << ten);
    let failing = |seed: u64| json!({"model": "oak", "seed": seed, "verdict": "violated", "property": "oak/stands", "trace": null});
    let failing: Vec<_> = (start..end).filter(|seed| *seed == 130).map(failing).collect();
    json!({"part": {"model": "oak", "seeds": format!("{start}..{end}"), "failing": failing, "summary": {
        "models": ["oak"], "runs": end - start, "violations": failing.len(), "diverged": 0, "events": 10 * (end - start),
        "seconds": 0.5, "threads": 1, "faults": {"loss": 1}, "marks": {"grew": 0},
        "fingerprint": format!("{bits:016x}"), "unfired": [], "unreached": ["grew"]}}})
}

fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{}\n", sealed(line))).collect()
}

/// The same lines with new digests, as if a worker had written them so.
fn resealed(text: &str) -> String {
    let line = |line: &str| {
        let mut value: Value = serde_json::from_str(line).expect("a line is JSON");
        value.as_object_mut().expect("an object").remove("digest");
        format!("{}\n", sealed(&value))
    };
    text.lines().map(line).collect()
}

fn join(files: &[(&str, &str)]) -> anyhow::Result<Joined> {
    let mut collected = Collected::default();
    for (name, text) in files {
        collected.read(name, text)?;
    }
    collected.join()
}

fn shards() -> (String, String) {
    let first = text(&[header("0/2"), part(0, 70), part(70, 100)]);
    let trace =
        json!({"model": "oak", "seed": 130, "verdict": "violated", "property": "oak/stands", "trace": "oak.json"});
    let second = text(&[header("1/2"), part(100, 170), trace, part(170, 200)]);
    (first, second)
}

#[test]
fn shards_are_joined_in_any_order_and_any_number() {
    let (first, second) = shards();
    let once = join(&[("a", &first), ("b", &second)]).expect("they belong together");
    assert_eq!((once.summary.runs, once.summary.violations, once.summary.events), (200, 1, 2000));
    assert_eq!(once.summary.fingerprint.0, (1 << 20) - 1);
    assert_eq!(once.summary.unreached, ["grew"]);
    assert!(once.missing.is_empty() && once.notes.is_empty());
    assert_eq!(once.failing.len(), 1, "a failing seed is told of once");
    assert_eq!(once.failing[0]["trace"], "oak.json", "by the line that says most");

    let again = join(&[("b", &second), ("a", &first), ("c", &second)]).expect("the same twice counts once");
    assert_eq!((again.summary, again.failing), (once.summary.clone(), once.failing.clone()));
    let one_file = join(&[("all", &format!("{first}{second}{first}"))]).expect("files can be put together");
    assert_eq!(one_file.summary, once.summary);
}

#[test]
fn a_requeued_worker_counts_once() {
    let (first, _) = shards();
    let killed = text(&[header("1/2"), part(170, 200)]);
    let requeued = text(&[header("1/2"), part(100, 170), part(170, 200)]);
    let joined = join(&[("a", &first), ("b", &format!("{killed}{requeued}"))]).expect("they belong together");
    assert_eq!((joined.summary.runs, joined.summary.fingerprint.0), (200, (1 << 20) - 1));
}

#[test]
fn what_is_missing_is_named() {
    let (first, _) = shards();
    let joined = join(&[("a", &first)]).expect("one shard is something");
    let [missing] = &joined.missing[..] else { panic!("one shard is missing: {:?}", joined.missing) };
    assert_eq!(missing.to_string(), "shard 1/2 is missing; oak: seeds 100..200");
    assert_eq!(joined.summary.runs, 100);

    let killed = text(&[header("1/2"), part(120, 130), part(140, 150)]);
    let joined = join(&[("a", &first), ("b", &killed)]).expect("a part of a shard is something");
    let [missing] = &joined.missing[..] else { panic!("one shard is incomplete: {:?}", joined.missing) };
    assert_eq!(missing.seeds, [("oak".to_string(), vec![Seeds(100..120), Seeds(130..140), Seeds(150..200)])]);
    assert_eq!(missing.to_string(), "shard 1/2 is incomplete; oak: seeds 100..120, 130..140, 150..200");
    assert_eq!(joined.swept.call(missing.shard), "seedbed sweep oak --seeds 0..200 --shard 1/2");
}

/// Cut after every byte: the whole lines count, and what is cut is named with its line.
#[test]
fn a_file_that_was_cut_off_is_worth_its_whole_lines() {
    let (first, second) = shards();
    let ends: Vec<_> = first.match_indices('\n').map(|(end, _)| end).collect();
    for cut in 1..first.len() {
        let joined = join(&[("b", &second), ("a", &first[..cut])]).expect("the second shard is whole");
        // A line is whole even if only its end of line is missing.
        let whole = ends.iter().filter(|end| **end <= cut).count();
        let runs = [0, 0, 70, 100][whole];
        assert_eq!(joined.summary.runs, 100 + runs, "cut after {cut} bytes");
        assert_eq!(joined.missing.is_empty(), runs == 100);
        let in_the_middle = !ends.contains(&cut) && !ends.contains(&(cut - 1));
        let told = format!("a, line {}: cut off in the middle; the whole lines before it are used", whole + 1);
        assert_eq!(joined.notes, if in_the_middle { vec![told] } else { vec![] }, "cut after {cut} bytes");
    }
    let joined = join(&[("b", &second), ("a", "")]).expect("the second shard is whole");
    assert_eq!(joined.notes, ["a is empty"]);
}

#[test]
fn damage_in_the_middle_is_named_and_passed_over() {
    let (first, second) = shards();
    let damaged = first.replacen("\"runs\":70", "\"runs\":7", 1);
    let joined = join(&[("a", &resealed(&damaged)), ("b", &second)]).expect("the rest is whole");
    assert!(joined.notes[0].starts_with("a, line 2: refused, because 7 runs"), "{:?}", joined.notes);
    assert_eq!(joined.summary.runs, 130);
    let torn = first.replacen("0..70", "0..\n70", 1);
    let joined = join(&[("a", &torn), ("b", &second)]).expect("the rest is whole");
    assert_eq!((joined.notes.len(), joined.summary.runs), (2, 130), "{:?}", joined.notes);
}

/// A changed digit anywhere is noticed: the line is named, and its part is missing.
#[test]
fn a_line_whose_digest_does_not_fit_is_refused() {
    let (first, second) = shards();
    let whole = join(&[("a", &first), ("b", &second)]).expect("they belong together").summary;
    let digits: Vec<usize> = first.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect();
    assert!(digits.len() > 100, "there are digits everywhere");
    for at in digits {
        let mut damaged = first.clone().into_bytes();
        damaged[at] = if damaged[at] == b'9' { b'0' } else { damaged[at] + 1 };
        let damaged = String::from_utf8(damaged).expect("digits are text");
        let line = first[..at].matches('\n').count() + 1;
        let Ok(joined) = join(&[("b", &second), ("a", &damaged)]) else {
            // It says that another version wrote it.
            assert!(first[..at].ends_with("\"format\":"), "{damaged}");
            continue;
        };
        assert!(joined.notes[0].starts_with(&format!("a, line {line}: refused, because ")), "{:?}", joined.notes);
        assert!(joined.summary.runs < whole.runs, "a part is missing");
        assert!(!joined.missing.is_empty());
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (first, second) = shards();
    let changed = |from: &str, to: &str| {
        assert!(second.contains(from), "{from}");
        resealed(&second.replace(from, to))
    };
    let cases = [
        (changed("0..200", "0..300"), "over seeds 0..300, not over seeds 0..200"),
        (changed("\"oak\"", "\"elm\""), "of elm, not of oak"),
        (changed("\"bug\":null", "\"bug\":\"rot\""), "with --bug rot, not with the usual options"),
        (changed("\"faults\":null", "\"faults\":[]"), "with --faults none"),
        (changed("\"faults\":null", "\"faults\":[\"loss\",\"dup\"]"), "with --faults loss,dup"),
        (changed("\"settings\":{}", "\"settings\":{\"kind\":\"x\"}"), "with --kind x"),
        (changed("1.0.0", "1.0.1"), "by version 1.0.1, not by version 1.0.0"),
        (changed("00000000000000aa", "00000000000000ab"), "with code whose first seeds give the fingerprint"),
        (changed("1/2", "1/3"), "shard 1/3 does not belong"),
        (changed("\"format\":2", "\"format\":3"), "a later version"),
        (resealed(&first.replacen("\"events\":700", "\"events\":701", 1)), "came out differently"),
        (changed("\"format\":2", "\"format\":1"), "an earlier version of seedbed wrote this"),
        (text(&[header("0/2"), part(60, 100)]), "overlaps"),
        ("# A page about oaks\n".into(), "is not the result of a sweep"),
        ("{\"version\": 1}\n".into(), "is not the result of a sweep"),
        ("{\n  \"version\": 1\n}".into(), "is not the result of a sweep"),
        (text(&[part(100, 200)]), "is not the result of a sweep"),
    ];
    for (other, expected) in cases {
        let problem = join(&[("a", &first), ("b", &other)]).map(|joined| joined.notes).expect_err(expected).to_string();
        assert!(problem.contains(expected) && problem.contains('b'), "should say '{expected}': {problem}");
    }
    assert!(join(&[("a", ""), ("b", "{\"sweep\": {\"form")]).is_err(), "nothing at all says what was swept");
}

/// The form without parts: a summary line says what the shard came to.
#[test]
fn summaries_count_where_there_are_no_parts() {
    let (first, _) = shards();
    let mut closing = part(100, 200)["part"]["summary"].take();
    closing["seeds"] = json!("0..200");
    closing["shard"] = json!("1/2");
    let second = text(&[json!({"summary": closing})]);
    let joined = join(&[("a", &first), ("b", &second), ("c", &second)]).expect("they belong together");
    assert_eq!((joined.summary.runs, joined.summary.fingerprint.0), (200, (1 << 20) - 1));
    assert!(joined.missing.is_empty());
    closing["interrupted"] = json!(true);
    let joined = join(&[("a", &first), ("b", &text(&[json!({"summary": closing})]))]).expect("one is whole");
    assert_eq!((joined.summary.runs, joined.missing.len(), joined.notes.len()), (100, 1, 1));
}

// -------------------------------------------------------------------------------------------------------------------
// The tool

fn place(name: &str) -> PathBuf {
    crate::program::place(&format!("sharing/{name}"))
}

fn seedbed(place: &Path, variables: &str, words: &str) -> Output {
    crate::program::command(place, words).envs(environment(variables)).output().expect("the tool can be started")
}

fn summary(output: &Output) -> Value {
    let lines = crate::program::lines(output);
    lines.last().unwrap_or_else(|| panic!("nothing was printed: {}", err(output)))["summary"].clone()
}

#[test]
fn a_shard_knows_itself_and_a_merge_is_the_whole() {
    let place = place("auto");
    let whole = seedbed(&place, "", "sweep tutorial echo --seeds 3..700 --json");
    for index in 0..3 {
        let variables = format!("JOB_COMPLETION_INDEX={index} SEEDBED_SHARD_COUNT=3");
        let words = format!("sweep tutorial echo --seeds 3..700 --shard auto --results {index}.jsonl");
        let output = seedbed(&place, &variables, &words);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        assert!(err(&output).contains(&format!("shard {index}/3, by a Kubernetes Indexed Job")), "{}", err(&output));
    }
    let merged = seedbed(&place, "", "merge 0.jsonl 1.jsonl 2.jsonl 1.jsonl --json");
    assert_eq!(merged.status.code(), Some(0), "{}", err(&merged));
    for field in ["fingerprint", "runs", "events", "faults", "marks", "models", "violations"] {
        assert_eq!(summary(&merged)[field], summary(&whole)[field], "{field}");
    }
    assert_eq!(summary(&merged)["complete"], true);

    let missing = seedbed(&place, "", "merge 0.jsonl 2.jsonl --json");
    assert_eq!(missing.status.code(), Some(3), "nothing was violated, but not all was seen");
    assert!(err(&missing).contains("shard 1/3 is missing"), "{}", err(&missing));
    assert_eq!(summary(&missing)["missing"][0]["shard"], "1/3");
    let unknown = seedbed(&place, "", "sweep tutorial --shard auto");
    assert_eq!(unknown.status.code(), Some(2), "{}", err(&unknown));
}

#[test]
fn a_worker_goes_on_where_another_was_killed() {
    let place = place("resume");
    let file = place.join("0.jsonl");
    let words = "sweep tutorial --seeds 3..700 --bug counts-retries --shard 0/1 --results 0.jsonl --no-shrink --json";
    let whole = seedbed(&place, "", words);
    assert_eq!(whole.status.code(), Some(1), "{}", err(&whole));
    let text = std::fs::read_to_string(&file).expect("it was written");
    let cuts: Vec<_> =
        [1, 4, 7].iter().map(|line| text.match_indices('\n').nth(*line).expect("a line").0 - 20).collect();
    for cut in cuts {
        std::fs::write(&file, &text[..cut]).expect("the directory is ours");
        let again = seedbed(&place, "", words);
        assert_eq!(again.status.code(), Some(1), "{}", err(&again));
        for field in ["fingerprint", "runs", "violations", "marks"] {
            assert_eq!(summary(&again)[field], summary(&whole)[field], "{field}");
        }
        let failing = |output: &Output| {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut lines: Vec<_> =
                text.lines().filter(|line| line.contains("\"verdict\"")).map(String::from).collect();
            lines.sort();
            lines
        };
        assert_eq!(failing(&again), failing(&whole), "all failing seeds are told of, whoever found them");
        let merged = seedbed(&place, "", "merge 0.jsonl --json");
        assert_eq!(merged.status.code(), Some(1));
        assert_eq!(summary(&merged)["fingerprint"], summary(&whole)["fingerprint"]);
    }
    // What an earlier worker did not come to shrink is shrunk by the next one.
    let shrunk = seedbed(&place, "", &words.replace(" --no-shrink", ""));
    assert_eq!(shrunk.status.code(), Some(1), "{}", err(&shrunk));
    let merged = seedbed(&place, "", "merge 0.jsonl --json");
    assert!(out(&merged).contains("\"trace\":\"traces/failing/tutorial"), "{}", err(&merged));
}

#[test]
fn results_are_never_mixed_or_overwritten() {
    let place = place("mixed");
    let first = seedbed(&place, "", "sweep tutorial --seeds 0..100 --shard 0/2 --results a.jsonl");
    assert_eq!(first.status.code(), Some(0), "{}", err(&first));
    std::fs::write(place.join("page.md"), "# Oaks\n").expect("the directory is ours");
    std::fs::write(place.join("short"), "oak").expect("the directory is ours");
    let cases = [
        ("sweep tutorial --seeds 0..100 --shard 1/2 --results a.jsonl", "is of shard 0/2"),
        ("sweep tutorial --seeds 0..101 --shard 0/2 --results a.jsonl", "another sweep"),
        ("sweep tutorial --seeds 0..100 --shard 0/2 --faults loss --results a.jsonl", "--faults loss"),
        ("sweep tutorial --seeds 0..100 --results page.md", "not the result of a sweep"),
        ("sweep tutorial --seeds 0..100 --results short", "not the result of a sweep"),
        ("sweep tutorial --seeds 0..100 --results nowhere/a.jsonl", "cannot write"),
        ("sweep tutorial tutorial", "given twice"),
        ("merge page.md", "not the result of a sweep"),
        ("merge nowhere.jsonl", "nowhere.jsonl"),
    ];
    for (words, expected) in cases {
        let files = ["a.jsonl", "page.md", "short"].map(|file| std::fs::read(place.join(file)).expect("it is there"));
        let output = seedbed(&place, "", words);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", err(&output));
        assert!(err(&output).contains(expected), "'{words}' should say '{expected}': {}", err(&output));
        let after = ["a.jsonl", "page.md", "short"].map(|file| std::fs::read(place.join(file)).expect("it is there"));
        assert_eq!(files, after, "{words}");
    }
}

/// A sweep of fewer seeds than shards: some have nothing to do.
#[test]
fn shards_without_seeds_are_shards() {
    let place = place("few");
    let whole = seedbed(&place, "", "sweep tutorial --seeds 0..3 --json");
    for index in 0..5 {
        let output =
            seedbed(&place, "", &format!("sweep tutorial --seeds 0..3 --shard {index}/5 --results {index}.jsonl"));
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }
    let merged = seedbed(&place, "", "merge 0.jsonl 1.jsonl 2.jsonl 3.jsonl 4.jsonl --json");
    assert_eq!(merged.status.code(), Some(0), "{}", err(&merged));
    assert_eq!(summary(&merged)["fingerprint"], summary(&whole)["fingerprint"]);
}
