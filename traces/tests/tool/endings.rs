//! How the tool ends where something is in its way: a reader that is gone, a full disk, a signal, a folder that cannot be written,
//! an output that would be its input. What was found decides the exit code, and is said.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

use crate::program::{code, command, err, lines, out, place, seedbed};

/// A history that is not linearizable.
const VIOLATION: &str =
    r#"{"id":"a","model":"register","init":0,"events":[[1,"invoke","read",null],[1,"ok","read",5]]}"#;

/// A sweep with violations.
const VIOLATED: &str = "sweep tutorial --bug counts-retries --seeds 0..40 --threads 1";

/// The exit code where nobody reads the output.
fn unread(mut command: Command) -> i32 {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the tool can be started");
    drop(child.stdout.take());
    child.wait().expect("it ends").code().expect("nobody killed it")
}

/// No file of this folder, or of those in it, is half written.
fn nothing_is_half_written(folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("the directory is ours") {
        let path = entry.expect("its files can be listed").path();
        assert!(path.extension().is_none_or(|extension| extension != "part"), "{} was left", path.display());
        if path.is_dir() && !path.is_symlink() {
            nothing_is_half_written(&path);
        }
    }
}

/// The text of a kept trace.
fn kept(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{name}.json"));
    std::fs::read_to_string(file).expect("it is kept")
}

