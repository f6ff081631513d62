//! A participant of three-phase commit: the book, section 7.5: the three phases, timeout actions, the election and the
//! termination rules TR1 to TR4, and recovery.

use seedbed_models::transactions::commitment::ledger::Record as Logged;
use seedbed_models::transactions::commitment::{Decision, Report};
use seedbed_models::transactions::store::{Key, Step};
use seedbed_models::transactions::three_phase_commit::messages::{CrashState, Message, Record, Timer};
use seedbed_models::transactions::three_phase_commit::{Participant, Settings};
use seedbed_sim::bench::Handled;
use seedbed_sim::{NodeId, Span};

use crate::setup::*;

type Bench = seedbed_sim::Bench<Participant>;
type Did = Handled<Participant>;

fn settings() -> Settings {
    Settings { gap: Span::ZERO, ..Settings::default() }
}

fn new_participant() -> Participant {
    Participant::new(store(), 3, settings())
}

/// A participant that has done this work, on a disk that takes its time.
fn working(id: NodeId, steps: Vec<Step>) -> Bench {
    let mut bench = Bench::new(new_participant()).on(id);
    bench.start();
    bench.message(COORDINATOR, Message::Work(TX, steps));
    bench
}

fn vote(bench: &mut Bench) -> Did {
    bench.message(COORDINATOR, Message::VoteReq(TX, participants()))
}

/// It has voted yes.
fn uncertain(id: NodeId) -> Bench {
    let mut bench = working(id, withdrawal());
    vote(&mut bench);
    bench.synced();
    bench
}

/// It knows that all have voted yes.
fn pre_committed(id: NodeId) -> Bench {
    let mut bench = uncertain(id);
    bench.message(COORDINATOR, Message::PreCommit(TX));
    bench.synced();
    bench
}

fn logged(records: Vec<Record>) -> Vec<Logged> {
    let record = |record| if let Record::Participant(logged) = record { Some(logged) } else { None };
    records.into_iter().filter_map(record).collect()
}

fn balance(bench: &Bench) -> i64 {
    bench.process().ledger().store().get(Key(0)).expect("it keeps this account").value
}

// ---------------------------------------------------------------------------------------------------------------------
// The three phases

#[test]
fn a_yes_is_cast_when_its_record_is_on_disk() {
    let mut bench = working(P1, withdrawal());
    let did = vote(&mut bench);
    assert!(matches!(logged(did.appended())[..], [Logged::Prepared { .. }]));
    assert!(did.released().is_empty());
    assert_eq!(bench.synced().messages_released(), [(COORDINATOR, Message::Yes(TX))]);
}

#[test]
fn a_no_is_forced() {
    let mut bench = working(P1, overdraft());
    let did = vote(&mut bench);
    assert_eq!(logged(did.appended()), [Logged::Refused(TX)]);
    assert_eq!(bench.synced().messages_released(), [(COORDINATOR, Message::No(TX))]);
}

// PRE-COMMIT is acknowledged once it is in the log: that is what the last to crash are known by after a total failure.
#[test]
fn a_pre_commit_is_acknowledged_when_it_is_on_disk() {
    let mut bench = uncertain(P1);
    let did = bench.message(COORDINATOR, Message::PreCommit(TX));
    assert_eq!(logged(did.appended()), [Logged::PreCommitted(TX)]);
    assert!(did.released().is_empty());
    assert_eq!(bench.synced().messages_released(), [(COORDINATOR, Message::Ack(TX))]);
    assert_eq!(balance(&bench), 100, "it is no decision");
}

