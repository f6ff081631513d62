//! Sagas keep their promises under every fault they tolerate, each planted bug breaks the promise it should, and
//! semantic locks are what isolates them.

use seedbed_models::transactions::saga::business::{self, INITIAL_STOCK, Order, Request};
use seedbed_models::transactions::saga::{Coordination, Outcome, Saga};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::Transfer;
use seedbed_models::transactions::transfer::Transfers as _;
use seedbed_properties::transactions::saga::{isolation, safety, suite};
use seedbed_sim::{
    AtEnd, Campaign, Case, Finished, NodeId, Operation, Record, Source, Suite, Swarm, Time, World, check,
    component_tests, maker, run,
};

// Rare bugs show in one of a few hundred seeds; the kill matrix measures how rare each is.
component_tests! { suite, seeds: 400, calm: 100, bugs: 5_000 }

#[test]
fn transfers_are_sagas_too() {
    let model = Saga::default();
    check(model.clone()).workload(model.transfers()).properties(suite().properties).seeds(100).run();
}

/// What semantic locks do not protect holds without them, under all faults.
#[test]
fn atomicity_needs_no_isolation() {
    check(Saga::default().without_semantic_locks()).properties(safety()).seeds(200).run();
}

/// How many of three hundred calm worlds break a property, looked at alone.
fn broken(model: &Saga, place: usize) -> usize {
    let suite = Suite { properties: vec![isolation().swap_remove(place)], ..Suite::new(model.clone()) };
    let campaign = Campaign { suite, swarm: Swarm::calm().as_configured() };
    let cases = campaign.cases();
    (0..300).filter(|seed| campaign.run_seed(&cases, *seed, false).violation.is_some()).count()
}

#[test]
fn dirty_reads_and_lost_updates_are_there_without_semantic_locks_and_gone_with_them() {
    for coordination in [Coordination::Orchestrated, Coordination::Choreographed] {
        let locked = Saga::default().coordinated(coordination);
        let open = locked.clone().without_semantic_locks();
        for (place, what) in ["lost updates", "dirty reads", "other cycles"].into_iter().enumerate() {
            assert!(broken(&open, place) > 0, "{coordination:?} without semantic locks: no {what}");
            assert_eq!(broken(&locked, place), 0, "{coordination:?} with semantic locks: {what}");
        }
    }
}

/// The points tell of lost updates by themselves: each completed order adds one. Whenever some are missing, the checker
/// has found the update that was lost.
#[test]
fn the_checker_finds_every_lost_point() {
    let lost = |world: &World<Saga>| {
        let completed = |customer| {
            let asked = world.history().invocations().iter();
            let of = |request| matches!(request, Request::Order(order) if order.customer == customer);
            asked.filter(|asked| of(asked.op) && asked.returned() == Some(&Outcome::Completed)).count() as i64
        };
        let payment = world.process(Saga::node(business::PAYMENT)).and_then(|process| process.service());
        let points = |customer| payment.and_then(|service| service.store().get(business::points(customer)));
        let missing = (0..business::CUSTOMERS)
            .find(|customer| points(*customer).is_none_or(|cell| cell.value < completed(*customer)));
        missing.map_or(Ok(()), |customer| Err(format!("customer {customer} has lost a point").into()))
    };
    let model = Saga::default().without_semantic_locks();
    let looking_for = |property| {
        let suite = Suite { properties: vec![property], ..Suite::new(model.clone()) };
        Campaign { suite, swarm: Swarm::calm() }
    };
    let (points, checker) = (looking_for(maker(AtEnd::new("points", lost))), looking_for(isolation().swap_remove(0)));
    let cases = points.cases();
    let lost: Vec<u64> = (0..600).filter(|seed| points.run_seed(&cases, *seed, false).violation.is_some()).collect();
    assert!(lost.len() > 10, "too few lost points to say anything: {}", lost.len());
    let missed = lost.iter().find(|seed| checker.run_seed(&cases, **seed, false).violation.is_none());
    assert_eq!(missed, None, "a point was lost, and no update");
}

