//! §7, log compaction: snapshots, and InstallSnapshot (Figure 13).

use seedbed_models::replication::raft::kv::{Command, Output};
use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::replication::raft::sessions::Sessions;
use seedbed_models::replication::raft::settings::Timer;
use seedbed_models::replication::raft::snapshot::{Item, Snapshot};
use seedbed_models::replication::raft::{Index, Kv, Settings, Term};
use seedbed_sim::OpId;

use crate::say::*;
use crate::setup::*;

/// A snapshot of three servers whose state machine holds these items.
pub fn snapshot(last: u64, last_term: u64, items: &[u32]) -> Snapshot<Kv> {
    let mut machine = Kv::default();
    for item in items {
        machine.apply(&append_to_value(*item));
    }
    Snapshot {
        last: Index(last),
        last_term: Term(last_term),
        membership: group(3),
        machine,
        sessions: Sessions::default(),
        executed: items.len() as u64,
    }
}

fn every(entries: u64) -> Settings {
    Settings { snapshot_threshold: entries, ..plain() }
}

/// A leader whose log, but for its end, is in a snapshot: five commands, of which S3 has none.
fn leader_with_a_snapshot() -> Bench {
    let mut server = leader(3, every(4));
    for n in 1..=5 {
        server.invoke(OpId(n), append_to_value(n as u32));
        server.message(S2, appended(1, n + 1));
    }
    server
}

// "Each server takes snapshots independently, covering just the committed entries in its log."
#[test]
fn a_snapshot_covers_what_was_applied_and_nothing_else() {
    let mut server = follower(3, every(2));
    let entries = [1, 2, 3].map(|item| command(1, append_to_value(item))).to_vec();
    server.message(S2, append_entries(1, (0, 0), entries, 2));
    // It is taken by the next handler.
    let did = server.message(S2, heartbeat(1, (3, 1), 2));
    assert!(did.wrote());
    let log = server.process().log();
    assert_eq!((log.base(), log.last()), (Index(2), Index(3)));
    server.restart(new_server(S1, 3, every(2)));
    assert_eq!((commit(&server), applied(&server), value(&server)), (2, 2, vec![1, 2]));
    assert_eq!(last_index(&server), 3);
}

// "Raft also includes a small amount of metadata in the snapshot: the last included index …, and the last included term …
// preserved to support the AppendEntries consistency check for the first log entry following the snapshot".
#[test]
fn the_entry_before_the_log_is_checked_by_the_snapshots_metadata() {
    let mut server = follower(3, plain());
    server.message(S2, install_snapshot(2, snapshot(5, 2, &[7])));
    assert_eq!(server.message(S2, append_entries(2, (5, 2), noops(&[2]), 5)).sent(), [(S2, appended(2, 6))]);
    let mut server = follower(3, plain());
    server.message(S2, install_snapshot(2, snapshot(5, 2, &[7])));
    assert!(is_refusal(&server.message(S2, append_entries(2, (5, 1), noops(&[2]), 5)).sent_to(S2)[0]));
}

#[test]
fn a_candidates_log_ends_where_its_snapshot_does() {
    let mut server = follower(3, plain());
    server.message(S2, install_snapshot(2, snapshot(5, 2, &[7])));
    assert_eq!(server.timer(Timer::Election).sent_to(S3), [request_vote(3, (5, 2))]);
}

// "The snapshot also includes the latest configuration in the log as of last included index."
#[test]
fn a_snapshot_brings_its_configuration() {
    let mut server = follower(3, plain());
    server.message(S2, install_snapshot(1, Snapshot { membership: group(5), ..snapshot(5, 1, &[]) }));
    assert_eq!(membership(&server), group(5));
    server.restart(new_server(S1, 3, plain()));
    assert_eq!(membership(&server), group(5));
}

