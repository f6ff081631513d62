//! §5.3, log replication.

use std::collections::VecDeque;

use seedbed_models::replication::raft::kv::Output;
use seedbed_models::replication::raft::settings::Timer;
use seedbed_sim::OpId;

use crate::say::*;
use crate::setup::*;

// "The leader appends the command to its log as a new entry, then issues AppendEntries RPCs in parallel to each of the other
// servers to replicate the entry." And: it "includes the index and term of the entry in its log that immediately precedes
// the new entries".
#[test]
fn a_leader_appends_a_command_and_sends_it_to_everybody() {
    let mut server = leader(3, plain());
    let did = server.invoke(OP, put(7));
    let new = by(&server, command(1, put(7)));
    assert_eq!(did.appended(), [entry(new.clone())]);
    let message = append_entries(1, (1, 1), vec![new], 1);
    assert_eq!(did.sent(), [(S2, message.clone()), (S3, message)]);
    assert_eq!((commit(&server), last_index(&server)), (1, 2));
}

// "When the entry has been safely replicated, the leader applies the entry to its state machine and returns the result of
// that execution to the client." "A log entry is committed once the leader that created the entry has replicated it on a
// majority of the servers."
#[test]
fn a_command_is_answered_when_a_majority_has_it() {
    for (size, acknowledge, committed) in [
        (1, 0, true),
        (2, 0, false),
        (2, 1, true),
        (3, 0, false),
        (3, 1, true),
        (3, 2, true),
        (4, 1, false),
        (4, 2, true),
        (5, 1, false),
        (5, 2, true),
        (5, 4, true),
    ] {
        let mut server = if size == 1 { new_leader(1, plain()) } else { leader(size, plain()) };
        let mut answers = server.invoke(OP, put(7)).completed();
        let index = last_index(&server);
        for follower in others(size).into_iter().take(acknowledge) {
            answers.extend(server.message(follower, appended(1, index)).completed());
        }
        let expect = if committed { vec![(OP, Output::Done)] } else { vec![] };
        assert_eq!(answers, expect, "{acknowledge} of {size} acknowledge");
        assert_eq!(value(&server) == [7], committed, "{acknowledge} of {size} acknowledge");
    }
}

#[test]
fn an_acknowledgement_that_comes_twice_counts_once() {
    let mut server = leader(5, plain());
    server.invoke(OP, put(7));
    server.message(S2, appended(1, 2));
    server.message(S2, appended(1, 2));
    assert_eq!(commit(&server), 1);
}

// "The leader keeps track of the highest index it knows to be committed, and it includes that index in future AppendEntries
// RPCs (including heartbeats) so that the other servers eventually find out."
#[test]
fn followers_learn_the_commit_index_from_later_messages() {
    let mut server = leader(3, plain());
    let did = server.invoke(OP, put(7));
    assert_eq!(commit_of(&did.sent_to(S2)[0]), 1);
    server.message(S2, appended(1, 2));
    assert_eq!(server.timer(Timer::Heartbeat).sent_to(S3).iter().map(commit_of).collect::<Vec<_>>(), [2]);
    assert_eq!(server.invoke(OpId(2), put(8)).sent_to(S3).iter().map(commit_of).collect::<Vec<_>>(), [2]);
}

// "Once a follower learns that a log entry is committed, it applies the entry to its local state machine (in log order)."
#[test]
fn a_follower_applies_what_is_committed_in_log_order() {
    let entries = || [1, 2, 3].map(|item| command(1, append_to_value(item))).to_vec();
    for (leader_commit, expect) in [(0, vec![]), (1, vec![1]), (2, vec![1, 2]), (3, vec![1, 2, 3])] {
        let mut server = follower(3, plain());
        server.message(S2, append_entries(1, (0, 0), entries(), leader_commit));
        assert_eq!((commit(&server), value(&server)), (leader_commit, expect));
    }
}

// Figure 2, AppendEntries rule 5: "set commitIndex = min(leaderCommit, index of last new entry)".
#[test]
fn a_follower_commits_no_further_than_the_message_has_verified() {
    // Two entries of an earlier leader stand in the log that the message says nothing of.
    let mut server = follower_with_log(3, plain(), 1, &[1, 1, 1]);
    server.message(S2, heartbeat(2, (1, 1), 3));
    assert_eq!(commit(&server), 1);
    server.message(S2, append_entries(2, (1, 1), noops(&[1]), 3));
    assert_eq!(commit(&server), 2);
    server.message(S2, append_entries(2, (2, 1), noops(&[2]), 2));
    assert_eq!((commit(&server), log_terms(&server)), (2, vec![1, 1, 2]));
}

