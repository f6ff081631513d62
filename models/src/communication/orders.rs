//! Orders: the workload on which the messaging of this family is compared. Shops publish the orders of their customers, and a group of
//! consumers processes them.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{Model, NodeId, Op, OpId, Operation, Ret, Span, Time, Workload};

/// How many customers a shop has.
const CUSTOMERS_OF_A_SHOP: u16 = 3;
/// How many orders there are in a world.
const ORDERS: Range<usize> = 44..56;
/// When the first can be published: groups have elected their leaders.
pub const OPENS: Time = Time::ms(600);
/// When the last is.
pub const CLOSES: Time = Time::ms(2_100);

/// The consumers of the group.
pub const GROUP: u16 = 3;
/// The shops: each publishes the orders of its own customers, one after the other.
pub const SHOPS: u16 = 2;
/// The longest that it takes to process an order.
pub const SERVICE: Span = Span::ms(60);

/// An order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order {
    /// Whose order it is: the key by which it is published. The orders of a customer are to be processed in their order.
    pub customer: u16,
}

/// A model that brings orders from shops to a group of consumers, to be compared with the others of its family.
pub trait CarriesOrders: Model {
    /// The role of the node that serves shops and consumers: of it crashes and partitions are.
    const SERVER: &'static str;

    /// Whether what a node has done is on its disk together with its effects: then what a crash has lost of it was not done.
    fn done_is_kept(&self) -> bool {
        false
    }

    /// The nodes that publish: as many as [`SHOPS`].
    fn shops(&self) -> Range<u16>;

    /// The nodes that consume: as many as [`GROUP`].
    fn group(&self) -> Range<u16>;

    /// The operation that publishes an order.
    fn publish(&self, order: Order) -> Op<Self>;

    /// Whether this return value tells the shop that its order is published.
    fn published(answer: &Ret<Self>) -> bool;

    /// How much a node has done; 0 for nodes that do not consume.
    fn done(process: &Self::Process) -> usize;

    /// The orders that a node has processed, by the operations that have published them: those among what it has done from this place
    /// on.
    fn processed(process: &Self::Process, from: usize) -> Vec<OpId>;

    /// The workload: orders, and nothing else.
    fn orders(&self) -> BoxedStrategy<Workload<Self>> {
        let (model, shops) = (self.clone(), self.shops());
        let order = (OPENS.0..CLOSES.0, 0..SHOPS);
        prop::collection::vec(order, ORDERS)
            .prop_map(move |mut orders| {
                orders.sort_unstable();
                let clients: Vec<NodeId> = orders.iter().map(|(_, shop)| NodeId(shops.start + shop)).collect();
                let named = orders.iter().zip(&clients).zip(customers(clients.iter().copied()));
                named
                    .map(|(((at, _), client), customer)| Operation {
                        at: Time(*at),
                        client: *client,
                        op: model.publish(Order { customer }),
                    })
                    .collect()
            })
            .boxed()
    }
}

/// Whose orders these are that shops publish, in the order of their operations: a shop serves its customers in turn.
pub fn customers(shops: impl IntoIterator<Item = NodeId>) -> Vec<u16> {
    let mut served: BTreeMap<NodeId, u16> = BTreeMap::new();
    let customer = |shop: NodeId| {
        let count = served.entry(shop).or_default();
        *count += 1;
        shop.0 * CUSTOMERS_OF_A_SHOP + *count % CUSTOMERS_OF_A_SHOP
    };
    shops.into_iter().map(customer).collect()
}
