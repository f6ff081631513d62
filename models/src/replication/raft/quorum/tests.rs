//! Laws of quorums, and etcd's table of cases where it is at hand.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

fn nodes(ids: &[u16]) -> Vec<NodeId> {
    ids.iter().map(|id| NodeId(*id)).collect()
}

proptest! {
    /// What is committed is reached by a majority, and nothing above it is.
    #[test]
    fn committed_is_the_greatest_index_of_a_majority(reached in prop::collection::vec(0u64..20, 1..14)) {
        let voters: Vec<NodeId> = (0..reached.len()).map(|n| NodeId(n as u16)).collect();
        let committed = committed(&voters, |voter| Index(reached[voter.index()]));
        let count = |least: u64| reached.iter().filter(|index| **index >= least).count();
        prop_assert!(count(committed.0) > reached.len() / 2);
        prop_assert!(count(committed.0 + 1) <= reached.len() / 2);
    }

    /// A vote is won exactly if an index that only the yes-sayers have reached is committed, and lost exactly if it
    /// would not be even if all who are silent said yes.
    #[test]
    fn votes_and_commits_agree(answers in prop::collection::vec(prop::option::of(any::<bool>()), 1..12), split in 0usize..12) {
        let voters: Vec<NodeId> = (0..answers.len()).map(|n| NodeId(n as u16)).collect();
        let halves = [&voters[..split.min(voters.len())], &voters[split.min(voters.len()) / 2..]];
        let reached = |silent: bool| joint_committed(halves, |v| Index(u64::from(answers[v.index()].unwrap_or(silent))));
        let expect = match (reached(false) >= Index(1), reached(true) >= Index(1)) {
            (true, _) => VoteResult::Won,
            (false, true) => VoteResult::Pending,
            (false, false) => VoteResult::Lost,
        };
        prop_assert_eq!(joint_vote(halves, |v| answers[v.index()]), expect);
    }
}

#[test]
fn a_quorum_of_nobody_agrees_to_everything() {
    assert_eq!(committed(&[], |_| Index(3)), Index::MAX);
    assert_eq!(vote(&[], |_| Some(false)), VoteResult::Won);
    assert_eq!(joint_committed([&nodes(&[1]), &[]], |_| Index(3)), Index(3));
}

// -------------------------------------------------------------------------------------------------------------------
// etcd's cases: `committed cfg=(1,2) cfgj=(3) idx=(5,_,7)`, then `----`, then a drawing whose last line is the answer.

/// One case: the two halves, what each voter has answered, and the expected words.
struct Case {
    line: String,
    halves: [Vec<NodeId>; 2],
    answers: BTreeMap<NodeId, Option<String>>,
    expect: String,
}

/// The cases of a file, or `None` where the oracles are not at hand.
fn cases(file: &str) -> Option<Vec<Case>> {
    let Some(oracles) = std::env::var_os("SEEDBED_ORACLES") else {
        eprintln!("skipped: SEEDBED_ORACLES is not set, so {file} is not at hand");
        return None;
    };
    let path = PathBuf::from(oracles).join("raft-quorum/quorum").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut cases = Vec::new();
    let mut lines = text.lines().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with("committed") && !line.starts_with("vote") {
            continue;
        }
        assert_eq!(lines.next(), Some("----"), "{line}");
        let mut expect = String::new();
        while let Some(answer) = lines.next_if(|line| !line.trim().is_empty()) {
            expect = answer.to_string();
        }
        cases.push(case(line, expect));
    }
    assert!(!cases.is_empty(), "{} has no cases", path.display());
    Some(cases)
}

fn case(line: &str, expect: String) -> Case {
    let list = |name: &str| -> Vec<String> {
        let Some((_, rest)) = line.split_once(&format!("{name}=(")) else {
            return Vec::new();
        };
        let inside = rest.split(')').next().expect("split gives one part at least");
        inside.split(',').map(|item| item.trim().to_string()).filter(|item| !item.is_empty()).collect()
    };
    let ids = |name| list(name).iter().map(|id| NodeId(id.parse().expect("an id"))).collect::<Vec<_>>();
    let halves = [ids("cfg"), ids("cfgj")];
    // Answers stand in the order in which the voters first appear.
    let mut voters = Vec::new();
    for voter in halves.iter().flatten() {
        if !voters.contains(voter) {
            voters.push(*voter);
        }
    }
    let given = [list("idx"), list("votes")].concat();
    assert_eq!(given.len(), voters.len(), "{line}");
    let answers = voters.into_iter().zip(given.into_iter().map(|item| (item != "_").then_some(item))).collect();
    Case { line: line.to_string(), halves, answers, expect }
}

#[test]
fn commits_as_etcd_does() {
    for Case { line, halves, answers, expect } in
        ["majority_commit.txt", "joint_commit.txt"].into_iter().filter_map(cases).flatten()
    {
        let reached =
            |voter| answers[&voter].as_ref().map_or(Index::ZERO, |text| Index(text.parse().expect("an index")));
        let committed = joint_committed([&halves[0], &halves[1]], reached);
        let expect = match expect.trim_start_matches("<empty majority quorum>") {
            "∞" => Index::MAX,
            number => Index(number.parse().expect("an index")),
        };
        assert_eq!(committed, expect, "{line}");
    }
}

#[test]
fn votes_as_etcd_does() {
    for Case { line, halves, answers, expect } in
        ["majority_vote.txt", "joint_vote.txt"].into_iter().filter_map(cases).flatten()
    {
        let result = joint_vote([&halves[0], &halves[1]], |voter| answers[&voter].as_ref().map(|text| text == "y"));
        assert_eq!(format!("Vote{result:?}"), expect, "{line}");
    }
}
