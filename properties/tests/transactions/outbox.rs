//! The outbox keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::transactions::outbox::{Op, Outbox, Relay, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::Transfer;
use seedbed_properties::transactions::outbox::suite;
use seedbed_sim::{
    Case, Fault, Finished, NodeId, Operation, Phases, Record, Source, Span, Stats, Swarm, Time, What, check,
    component_tests, run,
};

// A rare bug shows in one of a few hundred seeds; the kill matrix measures how rare each is.
component_tests! { suite, seeds: 400, calm: 50, bugs: 5_000 }

#[test]
fn each_relay_works_where_nothing_breaks() {
    // Without faults nothing of what `sometimes` demands need happen, so only the properties are taken.
    for relay in [Relay::Polling, Relay::Tailing, Relay::Transactional] {
        let model = Outbox::default().with(relay);
        check(model).faults(Swarm::calm().as_configured()).properties(suite().properties).seeds(50).run();
    }
}

/// What transfers cost where nothing breaks, and how they ended.
fn calm(relay: Relay, amounts: &[i64]) -> (Stats, Vec<Option<Ret>>) {
    let mut case = Case::quiet(Outbox::default().with(relay));
    let client = NodeId(Outbox::default().client_ids().start);
    let transfer = |amount| Op::Transfer(Transfer { from: Key(0), to: Key(1), amount });
    let operation =
        |(n, amount): (usize, &i64)| Operation { at: Time::ms(100 * (n as u64 + 1)), client, op: transfer(*amount) };
    case.operations = amounts.iter().enumerate().map(operation).collect();
    let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
    assert_eq!(finished.violation, None);
    let answers = finished.history.invocations().iter().map(|invocation| invocation.returned().copied());
    (finished.stats, answers.collect())
}

/// A request, a publication and a delivery, each with its answer. Forced: the withdrawal with the outbox, the broker's
/// copy, the deposit with the inbox. What is marked as sent and as consumed is not.
#[test]
fn a_transfer_costs_three_requests_and_three_forced_writes() {
    for relay in [Relay::Polling, Relay::Tailing] {
        let (stats, answers) = calm(relay, &[30]);
        assert_eq!(answers, [Some(Ret::Committed)]);
        assert_eq!((stats.sent, stats.forced, stats.lazy), (6, 3, 2), "{relay:?}");
    }
}

/// Half messages cost one more of each.
#[test]
fn a_transactional_message_costs_four_requests_and_four_forced_writes() {
    let (stats, answers) = calm(Relay::Transactional, &[30]);
    assert_eq!(answers, [Some(Ret::Committed)]);
    assert_eq!((stats.sent, stats.forced, stats.lazy), (8, 4, 2));
}

/// With an outbox an aborted transaction costs nothing but itself; a half message is stored and taken back.
#[test]
fn an_aborted_transfer_publishes_nothing() {
    for (relay, sent, forced) in [(Relay::Polling, 2, 1), (Relay::Tailing, 2, 1), (Relay::Transactional, 6, 3)] {
        let (stats, answers) = calm(relay, &[1_000]);
        assert_eq!(answers, [Some(Ret::Aborted)]);
        assert_eq!((stats.sent, stats.forced), (sent, forced), "{relay:?}");
    }
}

/// A transfer between two services, asked by the client of this number.
fn asked(at: Time, client: u16, amount: i64) -> Operation<Op> {
    let client = NodeId(Outbox::default().client_ids().start + client);
    Operation { at, client, op: Op::Transfer(Transfer { from: Key(0), to: Key(1), amount }) }
}

fn finished(case: &Case<Outbox>) -> Finished<Outbox> {
    run(case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible")
}

/// A sync ends while the service is paused, so that its commit is durable. When it goes on, it sees to what came before that: its
/// relay's timer, after which the answer may leave, and a request, for which it finds the disk full and goes down. So it never
/// hears of the sync, nor shows that the commit is durable, before the client is answered.
#[test]
fn a_commit_may_be_answered_whose_service_goes_down_before_it_hears_that_it_is_durable() {
    let model = Outbox::default().with(Relay::Polling);
    let service = model.home(Key(0));
    let mut case = Case::quiet(model);
    case.scenario.disk.sync = Span::ms(50);
    case.operations = vec![asked(Time::ms(100), 0, 10), asked(Time::ms(140), 1, 20)];
    case.faults = vec![
        Fault::new(Time::ms(120), Span::ms(80), What::Pause { node: service.into() }),
        Fault::new(Time::ms(150), Span::ms(400), What::FullDisk { node: service.into() }),
    ];
    let finished = finished(&case);
    assert_eq!(finished.violation, None);
    let first = &finished.history.invocations()[0];
    assert_eq!(first.returned(), Some(&Ret::Committed));
    let answered = first.ended().expect("it is answered");
    assert!(answered < Time::ms(300), "it is answered at {answered}, while the service is down");
    assert!(finished.marks.iter().any(|(mark, _)| *mark == "outbox found after a crash"), "it was down");
}

/// A world may end while messages are on their way. What must happen is not asked then.
#[test]
fn what_was_asked_just_before_the_end_need_not_have_happened() {
    for relay in [Relay::Polling, Relay::Tailing, Relay::Transactional] {
        let mut case = Case::quiet(Outbox::default().with(relay));
        case.scenario.phases = Phases { chaos: Span::ms(1_000), settle: Span::ms(100) };
        for before_the_end in [5, 15, 25, 40] {
            case.operations = vec![asked(Time::ms(1_100 - before_the_end), 0, 10)];
            let finished = finished(&case);
            assert_eq!(finished.violation, None, "{relay:?}, asked {before_the_end} ms before the end");
        }
    }
}
