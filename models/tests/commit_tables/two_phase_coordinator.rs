//! The coordinator of two-phase commit: the book, section 7.4; Mohan et al., sections 2 and 3.

use seedbed_models::transactions::commitment::{Decision, LOG, Reads};
use seedbed_models::transactions::two_phase_commit::coordinator::Coordinator;
use seedbed_models::transactions::two_phase_commit::messages::{Message, Record, Timer};
use seedbed_models::transactions::two_phase_commit::settings::{Presumption, Settings};
use seedbed_sim::NodeId;
use seedbed_sim::bench::Handled;

use crate::setup::*;

type Bench = seedbed_sim::Bench<Coordinator>;
type Did = Handled<Coordinator>;

const ALL: [Presumption; 3] = [Presumption::Nothing, Presumption::Abort, Presumption::Commit];

fn new_coordinator(presumption: Presumption) -> Coordinator {
    Coordinator::new(participants(), Settings { presumption, ..Settings::default() })
}

/// A coordinator that has just asked for votes, on a disk that takes its time; what it did then.
fn asks(presumption: Presumption) -> (Bench, Did) {
    let mut bench = Bench::new(new_coordinator(presumption));
    bench.start();
    bench.synced();
    bench.message(CLIENT, Message::Request(request()));
    bench.message(P1, Message::Worked(TX, Reads::new()));
    bench.message(P2, Message::Worked(TX, Reads::new()));
    let did = bench.message(P3, Message::Worked(TX, Reads::new()));
    (bench, did)
}

/// The same with everything that it wrote on disk.
fn collecting(presumption: Presumption) -> Bench {
    let (mut bench, _) = asks(presumption);
    settle(&mut bench);
    bench
}

fn settle(bench: &mut Bench) {
    if !bench.durable() {
        bench.synced();
    }
}

/// Both that change something vote yes, and the one that only reads leaves.
fn all_yes(bench: &mut Bench) -> Did {
    bench.message(P1, Message::Yes(TX));
    bench.message(P3, Message::ReadOnly(TX));
    bench.message(P2, Message::Yes(TX))
}

/// One has voted yes, one has left, one votes no.
fn one_no(bench: &mut Bench) -> Did {
    bench.message(P1, Message::Yes(TX));
    bench.message(P3, Message::ReadOnly(TX));
    bench.message(P2, Message::No(TX))
}

fn decision(decision: Decision, participants: impl IntoIterator<Item = NodeId>) -> Record {
    Record::Decision { tx: TX, decision, participants: set(participants) }
}

// ---------------------------------------------------------------------------------------------------------------------
// The first phase

#[test]
fn it_asks_all_for_their_votes_when_the_work_is_done() {
    for presumption in ALL {
        let (_, did) = asks(presumption);
        let prepare = Message::Prepare(TX, vec![P1, P2]);
        assert_eq!(did.sent(), [(P1, prepare.clone()), (P2, prepare.clone()), (P3, prepare)], "{presumption:?}");
    }
}

// Mohan et al., section 3.2: with presumed commit a collecting record is forced before anybody is asked. The others remember
// nothing: an undecided transaction is aborted by presumption.
#[test]
fn presumed_commit_forces_a_collecting_record_before_it_asks() {
    for presumption in ALL {
        let (mut bench, did) = asks(presumption);
        if presumption == Presumption::Commit {
            assert_eq!(did.appended(), [Record::Collecting(TX, set(participants()))]);
            assert!(did.released().is_empty());
            assert_eq!(bench.synced().messages_released().len(), 3);
        } else {
            assert!(!did.wrote(), "{presumption:?}");
            assert_eq!(did.messages_released().len(), 3);
        }
    }
}