/// One saga, alone, where nothing breaks.
fn alone(coordination: Coordination, op: Request) -> Finished<Saga> {
    let operations = vec![Operation { at: Time::ms(1), client: NodeId(4), op }];
    let case = Case { operations, ..Case::quiet(Saga::default().coordinated(coordination)) };
    let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it can be run");
    assert_eq!(finished.violation, None);
    finished
}

fn costs(coordination: Coordination, op: Request) -> (Outcome, [u64; 3]) {
    let finished = alone(coordination, op);
    let outcome = finished.history.invocations()[0].returned().copied();
    (outcome.expect("it has ended"), [finished.stats.forced, finished.stats.lazy, finished.stats.sent])
}

/// What a saga costs in forced writes, writes that are not forced, and messages. With a coordinator: each step is a
/// question, a forced entry of its service's journal and an answer; the coordinator forces three records, and writes
/// one for each step that is not forced. Without: each service forces one record for each event that it hears, and for
/// the client's question; each event is a message and its acknowledgement, which is noted without being forced.
#[test]
fn sagas_cost_what_the_textbook_says() {
    use Coordination::{Choreographed, Orchestrated};
    let order = |pieces| Request::Order(Order { customer: 0, product: 0, pieces });
    let (question_and_answer, begin_pivot_end, begin_abort_end) = (2, 3, 3);

    let (outcome, costs_) = costs(Orchestrated, order(1));
    assert_eq!((outcome, costs_), (Outcome::Completed, [7 + begin_pivot_end, 7, 2 * 7 + question_and_answer]));
    let events = 8;
    let (outcome, costs_) = costs(Choreographed, order(1));
    assert_eq!((outcome, costs_), (Outcome::Completed, [1 + events, events, 2 * events + question_and_answer]));

    // More than the customer can pay: payment refuses, and what stock and the order service did is compensated.
    let dear = order(INITIAL_STOCK - 1);
    let (outcome, costs_) = costs(Orchestrated, dear);
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    // Three steps, of which one is refused; two compensations.
    assert_eq!(costs_, [3 + 2 + begin_abort_end, 2 + 2, 2 * 5 + question_and_answer]);
    // To stock and payment: open. To shipping: reserved. To stock and order: refused. To order: compensated.
    let events = 2 + 1 + 2 + 1;
    let (outcome, costs_) = costs(Choreographed, dear);
    assert!(matches!(outcome, Outcome::Cancelled(_)), "{outcome:?}");
    assert_eq!(costs_, [1 + events, events, 2 * events + question_and_answer]);

    let transfer = Request::Transfer(Transfer { from: Key(1), to: Key(2), amount: 5 });
    let (outcome, costs_) = costs(Orchestrated, transfer);
    assert_eq!((outcome, costs_), (Outcome::Completed, [3 + begin_pivot_end, 3, 2 * 3 + question_and_answer]));
    let events = 2;
    let (outcome, costs_) = costs(Choreographed, transfer);
    assert_eq!((outcome, costs_), (Outcome::Completed, [1 + events, events, 2 * events + question_and_answer]));
}

/// What traces say of a job is what it was, and what is no job is refused.
#[test]
fn jobs_are_read_back() {
    let text = r#"{"job":{"steps":[{"service":0,"unit":1},{"service":2,"unit":0,"after":[0]}],"pivot":{"service":1,"unit":2}}}"#;
    let job: Request = serde_json::from_str(text).expect("it is a job");
    assert_eq!(serde_json::to_string(&job).expect("it is data"), text);
    assert_eq!(format!("{job:?}"), "Job(a: 0/1; b: 2/0 after {0}; go: 1/2)");
    for (wrong, why) in [
        (r#"{"job":{"steps":[],"pivot":{"service":0,"unit":0}}}"#, "no step"),
        (r#"{"job":{"steps":[{"service":9,"unit":0}],"pivot":{"service":0,"unit":0}}}"#, "no such service"),
        (r#"{"job":{"steps":[{"service":0,"unit":0,"after":[200]}],"pivot":{"service":0,"unit":0}}}"#, "no such step"),
        (r#"{"job":{"steps":[{"service":0,"unit":0,"after":[0]}],"pivot":{"service":0,"unit":0}}}"#, "a circle"),
    ] {
        assert!(serde_json::from_str::<Request>(wrong).is_err(), "{why}");
    }
}
