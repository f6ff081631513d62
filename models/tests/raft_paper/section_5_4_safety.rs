//! §5.4, safety: the election restriction (§5.4.1), and entries of earlier terms (§5.4.2).

use seedbed_models::replication::raft::settings::Timer;

use crate::say::*;
use crate::setup::*;

// §5.4.1: "the RPC includes information about the candidate's log".
#[test]
fn a_candidate_says_where_its_log_ends() {
    for (log, last) in [(vec![1], (1, 1)), (vec![1, 2], (2, 2)), (vec![1, 1, 1], (3, 1))] {
        let mut server = follower_with_log(3, plain(), 4, &log);
        let did = server.timer(Timer::Election);
        assert_eq!(did.sent(), [(S2, request_vote(5, last)), (S3, request_vote(5, last))]);
    }
}

// "The voter denies its vote if its own log is more up-to-date than that of the candidate": the later last term, then the
// longer log.
#[test]
fn a_voter_refuses_a_candidate_whose_log_is_behind_its_own() {
    let cases: &[(&[u64], At, bool)] = &[
        (&[], (0, 0), true),
        (&[1], (1, 1), true),
        (&[1], (2, 1), true),
        (&[1, 1], (1, 1), false),
        (&[1], (1, 2), true),
        (&[1], (2, 2), true),
        (&[1, 1, 1], (1, 2), true),
        (&[2], (1, 1), false),
        (&[2], (5, 1), false),
        (&[2, 2], (1, 1), false),
        (&[1, 2], (2, 2), true),
        (&[1], (0, 0), false),
    ];
    for (log, last, granted) in cases {
        let mut server = follower_with_log(3, plain(), 2, log);
        let did = server.message(S2, request_vote(3, *last));
        assert_eq!(did.sent(), [(S2, vote(3, *granted))], "log {log:?}, candidate {last:?}");
    }
}

// The candidate's term is adopted all the same, and the vote in it stays free.
#[test]
fn a_voter_that_refuses_for_the_log_may_vote_for_another() {
    let mut server = follower_with_log(3, plain(), 2, &[2]);
    server.message(S2, request_vote(3, (0, 0)));
    assert_eq!(term(&server), 3);
    assert_eq!(server.message(S3, request_vote(3, (1, 2))).sent(), [(S3, vote(3, true))]);
}

// §5.4.2: "Raft never commits log entries from previous terms by counting replicas. Only log entries from the leader's current
// term are committed by counting replicas; once an entry from the current term has been committed in this way, then all prior
// entries are committed indirectly."
#[test]
fn a_leader_counts_copies_of_its_own_terms_entries_only() {
    for (matched, committed) in [(1, 0), (2, 0), (3, 3)] {
        let mut server = new_leader_with_log(3, plain(), 2, &[1, 2]);
        server.message(S2, appended(3, matched));
        assert_eq!(commit(&server), committed, "a majority has {matched}");
    }
}

// Figure 8: (c) the leader of term 4 has brought the entry of term 2 to a majority, and may crash: it is not committed. (e) Its
// own entry is on a majority: S5, whose log ends in term 3, can no longer win.
#[test]
fn figure_8() {
    let mut s1 = new_leader_with_log(5, plain(), 3, &[1, 2]);
    assert_eq!(term(&s1), 4);
    s1.message(S2, appended(4, 2));
    s1.message(S3, appended(4, 2));
    assert_eq!(commit(&s1), 0, "(c)");
    // (d) S5 can still win, by the votes of S2 and S3, for its log ends in term 3.
    let mut s3 = follower_with_log(5, plain(), 4, &[1, 2]);
    assert_eq!(s3.message(S5, request_vote(5, (2, 3))).sent(), [(S5, vote(5, true))], "(d)");
    s1.message(S2, appended(4, 3));
    s1.message(S3, appended(4, 3));
    assert_eq!(commit(&s1), 3, "(e)");
    let mut s3 = follower_with_log(5, plain(), 4, &[1, 2, 4]);
    assert_eq!(s3.message(S5, request_vote(5, (2, 3))).sent(), [(S5, vote(5, false))], "(e)");
}

// §8: "Raft handles this by having each leader commit a blank no-op entry into the log at the start of its term."
#[test]
fn a_leader_begins_its_term_with_an_entry_of_its_own() {
    let mut server = follower_with_log(3, plain(), 2, &[1, 2]);
    let did = elect(&mut server, &[S2]);
    assert_eq!(did.appended(), [entry(by(&server, noop(3)))]);
}

// "The leader's entry commits all preceding entries": those of earlier leaders too, and they are applied in order.
#[test]
fn entries_of_earlier_leaders_are_applied_behind_the_leaders_own() {
    let mut server = follower(3, plain());
    let old = [1, 2, 3].map(|item| command(1, append_to_value(item))).to_vec();
    server.message(S2, append_entries(1, (0, 0), old, 0));
    elect(&mut server, &[S2, S3]);
    assert!(value(&server).is_empty());
    server.message(S2, appended(2, 4));
    assert_eq!((commit(&server), value(&server)), (4, vec![1, 2, 3]));
}

// State Machine Safety (Figure 3) leans on it: what was lost on the way to a majority can be replaced, what was committed not.
#[test]
fn an_uncommitted_entry_gives_way_to_the_new_leaders() {
    let mut server = leader(3, plain());
    server.invoke(OP, put(7));
    // S2 was elected in term 2 without that entry.
    let did = server.message(S2, append_entries(2, (1, 1), noops(&[2]), 1));
    assert_eq!(did.appended(), [term_and_vote(2, None), truncate(2), entry(noop(2))]);
    assert!(did.completed().is_empty() && did.failed().is_empty(), "nobody knows what became of the command");
    assert_eq!(log_terms(&server), [1, 2]);
}
