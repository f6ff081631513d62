//! The contents of stores: quantities are conserved, and at the end agree with the answers to clients.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::saga::business::{
    self, CUSTOMERS, Order, PAYMENT, PRODUCTS, Request, SERVICES, STOCK, balance, free, held, order_of, paid, points,
    reserved, shipments, shipped,
};
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
}

impl Id for Quantity {}

/// At every instant goods = free + reserved + shipped, money = free + held + paid, and nothing is below zero.
pub(super) fn conservation() -> Facts<Saga, Conservation<Part, Quantity>> {
    let parts = |of: Quantity| match of {
        Quantity::Goods(p) => (Saga::node(STOCK), [free(p), reserved(p), shipped(p)]),
        Quantity::Money(c) => (Saga::node(PAYMENT), [balance(c), held(c), paid(c)]),
    };
    let all = move || {
        let quantities = (0..PRODUCTS).map(Quantity::Goods).chain((0..CUSTOMERS).map(Quantity::Money));
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
/// know to be completed.
pub(super) fn hold_what_was_answered(world: &World<Saga>) -> Verdict {
    if world.processes().any(|(_, process)| !process.open().is_empty()) {
        return Ok(());
    }
    let mut expected: BTreeMap<Key, i64> = (0..SERVICES).map(ServiceId).flat_map(business::initial).collect();
    let outcomes = outcomes(world);
    for asked in world.history().invocations() {
        if outcomes.get(&TxId::from(asked.id)) != Some(&Outcome::Completed) {
            continue;
        }
        for (key, amount) in changes(asked.op) {
            *expected.entry(key).or_insert(0) += amount;
        }
    }
    for (node, service) in world.processes().filter_map(|(node, process)| Some((node, process.service()?))) {
        for (key, cell) in service.store().cells().filter(|(key, _)| counted(*key)) {
            if cell.value != expected[&key] {
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
        ],
        Request::Transfer(transfer) => vec![(transfer.from, -transfer.amount), (transfer.to, transfer.amount)],
    }
}

/// Cells with amounts. The others, states of orders and points, are overwritten: without isolation, the last write
/// wins.
fn counted(key: Key) -> bool {
    !(0..CUSTOMERS).any(|c| key == order_of(c) || key == points(c))
}
