//! The coordinator of three-phase commit: the book, section 7.5.

use seedbed_models::transactions::commitment::{Decision, LOG, Reads};
use seedbed_models::transactions::three_phase_commit::messages::{CrashState, Message, Record, Timer};
use seedbed_models::transactions::three_phase_commit::{Coordinator, Settings};
use seedbed_sim::bench::Handled;
use seedbed_sim::{NodeId, Span};

use crate::setup::*;

type Bench = seedbed_sim::Bench<Coordinator>;
type Did = Handled<Coordinator>;

/// All that is sent to several is sent at once.
fn settings() -> Settings {
    Settings { gap: Span::ZERO, ..Settings::default() }
}

fn new_coordinator() -> Coordinator {
    Coordinator::new(participants(), settings())
}

/// A coordinator that has just asked for votes, on a disk that takes its time; what it did then.
fn asks() -> (Bench, Did) {
    let mut bench = Bench::new(new_coordinator());
    bench.start();
    bench.synced();
    bench.message(CLIENT, Message::Request(request()));
    bench.message(P1, Message::Worked(TX, Reads::new()));
    bench.message(P2, Message::Worked(TX, Reads::new()));
    let did = bench.message(P3, Message::Worked(TX, Reads::new()));
    (bench, did)
}

fn collecting() -> Bench {
    let (mut bench, _) = asks();
    bench.synced();
    bench
}

/// It has told all that all have voted yes. What it did then.
fn pre_committing() -> (Bench, Did) {
    let mut bench = collecting();
    bench.message(P1, Message::Yes(TX));
    bench.message(P2, Message::Yes(TX));
    let did = bench.message(P3, Message::Yes(TX));
    (bench, did)
}

fn to_all(message: Message) -> Vec<(NodeId, Message)> {
    participants().into_iter().map(|to| (to, message.clone())).collect()
}

// The book, section 7.5: the start-3PC record is in the log before anybody is asked.
#[test]
fn it_logs_that_it_begins_before_it_asks() {
    let (mut bench, did) = asks();
    assert_eq!(did.appended(), [Record::Start(TX, participants())]);
    assert!(did.released().is_empty());
    assert_eq!(bench.synced().messages_released(), to_all(Message::VoteReq(TX, participants())));
    assert!(bench.due(&Timer::Silence(TX)).is_some());
}

// The second phase: PRE-COMMIT to all once the last has voted yes, and no decision yet.
#[test]
fn it_lets_all_know_that_all_have_voted_yes() {
    let (_, did) = pre_committing();
    assert_eq!(did.sent(), to_all(Message::PreCommit(TX)));
    assert!(!did.wrote());
}

// The third phase begins with the last acknowledgement. The commit is forced before anybody is told.
#[test]
fn it_commits_when_all_have_acknowledged() {
    let (mut bench, _) = pre_committing();
    for participant in [P1, P2, P1] {
        assert!(bench.message(participant, Message::Ack(TX)).is_empty());
    }
    let did = bench.message(P3, Message::Ack(TX));
    assert_eq!(did.appended(), [Record::Decision(TX, Decision::Commit)]);
    assert!(did.released().is_empty());
    let released = bench.synced().messages_released();
    assert_eq!(released[0], (CLIENT, Message::Answer(committed())));
    assert_eq!(released[1..], to_all(Message::Commit(TX)));
}

#[test]
fn one_no_aborts() {
    let mut bench = collecting();
    bench.message(P1, Message::Yes(TX));
    let did = bench.message(P2, Message::No(TX));
    assert_eq!(did.appended(), [Record::Decision(TX, Decision::Abort)]);
    assert_eq!(did.sent_to(P1), [Message::Abort(TX)]);
    assert_eq!(did.sent_to(P3), [Message::Abort(TX)], "its vote may be on the way");
    assert!(did.sent_to(P2).is_empty(), "who voted no knows");
    assert!(bench.message(P3, Message::Yes(TX)).sent().is_empty());
}

// ---------------------------------------------------------------------------------------------------------------------
// Timeout actions