// "The leader must occasionally send snapshots to followers that lag behind. This happens when the leader has already
// discarded the next log entry that it needs to send."
#[test]
fn a_follower_that_lags_behind_is_sent_the_snapshot() {
    let mut server = leader_with_a_snapshot();
    let did = server.message(S3, refused(1, 5, 2, None));
    let [message] = &did.sent_to(S3)[..] else { panic!("one message at a time: {did:?}") };
    let sent = chunk_of(message);
    assert_eq!((sent.last_term, sent.offset, sent.done), (Term(1), 0, true));
    let [Item::Machine(machine)] = &sent.items[..] else { panic!("one key is one item: {sent:?}") };
    assert_eq!(machine.get(1).map(Vec::len), Some(sent.last.0 as usize - 1));
    // No entries are sent until it is there; then what follows on it.
    assert_eq!(server.invoke(OpId(9), put(9)).sent_to(S3), []);
    let did = server.message(S3, appended(1, sent.last.0));
    let entries: Vec<_> = did.sent_to(S3).iter().flat_map(entries_of).collect();
    assert_eq!(entries.len() as u64, last_index(&server) - sent.last.0);
    assert_eq!(did.sent_to(S3).first().map(prev_of), Some((sent.last.0, 1)));
}

// Figure 13, rules 7 and 8: "Discard the entire log. Reset state machine using snapshot contents".
#[test]
fn a_snapshot_replaces_a_log_that_does_not_lead_to_it() {
    for log in [vec![], vec![1, 1], vec![1, 1, 1, 1, 1, 1, 1]] {
        let mut server = follower_with_log(3, plain(), 2, &log);
        let did = server.message(S2, install_snapshot(2, snapshot(5, 2, &[7, 8])));
        assert_eq!(did.sent(), [(S2, appended(2, 5))], "{log:?}");
        assert_eq!((last_index(&server), log_terms(&server)), (5, vec![]), "{log:?}");
        assert_eq!((commit(&server), applied(&server), value(&server)), (5, 5, vec![7, 8]), "{log:?}");
    }
}

// Figure 13, rule 6: "If existing log entry has same index and term as snapshot's last included entry, retain log entries
// following it and reply".
#[test]
fn entries_that_follow_on_a_snapshot_stay() {
    let mut server = follower_with_log(3, plain(), 2, &[1, 2, 2]);
    server.message(S2, install_snapshot(2, snapshot(2, 2, &[7])));
    assert_eq!((last_index(&server), log_terms(&server)), (3, vec![2]));
    assert_eq!((commit(&server), value(&server)), (2, vec![7]));
}

/// A snapshot of three keys, so three items.
fn of_three_keys(last: u64) -> Snapshot<Kv> {
    let mut machine = Kv::default();
    (1..=3).for_each(|key| drop(machine.apply(&Command::Put { key, item: last as u32 })));
    Snapshot { machine, ..snapshot(last, 1, &[]) }
}

// Figure 13, rules 2 to 4: "Create new snapshot file if first chunk (offset is 0). Write data into snapshot file at given
// offset. Reply and wait for more data chunks if done is false."
#[test]
fn a_snapshot_is_installed_when_its_last_chunk_is_there() {
    let mut server = follower(3, plain());
    let whole = of_three_keys(5);
    for (offset, received) in [(0, 1), (1, 2)] {
        let did = server.message(S2, chunk(1, whole.clone(), offset, 1));
        assert_eq!(did.sent(), [(S2, chunk_received(1, 5, received))]);
        assert!(!did.wrote() || offset == 0, "only the term is written");
        assert_eq!(commit(&server), 0);
    }
    assert_eq!(server.message(S2, chunk(1, whole.clone(), 2, 1)).sent(), [(S2, appended(1, 5))]);
    assert_eq!((commit(&server), server.process().machine()), (5, &whole.machine));
}

#[test]
fn a_chunk_that_comes_twice_or_too_early_is_not_taken() {
    let mut server = follower(3, plain());
    let whole = of_three_keys(5);
    assert_eq!(server.message(S2, chunk(1, whole.clone(), 1, 1)).sent(), [(S2, chunk_received(1, 5, 0))]);
    server.message(S2, chunk(1, whole.clone(), 0, 1));
    assert_eq!(server.message(S2, chunk(1, whole.clone(), 0, 1)).sent(), [(S2, chunk_received(1, 5, 1))]);
    assert_eq!(server.message(S2, chunk(1, whole.clone(), 2, 1)).sent(), [(S2, chunk_received(1, 5, 1))]);
    server.message(S2, chunk(1, whole.clone(), 1, 2));
    assert_eq!(server.process().machine(), &whole.machine);
}