#[test]
fn a_reader_that_is_gone_changes_no_exit_code() {
    let place = place("endings/pipe");
    std::fs::write(place.join("history.jsonl"), VIOLATION).expect("the directory is ours");
    std::fs::write(place.join("trace.json"), kept("tutorial-counts-retries")).expect("the directory is ours");
    for (words, expected) in [
        ("check linearizability history.jsonl", 1),
        ("check linearizability history.jsonl --json", 1),
        (VIOLATED, 1),
        (&format!("{VIOLATED} --json"), 1),
        ("replay trace.json", 1),
        ("run tutorial --seed 0", 0),
        ("sweep tutorial --seeds 0..20 --json", 0),
        ("list", 0),
        ("--help", 0),
        ("sweep nonsense", 2),
    ] {
        assert_eq!(unread(command(&place, words)), expected, "{words}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_output_is_an_error() {
    let place = place("endings/full");
    std::fs::write(place.join("history.jsonl"), VIOLATION).expect("the directory is ours");
    std::fs::write(place.join("trace.json"), kept("tutorial-counts-retries")).expect("the directory is ours");
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    for words in [
        "check linearizability history.jsonl",
        VIOLATED,
        "sweep tutorial --seeds 0..20 --json",
        "run tutorial --seed 0",
        "replay trace.json",
        "show trace.json --as perfetto",
        "list",
        "--help",
        "--version",
    ] {
        let output = command(&place, words).stdout(full()).output().expect("the tool can be started");
        assert_eq!(code(&output), 2, "{words}: {}", err(&output));
        if !words.starts_with("--") {
            assert!(err(&output).contains("cannot write to standard output"), "{words}: {}", err(&output));
        }
    }
    // Where nothing can be told, the exit code still says it.
    for (words, expected) in
        [("sweep nonsense", 2), ("check linearizability nowhere", 2), ("sweep tutorial --faults skew --seeds 0..9", 0)]
    {
        let output = command(&place, words).stderr(full()).output().expect("the tool can be started");
        assert_eq!(output.status.code(), Some(expected), "{words}");
    }
    let device = seedbed(&place, "show trace.json --out /dev/full");
    assert_eq!(code(&device), 2, "{}", err(&device));
    assert!(err(&device).contains("cannot write /dev/full"), "{}", err(&device));
    assert!(
        !std::fs::metadata("/dev/full").expect("it is still there").is_file(),
        "a device is written to, not replaced"
    );
}

/// Sends a signal, by its name.
#[cfg(unix)]
fn send(signal: &str, to: &Child) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &to.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
}

/// A sweep that gets this signal as soon as the file has a finished part.
#[cfg(unix)]
fn interrupted(signal: &str, place: &Path, words: &str, file: &str) -> Output {
    // Not into a pipe, which would be full before anybody reads it.
    let said = |name: &str| std::fs::File::create(place.join(name)).expect("the directory is ours");
    let mut sweep = command(place, words);
    let mut child = sweep.stdout(said("out")).stderr(said("err")).spawn().expect("the tool can be started");
    let parts = || std::fs::read_to_string(place.join(file)).unwrap_or_default().lines().count();
    while parts() < 3 {
        assert!(child.try_wait().expect("it is ours").is_none(), "it ended before it had anything to tell");
        std::thread::yield_now();
    }
    send(signal, &child);
    let status = child.wait().expect("it ends");
    let read = |name: &str| std::fs::read(place.join(name)).expect("it was written");
    Output { status, stdout: read("out"), stderr: read("err") }
}

/// Ctrl-C, and the signal that engines of jobs send before they kill.
#[cfg(unix)]
#[test]
fn a_signal_ends_a_sweep_with_what_was_found() {
    let seeds = "--seeds 0..1000000 --threads 1";
    for (signal, expected, said) in [("INT", 130, "interrupted by Ctrl-C"), ("TERM", 143, "interrupted by SIGTERM")] {
        let place = place(&format!("endings/interrupted-{signal}"));
        let held = interrupted(signal, &place, &format!("sweep tutorial {seeds} --results held.jsonl"), "held.jsonl");
        assert_eq!(code(&held), expected, "{}", err(&held));
        assert!(err(&held).contains(said), "{}", err(&held));
        assert!(out(&held).contains("INTERRUPTED: ") && out(&held).contains(" worlds were run"), "{}", out(&held));
        assert!(out(&held).contains("no violation"), "{}", out(&held));
        let merged = seedbed(&place, "merge held.jsonl --json");
        assert_eq!(code(&merged), 3, "{}", err(&merged));
        assert!(!err(&merged).contains("cut off") && !err(&merged).contains("refused"), "{}", err(&merged));
        let summary = &lines(&merged).pop().expect("a summary")["summary"];
        assert_eq!(summary["complete"], false, "{summary}");
        assert!(summary["runs"].as_u64() > Some(0), "{summary}");

        let words = format!("sweep tutorial --bug counts-retries {seeds} --results violated.jsonl --json");
        let violated = interrupted(signal, &place, &words, "violated.jsonl");
        assert_eq!(code(&violated), expected, "{}", err(&violated));
        let told = lines(&violated);
        let summary = &told.last().expect("a summary")["summary"];
        assert_eq!(summary["interrupted"], true);
        assert!(told.len() > 1, "the failing seeds are told");
        assert_eq!(code(&seedbed(&place, "merge violated.jsonl")), 1, "what was violated stays so");
        nothing_is_half_written(&place);
    }
}

/// Whether a process, which still runs, has not seen a signal yet.
#[cfg(target_os = "linux")]
fn is_pending(signal: u32, process: &mut Child) -> bool {
    assert!(process.try_wait().expect("it is ours").is_none(), "one signal only asks");
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("it is running");
    let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:")).expect("Linux says it");
    u64::from_str_radix(mask.trim(), 16).expect("a mask") & 1 << (signal - 1) != 0
}

/// A world that takes a minute is not waited for.
#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_a_sweep_at_once() {
    const SIGNALS: [(&str, u32, i32); 2] = [("INT", 2, 130), ("TERM", 15, 143)];
    let place = place("endings/twice");
    for (first, number, _) in SIGNALS {
        for (second, _, expected) in SIGNALS {
            let mut sweep = command(&place, "sweep raft --nodes 1000 --seeds 0..1 --threads 1 --no-shrink");
            let logs = place.join("logs");
            let sweep = sweep.env("RUST_LOG", "debug").stdout(Stdio::piped());
            let sweep = sweep.stderr(std::fs::File::create(&logs).expect("the directory is ours"));
            let mut child = sweep.spawn().expect("the tool can be started");
            while std::fs::read(&logs).expect("it was made").is_empty() {
                assert!(child.try_wait().expect("it is ours").is_none(), "it ended before its world began");
                std::thread::yield_now();
            }
            send(first, &child);
            while is_pending(number, &mut child) {
                std::thread::yield_now();
            }
            // Its handler may not have come to its end: then one more is the second.
            while child.try_wait().expect("it is ours").is_none() {
                send(second, &child);
            }
            let ended = child.wait_with_output().expect("it ends");
            assert_eq!(code(&ended), expected, "{first}, {second}");
            assert_eq!(out(&ended), "", "{first}, {second}: the world was waited for");
        }
    }
    nothing_is_half_written(&place);
}

