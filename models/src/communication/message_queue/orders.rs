//! Orders by a queue of work: its consumers share it, and nothing keeps the orders of a customer together.

use std::collections::BTreeMap;
use std::ops::Range;

use seedbed_sim::OpId;

use crate::communication::message_queue::books::message::{Properties, Refusal};
use crate::communication::message_queue::client::Client;
use crate::communication::message_queue::client::consumer::{Consumer, Did};
use crate::communication::message_queue::messages::{Draft, Op, Outcome, Ret, op_of};
use crate::communication::message_queue::model::{MessageQueue, Node};
use crate::communication::message_queue::names::{ExchangeName, Key};
use crate::communication::message_queue::topology::WORK;
use crate::communication::orders::{CarriesOrders, Order};

impl CarriesOrders for MessageQueue {
    const SERVER: &'static str = "broker";

    fn shops(&self) -> Range<u16> {
        self.publisher_ids()
    }

    fn group(&self) -> Range<u16> {
        self.consumer_ids()
    }

    fn publish(&self, _: Order) -> Op {
        Op::Publish(vec![Draft {
            exchange: ExchangeName::from(""),
            key: Key::from(WORK),
            mandatory: false,
            properties: Properties { persistent: true, priority: None, expiration: None, headers: BTreeMap::new() },
            failures: 0,
            refusal: Refusal::default(),
        }])
    }

    fn published(answer: &Ret) -> bool {
        matches!(answer, Ret::Published(outcomes) if outcomes.iter().all(|outcome| matches!(outcome, Outcome::Confirmed | Outcome::Sent)))
    }

    fn done(process: &Node) -> usize {
        did(process).len()
    }

    fn processed(process: &Node, from: usize) -> Vec<OpId> {
        let processed = |did: &Did| match did {
            Did::Processed { body, .. } => Some(op_of(*body)),
            _ => None,
        };
        did(process)[from..].iter().filter_map(processed).collect()
    }
}

fn did(process: &Node) -> &[Did] {
    process.client().and_then(Client::consumer).map_or(&[], Consumer::did)
}
