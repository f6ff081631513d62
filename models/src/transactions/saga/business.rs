//! The business: what clients ask for, the steps that this takes, and what each step does to the store of its service.
//!
//! An order, after the usual example (Richardson, *Microservices Patterns*, section 4.3): `T_0` the order service opens
//! it; in parallel `T_1` stock sets the goods aside and `T_2` payment holds the money; `T_3` shipping sends them, the
//! pivot; in parallel `T_4` stock and `T_5` payment make final what they had reserved; `T_6` the order is confirmed.
//! `C_0`, `C_1`, `C_2` undo the first three.
//!
//! A transfer, the common work of the family: `T_0` withdraws, `T_1` deposits, the pivot; `T_2` closes the account that
//! paid, for which it stays locked. `C_0` gives the money back.
//!
//! A [job](super::job): steps whose dependencies are drawn.

use serde::{Deserialize, Serialize};

use crate::parts::bounds::{amount, exists};
use crate::transactions::saga::job::{INITIAL_UNITS, Job, UNITS, Unit};
pub use crate::transactions::saga::job::{free_units, taken_units, used_units};
pub use crate::transactions::saga::plan::SERVICES;
use crate::transactions::saga::plan::{Kind, Plan, ServiceId, Step, StepId, Steps};
use crate::transactions::store::{Key, Step as Local};
use crate::transactions::transfer::{self, Transfer, shard_of};

/// The order service, where sagas are orchestrated too.
pub const ORDER: ServiceId = ServiceId(0);
/// The stock.
pub const STOCK: ServiceId = ServiceId(1);
/// Payment.
pub const PAYMENT: ServiceId = ServiceId(2);
/// Shipping.
pub const SHIPPING: ServiceId = ServiceId(3);

/// How many customers there are.
pub const CUSTOMERS: u16 = 3;
/// How many products there are.
pub const PRODUCTS: u16 = 2;
/// How many accounts there are; each is at the service that [`shard_of`] says.
pub const ACCOUNTS: u16 = transfer::COMPARED_ACCOUNTS;

/// Pieces of each product on the shelf at the beginning.
pub const INITIAL_STOCK: i64 = 16;
/// How many orders of each product can be shipped.
pub const SHIPMENTS: i64 = 4;
/// Each customer's balance at the beginning.
pub const INITIAL_MONEY: i64 = 110;
/// The price of one piece of any product.
pub const PRICE: i64 = 10;

/// Goods for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The customer who pays; below [`CUSTOMERS`].
    pub customer: u16,
    /// Below [`PRODUCTS`].
    pub product: u16,
    /// Above zero.
    pub pieces: i64,
}

impl Order {
    /// The price of all its pieces.
    pub fn price(self) -> i64 {
        self.pieces * PRICE
    }
}

/// A client's request: each is one saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Buys a product.
    Order(Order),
    /// Takes money from one account to another.
    Transfer(Transfer),
    /// Takes units of what services have, in steps that depend on each other in any way.
    Job(Job),
}

// The keys. Accounts have the numbers below `ACCOUNTS`.

/// The state of a customer's latest order: 1 pending, 2 confirmed, 3 cancelled.
pub fn order_of(customer: u16) -> Key {
    Key(100 + customer)
}
/// Goods on the shelf.
pub fn free(product: u16) -> Key {
    Key(200 + product)
}
/// Goods set aside.
pub fn reserved(product: u16) -> Key {
    Key(220 + product)
}
/// Goods that have gone.
pub fn shipped(product: u16) -> Key {
    Key(240 + product)
}
/// A customer's money.
pub fn balance(customer: u16) -> Key {
    Key(300 + customer)
}
/// A customer's money that is on hold.
pub fn held(customer: u16) -> Key {
    Key(320 + customer)
}
/// What a customer has paid.
pub fn paid(customer: u16) -> Key {
    Key(340 + customer)
}
/// A customer's points: one for each order. They are read when the money is held and written when it is paid, so that sagas
/// which are not isolated lose updates of them.
pub fn points(customer: u16) -> Key {
    Key(360 + customer)
}
/// How many more shipments of a product there can be.
pub fn shipments(product: u16) -> Key {
    Key(400 + product)
}
/// What a cell is, in words.
pub fn name(key: Key) -> String {
    const RANGES: [(Key, &str); 12] = [
        (Key(700), "used units of kind"),
        (Key(600), "taken units of kind"),
        (Key(500), "free units of kind"),
        (Key(400), "shipments of product"),
        (Key(360), "points of customer"),
        (Key(340), "money paid by customer"),
        (Key(320), "money held of customer"),
        (Key(300), "money of customer"),
        (Key(240), "shipped pieces of product"),
        (Key(220), "reserved pieces of product"),
        (Key(200), "free pieces of product"),
        (Key(100), "latest order of customer"),
    ];
    let range = RANGES.into_iter().find(|(first, _)| *first <= key);
    let (Key(first), what) = range.unwrap_or((Key(0), "account"));
    let of = key.0 - first;
    format!("{what} {of}")
}