// Chunks of two snapshots do not fit together.
#[test]
fn a_chunk_of_another_snapshot_begins_anew() {
    let mut server = follower(3, plain());
    server.message(S2, chunk(1, of_three_keys(5), 0, 1));
    assert_eq!(server.message(S2, chunk(1, of_three_keys(6), 1, 2)).sent(), [(S2, chunk_received(1, 6, 0))]);
    server.message(S2, chunk(1, of_three_keys(6), 0, 2));
    server.message(S2, chunk(1, of_three_keys(6), 2, 2));
    assert_eq!(server.process().machine(), &of_three_keys(6).machine);
}

#[test]
fn a_crash_forgets_the_chunks_before() {
    let mut server = follower(3, plain());
    server.message(S2, chunk(1, of_three_keys(5), 0, 2));
    server.restart(new_server(S1, 3, plain()));
    assert_eq!(server.message(S2, chunk(1, of_three_keys(5), 2, 1)).sent(), [(S2, chunk_received(1, 5, 0))]);
}

/// A leader that has sent S3 the first of two items of a snapshot: a key, and then a session.
fn leader_amid_a_snapshot() -> (Bench, u64) {
    let mut server = leader(3, Settings { snapshot_chunk: 1, ..every(4) });
    server.message(CLIENT, register(7));
    for n in 1..=5 {
        server.invoke(OpId(n), append_to_value(n as u32));
        server.message(S2, appended(1, n + 2));
    }
    let did = server.message(S3, refused(1, 6, 2, None));
    let first = chunk_of(&did.sent_to(S3)[0]);
    assert_eq!((first.offset, first.items.len(), first.done), (0, 1, false));
    (server, first.last.0)
}

#[test]
fn the_leader_sends_a_chunk_when_the_one_before_has_arrived() {
    let (mut server, last) = leader_amid_a_snapshot();
    let did = server.message(S3, chunk_received(1, last, 1));
    let second = chunk_of(&did.sent_to(S3)[0]);
    assert_eq!((second.last, second.offset, second.done), (Index(last), 1, true));
    assert!(server.message(S3, chunk_received(1, last, 1)).sent_to(S3).is_empty(), "an answer that comes twice");
    // A follower that has crashed has nothing any more.
    assert_eq!(chunk_of(&server.message(S3, chunk_received(1, last, 0)).sent_to(S3)[0]).offset, 0);
    let did = server.message(S3, appended(1, last));
    assert_eq!(did.sent_to(S3).first().map(prev_of), Some((last, 1)), "what follows on the snapshot");
    assert!(server.message(S3, chunk_received(1, last, 0)).sent_to(S3).is_empty(), "it is over");
}

#[test]
fn a_transfer_goes_on_with_the_snapshot_that_it_began_with() {
    let (mut server, last) = leader_amid_a_snapshot();
    for n in 6..=12 {
        server.invoke(OpId(n), append_to_value(n as u32));
        server.message(S2, appended(1, n + 2));
    }
    assert!(server.process().log().base() > Index(last), "there is a newer one");
    let second = chunk_of(&server.message(S3, chunk_received(1, last, 1)).sent_to(S3)[0]);
    assert_eq!((second.last, second.offset), (Index(last), 1));
}

// A chunk that was lost: the heartbeat behind it is refused.
#[test]
fn a_lost_chunk_is_sent_again() {
    let (mut server, last) = leader_amid_a_snapshot();
    server.message(S3, chunk_received(1, last, 1));
    let again = chunk_of(&server.message(S3, refused(1, last, 2, None)).sent_to(S3)[0]);
    assert_eq!((again.last, again.offset), (Index(last), 1));
}

// The acknowledgement waits for the disk, as that of entries does.
#[test]
fn a_snapshot_is_acknowledged_when_it_is_on_disk() {
    let mut server = follower_with_slow_disk(3, plain());
    assert!(server.message(S2, install_snapshot(1, snapshot(5, 1, &[7]))).released().is_empty());
    assert_eq!(server.synced().messages_released(), [(S2, appended(1, 5))]);
    server.restart(new_server(S1, 3, plain()));
    assert_eq!(value(&server), [7]);
}

