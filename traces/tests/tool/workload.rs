//! What is asked of a component, from the command line; and the marks that show whether it was enough.

use serde_json::Value;

use crate::program::*;

/// The kinds of operations in the trace of a whole run.
fn kinds(place: &std::path::Path, options: &str) -> Vec<String> {
    let run = seedbed(place, &format!("run raft --seed 3 {options} --trace run.json"));
    assert_eq!(code(&run), 0, "{}", String::from_utf8_lossy(&run.stderr));
    let text = std::fs::read_to_string(place.join("run.json")).expect("the run was written down");
    std::fs::remove_file(place.join("run.json")).expect("it is there");
    let trace: Value = serde_json::from_str(&text).expect("a trace is JSON");
    let kind = |operation: &Value| operation["op"].as_object().and_then(|op| op.keys().next().cloned());
    trace["operations"].as_array().expect("a trace has operations").iter().filter_map(kind).collect()
}

#[test]
fn the_shares_of_operations_are_shifted() {
    let place = place("workload");
    let usual = kinds(&place, "");
    assert!(["get", "put", "append", "cas"].iter().all(|kind| usual.iter().any(|other| other == kind)), "{usual:?}");
    let none = kinds(&place, "--workload put=0 --workload append=0 --workload cas=0");
    assert!(none.iter().any(|kind| kind == "get") && !none.iter().any(|kind| kind == "put"), "{none:?}");
    let gets = |kinds: &[String]| kinds.iter().filter(|kind| *kind == "get").count();
    let most = kinds(&place, "--workload get=20");
    assert_eq!(gets(&most), gets(&usual), "those of the greatest share all stay");
    assert!(gets(&most) * 2 > most.len(), "{most:?}");
}

#[test]
fn a_share_of_nothing_is_refused() {
    let place = place("workload-refused");
    for (words, expected) in [
        ("run raft --seed 1 --workload nonsense=1", "append, cas, get"),
        ("run raft --seed 1 --workload get", "KIND=SHARE"),
        ("run raft --seed 1 --workload get=-1", "KIND=SHARE"),
        ("run two_phase_commit --seed 1 --workload get=1", "two_phase_commit"),
    ] {
        let refused = seedbed(&place, words);
        let says = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!((code(&refused), says.contains(expected)), (2, true), "{words}: {says}");
    }
}

#[test]
fn a_field_that_is_usually_not_written_can_be_set() {
    let place = place("workload-field");
    let restless = kinds(&place, "--with restless=true");
    assert!(restless.iter().filter(|kind| *kind == "reconfigure").count() >= 40, "{restless:?}");
    let refused = seedbed(&place, "run raft --seed 1 --with settings.nonsense=1");
    let says = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(code(&refused) == 2 && says.contains("no 'nonsense' there") && says.contains("election_min"), "{says}");
}

#[test]
fn marks_are_demanded_where_that_is_asked() {
    let place = place("workload-marks");
    let few = "sweep raft --seeds 0..2";
    assert_eq!(code(&seedbed(&place, few)), 0);
    let demanded = seedbed(&place, &format!("{few} --demand-marks"));
    let says = String::from_utf8_lossy(&demanded.stderr).into_owned();
    assert_eq!((code(&demanded), says.contains("no world reached")), (1, true), "{says}");
    assert_eq!(code(&seedbed(&place, "sweep tutorial --seeds 0..300 --demand-marks")), 0);
}