/// What a service has in its store at the beginning.
pub fn initial(service: ServiceId) -> Vec<(Key, i64)> {
    let mut cells: Vec<(Key, i64)> =
        transfer::keys_of(service.0, SERVICES, ACCOUNTS).map(|key| (key, transfer::INITIAL_BALANCE)).collect();
    match service {
        ORDER => cells.extend((0..CUSTOMERS).map(|c| (order_of(c), 0))),
        STOCK => {
            cells.extend((0..PRODUCTS).flat_map(|p| [(free(p), INITIAL_STOCK), (reserved(p), 0), (shipped(p), 0)]))
        }
        PAYMENT => cells.extend(
            (0..CUSTOMERS).flat_map(|c| [(balance(c), INITIAL_MONEY), (held(c), 0), (paid(c), 0), (points(c), 0)]),
        ),
        SHIPPING => cells.extend((0..PRODUCTS).map(|p| (shipments(p), SHIPMENTS))),
        service => panic!("there is no such service: {service:?}"),
    }
    let units = (0..UNITS).map(|unit| Unit { service: service.0, unit });
    cells.extend(units.flat_map(|u| [(free_units(u), INITIAL_UNITS), (taken_units(u), 0), (used_units(u), 0)]));
    cells
}

/// The state of an order that is open.
pub const PENDING: i64 = 1;
const CONFIRMED: i64 = 2;
const CANCELLED: i64 = 3;