#[test]
fn a_decision_is_forced_and_carried_out() {
    for (message, decision, left) in
        [(Message::Commit(TX), Decision::Commit, 70), (Message::Abort(TX), Decision::Abort, 100)]
    {
        let mut bench = if decision == Decision::Commit { pre_committed(P1) } else { uncertain(P1) };
        let did = bench.message(COORDINATOR, message);
        assert_eq!(logged(did.appended()), [Logged::Decided(TX, decision)]);
        assert!(did.sent().is_empty(), "nobody waits for it");
        assert_eq!(balance(&bench), left);
        assert_eq!(bench.due(&Timer::Silence(TX)), None);
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Timeout actions and the election

#[test]
fn who_has_not_voted_may_give_up() {
    let mut bench = working(P1, withdrawal());
    bench.timer(Timer::Idle(TX));
    assert_eq!(vote(&mut bench).sent(), [(COORDINATOR, Message::No(TX))]);
}

// The coordinator is silent: the first participant in the order coordinates; the others tell it to.
#[test]
fn the_first_that_is_up_coordinates() {
    for state in [uncertain as fn(NodeId) -> Bench, pre_committed] {
        let did = state(P1).timer(Timer::Silence(TX));
        assert_eq!(did.sent(), [(P2, Message::StateReq(TX)), (P3, Message::StateReq(TX))]);
        let did = state(P2).timer(Timer::Silence(TX));
        assert_eq!(did.sent(), [(P1, Message::Elect(TX))]);
    }
}

// Whoever is silent has crashed: the next in the order is elected.
#[test]
fn who_is_elected_and_silent_is_passed_over() {
    let mut bench = uncertain(P3);
    assert_eq!(bench.timer(Timer::Silence(TX)).sent(), [(P1, Message::Elect(TX))]);
    assert_eq!(bench.timer(Timer::Silence(TX)).sent(), [(P2, Message::Elect(TX))]);
    // Alone, and uncertain: TR3.
    let did = bench.timer(Timer::Silence(TX));
    assert_eq!(logged(did.appended()), [Logged::Decided(TX, Decision::Abort)]);
}

#[test]
fn who_is_told_to_coordinate_does() {
    let did = uncertain(P2).message(P3, Message::Elect(TX));
    assert_eq!(did.sent(), [(P3, Message::StateReq(TX))], "those before it have crashed");
}

// ---------------------------------------------------------------------------------------------------------------------
// The termination protocol

/// The elected `P1` hears from both others; what it does at the last of them.
fn terminates(mut bench: Bench, states: [Report; 2]) -> (Bench, Did) {
    bench.timer(Timer::Silence(TX));
    bench.message(P2, Message::State(TX, states[0]));
    let did = bench.message(P3, Message::State(TX, states[1]));
    (bench, did)
}

const ABORTED: Report = Report::Decided(Decision::Abort);
const COMMITTED: Report = Report::Decided(Decision::Commit);

// TR1: "If some process is Aborted, the coordinator decides Abort". TR2: "If some process is Committed, … Commit". TR3: "If all
// processes that reported their state are Uncertain, … Abort".
#[test]
fn rules_1_to_3_decide_at_once() {
    type State = fn(NodeId) -> Bench;
    let cases: [(State, [Report; 2], Decision); 6] = [
        (uncertain, [ABORTED, Report::Uncertain], Decision::Abort),
        (uncertain, [Report::Uncertain, ABORTED], Decision::Abort),
        (pre_committed, [COMMITTED, Report::PreCommitted], Decision::Commit),
        (pre_committed, [Report::PreCommitted, COMMITTED], Decision::Commit),
        (uncertain, [Report::PreCommitted, COMMITTED], Decision::Commit),
        (uncertain, [Report::Uncertain, Report::Uncertain], Decision::Abort),
    ];
    for (state, states, decision) in cases {
        let (mut bench, did) = terminates(state(P1), states);
        assert_eq!(logged(did.appended()), [Logged::Decided(TX, decision)], "{states:?}");
        assert!(did.released().is_empty());
        let told = if decision == Decision::Commit { Message::Commit(TX) } else { Message::Abort(TX) };
        // The old coordinator may be up again by then.
        let expect = [(P2, told.clone()), (P3, told.clone()), (COORDINATOR, told)];
        assert_eq!(bench.synced().messages_released(), expect, "{states:?}");
    }
}

// TR4: "If some process is Committable but none is Committed, the coordinator first sends PRE-COMMIT … After receiving ACKs …
// decides Commit".
#[test]
fn rule_4_pre_commits_all_before_it_commits() {
    type State = fn(NodeId) -> Bench;
    let cases: [(State, [Report; 2]); 3] = [
        (pre_committed, [Report::Uncertain, Report::Uncertain]),
        (uncertain, [Report::PreCommitted, Report::Uncertain]),
        (uncertain, [Report::Uncertain, Report::PreCommitted]),
    ];
    for (state, states) in cases {
        let was_uncertain = matches!(state(P1).process().ledger().state(TX), Some(state) if format!("{state:?}").starts_with("Uncertain"));
        let (mut bench, did) = terminates(state(P1), states);
        assert!(did.appended().contains(&Record::View(TX, set(participants()))), "with whom it goes on");
        let pre = if was_uncertain { vec![Logged::PreCommitted(TX)] } else { vec![] };
        assert_eq!(logged(did.appended()), pre, "{states:?}");
        assert!(did.released().is_empty());
        let released = bench.synced().messages_released();
        assert_eq!(released, [(P2, Message::PreCommit(TX)), (P3, Message::PreCommit(TX))]);
        assert!(!bench.message(P2, Message::Ack(TX)).wrote());
        let did = bench.message(P3, Message::Ack(TX));
        assert_eq!(logged(did.appended()), [Logged::Decided(TX, Decision::Commit)]);
    }
}

// "The coordinator ignores participants that fail": those that do not tell their state, or do not acknowledge, have crashed.
#[test]
fn who_falls_during_the_termination_is_left_behind() {
    let mut bench = uncertain(P1);
    bench.timer(Timer::Silence(TX));
    bench.message(P2, Message::State(TX, Report::PreCommitted));
    let did = bench.timer(Timer::Silence(TX));
    assert!(did.appended().contains(&Record::View(TX, set([P1, P2]))));
    assert_eq!(did.sent(), [(P2, Message::PreCommit(TX))]);
    bench.synced();
    let did = bench.timer(Timer::Silence(TX));
    assert_eq!(logged(did.appended()), [Logged::Decided(TX, Decision::Commit)]);
}

// The responder's side: it tells its state, and follows the one that asks.
#[test]
fn each_tells_its_state_to_the_elected() {
    for (mut bench, report) in [(uncertain(P2), Report::Uncertain), (pre_committed(P2), Report::PreCommitted)] {
        let did = bench.message(P1, Message::StateReq(TX));
        assert_eq!((did.sent(), did.wrote()), (vec![(P1, Message::State(TX, report))], false));
        let did = bench.message(P1, Message::PreCommit(TX));
        assert_eq!(did.sent(), [(P1, Message::Ack(TX))]);
        // The old coordinator is followed no more.
        assert!(bench.message(COORDINATOR, Message::PreCommit(TX)).sent().is_empty());
    }
}

// Who has not voted aborts before it answers: the abort is on disk before it is told.
#[test]
fn who_has_not_voted_reports_an_abort() {
    let mut bench = working(P2, withdrawal());
    let did = bench.message(P1, Message::StateReq(TX));
    assert_eq!(logged(did.appended()), [Logged::Refused(TX)]);
    assert!(did.released().is_empty());
    assert_eq!(bench.synced().messages_released(), [(P1, Message::State(TX, ABORTED))]);
}

#[test]
fn who_knows_reports_the_decision() {
    let mut bench = pre_committed(P2);
    bench.message(COORDINATOR, Message::Commit(TX));
    bench.synced();
    assert_eq!(bench.message(P1, Message::StateReq(TX)).sent(), [(P1, Message::State(TX, COMMITTED))]);
}

// ---------------------------------------------------------------------------------------------------------------------
// Recovery

// Who crashed after its vote takes no part in the termination: it asks all, until somebody knows.
#[test]
fn who_recovers_in_doubt_asks_and_takes_no_part() {
    for state in [uncertain as fn(NodeId) -> Bench, pre_committed] {
        let mut bench = state(P2);
        let did = bench.restart(new_participant());
        let mut asked: Vec<NodeId> = did.sent().into_iter().map(|(to, _)| to).collect();
        asked.sort();
        assert_eq!(asked, [COORDINATOR, P1, P3]);
        assert!(did.sent().iter().all(|(_, message)| *message == Message::Ask(TX)));
        assert!(bench.message(P1, Message::StateReq(TX)).is_empty());
        assert!(bench.message(COORDINATOR, Message::PreCommit(TX)).is_empty());
        let did = bench.message(P3, Message::Tell(TX, Decision::Commit));
        assert_eq!(logged(did.appended()), [Logged::Decided(TX, Decision::Commit)]);
        assert_eq!(balance(&bench), 70);
    }
}

#[test]
fn who_recovers_without_a_vote_has_nothing_to_ask() {
    let mut bench = working(P2, withdrawal());
    assert!(bench.restart(new_participant()).sent().is_empty());
    assert_eq!(vote(&mut bench).sent(), [(COORDINATOR, Message::No(TX))]);
}

#[test]
fn who_knows_tells_those_that_recover() {
    let mut bench = pre_committed(P2);
    assert!(bench.message(P3, Message::Ask(TX)).sent().is_empty(), "who is in doubt will know soon, and tell all");
    bench.message(COORDINATOR, Message::Commit(TX));
    bench.synced();
    assert_eq!(bench.message(P3, Message::Ask(TX)).sent(), [(P3, Message::Tell(TX, Decision::Commit))]);
}

// Total failure (the book, section 7.5): all that have recovered tell each other how they crashed; nobody decides before the
// last that crashed is among them.
#[test]
fn after_a_total_failure_all_have_to_recover() {
    let mut bench = uncertain(P2);
    bench.restart(new_participant());
    let fell = || CrashState { pre_committed: false, view: None };
    assert_eq!(bench.message(P3, Message::Ask(TX)).sent(), [(P3, Message::Recovering(TX, fell()))]);
    for other in [P1, P3] {
        assert!(!bench.message(other, Message::Recovering(TX, fell())).wrote());
    }
    let did = bench.message(COORDINATOR, Message::Recovering(TX, fell()));
    assert_eq!(logged(did.appended()), [Logged::Decided(TX, Decision::Abort)], "nobody had pre-committed");
}
