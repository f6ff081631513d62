//! Three-phase commit keeps its promises where nodes crash and the network keeps its bound, each planted bug breaks the
//! promise it should, and who stays up decides though all others stay down.

use seedbed_models::transactions::commitment::{Cluster, Decision, Entry, Op};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::three_phase_commit::ThreePhaseCommit;
use seedbed_models::transactions::transfer::Transfer;
use seedbed_models::transactions::transfer::Transfers as _;
use seedbed_properties::transactions::Blocked;
use seedbed_properties::transactions::three_phase_commit::suite;
use seedbed_sim::{
    Case, Deviation, Fault, NodeId, Operation, Record, Source, Span, Time, What, World, check, component_tests, run,
};

// That nobody aborts needlessly where nothing breaks says that the timeouts do follow from the bound.
component_tests! { suite, seeds: 1_000, calm: 500, bugs: 20_000 }

#[test]
fn one_participant_and_many_keep_the_promises_too() {
    for participants in [1, 5] {
        let cluster = Cluster { participants, ..Cluster::default() };
        let model = ThreePhaseCommit { cluster, ..ThreePhaseCommit::default() };
        check(model).properties(suite().properties).seeds(150).run();
    }
}

#[test]
fn the_work_that_models_are_compared_on_is_done() {
    let model = ThreePhaseCommit::default();
    let transfers = model.transfers();
    check(model).workload(transfers).properties(suite().properties).seeds(100).run();
}

/// The timeouts leave room for the bound and for little more: a vote that is four times as late is taken for a crash, and
/// the transaction is aborted, though nobody is against it and nobody fell.
#[test]
fn a_vote_beyond_the_bound_is_given_up() {
    let model = ThreePhaseCommit::default();
    let verdict = |latency: Span| {
        let case = Case { operations: vec![transfer(5)], ..Case::quiet(model.clone()) };
        let (from, to, kind) = (NodeId(2), NodeId(0), "yes".to_string());
        let late = Deviation::Send { from, to, kind, n: 0, lost: false, latency: Some(latency), copy: None };
        let finished = run(&case, &Source::Fixed(vec![late]), &suite().properties, Record::No).unwrap();
        finished.violation.map(|violation| violation.property)
    };
    assert_eq!(verdict(model.settings.delta), None);
    assert_eq!(verdict(model.settings.delta * 4).as_deref(), Some("three_phase_commit/ac4_no_needless_abort"));
}

fn transfer(client: u16) -> Operation<Op> {
    let transfer = Transfer { from: Key(0), to: Key(1), amount: 10 };
    Operation { at: Time::ms(10), client: NodeId(client), op: transfer.into() }
}

/// Nobody that stays up waits for the coordinator, which stays down for the whole of the chaos; whenever it falls. And
/// whenever the first participant, which is elected, falls soon after it.
#[test]
fn survivors_decide_though_the_coordinator_stays_down() {
    let model = ThreePhaseCommit::default();
    let bound = model.settings.in_doubt_at_most(3);
    let (mut outcomes, mut longest) = (Vec::new(), Span::ZERO);
    for at in (0..60).map(|n| Time(12_000_000 + n * 250_000)) {
        for second in [None, Some(Span::ms(1)), Some(Span::ms(60)), Some(Span::ms(100))] {
            let crash = |at, node| Fault::new(at, None, What::Crash { node: NodeId(node).into() });
            let case = Case {
                operations: vec![transfer(5)],
                faults: std::iter::once(crash(at, 0)).chain(second.map(|after| crash(at + after, 2))).collect(),
                ..Case::quiet(model.clone())
            };
            let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
            let mut blocked = Blocked::default();
            while world.now() < Time::ms(1_450) && world.step() {
                blocked.look(&world).unwrap();
            }
            assert_eq!(blocked.now().count(), 0, "coordinator down at {at}, participant {second:?} later");
            longest = blocked.ended().iter().map(|(_, _, span)| *span).fold(longest, Span::max);
            let survivor = world.process(NodeId(3)).expect("it stays up");
            outcomes.extend(survivor.journal().iter().filter_map(|entry| match entry {
                Entry::Decided(_, decision) => Some(*decision),
                _ => None,
            }));
        }
    }
    assert!(longest <= bound, "in doubt for {longest}, and not for {bound}");
    assert!(longest > model.settings.coordinator_timeout(3), "somebody had to be elected");
    assert!(outcomes.contains(&Decision::Commit) && outcomes.contains(&Decision::Abort));
    println!("in doubt for at most {longest}, which may be {bound}");
}

/// All who take part fall: first the coordinator and a participant, then the two that went on without them. These are
/// enough to decide when they recover, whether the others do or not, if they had written down that they went on alone.
#[test]
fn after_a_total_failure_the_last_to_fall_decide() {
    let model = ThreePhaseCommit::default();
    let crash = |at, lasts, node| Fault::new(at, lasts, What::Crash { node: NodeId(node).into() });
    let op = Op { reads: vec![Key(2)], ..transfer(5).op };
    let (mut waited, mut decided) = (0, 0);
    for first in (0..12).map(|n| Time(15_000_000 + n * 250_000)) {
        for last in (0..240).map(|n| Time(80_000_000 + n * 250_000)) {
            let case = Case {
                operations: vec![Operation { op: op.clone(), ..transfer(5) }],
                faults: vec![
                    crash(first, None, 0),
                    crash(first, None, 4),
                    crash(last, Some(Span::ms(300)), 2),
                    crash(last, Some(Span::ms(300)), 3),
                ],
                ..Case::quiet(model.clone())
            };
            let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).unwrap();
            assert_eq!(finished.violation, None);
            let marked = |mark| finished.marks.iter().any(|(name, _)| *name == mark);
            waited += usize::from(marked("total failure: decided when all had recovered"));
            decided += usize::from(marked("total failure: decided when the last to fall had recovered"));
        }
    }
    println!("of those who all fell, {decided} could decide without the others and {waited} had to wait for them");
    assert!(decided > 0 && waited > 0);
}
