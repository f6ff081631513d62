//! The contents of stores: quantities are conserved, and at the end agree with the answers to clients.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::business::{
    self, CUSTOMERS, Order, PAYMENT, PENDING, PRODUCTS, Request, SERVICES, STOCK, balance, free, free_units, held,
    order_of, paid, points, reserved, shipments, shipped, taken_units, used_units,
};
use seedbed_models::transactions::saga::job::{UNITS, Unit};
use seedbed_models::transactions::saga::plan::ServiceId;
use seedbed_models::transactions::saga::{Outcome, Saga};
use seedbed_models::transactions::store::Key;
use seedbed_sim::{Broken, NodeId, Verdict, World};

use super::ends::outcomes;
use crate::checkers::conservation::{Conservation, Event};
use crate::checkers::judge::{Facts, Id, facts};

/// A cell of a service.
type Part = (NodeId, Key);

/// A conserved quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quantity {
    /// Pieces of a product: free, reserved and shipped.
    Goods(u16),
    /// A customer's money: free, held and paid.
    Money(u16),
    /// Units of a service: free, taken and used.
    Units(Unit),
}

impl Id for Quantity {}

/// At every instant goods = free + reserved + shipped, money = free + held + paid, units = free + taken + used, and nothing
/// is below zero.
pub(super) fn conservation() -> Facts<Saga, Conservation<Part, Quantity>> {
    let parts = |of: Quantity| match of {
        Quantity::Goods(p) => (Saga::node(STOCK), [free(p), reserved(p), shipped(p)]),
        Quantity::Money(c) => (Saga::node(PAYMENT), [balance(c), held(c), paid(c)]),
        Quantity::Units(u) => (Saga::node(ServiceId(u.service)), [free_units(u), taken_units(u), used_units(u)]),
    };
    let all = move || {
        let units = (0..SERVICES).flat_map(|service| (0..UNITS).map(move |unit| Unit { service, unit }));
        let others = (0..CUSTOMERS).map(Quantity::Money).chain(units.map(Quantity::Units));
        let quantities = (0..PRODUCTS).map(Quantity::Goods).chain(others);
        quantities.flat_map(move |of| {
            let (node, keys) = parts(of);
            keys.map(|key| (of, node, key))
        })
    };
    let judge = Conservation::new(all().map(|(_, node, key)| (node, key)));
    facts("saga/conservation", judge, move |world: &World<Saga>, node| {
        let store = world.process(node)?.service()?.store();
        let here = all().filter(move |(_, at, _)| *at == node);
        let holds = here.map(|(of, at, key)| {
            let cell = store.get(key).expect("each service keeps its own keys");
            Event::Holds { at: (at, key), of, amount: cell.value.into() }
        });
        Some(holds.collect::<Vec<_>>())
    })
}

/// At the end, if all sagas have ended, every store has its initial contents, changed by exactly the sagas that clients
/// know to be completed: amounts; with semantic locks, a point for each order; and no order is pending.
pub(super) fn hold_what_was_answered(world: &World<Saga>) -> Verdict {
    if world.processes().any(|(_, process)| !process.open().is_empty()) {
        return Ok(());
    }
    let mut expected: BTreeMap<Key, i64> = (0..SERVICES).map(ServiceId).flat_map(business::initial).collect();
    let (outcomes, locked) = (outcomes(world), world.config().settings.semantic_locks);
    for asked in world.history().invocations() {
        if outcomes.get(&TxId::from(asked.id)) != Some(&Outcome::Completed) {
            continue;
        }
        for (key, amount) in changes(asked.op) {
            *expected.entry(key).or_insert(0) += amount;
        }
    }
    let is_points = |key| (0..CUSTOMERS).any(|customer| key == points(customer));
    let is_order = |key| (0..CUSTOMERS).any(|customer| key == order_of(customer));
    for (node, service) in world.processes().filter_map(|(node, process)| Some((node, process.service()?))) {
        for (key, cell) in service.store().cells() {
            if is_order(key) && cell.value == PENDING {
                let words = format!("all sagas have ended, and {} is pending at {node}", business::name(key));
                return Err(Broken::new([node], words));
            }
            // Without isolation points are lost; of an order's state only the last is kept.
            let is_counted = !is_order(key) && (locked || !is_points(key));
            if is_counted && cell.value != expected[&key] {
                let (holds, should) = (cell.value, expected[&key]);
                let words =
                    format!("{node} holds {holds} in {key}, and by what clients were told it should be {should}");
                return Err(Broken::new([node], words));
            }
        }
    }
    Ok(())
}

/// The net changes of a completed saga.
fn changes(request: Request) -> Vec<(Key, i64)> {
    match request {
        Request::Order(order @ Order { customer, product, pieces }) => vec![
            (free(product), -pieces),
            (shipped(product), pieces),
            (balance(customer), -order.price()),
            (paid(customer), order.price()),
            (shipments(product), -1),
            (points(customer), 1),
        ],
        Request::Transfer(transfer) => vec![(transfer.from, -transfer.amount), (transfer.to, transfer.amount)],
        Request::Job(job) => job.uses().flat_map(|unit| [(free_units(unit), -1), (used_units(unit), 1)]).collect(),
    }
}