#[test]
fn a_violation_is_told_where_nothing_can_be_written() {
    let place = place("endings/unwritable");
    // A file where the folder of failing traces would be: nobody, whatever the rights, can write below it.
    std::fs::write(place.join("traces"), "in the way").expect("the directory is ours");
    std::fs::write(place.join("trace.json"), kept("tutorial-counts-retries")).expect("the directory is ours");
    let sweep = seedbed(&place, VIOLATED);
    assert_eq!(code(&sweep), 1, "{}", err(&sweep));
    assert!(out(&sweep).contains("tutorial/tally_is_exact"), "{}", out(&sweep));
    assert!(err(&sweep).contains("cannot write"), "{}", err(&sweep));
    let json = seedbed(&place, &format!("{VIOLATED} --json"));
    assert_eq!(code(&json), 1, "{}", err(&json));
    let failing = lines(&json)[0].clone();
    assert_eq!((&failing["verdict"], &failing["trace"]), (&Value::from("violated"), &Value::Null));

    let seed = failing["seed"].as_u64().expect("a seed");
    for trace in ["", " --trace traces/whole.json"] {
        let run = seedbed(&place, &format!("run tutorial --bug counts-retries --seed {seed}{trace}"));
        assert_eq!(code(&run), 1, "{}", err(&run));
        assert!(out(&run).contains("tutorial/tally_is_exact VIOLATED"), "{}", out(&run));
        assert!(err(&run).contains("cannot write"), "{}", err(&run));
    }
    let held = seedbed(&place, "run tutorial --seed 0 --trace traces/whole.json");
    assert_eq!(code(&held), 2, "only the file was asked for: {}", err(&held));
    let shrink = seedbed(&place, "shrink trace.json --out traces/shrunk.json");
    assert_eq!(code(&shrink), 1, "{}", err(&shrink));
    assert!(out(&shrink).contains("tutorial/tally_is_exact VIOLATED"), "{}", out(&shrink));
    assert!(err(&shrink).contains("cannot write"), "{}", err(&shrink));
    // A folder in the place of a file.
    std::fs::create_dir(place.join("folder")).expect("the directory is ours");
    let folder = seedbed(&place, "show trace.json --out folder");
    assert_eq!(code(&folder), 2, "{}", err(&folder));
    nothing_is_half_written(&place);
}

/// A sweep whose results cannot be written ends early, with what it has found.
#[cfg(target_os = "linux")]
#[test]
fn results_on_a_full_disk_do_not_hide_a_violation() {
    let place = place("endings/full-results");
    let violated = seedbed(&place, &format!("{VIOLATED} --results /dev/full"));
    assert_eq!(code(&violated), 2, "nothing was run, because nothing can be kept: {}", err(&violated));
    assert!(err(&violated).contains("/dev/full"), "{}", err(&violated));
    nothing_is_half_written(&place);
}

#[test]
fn what_was_read_is_not_written_over() {
    let place = place("endings/inputs");
    let text = kept("tutorial-counts-retries");
    let file = place.join("trace.json");
    std::fs::write(&file, &text).expect("the directory is ours");
    std::fs::write(place.join("history.jsonl"), VIOLATION).expect("the directory is ours");
    std::fs::hard_link(&file, place.join("hard.json")).expect("the directory is ours");
    std::fs::create_dir(place.join("below")).expect("the directory is ours");
    let mut names = vec!["trace.json", "./trace.json", "below/../trace.json", "hard.json"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("trace.json", place.join("soft.json")).expect("the directory is ours");
        names.push("soft.json");
    }
    for name in names {
        for words in [format!("show trace.json --out {name}"), format!("shrink trace.json --out {name}")] {
            let output = seedbed(&place, &words);
            assert_eq!(code(&output), 2, "{words}: {}", err(&output));
            assert!(err(&output).contains("because it was read"), "{words}: {}", err(&output));
            assert_eq!(std::fs::read_to_string(&file).expect("it is still there"), text, "{words}");
        }
    }
    let drawn = seedbed(&place, "check linearizability history.jsonl --as text --out history.jsonl");
    assert_eq!(code(&drawn), 2, "{}", err(&drawn));
    assert_eq!(std::fs::read_to_string(place.join("history.jsonl")).expect("it is still there"), VIOLATION);
    nothing_is_half_written(&place);
}

