//! MVCC keeps its promises under every fault it tolerates, and each planted bug breaks the promise it should.

use seedbed_models::transactions::mvcc::{Isolation, Mvcc};
use seedbed_properties::commitment::mvcc::{stores, suite};
use seedbed_sim::{Campaign, Model, Swarm, World, check};

#[test]
fn mvcc_keeps_its_promises() {
    check(Mvcc::default()).suite(suite()).seeds(400).run();
}

#[test]
fn mvcc_works_where_nothing_breaks() {
    // Without faults nothing of what `sometimes` demands need happen, so only the properties are taken.
    for isolation in [Isolation::Snapshot, Isolation::Serializable] {
        let model = Mvcc::default().at(isolation);
        check(model).faults(Swarm::calm().as_configured()).properties(suite().properties).seeds(50).run();
    }
}

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

use seedbed_models::transactions::mvcc::timestamp::Ts;
use seedbed_models::transactions::transfer::INITIAL_BALANCE;

const LATEST: Ts = Ts(u64::MAX);

/// A rare bug shows in one of a few hundred seeds; the kill matrix measures how rare each is.
const MOST_SEEDS: u64 = 5_000;

#[test]
fn mvcc_bugs_are_caught_by_the_properties_they_break() {
    let missed: Vec<_> = Mvcc::INFO.bugs.iter().filter(|bug| !is_caught(bug.name, bug.caught_by)).collect();
    assert!(missed.is_empty(), "not caught by the property they break: {missed:?}");
}

fn is_caught(bug: &'static str, property: &str) -> bool {
    let mut suite = suite();
    suite.model.set_bug(Some(bug));
    let campaign = Campaign::new(suite);
    let mut failing = campaign.failing(0..MOST_SEEDS, &|| true).expect("the usual configuration is possible");
    failing.any(|result| result.violation.is_some_and(|violation| violation.property == property))
}