#[test]
fn a_commit_index_never_goes_back() {
    let mut server = follower_with_log(3, plain(), 1, &[1, 1, 1]);
    server.message(S2, heartbeat(1, (3, 1), 3));
    for late in [heartbeat(1, (1, 1), 1), heartbeat(1, (3, 1), 2), append_entries(1, (0, 0), noops(&[1]), 0)] {
        server.message(S2, late);
        assert_eq!(commit(&server), 3);
    }
}

// "If the follower does not find an entry in its log with the same index and term, then it refuses the new entries."
#[test]
fn a_follower_refuses_entries_where_the_log_before_them_differs() {
    let cases = [
        ((0, 0), appended(2, 0)),
        ((1, 1), appended(2, 1)),
        ((2, 2), appended(2, 2)),
        // Another term at that index: the follower offers where its own term there begins.
        ((2, 1), refused(2, 2, 2, Some(2))),
        // Nothing at that index: it offers its end.
        ((3, 2), refused(2, 3, 3, None)),
        ((9, 2), refused(2, 9, 3, None)),
    ];
    for (prev, answer) in cases {
        let mut server = follower_with_log(3, plain(), 2, &[1, 2]);
        let did = server.message(S2, heartbeat(2, prev, 0));
        assert_eq!(did.sent(), [(S2, answer)], "{prev:?}");
        assert!(!did.wrote());
    }
}

// "If an existing entry conflicts with a new one (same index but different terms), delete the existing entry and all that
// follow it. Append any new entries not already in the log."
#[test]
fn a_follower_makes_its_log_the_leaders() {
    let cases = [
        ((2, 2), vec![3], vec![1, 2, 3], vec![entry(noop(3))]),
        ((1, 1), vec![3, 4], vec![1, 3, 4], vec![truncate(2), entry(noop(3)), entry(noop(4))]),
        ((0, 0), vec![3], vec![3], vec![truncate(1), entry(noop(3))]),
        // What is there already is not written again.
        ((0, 0), vec![1, 2], vec![1, 2], vec![]),
        ((0, 0), vec![1, 2, 4], vec![1, 2, 4], vec![entry(noop(4))]),
        ((1, 1), vec![2, 4], vec![1, 2, 4], vec![entry(noop(4))]),
    ];
    for (prev, entries, log, written) in cases {
        let mut server = follower_with_log(3, plain(), 4, &[1, 2]);
        let last_new = prev.0 + entries.len() as u64;
        let did = server.message(S2, append_entries(4, prev, noops(&entries), 0));
        assert_eq!(log_terms(&server), log, "{prev:?} {entries:?}");
        assert_eq!(did.appended(), written, "{prev:?} {entries:?}");
        assert_eq!(did.sent(), [(S2, appended(4, last_new))]);
    }
}

// A message that was overtaken must not take back what came after it: only a conflict deletes.
#[test]
fn late_append_entries_delete_nothing() {
    let mut server = follower(3, plain());
    server.message(S2, append_entries(1, (0, 0), noops(&[1, 1, 1]), 0));
    for late in [append_entries(1, (0, 0), noops(&[1]), 0), heartbeat(1, (1, 1), 0), heartbeat(1, (0, 0), 0)] {
        let did = server.message(S2, late);
        assert!(!did.wrote());
        assert_eq!(log_terms(&server), [1, 1, 1]);
    }
}

