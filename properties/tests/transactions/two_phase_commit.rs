//! Two-phase commit keeps its promises under every fault it tolerates, each planted bug breaks the promise it should, a
//! transaction costs what the textbooks say, and blocks for as long as its coordinator is down.

use seedbed_models::transactions::commitment::{Cluster, Op, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::Transfer;
use seedbed_models::transactions::transfer::Transfers as _;
use seedbed_models::transactions::two_phase_commit::{Presumption, Settings, TwoPhaseCommit};
use seedbed_properties::transactions::Blocked;
use seedbed_properties::transactions::two_phase_commit::suite;
use seedbed_sim::{
    Case, Fault, Model, NodeId, Operation, Record, Source, Span, Stats, Time, What, World, check, component_tests, run,
};

component_tests! { suite, seeds: 800, calm: 50, bugs: 2_000 }

#[test]
fn a_cluster_without_one_of_its_parts_is_refused() {
    let usual = Cluster::default();
    assert_eq!(usual.validate(), Ok(()));
    assert!(Cluster { coordinators: 0, ..usual }.validate().is_err());
    assert!(Cluster { participants: 0, ..usual }.validate().is_err());
}

#[test]
fn one_participant_and_many_keep_the_promises_too() {
    for participants in [1, 5] {
        let cluster = Cluster { participants, ..Cluster::default() };
        let model = TwoPhaseCommit { cluster, ..TwoPhaseCommit::default() };
        check(model).properties(suite().properties).seeds(100).run();
    }
}

#[test]
fn the_work_that_models_are_compared_on_is_done() {
    let model = TwoPhaseCommit::default();
    let transfers = model.transfers();
    check(model).workload(transfers).properties(suite().properties).seeds(100).run();
}

/// A request is late, and its client has lost it in a crash and goes on with another. What it then finds is what the later one has
/// written: nobody has heard that it came before.
#[test]
fn what_a_client_has_lost_in_a_crash_may_come_after_what_it_does_next() {
    let model = TwoPhaseCommit::default();
    let client = NodeId(model.cluster.coordinators + model.cluster.participants);
    let coordinators: Vec<NodeId> = (0..model.cluster.coordinators).map(NodeId).collect();
    let mut case = Case::quiet(model);
    case.scenario.network.fifo = false;
    let transfer = |ms, amount| {
        let op = Op { transfer: Some(Transfer { from: Key(1), to: Key(0), amount }), reads: vec![] };
        Operation { at: Time::ms(ms), client, op }
    };
    case.operations = vec![transfer(21, 5), transfer(100, 9)];
    let late = What::Delay { from: vec![client], to: coordinators, by: Span::ms(300) };
    case.faults = vec![
        Fault::new(Time::ms(21), Span::ms(1), late),
        Fault::new(Time::ms(40), Span::ms(10), What::Crash { node: client.into() }),
    ];
    let played = |case: &Case<TwoPhaseCommit>| {
        run(case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible")
    };
    let both = played(&case);
    assert_eq!(both.violation, None);
    let invocations = both.history.invocations();
    assert_eq!(invocations[0].returned(), None, "it was lost");
    assert!(matches!(invocations[1].returned(), Some(Ret::Committed { .. })), "{:?}", invocations[1]);
    // It was carried out nevertheless.
    case.operations.remove(0);
    let alone = played(&case);
    assert!(both.stats.forced > alone.stats.forced, "{} and {}", both.stats.forced, alone.stats.forced);
}

// -------------------------------------------------------------------------------------------------------------------
// What a transaction costs: the table in the model's documentation

/// Of a transaction's participants, how many change something and vote yes, only read, and vote no.
#[derive(Clone, Copy, Debug)]
struct Votes {
    yes: u64,
    read_only: u64,
    no: u64,
}

/// Forced records, lazy records and messages.
type Cost = (u64, u64, u64);

/// The table, row by row (Mohan, Lindsay & Obermarck 1986, table 1; Lampson & Lomet 1993; Weikum & Vossen 2002).
fn textbook(presumption: Presumption, Votes { yes, read_only, no }: Votes) -> Cost {
    use Presumption::{Abort, Commit, Nothing};
    let ((forced, lazy), (forced_yes, lazy_yes), (forced_no, lazy_no), to_and_from_yes) = match (yes, no, presumption) {
        (0, 0, Nothing | Abort) => ((0, 0), (0, 0), (0, 0), 0),
        (0, 0, Commit) => ((1, 1), (0, 0), (0, 0), 0),
        (_, 0, Nothing | Abort) => ((1, 1), (2, 0), (0, 0), 4),
        (_, 0, Commit) => ((2, 0), (1, 1), (0, 0), 3),
        (_, _, Nothing) => ((1, 1), (2, 0), (1, 0), 4),
        (_, _, Abort) => ((0, 0), (1, 1), (0, 1), 3),
        (_, _, Commit) => ((1, 1), (2, 0), (1, 0), 4),
    };
    (
        forced + yes * forced_yes + no * forced_no,
        lazy + yes * lazy_yes + no * lazy_no,
        yes * to_and_from_yes + (read_only + no) * 2,
    )
}

/// What one transaction costs in a world without faults, over and above what a cluster costs that does nothing.
fn cost(model: &TwoPhaseCommit, op: &Op, Votes { yes, read_only, no }: Votes) -> Cost {
    let stats = |ops: &[Op]| -> Stats {
        let client = NodeId(model.size() as u16 - 1);
        let operation = |op: &Op| Operation { at: Time::ms(10), client, op: op.clone() };
        let case = Case { operations: ops.iter().map(operation).collect(), ..Case::quiet(model.clone()) };
        let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).unwrap();
        assert_eq!(finished.violation, None);
        finished.stats
    };
    let (with, without) = (stats(std::slice::from_ref(op)), stats(&[]));
    // The client asks and is answered, and each participant does its work: that is before the protocol.
    let before = 2 + 2 * (yes + read_only + no);
    (with.forced - without.forced, with.lazy - without.lazy, with.sent - without.sent - before)
}

/// A transaction at `yes + read_only + no` of four participants. Who votes no comes last.
fn transaction(Votes { yes, read_only, no }: Votes) -> Op {
    let reads = (0..read_only).map(|n| Key(n as u16)).collect();
    let amount = if no > 0 { 1_000 } else { 10 };
    let transfer = match yes + no {
        0 => None,
        // Accounts 3 and 7 are at one participant, the last.
        1 => Some(Transfer { from: Key(3), to: Key(7), amount }),
        2 => Some(Transfer { from: Key(3), to: Key(2), amount }),
        _ => unreachable!("a transfer changes two accounts"),
    };
    Op { transfer, reads }
}

#[test]
fn a_transaction_costs_what_the_textbooks_say() {
    let mut told = String::new();
    for presumption in Presumption::ALL {
        let cluster = Cluster { participants: 4, accounts: 8, ..Cluster::default() };
        let usual = TwoPhaseCommit { cluster, ..TwoPhaseCommit::presuming(presumption) };
        for (yes, no) in [(2, 0), (1, 0), (1, 1), (0, 1), (0, 0)] {
            for read_only in 0..=2 {
                let votes = Votes { yes, read_only, no };
                if yes + read_only + no == 0 {
                    continue;
                }
                let op = transaction(votes);
                let counted = cost(&usual, &op, votes);
                assert_eq!(counted, textbook(presumption, votes), "presumed {presumption:?}, {votes:?}");
                told += &format!("presumed {presumption:?}, {votes:?}: forced, lazy, messages {counted:?}\n");
                // Without the optimisation, who only reads costs as much as who changes something.
                let settings = Settings { read_only: false, ..usual.settings };
                let plain = TwoPhaseCommit { settings, ..usual.clone() };
                let all = Votes { yes: yes + read_only, read_only: 0, no };
                assert_eq!(cost(&plain, &op, all), textbook(presumption, all), "presumed {presumption:?}, {all:?}");
            }
        }
    }
    println!("{told}");
}

// -------------------------------------------------------------------------------------------------------------------
// Blocking

/// For how long the participants of a transfer are in doubt whose coordinator falls when both have voted yes.
fn blocked_for(model: &TwoPhaseCommit, down: Span) -> Vec<Span> {
    let transfer = Transfer { from: Key(0), to: Key(1), amount: 10 };
    // Request, work, worked, prepare: a millisecond each, so votes are cast at 14 ms and arrive at 15.
    let case = Case {
        operations: vec![Operation { at: Time::ms(10), client: NodeId(5), op: transfer.into() }],
        faults: vec![Fault::new(Time(14_500_000), down, What::Crash { node: NodeId(0).into() })],
        ..Case::quiet(model.clone())
    };
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
    let mut blocked = Blocked::default();
    while world.step() {
        blocked.look(&world).unwrap();
    }
    assert_eq!(blocked.now().count(), 0, "all know in the end");
    blocked.ended().iter().map(|(_, _, span)| *span).collect()
}

#[test]
fn participants_are_blocked_for_as_long_as_their_coordinator_is_down() {
    for presumption in Presumption::ALL {
        let model = TwoPhaseCommit::presuming(presumption);
        for down in [50, 100, 400, 1_200].map(Span::ms) {
            let spans = blocked_for(&model, down);
            // They ask every so often, and a question and its answer take a millisecond each.
            let most = down + model.settings.decision_timeout + Span::ms(3);
            assert_eq!(spans.len(), 2);
            assert!(spans.iter().all(|span| (down..=most).contains(span)), "down {down}, in doubt for {spans:?}");
            println!("presumed {presumption:?}: coordinator down for {down}, participants in doubt for {spans:?}");
        }
    }
}
