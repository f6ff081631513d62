//! Limits: what would take memory or time without end is refused with its field, or broken off and called unknown; and no limit
//! of a judge is a violation.

use std::path::Path;

use serde_json::{Value, json};

use crate::program::{code, err, lines, out, place, seedbed};

/// A kept trace with one value replaced.
fn changed(name: &str, pointer: &str, value: Value) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(format!("{name}.json"));
    let text = std::fs::read_to_string(file).expect("it is kept");
    let mut trace: Value = serde_json::from_str(&text).expect("a trace is JSON");
    match trace.pointer_mut(pointer) {
        Some(place) => *place = value,
        None => {
            let (object, field) = pointer.rsplit_once('/').expect("a path");
            trace.pointer_mut(object).expect("there is such an object")[field] = value;
        }
    }
    trace.to_string()
}

#[test]
fn what_no_world_can_have_is_refused_with_its_field() {
    let place = place("limits/refused");
    let longest = "18446744073709551615ns";
    let cases = [
        ("raft-stale-read-without-heartbeat", "/scenario/phases/chaos", json!(longest), "scenario.phases.chaos"),
        ("raft-figure-8", "/operations/0/at", json!(longest), "operations[0].at"),
        ("raft-figure-8", "/operations/0/client", json!("n0"), "operations[0].client: n0 is no client"),
        ("tutorial-counts-retries", "/operations/0/client", json!("n0"), "operations[0].client: n0 is no client"),
        ("tutorial-counts-retries", "/faults/0/for", json!(longest), "faults[0]"),
        ("mvcc-write-skew", "/scenario/config/ttl", json!("0s"), "scenario.config: retry and ttl must be above 0"),
        ("mvcc-write-skew", "/scenario/config/shards", json!(65_535), "scenario.config: 65540 nodes"),
        ("mvcc-write-skew", "/scenario/config/keys", json!(65_535), "scenario.config: keys must be at most 1000"),
        ("mvcc-write-skew", "/operations/0/op/steps/0/put/key", json!(7), "operations[0].op: there is no row 7"),
        ("lock-pause-beyond-lease", "/scenario/config/clients", json!(65_535), "scenario.config: 65541 nodes"),
        ("raft-figure-8", "/scenario/config/settings/batch", json!(65_535), "batch must be at most"),
        ("raft-figure-8", "/scenario/most_events", json!(u64::MAX), "scenario.most_events"),
        ("raft-figure-8", "/scenario/most_events", json!(0), "most_events"),
    ];
    for (name, pointer, value, expected) in cases {
        std::fs::write(place.join("trace.json"), changed(name, pointer, value)).expect("the directory is ours");
        for command in ["replay", "shrink", "show"] {
            let refused = seedbed(&place, &format!("{command} trace.json"));
            assert_eq!(code(&refused), 2, "{command} {name} {pointer}: {}", err(&refused));
            assert!(err(&refused).contains(expected), "{command} {name} {pointer}: {}", err(&refused));
        }
    }
    for (words, expected) in [
        ("lock --with clients=65535", "nodes"),
        ("mvcc --with shards=65535", "nodes"),
        ("mvcc --with keys=65535", "keys"),
        ("outbox --with accounts=65535", "accounts"),
        ("two_phase_commit --with cluster.accounts=65535", "accounts"),
        ("crdt --with replicas=65535", "nodes"),
        ("crdt --with buffer=65535", "buffer"),
        ("raft --with settings.batch=65535", "batch"),
        ("coherence --with blocks=255", "blocks"),
        ("echo --with servers=65535", "nodes"),
        ("tutorial --with clients=65535", "nodes"),
        ("ordering --with members=65535", "members must be at most 64"),
        ("ordering --nodes 16384", "members must be at most 64"),
        ("gossip --with members=65535", "members of a group in which failures are detected must be at most 1000"),
        ("request_response --with backs=65535", "65541 nodes"),
        ("request_response --with fronts=65535", "65541 nodes"),
        ("request_response --with clients=65535", "65540 nodes"),
        ("tutorial --events 0", "--events"),
    ] {
        let refused = seedbed(&place, &format!("sweep {words} --seeds 0..2"));
        assert_eq!(code(&refused), 2, "{words}: {}", err(&refused));
        assert!(err(&refused).contains(expected), "{words}: {}", err(&refused));
    }
}

