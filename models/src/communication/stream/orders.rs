//! Orders by one stream and one group: its consumers share it, and nothing keeps the orders of a customer together.

use std::ops::Range;

use seedbed_sim::OpId;

use crate::communication::orders::{CarriesOrders, Order};
use crate::communication::stream::consumer::{Consumer, Event};
use crate::communication::stream::messages::{Op, Ret};
use crate::communication::stream::model::{Node, Stream};

impl CarriesOrders for Stream {
    const SERVER: &'static str = "master";

    fn shops(&self) -> Range<u16> {
        self.producer_ids()
    }

    fn group(&self) -> Range<u16> {
        self.consumer_ids()
    }

    fn publish(&self, _: Order) -> Op {
        Op::Add { poison: false }
    }

    fn published(answer: &Ret) -> bool {
        matches!(answer, Ret::Added(_))
    }

    fn done(process: &Node) -> usize {
        events(process).len()
    }

    fn processed(process: &Node, from: usize) -> Vec<OpId> {
        let processed = |event: &Event| match event {
            Event::Processed(_, by) => Some(OpId(*by)),
            _ => None,
        };
        events(process)[from..].iter().filter_map(processed).collect()
    }
}

fn events(process: &Node) -> &[Event] {
    process.consumer().map_or(&[], Consumer::journal)
}
