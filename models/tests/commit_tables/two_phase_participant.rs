//! A participant of two-phase commit: the book, section 7.4; Mohan et al., sections 2 and 3.

use seedbed_models::transactions::commitment::ledger::Record as Logged;
use seedbed_models::transactions::commitment::{Decision, Members};
use seedbed_models::transactions::store::{Key, Step};
use seedbed_models::transactions::two_phase_commit::messages::{Message, Record, Timer};
use seedbed_models::transactions::two_phase_commit::participant::Participant;
use seedbed_models::transactions::two_phase_commit::settings::{Presumption, Settings};
use seedbed_sim::NodeId;
use seedbed_sim::bench::Handled;

use crate::setup::*;

type Bench = seedbed_sim::Bench<Participant>;
type Did = Handled<Participant>;

const ALL: [Presumption; 3] = [Presumption::Nothing, Presumption::Abort, Presumption::Commit];

fn presuming(presumption: Presumption) -> Settings {
    Settings { presumption, ..Settings::default() }
}

fn new_participant(settings: Settings) -> Participant {
    Participant::new(store(), settings)
}

/// `P1`, which has done this work.
fn working(settings: Settings, steps: Vec<Step>) -> Bench {
    let mut bench = Bench::new(new_participant(settings)).on(P1);
    bench.start();
    bench.message(COORDINATOR, Message::Work(TX, steps));
    bench
}

fn prepare(bench: &mut Bench) -> Did {
    bench.message(COORDINATOR, Message::Prepare(TX, vec![P1, P2]))
}

/// `P1`, which has voted yes.
fn in_doubt(settings: Settings) -> Bench {
    let mut bench = working(settings, withdrawal());
    prepare(&mut bench);
    bench.synced();
    bench
}

fn logged(records: Vec<Record>) -> Vec<Logged> {
    let record = |record| match record {
        Record::Participant(logged) => logged,
        other => panic!("a coordinator's record: {other:?}"),
    };
    records.into_iter().map(record).collect()
}

fn balance(bench: &Bench) -> i64 {
    bench.process().ledger().store().get(Key(0)).expect("it keeps this account").value
}

/// Whether another transaction can have the account.
fn is_free(bench: &Bench) -> bool {
    bench.process().ledger().store().readable().any(|(key, value)| key == Key(0) && value.is_some())
}

// ---------------------------------------------------------------------------------------------------------------------
// The vote

// The prepared record is forced under every presumption, and has all that it needs to do either; the vote waits for it.
#[test]
fn a_yes_is_cast_when_its_record_is_on_disk() {
    for presumption in ALL {
        let mut bench = working(presuming(presumption), withdrawal());
        let did = prepare(&mut bench);
        let [Logged::Prepared { prepared, members }] = &logged(did.appended())[..] else { panic!("{did:?}") };
        assert_eq!(prepared.writes[&Key(0)].value, 70);
        assert_eq!(*members, Members { coordinator: COORDINATOR, peers: vec![P1, P2] });
        assert!(did.released().is_empty());
        assert_eq!(bench.synced().messages_released(), [(COORDINATOR, Message::Yes(TX))]);
        assert_eq!((balance(&bench), is_free(&bench)), (100, false), "nothing is installed, all is locked");
    }
}

// A no is an abort: forced unless aborts are presumed.
#[test]
fn a_no_is_forced_unless_aborts_are_presumed() {
    for presumption in ALL {
        let mut bench = working(presuming(presumption), overdraft());
        let did = prepare(&mut bench);
        let forced = if presumption == Presumption::Abort { vec![] } else { vec![Logged::Refused(TX)] };
        assert_eq!(logged(did.appended()), forced, "{presumption:?}");
        assert_eq!(did.appended_lazily().len(), 1 - forced.len());
        assert_eq!(did.sent(), [(COORDINATOR, Message::No(TX))]);
        assert_eq!(did.released().is_empty(), !forced.is_empty());
    }
}

// Mohan et al., section 3.1: who only read votes so, writes nothing, lets its locks go and has no part in the second phase.
#[test]
fn a_reader_leaves_at_its_vote() {
    for presumption in ALL {
        let mut bench = working(presuming(presumption), look());
        let did = bench.message(COORDINATOR, Message::Prepare(TX, vec![P2]));
        assert!(!did.wrote());
        assert_eq!(did.messages_released(), [(COORDINATOR, Message::ReadOnly(TX))]);
        assert!(is_free(&bench));
        assert_eq!(bench.due(&Timer::Doubt(TX)), None);
    }
}

#[test]
fn a_reader_votes_yes_where_readers_do_not_leave() {
    let mut bench = working(Settings { read_only: false, ..Settings::default() }, look());
    assert_eq!(prepare(&mut bench).sent(), [(COORDINATOR, Message::Yes(TX))]);
}

