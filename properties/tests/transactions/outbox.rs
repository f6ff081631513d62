//! The outbox keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::transactions::outbox::{Op, Outbox, Relay, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::Transfer;
use seedbed_properties::transactions::outbox::suite;
use seedbed_sim::{Case, NodeId, Operation, Record, Source, Stats, Swarm, Time, check, component_tests, run};

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