impl Request {
    /// Checks that it is about what there is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(self) -> Result<(), String> {
        match self {
            Request::Order(Order { customer, product, pieces }) => {
                exists("customer", customer, CUSTOMERS)?;
                exists("product", product, PRODUCTS)?;
                amount("pieces", pieces)
            }
            Request::Transfer(transfer) => transfer.validate(ACCOUNTS),
            // There is none that [`Job::new`] has not checked.
            Request::Job(_) => Ok(()),
        }
    }

    /// The steps of its saga.
    pub fn plan(self) -> Plan {
        use Kind::{Compensatable, Pivot, Retriable};
        let step = |name, service, kind, after| Step { name, service, kind, after };
        Plan::new(match self {
            Request::Job(job) => return job.plan(),
            Request::Order(_) => vec![
                step("open", ORDER, Compensatable, Steps::NONE),
                step("reserve", STOCK, Compensatable, Steps::of([0])),
                step("hold", PAYMENT, Compensatable, Steps::of([0])),
                step("ship", SHIPPING, Pivot, Steps::of([1, 2])),
                step("take", STOCK, Retriable, Steps::of([3])),
                step("capture", PAYMENT, Retriable, Steps::of([3])),
                step("confirm", ORDER, Retriable, Steps::of([4, 5])),
            ],
            Request::Transfer(transfer) => {
                let at = |key| ServiceId(shard_of(key, SERVICES));
                vec![
                    step("withdraw", at(transfer.from), Compensatable, Steps::NONE),
                    step("deposit", at(transfer.to), Pivot, Steps::of([0])),
                    step("close", at(transfer.from), Retriable, Steps::of([1])),
                ]
            }
        })
    }

    /// What `T_i` does to the store of its service. `last_read` is what an earlier step of the same saga read there.
    pub fn transaction(self, step: StepId, last_read: impl Fn(Key) -> i64) -> Vec<Local> {
        let (add, put) = (|key, amount| Local::Add { key, amount }, |key, value| Local::Put { key, value });
        match (self, step.0) {
            (Request::Order(Order { customer, .. }), 0) => vec![put(order_of(customer), PENDING)],
            (Request::Order(Order { product, pieces, .. }), 1) => {
                vec![add(free(product), -pieces), add(reserved(product), pieces)]
            }
            (Request::Order(order @ Order { customer, .. }), 2) => vec![
                Local::Read { key: points(customer) },
                add(balance(customer), -order.price()),
                add(held(customer), order.price()),
            ],
            (Request::Order(Order { product, .. }), 3) => vec![add(shipments(product), -1)],
            (Request::Order(Order { product, pieces, .. }), 4) => {
                vec![add(reserved(product), -pieces), add(shipped(product), pieces)]
            }
            // The points are what was read two steps before, and one more: right, if nobody has written since.
            (Request::Order(order @ Order { customer, .. }), 5) => vec![
                add(held(customer), -order.price()),
                add(paid(customer), order.price()),
                put(points(customer), last_read(points(customer)) + 1),
            ],
            (Request::Order(Order { customer, .. }), 6) => vec![put(order_of(customer), CONFIRMED)],
            (Request::Transfer(transfer), 0) => vec![transfer.withdrawal()],
            (Request::Transfer(transfer), 1) => vec![transfer.deposit()],
            (Request::Transfer(_), 2) => Vec::new(),
            (Request::Job(job), _) => job.transaction(step),
            (request, step) => panic!("there is no such step: {step} of {request:?}"),
        }
    }

    /// What `C_i` does: it undoes `T_i` as the business sees it, whatever others have done since (the paper's
    /// introduction: *from a semantic point of view*).
    pub fn compensation(self, step: StepId) -> Vec<Local> {
        let add = |key, amount| Local::Add { key, amount };
        match (self, step.0) {
            (Request::Order(Order { customer, .. }), 0) => {
                vec![Local::Put { key: order_of(customer), value: CANCELLED }]
            }
            (Request::Order(Order { product, pieces, .. }), 1) => {
                vec![add(reserved(product), -pieces), add(free(product), pieces)]
            }
            (Request::Order(order @ Order { customer, .. }), 2) => {
                vec![add(held(customer), -order.price()), add(balance(customer), order.price())]
            }
            (Request::Transfer(transfer), 0) => vec![add(transfer.from, transfer.amount)],
            (Request::Job(job), _) => job.compensation(step),
            (request, step) => panic!("there is no compensation: of step {step} of {request:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_runs_in_parallel_forward_and_backward() {
        let plan = Request::Order(Order { customer: 0, product: 0, pieces: 1 }).plan();
        assert_eq!(plan.ready(Steps::NONE), Steps::of([0]));
        assert_eq!(plan.ready(Steps::of([0])), Steps::of([1, 2]));
        assert_eq!(plan.ready(Steps::of([0, 1])), Steps::of([2]));
        assert_eq!(plan.ready(Steps::of([0, 1, 2, 3])), Steps::of([4, 5]));
        assert_eq!(plan.ready_to_compensate(Steps::of([0, 1, 2])), Steps::of([1, 2]));
        assert_eq!(plan.ready_to_compensate(Steps::of([0, 2])), Steps::of([2]));
        assert_eq!(plan.ready_to_compensate(Steps::of([0])), Steps::of([0]));
        assert_eq!(plan.descendants(Steps::of([1])), Steps::of([3, 4, 5, 6]));
    }

    #[test]
    fn plans_are_sound() {
        assert_eq!(Request::Order(Order { customer: 0, product: 0, pieces: 1 }).plan().check(), Ok(()));
        for (from, to) in [(0, 1), (0, 4), (3, 2)] {
            assert_eq!(Request::Transfer(Transfer { from: Key(from), to: Key(to), amount: 1 }).plan().check(), Ok(()));
        }
    }

    #[test]
    fn compensations_are_the_inverse() {
        for request in [
            Request::Order(Order { customer: 1, product: 1, pieces: 3 }),
            Request::Transfer(Transfer { from: Key(1), to: Key(2), amount: 5 }),
        ] {
            let plan = request.plan();
            for step in plan.compensatable().iter() {
                let mut sums = std::collections::BTreeMap::new();
                for local in request.transaction(step, |_| 0).into_iter().chain(request.compensation(step)) {
                    if let Local::Add { key, amount } = local {
                        *sums.entry(key).or_insert(0) += amount;
                    }
                }
                assert!(sums.values().all(|sum| *sum == 0), "{request:?} {step}: {sums:?}");
            }
        }
    }
}