#[test]
fn a_world_that_has_too_many_events_is_unknown() {
    let place = place("limits/events");
    let a_year = changed("raft-figure-8", "/scenario/phases/chaos", json!("31536000s"));
    std::fs::write(place.join("year.json"), &a_year).expect("the directory is ours");
    // With the bug it still fails early; without it, heartbeats go on for a year.
    assert_eq!(code(&seedbed(&place, "replay year.json")), 1);
    let unknown = seedbed(&place, "replay year.json --no-bug --events 3000");
    assert_eq!(code(&unknown), 3, "{}", err(&unknown));
    assert!(out(&unknown).contains("unknown: broken off at its bound of 3000 events"), "{}", out(&unknown));
    let line = lines(&seedbed(&place, "replay year.json --no-bug --events 3000 --json")).remove(0);
    assert_eq!((&line["verdict"], &line["replayed"]), (&json!("unknown"), &json!("unknown")));
    let mut bounded: Value = serde_json::from_str(&a_year).expect("JSON");
    bounded["scenario"]["most_events"] = json!(2_000);
    std::fs::write(place.join("bounded.json"), bounded.to_string()).expect("the directory is ours");
    let unknown = seedbed(&place, "replay bounded.json --no-bug");
    assert!(out(&unknown).contains("bound of 2000 events"), "{}", out(&unknown));
    let shrink = seedbed(&place, "shrink bounded.json --events 10");
    assert_eq!(code(&shrink), 2, "there is no violation to shrink: {}", err(&shrink));

    let swept = seedbed(&place, "sweep tutorial --seeds 0..20 --events 5 --json");
    assert_eq!(code(&swept), 3, "{}", err(&swept));
    let summary = lines(&swept).pop().expect("a summary")["summary"].clone();
    assert_eq!((&summary["undecided"], &summary["violations"]), (&json!(20), &json!(0)));
    assert!(err(&swept).contains("has no verdict: broken off at its bound of 5 events"), "{}", err(&swept));
    let run = seedbed(&place, "run tutorial --events 5");
    assert_eq!(code(&run), 3, "{}", err(&run));
    assert!(out(&run).contains("seed 0: unknown after 5 events"), "{}", out(&run));
    // A shard's results say it too.
    assert_eq!(code(&seedbed(&place, "sweep tutorial --seeds 0..20 --events 5 --results r.jsonl")), 3);
    assert_eq!(code(&seedbed(&place, "merge r.jsonl")), 3);
    assert_eq!(code(&seedbed(&place, "sweep tutorial --seeds 0..20 --results r.jsonl")), 2, "another sweep");
}

/// The longest fault that there is, in a story that is shrunk.
#[test]
fn a_fault_of_a_year_is_shrunk_like_any_other() {
    let place = place("limits/year");
    let year = changed("tutorial-counts-retries", "/faults/0/for", json!("31536000s"));
    std::fs::write(place.join("year.json"), year).expect("the directory is ours");
    let shrunk = seedbed(&place, "shrink year.json --runs 300");
    assert_eq!(code(&shrunk), 1, "{}", err(&shrunk));
}

/// Quorums of large groups are compared without looking at all sets of servers.
#[test]
fn large_groups_keep_their_promises() {
    let place = place("limits/groups");
    let large = seedbed(&place, "sweep raft --nodes 24 --seeds 0..40 --json");
    assert_eq!(code(&large), 0, "{}{}", out(&large), err(&large));
}