// A crash before the vote has taken the work: it cannot vote yes any more.
#[test]
fn work_that_a_crash_has_taken_is_refused() {
    let mut bench = working(Settings::default(), withdrawal());
    bench.restart(new_participant(Settings::default()));
    assert_eq!(prepare(&mut bench).sent(), [(COORDINATOR, Message::No(TX))]);
}

#[test]
fn who_is_asked_again_votes_the_same() {
    let mut bench = in_doubt(Settings::default());
    let did = prepare(&mut bench);
    assert_eq!((did.sent(), did.wrote()), (vec![(COORDINATOR, Message::Yes(TX))], false));
    let mut bench = working(Settings::default(), overdraft());
    prepare(&mut bench);
    bench.synced();
    let did = prepare(&mut bench);
    assert_eq!((did.sent(), did.wrote()), (vec![(COORDINATOR, Message::No(TX))], false));
}

// ---------------------------------------------------------------------------------------------------------------------
// The decision

// Mohan et al., table 1: what is not presumed is forced and then acknowledged; what is presumed is neither.
#[test]
fn a_decision_is_forced_and_acknowledged_unless_it_is_presumed() {
    for (presumption, decision, presumed) in [
        (Presumption::Nothing, Decision::Commit, false),
        (Presumption::Nothing, Decision::Abort, false),
        (Presumption::Abort, Decision::Commit, false),
        (Presumption::Abort, Decision::Abort, true),
        (Presumption::Commit, Decision::Commit, true),
        (Presumption::Commit, Decision::Abort, false),
    ] {
        let mut bench = in_doubt(presuming(presumption));
        let commits = decision == Decision::Commit;
        let did = bench.message(COORDINATOR, if commits { Message::Commit(TX) } else { Message::Abort(TX) });
        let record = vec![Logged::Decided(TX, decision)];
        let case = format!("{presumption:?} {decision:?}");
        if presumed {
            assert_eq!((logged(did.appended()), logged(did.appended_lazily())), (vec![], record), "{case}");
            assert!(did.sent().is_empty(), "{case}");
        } else {
            assert_eq!((logged(did.appended()), logged(did.appended_lazily())), (record, vec![]), "{case}");
            assert!(did.released().is_empty(), "{case}");
            assert_eq!(bench.synced().messages_released(), [(COORDINATOR, Message::Ack(TX))], "{case}");
        }
        assert_eq!((balance(&bench), is_free(&bench)), (if commits { 70 } else { 100 }, true), "{case}");
        assert_eq!(bench.due(&Timer::Doubt(TX)), None);
    }
}

// The acknowledgement may have been lost.
#[test]
fn a_decision_that_is_told_again_is_acknowledged_again() {
    let mut bench = in_doubt(Settings::default());
    bench.message(COORDINATOR, Message::Commit(TX));
    bench.synced();
    let did = bench.message(COORDINATOR, Message::Commit(TX));
    assert_eq!((did.sent(), did.wrote()), (vec![(COORDINATOR, Message::Ack(TX))], false));
}

// An old inquiry's answer may be a presumption on what was forgotten: who knows does not listen.
#[test]
fn who_knows_the_decision_is_told_no_other() {
    let mut bench = in_doubt(presuming(Presumption::Abort));
    bench.message(COORDINATOR, Message::Commit(TX));
    bench.synced();
    bench.message(COORDINATOR, Message::Abort(TX));
    assert_eq!(balance(&bench), 70);
}

// ---------------------------------------------------------------------------------------------------------------------
// Timeout actions (the book, section 7.4)

// "While waiting for VOTE-REQ … it can unilaterally decide abort": it has promised nothing.
#[test]
fn who_has_not_voted_may_give_up() {
    let mut bench = working(Settings::default(), withdrawal());
    let did = bench.timer(Timer::Idle(TX));
    assert!(!did.wrote() && did.sent().is_empty());
    assert!(is_free(&bench));
    assert_eq!(prepare(&mut bench).sent(), [(COORDINATOR, Message::No(TX))], "and then votes no");
}

// "In its uncertainty period … it must consult with other processes": it asks, and decides nothing, however often it waits.
#[test]
fn who_is_in_doubt_asks_and_decides_nothing() {
    let mut bench = in_doubt(Settings::default());
    for _ in 0..5 {
        let did = bench.timer(Timer::Doubt(TX));
        assert_eq!(did.sent(), [(COORDINATOR, Message::Inquire(TX)), (P2, Message::Ask(TX))]);
        assert!(!did.wrote());
        assert_eq!(did.armed(), [(Timer::Doubt(TX), Settings::default().decision_timeout)]);
    }
    assert!(!is_free(&bench), "it is blocked, with its locks");
}

#[test]
fn without_cooperation_only_the_coordinator_is_asked() {
    let mut bench = in_doubt(Settings { cooperative: false, ..Settings::default() });
    assert_eq!(bench.timer(Timer::Doubt(TX)).sent(), [(COORDINATOR, Message::Inquire(TX))]);
}

// ---------------------------------------------------------------------------------------------------------------------
// The cooperative termination protocol (the book, section 7.4)

