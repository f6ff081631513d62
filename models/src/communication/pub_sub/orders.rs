//! Orders by a topic for each customer, and one shared subscription: the broker chooses who of the group gets an order. A subscriber has
//! processed what was delivered to it; with QoS 2 that is one with the write that remembers its packet identifier.

use std::ops::Range;

use seedbed_sim::OpId;

use crate::communication::orders::{CarriesOrders, Order};
use crate::communication::pub_sub::client::session::Event;
use crate::communication::pub_sub::messages::{Draft, Op, Outcome, Ret, op_of};
use crate::communication::pub_sub::model::{Node, PubSub};
use crate::communication::pub_sub::packet::Qos;
use crate::communication::pub_sub::topic::Topic;

impl CarriesOrders for PubSub {
    const SERVER: &'static str = "broker";

    fn shops(&self) -> Range<u16> {
        self.publisher_ids()
    }

    fn group(&self) -> Range<u16> {
        self.durable_ids()
    }

    fn done_is_kept(&self) -> bool {
        self.granted == Qos::ExactlyOnce
    }

    fn publish(&self, order: Order) -> Op {
        let topic = Topic::from(format!("a/{}", order.customer).as_str());
        Op::Publish(vec![Draft { topic, qos: self.granted, retain: false, empty: false, expiry: None }])
    }

    fn published(answer: &Ret) -> bool {
        let is_sent = |outcome: &Outcome| matches!(outcome, Outcome::Sent | Outcome::Acknowledged);
        matches!(answer, Ret::Published(outcomes) if outcomes.iter().all(is_sent))
    }

    fn done(process: &Node) -> usize {
        events(process).len()
    }

    fn processed(process: &Node, from: usize) -> Vec<OpId> {
        let delivered = |event: &Event| match event {
            Event::Delivered(delivery) => Some(op_of(delivery.message.body.id)),
            _ => None,
        };
        events(process)[from..].iter().filter_map(delivered).collect()
    }
}

fn events(process: &Node) -> &[Event] {
    process.client().map_or(&[], |client| client.state().journal())
}
