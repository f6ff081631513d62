//! Thesis §10.2: writing to the leader's disk (§10.2.1), batching and pipelining (§10.2.2).

use seedbed_models::replication::raft::kv::Output;
use seedbed_models::replication::raft::{Settings, settings::Timer};
use seedbed_sim::OpId;

use crate::say::*;
use crate::setup::*;

/// A leader of term 1 on a disk that takes its time, whose first entry everybody has.
fn leader_with_slow_disk(size: u16) -> Bench {
    let mut server = follower_with_slow_disk(size, plain());
    server.timer(Timer::Election);
    server.synced();
    for voter in others(size) {
        server.message(voter, vote(1, true));
    }
    server.synced();
    acknowledged_by(&mut server, &others(size));
    assert_eq!(commit(&server), 1);
    server
}

// §10.2.1 lets a leader send entries while it writes them to its own disk. This server does not: what it sends leaves by output
// commit, when its own disk has the entries. That is the order of §10.2.1's Figure 10.2(a), and never wrong.
#[test]
fn entries_leave_when_the_leaders_own_disk_has_them() {
    let mut server = leader_with_slow_disk(3);
    let did = server.invoke(OP, put(7));
    assert_eq!(did.sent().len(), 2);
    assert!(did.released().is_empty());
    let did = server.synced();
    assert_eq!(did.messages_released().into_iter().map(|(to, _)| to).collect::<Vec<_>>(), [S2, S3]);
}

// "The leader may not mark an entry committed by counting itself before the entry is on its own disk": its own copy counts when
// it is durable.
#[test]
fn the_leaders_own_copy_counts_when_it_is_durable() {
    let mut server = follower_with_slow_disk(1, plain());
    server.timer(Timer::Election);
    assert!(!leads(&server), "its own vote is not durable yet");
    server.synced();
    assert_eq!((leads(&server), commit(&server)), (true, 0));
    server.synced();
    assert_eq!(commit(&server), 1);
    server.invoke(OP, put(7));
    assert_eq!(commit(&server), 1);
    let did = server.synced();
    assert_eq!((commit(&server), did.completed()), (2, vec![(OP, Output::Done)]));
}

// What a sync that was under way does not cover is not counted.
#[test]
fn a_sync_counts_for_the_entries_that_it_covers() {
    let mut server = follower_with_slow_disk(1, plain());
    server.timer(Timer::Election);
    server.synced();
    server.synced();
    server.invoke(OpId(1), put(7));
    server.sync_begins();
    server.invoke(OpId(2), put(8));
    server.synced();
    assert!(commit(&server) < 3);
    server.synced();
    assert_eq!(commit(&server), 3);
}

// §10.2.2: "Raft's leader … can send several entries in one AppendEntries": as many as wait, up to a bound.
#[test]
fn entries_that_wait_are_sent_in_batches() {
    let settings = Settings { batch: 4, ..plain() };
    let mut server = new_leader(3, settings);
    for n in 1..=9 {
        server.invoke(OpId(n), put(n as u32));
    }
    // S2 had not answered yet, so nothing but the first entry was sent to it.
    let did = server.message(S2, appended(1, 1));
    let sizes: Vec<usize> = did.sent_to(S2).iter().map(|message| entries_of(message).len()).collect();
    assert_eq!(sizes, [4, 4, 1]);
    assert_eq!(did.sent_to(S2).iter().map(prev_of).collect::<Vec<_>>(), [(1, 1), (5, 1), (9, 1)]);
}

// §10.2.2: "the leader sends one entry after the other without waiting", once the logs are known to agree.
#[test]
fn entries_are_pipelined_once_the_logs_agree() {
    let mut server = leader(3, plain());
    for n in 1..=3 {
        let did = server.invoke(OpId(n), put(n as u32));
        assert_eq!(did.sent_to(S2).iter().map(prev_of).collect::<Vec<_>>(), [(n, 1)]);
    }
}

#[test]
fn a_follower_whose_log_is_not_known_is_sent_one_message_at_a_time() {
    let mut server = new_leader(3, plain());
    for n in 1..=3 {
        assert!(server.invoke(OpId(n), put(n as u32)).sent().is_empty());
    }
    assert_eq!(server.message(S2, refused(1, 0, 1, None)).sent(), [], "nothing before the beginning can be refused");
}

// A pipeline has a bound: a follower that does not answer is not sent ever more.
#[test]
fn a_pipeline_is_bounded() {
    let mut server = leader(3, plain());
    let mut sent = 0;
    for n in 1..=3 * plain().window {
        let did = server.invoke(OpId(n), put(n as u32));
        sent += did.sent_to(S3).len();
        assert_eq!(did.sent_to(S2), did.sent_to(S3));
    }
    assert_eq!(sent as u64, plain().window);
    // It goes on where it answers.
    let did = server.message(S3, appended(1, 1 + plain().window));
    assert!(!did.sent_to(S3).is_empty() && did.sent_to(S2).is_empty());
}

// §10.2.2: if entries that were sent ahead are lost, those after them are refused, and the leader goes back to one at a time.
#[test]
fn a_refused_pipeline_starts_again_from_what_is_known() {
    let mut server = leader(3, plain());
    for n in 1..=3 {
        server.invoke(OpId(n), put(n as u32));
    }
    // The first of them was lost: the second is refused, and the third.
    let did = server.message(S2, refused(1, 2, 2, None));
    let [message] = &did.sent_to(S2)[..] else { panic!("one message: {did:?}") };
    assert_eq!((prev_of(message), entries_of(message).len()), ((1, 1), 3));
    // The second refusal says nothing new.
    assert!(server.message(S2, refused(1, 3, 2, None)).sent_to(S2).iter().all(|again| again == message));
    assert!(server.invoke(OpId(4), put(4)).sent_to(S2).is_empty());
    let did = server.message(S2, appended(1, 4));
    assert_eq!(did.sent_to(S2).iter().map(prev_of).collect::<Vec<_>>(), [(4, 1)]);
}
