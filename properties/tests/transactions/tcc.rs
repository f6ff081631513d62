//! TCC keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::tcc::business::{Request, Trip};
use seedbed_models::transactions::tcc::{Outcome, Tcc, Why};
use seedbed_models::transactions::transfer::Transfer;
use seedbed_models::transactions::transfer::Transfers as _;
use seedbed_properties::transactions::tcc::suite;
use seedbed_sim::{
    Case, Fault, Finished, NodeId, Operation, Record, Source, Span, Time, What, World, check, component_tests, run,
};

// Rare bugs show in one of a few hundred seeds; the kill matrix measures how rare each is.
component_tests! { suite, seeds: 400, calm: 100, bugs: 5_000 }

#[test]
fn transfers_are_reservations_too() {
    let model = Tcc::default();
    check(model.clone()).workload(model.transfers()).properties(suite().properties).seeds(100).run();
}

/// One transaction, alone, while these faults strike.
fn alone(op: Request, faults: Vec<Fault>) -> (Option<Outcome>, Finished<Tcc>) {
    let operations = vec![Operation { at: Time::ms(1), client: NodeId(4), op }];
    let case = Case { operations, faults, ..Case::quiet(Tcc::default()) };
    let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it can be run");
    assert_eq!(finished.violation, None);
    (finished.history.invocations()[0].returned().copied(), finished)
}

/// The clock of a participant is ahead until the faults end, when it steps back: what it was going to ask about a second later by that
/// clock, it asks about two seconds later. Its reservation lasts longer for it.
#[test]
fn a_clock_that_steps_back_keeps_a_reservation() {
    // The participant of the other account does not answer; then neither the coordinator nor the client knows of it any more.
    let crash = |ms, node: u16| Fault::new(Time::ms(ms), Span::ms(1_688), What::Crash { node: NodeId(node).into() });
    let crashes = vec![crash(0, 1), crash(20, 0), crash(20, 4)];
    let transfer = Request::Transfer(Transfer { from: Key(5), to: Key(3), amount: 9 });
    let released = |faults: Vec<Fault>| {
        let operations = vec![Operation { at: Time::ms(1), client: NodeId(4), op: transfer }];
        let case = Case { operations, faults, ..Case::quiet(Tcc::default()) };
        let mut world = World::new(&case, &Source::Fixed(Vec::new())).expect("it can be run");
        let reserved = |world: &World<Tcc>| {
            world
                .processes()
                .any(|(_, process)| process.participant().is_some_and(|p| p.reservations().next().is_some()))
        };
        let mut last = Time::ZERO;
        while world.step() {
            last = if reserved(&world) { world.now() } else { last };
        }
        last
    };
    let prompt = released(crashes.clone());
    let ahead = (1..4).map(|node| {
        let what = What::Skew { node: NodeId(node).into(), offset_ns: 990_000_000, drift_ppm: 0 };
        Fault::new(Time::ms(1_250), Span::ms(1_000), what)
    });
    let late: Vec<Fault> = crashes.into_iter().chain(ahead).collect();
    assert_eq!(alone(transfer, late.clone()).0, None);
    let late = released(late);
    assert!(late > prompt + Span::ms(300), "until {late}, and otherwise until {prompt}");
}

/// Each participant forces two entries, the coordinator its decision; it notes the end without forcing it. Each
/// participant is asked twice and answers twice. (Two-phase commit with a forced vote and decision costs the same;
/// what it holds meanwhile are locks.)
#[test]
fn tcc_costs_what_the_textbook_says() {
    let costs = |finished: Finished<Tcc>| [finished.stats.forced, finished.stats.lazy, finished.stats.sent];
    let trip = |persons| Request::Trip(Trip { flight: 0, hotel: 1, car: Some(0), persons });
    let question_and_answer = 2;
    let (outcome, finished) = alone(trip(2), vec![]);
    assert_eq!(outcome, Some(Outcome::Confirmed));
    assert_eq!(costs(finished), [2 * 3 + 1, 1, 4 * 3 + question_and_answer]);

    let (outcome, finished) = alone(Request::Transfer(Transfer { from: Key(0), to: Key(1), amount: 5 }), vec![]);
    assert_eq!(outcome, Some(Outcome::Confirmed));
    assert_eq!(costs(finished), [2 * 2 + 1, 1, 4 * 2 + question_and_answer]);

    // Who refuses has nothing to cancel and is not asked to: one entry and one question less.
    let (outcome, finished) = alone(Request::Transfer(Transfer { from: Key(0), to: Key(1), amount: 500 }), vec![]);
    assert_eq!(outcome, Some(Outcome::Cancelled(Why::Short { key: Key(0) })));
    assert_eq!(costs(finished), [2 + 1 + 1, 1, 2 + 4 + question_and_answer]);
}

/// The price of asking: while the coordinator is down, participants whose reservations have timed out ask in vain.
/// Once it is back all is settled, which the properties see to.
#[test]
fn reservations_wait_for_the_coordinator() {
    let trip = Request::Trip(Trip { flight: 0, hotel: 0, car: None, persons: 1 });
    let crash = |lasts| Fault::new(Time::ms(3), Span::ms(lasts), What::Crash { node: NodeId(0).into() });
    for down in [400, 1_200] {
        let (outcome, finished) = alone(trip, vec![crash(down)]);
        assert!(outcome.is_some(), "after {down} ms the client is answered");
        let timed_out = finished.marks.iter().find(|(name, _)| *name == "reservation timed out").map_or(0, |(_, n)| *n);
        assert!(timed_out >= (down - 300) / 40, "they ask while it is down for {down} ms: {timed_out} times");
    }
}