#[test]
fn it_decides_nothing_before_the_last_vote() {
    for presumption in ALL {
        let mut bench = collecting(presumption);
        for (from, message) in [(P1, Message::Yes(TX)), (P3, Message::ReadOnly(TX)), (P1, Message::Yes(TX))] {
            let did = bench.message(from, message);
            assert!(did.sent().is_empty() && !did.wrote());
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// The second phase

// The commit record is forced under every presumption: it is the decision. Nobody is told before it is durable.
#[test]
fn a_commit_is_forced_before_anybody_is_told() {
    for presumption in ALL {
        let mut bench = collecting(presumption);
        let did = all_yes(&mut bench);
        assert_eq!(did.appended(), [decision(Decision::Commit, [P1, P2])], "{presumption:?}");
        assert!(did.released().is_empty());
        let released = bench.synced().messages_released();
        assert_eq!(
            released,
            [(CLIENT, Message::Answer(committed())), (P1, Message::Commit(TX)), (P2, Message::Commit(TX))],
            "{presumption:?}: who only read is not told"
        );
    }
}

// Mohan et al., table 1: the abort record is forced only where nothing is presumed. Under presumed abort it is not written; under
// presumed commit the collecting record says as much.
#[test]
fn an_abort_is_forced_only_where_nothing_is_presumed() {
    for presumption in ALL {
        let mut bench = collecting(presumption);
        let did = one_no(&mut bench);
        let record = (presumption == Presumption::Nothing).then(|| decision(Decision::Abort, [P1]));
        assert_eq!(did.appended(), Vec::from_iter(record), "{presumption:?}");
        assert!(did.appended_lazily().is_empty());
        // Who voted no knows, and who only read need not.
        assert_eq!(did.sent(), [(CLIENT, Message::Answer(aborted())), (P1, Message::Abort(TX))]);
    }
}

// A no comes first: those whose votes are on their way are told too, for they may have voted yes.
#[test]
fn an_early_no_aborts_those_whose_votes_have_not_come() {
    let mut bench = collecting(Presumption::Abort);
    let did = bench.message(P2, Message::No(TX));
    assert_eq!(did.sent_to(P1), [Message::Abort(TX)]);
    assert_eq!(did.sent_to(P3), [Message::Abort(TX)]);
    assert!(bench.message(P1, Message::Yes(TX)).is_empty(), "a late vote changes nothing");
}

// Acknowledgements are waited for where the decision is not presumed: commits unless presumed, aborts unless presumed.
#[test]
fn a_decision_that_is_not_presumed_is_sent_until_it_is_acknowledged() {
    for (presumption, commits, acknowledged) in [
        (Presumption::Nothing, true, true),
        (Presumption::Nothing, false, true),
        (Presumption::Abort, true, true),
        (Presumption::Abort, false, false),
        (Presumption::Commit, true, false),
        (Presumption::Commit, false, true),
    ] {
        let mut bench = collecting(presumption);
        if commits {
            all_yes(&mut bench)
        } else {
            one_no(&mut bench)
        };
        settle(&mut bench);
        assert_eq!(bench.due(&Timer::Resend(TX)).is_some(), acknowledged, "{presumption:?}, commits: {commits}");
        if acknowledged {
            let told = if commits { vec![P1, P2] } else { vec![P1] };
            let again = bench.timer(Timer::Resend(TX));
            assert_eq!(again.sent().into_iter().map(|(to, _)| to).collect::<Vec<_>>(), told);
        }
    }
}

// The end record is written when the last acknowledgement is in, and never forced.
#[test]
fn the_end_record_is_lazy() {
    for (presumption, commits) in [
        (Presumption::Nothing, true),
        (Presumption::Nothing, false),
        (Presumption::Abort, true),
        (Presumption::Commit, false),
    ] {
        let mut bench = collecting(presumption);
        if commits {
            all_yes(&mut bench)
        } else {
            one_no(&mut bench)
        };
        settle(&mut bench);
        if commits {
            assert!(!bench.message(P2, Message::Ack(TX)).wrote());
            assert!(!bench.message(P2, Message::Ack(TX)).wrote(), "twice from one is once");
        }
        let did = bench.message(P1, Message::Ack(TX));
        assert_eq!(did.appended_lazily(), [Record::End(TX)], "{presumption:?}, commits: {commits}");
        assert!(did.appended().is_empty());
        assert_eq!(did.cancelled(), [Timer::Resend(TX)]);
    }
}

// Mohan et al., section 3.1: where all only read, the second phase is left out.
#[test]
fn readers_alone_need_no_second_phase() {
    for presumption in ALL {
        let mut bench = collecting(presumption);
        bench.message(P1, Message::ReadOnly(TX));
        bench.message(P2, Message::ReadOnly(TX));
        let did = bench.message(P3, Message::ReadOnly(TX));
        assert_eq!(did.sent(), [(CLIENT, Message::Answer(committed()))], "{presumption:?}");
        assert!(did.appended().is_empty(), "nothing is forced");
        // Under presumed commit something must say that the collecting has ended.
        let lazy = (presumption == Presumption::Commit).then(|| decision(Decision::Commit, []));
        assert_eq!(did.appended_lazily(), Vec::from_iter(lazy));
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Timeout actions and inquiries

// The book, section 7.4: "the coordinator … decides abort and sends ABORT to every participant that voted yes". Those that have
// not voted are told as well: their votes may be on the way.
#[test]
fn it_aborts_when_votes_do_not_come() {
    let mut bench = collecting(Presumption::Nothing);
    bench.message(P1, Message::Yes(TX));
    let did = bench.timer(Timer::Late(TX));
    assert_eq!(did.appended(), [decision(Decision::Abort, participants())]);
    assert_eq!(did.sent_to(CLIENT), [Message::Answer(aborted())]);
    for participant in participants() {
        assert_eq!(did.sent_to(participant), [Message::Abort(TX)]);
    }
    assert!(bench.message(P2, Message::Yes(TX)).sent().is_empty());
}

#[test]
fn work_that_does_not_end_is_called_off_without_a_record() {
    let mut bench = Bench::new(new_coordinator(Presumption::Nothing)).instant_disk();
    bench.start();
    bench.message(CLIENT, Message::Request(request()));
    bench.message(P1, Message::Worked(TX, Reads::new()));
    let did = bench.timer(Timer::Late(TX));
    assert!(!did.wrote());
    let release = Message::Release(TX);
    let called_off =
        [(P1, release.clone()), (P2, release.clone()), (P3, release), (CLIENT, Message::Answer(aborted()))];
    assert_eq!(did.sent(), called_off);
}

// Who asks about an open transaction is answered when it is decided.
#[test]
fn an_inquiry_before_the_decision_is_not_answered() {
    assert!(collecting(Presumption::Commit).message(P1, Message::Inquire(TX)).is_empty());
}

#[test]
fn an_inquiry_about_a_decision_is_answered_from_the_table() {
    let mut bench = collecting(Presumption::Nothing);
    one_no(&mut bench);
    bench.synced();
    assert_eq!(bench.message(P1, Message::Inquire(TX)).sent(), [(P1, Message::Abort(TX))]);
}

// Mohan et al., section 3: an inquiry about a transaction that is not in the table is answered by the presumption. It is right
// for what was forgotten.
#[test]
fn an_inquiry_about_the_unknown_is_answered_by_presumption() {
    for (presumption, answer) in [
        (Presumption::Nothing, Message::Abort(TX)),
        (Presumption::Abort, Message::Abort(TX)),
        (Presumption::Commit, Message::Commit(TX)),
    ] {
        let mut bench = Bench::new(new_coordinator(presumption)).instant_disk();
        bench.start();
        assert_eq!(bench.message(P1, Message::Inquire(TX)).sent(), [(P1, answer)], "{presumption:?}");
    }
}

#[test]
fn what_is_forgotten_is_presumed_rightly() {
    let mut bench = collecting(Presumption::Commit);
    all_yes(&mut bench);
    bench.synced();
    assert_eq!(bench.message(P2, Message::Inquire(TX)).sent(), [(P2, Message::Commit(TX))]);
    let mut bench = collecting(Presumption::Abort);
    one_no(&mut bench);
    assert_eq!(bench.message(P1, Message::Inquire(TX)).sent(), [(P1, Message::Abort(TX))]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Recovery

/// What a coordinator sends when it starts with this log.
fn recovers(presumption: Presumption, log: impl IntoIterator<Item = Record>) -> (Bench, Vec<(NodeId, Message)>) {
    let log = [Record::Incarnation].into_iter().chain(log);
    let mut bench = Bench::new(new_coordinator(presumption)).instant_disk().with_file(LOG, log);
    let sent = bench.start().sent();
    (bench, sent)
}

// Mohan et al., section 2.2: a decision without an end record is sent again to all that have to know it.
#[test]
fn a_decision_without_an_end_is_sent_again() {
    for presumption in [Presumption::Nothing, Presumption::Abort] {
        let (bench, sent) = recovers(presumption, [decision(Decision::Commit, [P1, P2])]);
        assert_eq!(sent, [(P1, Message::Commit(TX)), (P2, Message::Commit(TX))], "{presumption:?}");
        assert!(bench.due(&Timer::Resend(TX)).is_some());
    }
    let (_, sent) = recovers(Presumption::Nothing, [decision(Decision::Abort, [P1])]);
    assert_eq!(sent, [(P1, Message::Abort(TX))]);
}

#[test]
fn what_has_ended_is_forgotten() {
    let (bench, sent) = recovers(Presumption::Nothing, [decision(Decision::Commit, [P1, P2]), Record::End(TX)]);
    assert!(sent.is_empty() && bench.due(&Timer::Resend(TX)).is_none());
}

// Mohan et al., section 3.2: a collecting record and nothing after it: it aborts, and has to tell all.
#[test]
fn collecting_without_a_decision_is_aborted() {
    let (_, sent) = recovers(Presumption::Commit, [Record::Collecting(TX, set(participants()))]);
    assert_eq!(sent, participants().into_iter().map(|to| (to, Message::Abort(TX))).collect::<Vec<_>>());
}

#[test]
fn a_commit_that_is_presumed_needs_no_recovery() {
    let log = [Record::Collecting(TX, set(participants())), decision(Decision::Commit, [P1, P2])];
    let (mut bench, sent) = recovers(Presumption::Commit, log);
    assert!(sent.is_empty());
    assert_eq!(bench.message(P1, Message::Inquire(TX)).sent(), [(P1, Message::Commit(TX))]);
}

// The crash comes between the commit record's write and its sync: nobody was told, and the transaction aborts.
#[test]
fn a_commit_record_that_was_not_durable_was_no_decision() {
    for (presumption, answer) in [
        (Presumption::Abort, vec![]),
        (Presumption::Commit, participants().into_iter().map(|to| (to, Message::Abort(TX))).collect()),
    ] {
        let mut bench = collecting(presumption);
        assert!(all_yes(&mut bench).released().is_empty());
        bench.restart(new_coordinator(presumption));
        assert_eq!(bench.synced().messages_released(), answer, "{presumption:?}");
    }
}

// A request that is repeated after a crash must not begin what was presumed aborted.
#[test]
fn a_request_of_an_earlier_incarnation_is_not_begun_again() {
    let (mut bench, _) = recovers(Presumption::Abort, []);
    let did = bench.message(CLIENT, Message::Request(request()));
    assert!(did.sent_to(P1).is_empty());
    assert_eq!(did.sent_to(CLIENT).len(), 1);
}
