//! MVCC keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use std::collections::BTreeSet;

use seedbed_models::transactions::mvcc::marks::{ORACLE_DEPOSED, ORACLE_TOOK_OVER};
use seedbed_models::transactions::mvcc::timestamp::Ts;
use seedbed_models::transactions::mvcc::{Bug, Isolation, Mvcc, Op, Ret};
use seedbed_models::transactions::store::{Key, Step};
use seedbed_models::transactions::transfer::{INITIAL_BALANCE, Transfer, Transfers as _};
use seedbed_properties::transactions::mvcc::{needless, no_read_only_anomaly, stores, suite};
use seedbed_sim::{
    AtEnd, Campaign, Case, NodeId, Operation, Record, Source, Suite, Swarm, Time, Verdict, World, check,
    component_tests, maker, run,
};

const ALL: [Isolation; 3] = [Isolation::Snapshot, Isolation::WriteSnapshot, Isolation::Serializable];

/// A rare bug shows in one of a few hundred seeds; the kill matrix measures how rare each is.
const MOST_SEEDS: u64 = 5_000;

component_tests! { suite, seeds: 400, calm: 50, bugs: MOST_SEEDS }

#[test]
fn each_isolation_level_works_where_nothing_breaks() {
    // Without faults nothing of what `sometimes` demands need happen, so only the properties are taken.
    for isolation in ALL {
        let model = Mvcc::default().at(isolation);
        check(model).faults(Swarm::calm().as_configured()).properties(suite().properties).seeds(50).run();
    }
}

const LATEST: Ts = Ts(u64::MAX);

/// Lost updates between transfers would make or destroy money.
#[test]
fn transfers_keep_the_total() {
    let model = Mvcc::default();
    let workload = model.transfers();
    check(model)
        .workload(workload)
        .properties(suite().properties)
        .at_end("money is conserved", |world: &World<Mvcc>| {
            let rows = stores(world)
                .into_values()
                .flat_map(|store| store.rows().map(|(_, row)| row.version(LATEST).value).collect::<Vec<_>>());
            let total: i64 = rows.sum();
            let should = i64::from(world.config().keys) * INITIAL_BALANCE;
            if total == should { Ok(()) } else { Err(format!("there should be {should}, there is {total}").into()) }
        })
        .seeds(150)
        .run();
}

/// What the oracle promises (section 2.3), seen from outside: no timestamp is handed out twice, and whoever began after
/// another was committed has a later snapshot.
fn timestamps_agree_with_real_time(world: &World<Mvcc>) -> Verdict {
    let ended: Vec<_> =
        world.history().invocations().iter().filter_map(|i| Some((i.invoked, i.ended()?, i.returned()?))).collect();
    let mut seen = BTreeSet::new();
    for (invoked, _, ret) in &ended {
        let Ret::Committed { start, commit, .. } = ret else { continue };
        if let Some(twice) = [Some(*start), *commit].into_iter().flatten().find(|ts| !seen.insert(*ts)) {
            return Err(format!("{twice} was handed out twice").into());
        }
        for (_, returned, before) in &ended {
            let Ret::Committed { commit: Some(earlier), .. } = before else { continue };
            if returned < invoked && earlier >= start {
                return Err(format!("{earlier} was committed at {returned}, and {start} begins at {invoked}").into());
            }
        }
    }
    Ok(())
}

#[test]
fn timestamps_go_forward_over_failovers() {
    let name = "timestamps go forward";
    let good = check(Mvcc::default()).at_end(name, timestamps_agree_with_real_time);
    good.sometimes(ORACLE_TOOK_OVER).sometimes(ORACLE_DEPOSED).seeds(300).run();

    let suite = Suite::new(Mvcc::default()).property(AtEnd::new(name, timestamps_agree_with_real_time));
    assert!(
        Campaign::hunting(suite, Bug::StaleOracle.name()).breaks(name, 0..MOST_SEEDS),
        "a deposed oracle goes back"
    );
}

/// What one transaction costs where nothing breaks: messages, and forced writes.
fn cost(isolation: Isolation, op: Op) -> (u64, u64) {
    let cost = |operations: Vec<Operation<Op>>| {
        let mut case = Case::quiet(Mvcc::default().at(isolation));
        case.operations = operations;
        let finished = run(&case, &Source::Fixed(Vec::new()), &suite().properties, Record::No).expect("it is possible");
        assert_eq!(finished.violation, None);
        let ended = finished.history.invocations().iter().map(|invocation| invocation.returned());
        assert!(ended.into_iter().all(|ret| matches!(ret, Some(Ret::Committed { .. }))), "nothing is in its way");
        (finished.stats.sent, finished.stats.forced)
    };
    let (client, at) = (NodeId(Mvcc::default().client_ids().start), Time::ms(100));
    let (before, after) = (cost(Vec::new()), cost(vec![Operation { at, client, op }]));
    (after.0 - before.0, after.1 - before.1)
}