// Waiting for votes: who has not voted has crashed and nobody has pre-committed: abort.
#[test]
fn it_aborts_when_a_vote_does_not_come() {
    let mut bench = collecting();
    bench.message(P1, Message::Yes(TX));
    let did = bench.timer(Timer::Silence(TX));
    assert_eq!(did.appended(), [Record::Decision(TX, Decision::Abort)]);
    assert_eq!(did.sent_to(P1), [Message::Abort(TX)]);
}

// Waiting for acknowledgements: "the coordinator … ignores the failure and decides Commit", for all have voted yes, and who
// crashed will find out.
#[test]
fn it_commits_though_an_acknowledgement_does_not_come() {
    let (mut bench, _) = pre_committing();
    bench.message(P1, Message::Ack(TX));
    let did = bench.timer(Timer::Silence(TX));
    assert_eq!(did.appended(), [Record::Decision(TX, Decision::Commit)]);
    assert_eq!(did.sent_to(P2), [Message::Commit(TX)]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Broadcasts and recovery

// What goes to several goes to one after the other: a crash may come in between, which is what the protocol is about.
#[test]
fn a_broadcast_takes_its_time() {
    let settings = Settings::default();
    let mut bench = Bench::new(Coordinator::new(participants(), settings)).instant_disk();
    bench.start();
    bench.message(CLIENT, Message::Request(request()));
    bench.message(P1, Message::Worked(TX, Reads::new()));
    bench.message(P2, Message::Worked(TX, Reads::new()));
    let did = bench.message(P3, Message::Worked(TX, Reads::new()));
    let mut sent = did.sent();
    assert_eq!(sent.len(), 1);
    for n in 1..=2 {
        let (timer, after) =
            did.armed().into_iter().find(|(timer, _)| matches!(timer, Timer::Say(..))).expect("the next is due");
        assert_eq!(after, settings.gap);
        let Timer::Say(tx, first) = timer else { unreachable!("just matched") };
        sent.extend(bench.timer(Timer::Say(tx, first + n - 1)).sent());
    }
    // Who is told first differs from transaction to transaction.
    sent.sort_by_key(|(to, _)| *to);
    assert_eq!(sent.into_iter().map(|(to, _)| to).collect::<Vec<_>>(), participants());
}

// What it had begun and not decided, others may have decided: it asks, and does not decide by itself.
#[test]
fn it_asks_after_a_crash_what_was_decided() {
    let log = [Record::Incarnation, Record::Start(TX, participants())];
    let mut bench = Bench::new(new_coordinator()).instant_disk().with_file(LOG, log);
    assert_eq!(bench.start().sent(), to_all(Message::Ask(TX)));
    assert_eq!(bench.timer(Timer::Ask(TX)).sent(), to_all(Message::Ask(TX)), "until somebody knows");
    let did = bench.message(P2, Message::Tell(TX, Decision::Commit));
    assert_eq!(did.appended(), [Record::Decision(TX, Decision::Commit)]);
    assert_eq!(bench.due(&Timer::Ask(TX)), None);
}

#[test]
fn it_tells_after_a_crash_what_it_had_decided() {
    for decision in [Decision::Commit, Decision::Abort] {
        let log = [Record::Incarnation, Record::Start(TX, participants()), Record::Decision(TX, decision)];
        let mut bench = Bench::new(new_coordinator()).instant_disk().with_file(LOG, log);
        assert!(bench.start().sent().is_empty(), "who does not know will ask");
        assert_eq!(bench.message(P1, Message::Ask(TX)).sent(), [(P1, Message::Tell(TX, decision))]);
    }
}

// Total failure: it tells others that recover that it does not know either.
#[test]
fn it_tells_others_that_recover_how_it_fell() {
    let log = [Record::Incarnation, Record::Start(TX, participants())];
    let mut bench = Bench::new(new_coordinator()).instant_disk().with_file(LOG, log);
    bench.start();
    let fell = CrashState { pre_committed: false, view: None };
    assert_eq!(bench.message(P1, Message::Ask(TX)).sent(), [(P1, Message::Recovering(TX, fell))]);
}