#[test]
fn control_characters_do_not_reach_a_terminal() {
    let place = place("endings/control");
    let escape = "\u{1b}[2J\u{9b}8m\u{202e}";
    let hostile =
        |text: &str| kept("tutorial-counts-retries").replace(text, &format!("\\u001b[2J\\u009b8m\\u202e{text}"));
    std::fs::write(place.join("trace.json"), hostile("1 additions")).expect("the directory is ours");
    std::fs::write(place.join("property.json"), hostile("tutorial/tally_is_exact")).expect("the directory is ours");
    let history = "{\"id\":\"a: ok\\u001b[8m\\r\\u009b2K\",\"kind\":\"list-append\",\"txns\":[{\"p\":0,\"status\":\"ok\",\"mops\":[[\"append\",\"x\",1],[\"r\",\"x\",[2]]]}]}\n";
    std::fs::write(place.join("history.jsonl"), history).expect("the directory is ours");
    std::fs::write(place.join("model.json"), hostile("tutorial")).expect("the directory is ours");
    let name = format!("a{escape}.json");
    std::fs::write(place.join(&name), "{").expect("the directory is ours");
    let mut calls: Vec<Vec<&str>> = Vec::new();
    for words in [
        "replay trace.json",
        "replay trace.json --json",
        "show trace.json",
        "show trace.json --as html",
        "check serializable history.jsonl",
        "check serializable history.jsonl --json",
        "replay model.json",
        "replay property.json",
    ] {
        calls.push(words.split(' ').collect());
    }
    calls.extend([vec!["replay", &name], vec!["check", "linearizability", &name], vec!["merge", &name]]);
    calls.extend([
        vec!["sweep", escape],
        vec!["sweep", "tutorial", "--bug", escape],
        vec![escape],
        vec!["list", escape],
    ]);
    calls.push(vec!["check", escape, "history.jsonl"]);
    for call in calls {
        let output = command(&place, "").args(&call).output().expect("the tool can be started");
        for text in [out(&output), err(&output)] {
            let control = text.chars().find(|c| c.is_control() && *c != '\n' && *c != '\t');
            assert_eq!(control, None, "{call:?}: {text:?}");
            assert!(!text.contains('\u{202e}'), "{call:?}: {text:?}");
        }
        assert!(out(&output).len() + err(&output).len() > 0, "{call:?} says something");
    }
    let verdict = seedbed(&place, "check serializable history.jsonl");
    assert_eq!(code(&verdict), 1);
    assert!(out(&verdict).contains("a: ok\\u001b[8m\\u000d\\u009b2K"), "the verdict is not hidden: {}", out(&verdict));
}

/// The same violation in another run is said to be that.
#[test]
fn a_replay_is_exact_only_if_it_is_the_recorded_run() {
    let place = place("endings/exact");
    let text = kept("raft-figure-8");
    std::fs::write(place.join("exact.json"), &text).expect("the directory is ours");
    let fingerprint = text.lines().find(|line| line.contains("\"fingerprint\"")).expect("it has one");
    let other = text.replace(fingerprint, "  \"fingerprint\": \"0000000000000000\",");
    std::fs::write(place.join("other.json"), &other).expect("the directory is ours");
    std::fs::write(place.join("later.json"), other.replace("\"event\": 76", "\"event\": 77"))
        .expect("the directory is ours");

    let exact = seedbed(&place, "replay exact.json");
    assert_eq!(code(&exact), 1);
    assert!(out(&exact).contains("\nexact: violated"), "{}", out(&exact));
    let other = seedbed(&place, "replay other.json");
    assert_eq!(code(&other), 1);
    assert!(out(&other).contains("not exact: violated, as recorded, in another run"), "{}", out(&other));
    assert!(out(&other).contains("the same are: property, instant, event, nodes, message"), "{}", out(&other));
    // The first traces had the bug among the fields of the configuration.
    let bug = "\"bug\": \"commit-prior-term-by-counting\"";
    let old = text.replace(&format!("    {bug},\n"), "").replace("\"servers\"", &format!("{bug}, \"servers\""));
    assert_ne!(old, text);
    std::fs::write(place.join("old.json"), old).expect("the directory is ours");
    let json = |file: &str| lines(&seedbed(&place, &format!("replay {file} --json"))).remove(0);
    let same = |value: &Value| value["same"].as_array().expect("a list").len();
    for (file, word, parts) in
        [("exact.json", "exact", 6), ("old.json", "exact", 6), ("other.json", "same", 5), ("later.json", "same", 4)]
    {
        let line = json(file);
        assert_eq!((line["replayed"].as_str(), same(&line)), (Some(word), parts), "{file}");
    }
}

/// A number of threads is a small multiple of the cores, whoever says it.
#[test]
fn threads_are_bounded() {
    let place = place("endings/threads");
    for words in ["sweep tutorial --seeds 0..5 --threads 65535", "mutants tutorial --threads 100000"] {
        let refused = seedbed(&place, words);
        assert_eq!(code(&refused), 2, "{words}: {}", err(&refused));
    }
    for words in ["sweep tutorial --seeds 0..5 --json", "compare transactions --seeds 0..1 --json"] {
        let output =
            command(&place, words).env("RAYON_NUM_THREADS", "60000").output().expect("the tool can be started");
        assert_eq!(code(&output), 0, "{words}: {}", err(&output));
        let cores = std::thread::available_parallelism().expect("it has some").get() as u64;
        let summary = &lines(&output).pop().expect("something")["summary"];
        assert!(summary.is_null() || summary["threads"].as_u64() <= Some(8 * cores), "{summary}");
    }
}
