//! Orders by a queue of tasks: its servers share it, and nothing keeps the orders of a customer together.

use std::ops::Range;

use seedbed_sim::{OpId, Span};

use crate::communication::orders::{CarriesOrders, Order};
use crate::communication::task_queue::messages::{NewTask, Op, Ret};
use crate::communication::task_queue::model::{Node, TaskQueue};
use crate::communication::task_queue::server::{Event, Server};
use crate::communication::task_queue::task::{Behaviour, QueueName, TaskId, When};

impl CarriesOrders for TaskQueue {
    const SERVER: &'static str = "broker";

    fn shops(&self) -> Range<u16> {
        self.client_ids()
    }

    fn group(&self) -> Range<u16> {
        self.server_ids()
    }

    fn publish(&self, _: Order) -> Op {
        Op::Enqueue(NewTask {
            queue: QueueName(0),
            behaviour: Behaviour::Succeeds,
            when: When::Now,
            max_retry: 25,
            timeout: Span::secs(30),
            deadline: None,
            unique: None,
            group: None,
            retention: Span::ZERO,
        })
    }

    fn published(answer: &Ret) -> bool {
        matches!(answer, Ret::Enqueued)
    }

    fn done(process: &Node) -> usize {
        events(process).len()
    }

    fn processed(process: &Node, from: usize) -> Vec<OpId> {
        let processed = |event: &Event| match event {
            Event::Processed { id: TaskId::Op(op, _), .. } => Some(OpId(*op)),
            _ => None,
        };
        events(process)[from..].iter().filter_map(processed).collect()
    }
}

fn events(process: &Node) -> &[Event] {
    process.server().map_or(&[], Server::journal)
}