// "q has decided Commit (or Abort): q simply sends a COMMIT (or ABORT) to p".
#[test]
fn who_knows_tells() {
    for (told, decision) in [(Message::Commit(TX), Decision::Commit), (Message::Abort(TX), Decision::Abort)] {
        let mut bench = in_doubt(Settings::default());
        bench.message(COORDINATOR, told);
        bench.synced();
        assert_eq!(bench.message(P2, Message::Ask(TX)).sent(), [(P2, Message::Tell(TX, decision))]);
    }
}

// "q has not voted yet: q can unilaterally decide Abort. It then sends an ABORT to p". The abort is forced under every
// presumption, and durable before it is told: q must never vote yes thereafter.
#[test]
fn who_has_not_voted_aborts_and_tells() {
    for presumption in ALL {
        let mut bench = working(presuming(presumption), withdrawal());
        let did = bench.message(P2, Message::Ask(TX));
        assert_eq!(logged(did.appended()), [Logged::Refused(TX)], "{presumption:?}");
        assert!(did.released().is_empty());
        assert_eq!(bench.synced().messages_released(), [(P2, Message::Tell(TX, Decision::Abort))]);
        assert_eq!(prepare(&mut bench).sent(), [(COORDINATOR, Message::No(TX))]);
    }
}

// A lazy no may still be forgotten: it is forced before another is told of it.
#[test]
fn a_lazy_abort_is_forced_before_it_is_told() {
    let mut bench = working(presuming(Presumption::Abort), overdraft());
    prepare(&mut bench);
    let did = bench.message(P2, Message::Ask(TX));
    assert!(!did.appended().is_empty() && did.released().is_empty());
    assert_eq!(bench.synced().messages_released(), [(P2, Message::Tell(TX, Decision::Abort))]);
}

// "q has voted Yes but has not yet reached a decision: q is also uncertain and therefore cannot help p".
#[test]
fn who_is_in_doubt_cannot_help() {
    let did = in_doubt(Settings::default()).message(P2, Message::Ask(TX));
    assert_eq!((did.sent(), did.wrote()), (vec![(P2, Message::Unsure(TX))], false));
}

#[test]
fn who_is_told_by_another_does_what_is_decided() {
    for (decision, left) in [(Decision::Commit, 70), (Decision::Abort, 100)] {
        let mut bench = in_doubt(Settings::default());
        let did = bench.message(P2, Message::Tell(TX, decision));
        assert_eq!(logged(did.appended()), [Logged::Decided(TX, decision)]);
        assert!(did.sent().is_empty(), "the coordinator will tell again, and is acknowledged then");
        assert_eq!((balance(&bench), is_free(&bench)), (left, true));
    }
}

#[test]
fn an_answer_that_does_not_help_changes_nothing() {
    let mut bench = in_doubt(Settings::default());
    let did = bench.message(P2, Message::Unsure(TX));
    assert!(did.sent().is_empty() && !did.wrote());
    assert!(bench.due(&Timer::Doubt(TX)).is_some());
}

// ---------------------------------------------------------------------------------------------------------------------
// Recovery (the book, section 7.4: "failed before / after its Yes vote")

#[test]
fn who_recovers_in_doubt_holds_its_locks_and_asks() {
    let mut bench = in_doubt(Settings::default());
    let did = bench.restart(new_participant(Settings::default()));
    assert_eq!(did.sent(), [(COORDINATOR, Message::Inquire(TX)), (P2, Message::Ask(TX))]);
    assert!(!is_free(&bench));
    bench.message(COORDINATOR, Message::Commit(TX));
    assert_eq!(balance(&bench), 70);
}

#[test]
fn a_vote_that_was_not_on_disk_was_not_cast() {
    let mut bench = working(Settings::default(), withdrawal());
    assert!(prepare(&mut bench).released().is_empty());
    assert!(bench.restart(new_participant(Settings::default())).sent().is_empty());
    assert!(is_free(&bench));
}

#[test]
fn who_recovers_with_a_decision_has_carried_it_out() {
    let mut bench = in_doubt(Settings::default());
    bench.message(COORDINATOR, Message::Commit(TX));
    bench.synced();
    let did = bench.restart(new_participant(Settings::default()));
    assert!(did.sent().is_empty());
    assert_eq!((balance(&bench), is_free(&bench)), (70, true));
}

// A lazy decision may be lost: it is in doubt again, asks, and the coordinator presumes rightly.
#[test]
fn a_lazy_decision_that_is_lost_is_asked_for() {
    let mut bench = in_doubt(presuming(Presumption::Commit));
    bench.message(COORDINATOR, Message::Commit(TX));
    let did = bench.restart(new_participant(presuming(Presumption::Commit)));
    let asked: Vec<NodeId> = did.sent().into_iter().map(|(to, _)| to).collect();
    assert_eq!(asked, [COORDINATOR, P2]);
    assert_eq!(balance(&bench), 100);
}