#[test]
fn a_snapshot_that_was_not_on_disk_at_a_crash_leaves_the_old_log() {
    let mut server = follower_with_slow_disk(3, plain());
    server.message(S2, append_entries(1, (0, 0), noops(&[1]), 0));
    server.synced();
    server.message(S2, install_snapshot(1, snapshot(5, 1, &[7])));
    server.restart(new_server(S1, 3, plain()));
    assert_eq!((log_terms(&server), value(&server)), (vec![1], vec![]));
}

// "If instead the follower receives a snapshot that describes a prefix of its log (due to retransmission or by mistake)":
// what is committed there is known already, and is kept.
#[test]
fn a_late_snapshot_takes_nothing_back() {
    let mut server = follower(3, plain());
    let entries = [1, 2, 3].map(|item| command(1, append_to_value(item))).to_vec();
    server.message(S2, append_entries(1, (0, 0), entries, 3));
    let did = server.message(S2, install_snapshot(1, snapshot(2, 1, &[1, 2])));
    assert_eq!((commit(&server), value(&server), log_terms(&server)), (3, vec![1, 2, 3], vec![1, 1, 1]));
    assert_eq!(did.sent(), [(S2, appended(1, 2))]);
    assert!(!did.wrote());
}

#[test]
fn entries_that_a_snapshot_covers_are_passed_over() {
    let mut server = follower(3, plain());
    server.message(S2, install_snapshot(1, snapshot(3, 1, &[7])));
    let did = server.message(S2, append_entries(1, (1, 1), noops(&[1, 1, 1, 1]), 3));
    assert_eq!(did.sent(), [(S2, appended(1, 5))]);
    assert_eq!((log_terms(&server), value(&server)), (vec![1, 1], vec![7]));
}

// Term and vote are in the file that the snapshot replaces.
#[test]
fn a_snapshot_loses_neither_term_nor_vote() {
    let mut server = follower(3, every(1));
    server.message(S2, append_entries(1, (0, 0), noops(&[1]), 1));
    server.message(S3, request_vote(4, (1, 1)));
    assert!(server.process().log().base() == Index(1), "a snapshot was taken");
    server.restart(new_server(S1, 3, every(1)));
    assert_eq!(server.message(S2, request_vote(4, (9, 3))).sent(), [(S2, vote(4, false))]);
}

// The same where the vote is older than the snapshot, which is of entries from before it: S3 has won the election and commits
// what its predecessor left behind.
#[test]
fn a_snapshot_that_is_taken_after_a_vote_keeps_it() {
    let mut server = follower(3, every(1));
    server.message(S2, append_entries(1, (0, 0), noops(&[1]), 0));
    assert_eq!(server.message(S3, request_vote(4, (1, 1))).sent(), [(S3, vote(4, true))]);
    server.message(S3, heartbeat(4, (1, 1), 1));
    // It is taken by the next handler.
    server.message(S3, heartbeat(4, (1, 1), 1));
    assert_eq!((server.process().log().base(), server.process().log().last()), (Index(1), Index(1)));
    server.restart(new_server(S1, 3, every(1)));
    assert_eq!(term(&server), 4);
    assert_eq!(server.message(S2, request_vote(4, (9, 3))).sent(), [(S2, vote(4, false))]);
}

// Thesis §6.3: the sessions are a part of the state that a snapshot stands for, or a retry would be executed again.
#[test]
fn a_snapshot_remembers_which_commands_were_executed() {
    let mut server = leader(3, every(3));
    server.message(CLIENT, register(77));
    server.message(S2, appended(1, 2));
    server.message(CLIENT, request(2, 1, append_to_value(7)));
    server.message(S2, appended(1, 3));
    server.timer(Timer::Heartbeat);
    assert_eq!(server.process().log().base(), Index(3), "a snapshot was taken");
    server.restart(new_server(S1, 3, every(100)));
    assert_eq!(value(&server), [7]);
    elect(&mut server, &[S2]);
    server.message(CLIENT, request(2, 1, append_to_value(7)));
    let did = server.message(S2, appended(2, 5));
    assert_eq!(did.sent_to(CLIENT), [reply(2, 1, Output::Done)]);
    assert_eq!(value(&server), [7]);
}