// "The leader must find the latest log entry where the two logs agree, delete any entries in the follower's log after that
// point, and send the follower all of the leader's entries after that point." The six followers of Figure 7.
#[test]
fn a_leader_brings_the_followers_of_figure_7_to_its_own_log() {
    let followers: [&[u64]; 6] = [
        &[1, 1, 1, 4, 4, 5, 5, 6, 6],
        &[1, 1, 1, 4],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
        &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
        &[1, 1, 1, 4, 4, 4, 4],
        &[1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ];
    for log in followers {
        let mut leader = follower_with_log(3, plain(), 7, &[1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
        let mut follower = server_with_log(S2, 3, plain(), 7, log);
        let mut messages = VecDeque::from(elect(&mut leader, &[S3]).sent_to(S2));
        let mut refusals = 0;
        while let Some(message) = messages.pop_front() {
            assert!(refusals < 20, "they do not come together: {log:?}");
            for answer in follower.message(S1, message).sent_to(S1) {
                refusals += u32::from(is_refusal(&answer));
                messages.extend(leader.message(S2, answer).sent_to(S2));
            }
        }
        assert_eq!(log_terms(&leader), [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 8]);
        assert_eq!(log_terms(&follower), log_terms(&leader), "from {log:?}");
        assert_eq!(commit(&leader), 11);
        // "The protocol can be optimized to reduce the number of rejected AppendEntries RPCs": one for each term that
        // differs, not one for each entry.
        assert!(refusals <= 2, "{refusals} refusals for {log:?}");
    }
}

// "When a leader first comes to power, it initializes all nextIndex values to the index just after the last one in its log."
#[test]
fn a_new_leader_begins_behind_its_last_entry() {
    let mut server = follower_with_log(3, plain(), 2, &[1, 1, 2]);
    let did = elect(&mut server, &[S2, S3]);
    let first = append_entries(3, (3, 2), vec![by(&server, noop(3))], 0);
    assert_eq!(did.sent(), [(S2, first.clone()), (S3, first)]);
}

// "After a rejection, the leader decrements nextIndex and retries the AppendEntries RPC."
#[test]
fn a_refused_leader_tries_an_earlier_place() {
    let mut server = new_leader_with_log(3, plain(), 2, &[1, 1, 2]);
    let retry = append_entries(3, (1, 1), vec![noop(1), noop(2), by(&server, noop(3))], 0);
    assert_eq!(server.message(S2, refused(3, 3, 2, None)).sent(), [(S2, retry.clone())]);
    // The same refusal once more, a copy or one that was late, takes it no further back.
    assert!(server.message(S2, refused(3, 3, 2, None)).sent_to(S2).iter().all(|message| *message == retry));
    // What is known to match is never asked for again.
    server.message(S2, appended(3, 3));
    assert!(server.message(S2, refused(3, 3, 1, None)).sent().is_empty());
}

// "If followers crash or run slowly, or if network packets are lost, the leader retries AppendEntries RPCs indefinitely (even
// after it has responded to the client)". A refused heartbeat shows what was lost.
#[test]
fn lost_entries_are_sent_again() {
    let mut server = leader(3, plain());
    server.invoke(OP, put(7));
    let lost = by(&server, command(1, put(7)));
    server.message(S3, appended(1, 2));
    assert_eq!(commit(&server), 2);
    for _ in 0..3 {
        // S2 has never received the entry: a heartbeat stands behind it.
        assert_eq!(server.timer(Timer::Heartbeat).sent_to(S2).iter().map(prev_of).collect::<Vec<_>>(), [(2, 1)]);
        let did = server.message(S2, refused(1, 2, 2, None));
        assert_eq!(did.sent(), [(S2, append_entries(1, (1, 1), vec![lost.clone()], 2))]);
        // This is lost, too; the next heartbeat asks again from where it stands.
        let did = server.timer(Timer::Heartbeat);
        assert_eq!(did.sent_to(S2).iter().map(prev_of).collect::<Vec<_>>(), [(1, 1)]);
        let did = server.message(S2, appended(1, 1));
        assert_eq!(did.sent(), [(S2, append_entries(1, (1, 1), vec![lost.clone()], 2))]);
    }
}

// Figure 3, Leader Append-Only: "a leader never overwrites or deletes entries in its log".
#[test]
fn a_leader_never_deletes_an_entry() {
    let mut server = new_leader_with_log(3, plain(), 2, &[1, 2, 2]);
    for message in [
        refused(3, 3, 1, Some(1)),
        append_entries(3, (0, 0), noops(&[3]), 0),
        append_entries(2, (0, 0), noops(&[2]), 0),
        heartbeat(2, (0, 0), 3),
        request_vote(3, (9, 3)),
    ] {
        let did = server.message(S2, message.clone());
        assert!(!did.appended().iter().any(is_truncation), "{message:?}");
        assert_eq!(log_terms(&server), [1, 2, 2, 3], "{message:?}");
        assert!(leads(&server), "{message:?}");
    }
}

// A leader's answers count for what they say, and no more: a follower may have less than it was sent.
#[test]
fn a_leader_commits_what_is_acknowledged_and_not_what_it_sent() {
    let mut server = leader(3, plain());
    server.invoke(OpId(1), put(7));
    server.invoke(OpId(2), put(8));
    let did = server.message(S2, appended(1, 2));
    assert_eq!(did.completed(), [(OpId(1), Output::Done)]);
    assert_eq!(commit(&server), 2);
}