/// Percolator, figure 6: a read is one request; a write is two, and two forced writes. A timestamp is a request to the
/// oracle and one from there to the register; the first reserves a batch, which is a forced write.
#[test]
fn a_transaction_costs_what_the_paper_says() {
    let (timestamp, request, batch) = (4, 2, 1);
    let transfer = Op::Transfer(Transfer { from: Key(0), to: Key(1), amount: 1 });
    let both = 2 * timestamp + 2 * request + 2 * 2 * request;
    for isolation in ALL {
        assert_eq!(cost(isolation, transfer.clone()), (both, 2 * 2 + batch), "what is written is not checked again");
    }

    let skewed = Op::Steps(vec![Step::Read { key: Key(0) }, Step::Put { key: Key(1), value: 7 }]);
    let snapshot = 2 * timestamp + request + 2 * request;
    assert_eq!(cost(Isolation::Snapshot, skewed.clone()), (snapshot, 2 + batch));
    let locked = (snapshot + 2 * request, 2 * 2 + batch);
    assert_eq!(cost(Isolation::WriteSnapshot, skewed.clone()), locked, "a read lock and its end");
    assert_eq!(cost(Isolation::Serializable, skewed), (snapshot + request, 2 + 1 + batch), "a mark, which stays");

    let reads = Op::Steps(vec![Step::Read { key: Key(0) }, Step::Read { key: Key(1) }]);
    for isolation in [Isolation::Snapshot, Isolation::WriteSnapshot] {
        assert_eq!(cost(isolation, reads.clone()), (timestamp + 2 * request, batch), "who only reads locks nothing");
    }
    let marked = (timestamp + 2 * 2 * request, 2 + batch);
    assert_eq!(cost(Isolation::Serializable, reads), marked, "who only reads marks what it has read");
}

/// Serializable snapshot isolation against write-snapshot isolation, on the same transactions where nothing breaks: what is
/// aborted, and how much of what is aborted because of a dangerous structure would have closed no cycle.
#[test]
fn some_aborts_are_needless_and_fewer_than_all() {
    let mut told = String::new();
    for (name, clients, keys) in [("few conflicts", 4, 12), ("as usual", 4, 4), ("many conflicts", 6, 3)] {
        let model = Mvcc { clients, keys, ..Mvcc::default() };
        let count =
            |isolation| needless::measure(&model.clone().at(isolation), &Swarm::calm(), 0..400).expect("it runs");
        let [snapshot, write_snapshot, serializable] = ALL.map(count);
        for (isolation, aborts) in ALL.into_iter().zip([snapshot, write_snapshot, serializable]) {
            let share = aborts.aborted as f64 / (aborts.committed + aborts.aborted) as f64;
            told += &format!("{name}, {isolation:?}: {:.1} % aborted, {aborts:?}\n", 100.0 * share);
        }
        assert_eq!((snapshot.dangerous, write_snapshot.dangerous), (0, 0), "they know no dangerous structures");
        assert!(serializable.needless < serializable.dangerous, "some were part of a cycle: {serializable:?}");
        assert!(snapshot.aborted < serializable.aborted && serializable.aborted < write_snapshot.aborted, "{told}");
    }
    println!("{told}");
}

/// The story of Fekete, O'Neil & O'Neil 2004: somebody withdraws from one of two accounts after having looked at both, another
/// deposits in the other, and a report is made in between. The two have a serial order, in which the withdrawal comes first;
/// the report has seen the deposit and not the withdrawal.
fn report_in_between(isolation: Isolation, withdrawal: u64, report: u64) -> (bool, [bool; 3]) {
    let first = Mvcc::default().client_ids().start;
    let (x, y) = (Key(0), Key(1));
    let operation = |at, client, steps: &[Step]| Operation {
        at: Time::ms(100 + at),
        client: NodeId(first + client),
        op: Op::Steps(steps.to_vec()),
    };
    let mut case = Case::quiet(Mvcc::default().at(isolation));
    case.operations = vec![
        operation(0, 0, &[Step::Add { key: y, amount: 20 }]),
        operation(withdrawal, 1, &[Step::Add { key: x, amount: -10 }, Step::Read { key: y }]),
        operation(report, 2, &[Step::Read { key: x }, Step::Read { key: y }]),
    ];
    case.operations.sort_by_key(|operation| operation.at);
    let clients = || case.operations.iter().map(|operation| operation.client);
    let place = |client: u16| clients().position(|node| node == NodeId(first + client)).expect("it asks");
    let properties = [suite().properties, vec![maker(no_read_only_anomaly())]].concat();
    let finished = run(&case, &Source::Fixed(Vec::new()), &properties, Record::No).expect("it is possible");
    let anomaly = finished.violation.map(|violation| violation.property);
    assert!(anomaly.as_deref().is_none_or(|name| name == "mvcc/no_read_only_anomaly"), "{anomaly:?}");
    let committed = |client| {
        let invocation = &finished.history.invocations()[place(client)];
        matches!(invocation.returned(), Some(Ret::Committed { .. }))
    };
    (anomaly.is_some(), [0, 1, 2].map(committed))
}

#[test]
fn the_read_only_anomaly_is_there_under_plain_snapshot_isolation_only() {
    let moments = || (0..30).flat_map(|withdrawal| (0..50).map(move |report| (withdrawal, report)));
    let anomalies: Vec<(u64, u64)> = moments()
        .filter(|(withdrawal, report)| report_in_between(Isolation::Snapshot, *withdrawal, *report).0)
        .collect();
    assert!(!anomalies.is_empty(), "nobody reports in between");
    for (withdrawal, report) in moments() {
        for isolation in [Isolation::WriteSnapshot, Isolation::Serializable] {
            let (anomaly, _) = report_in_between(isolation, withdrawal, report);
            assert!(!anomaly, "{isolation:?}: withdrawal {withdrawal} ms, report {report} ms later");
        }
    }
    for (withdrawal, report) in anomalies {
        let (_, [deposit, withdrawn, reported]) = report_in_between(Isolation::Serializable, withdrawal, report);
        assert!(deposit && (withdrawn != reported), "one of the dangerous structure is aborted, and one is enough");
    }
}
