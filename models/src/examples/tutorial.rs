//! The tutorial: a server keeps a tally, clients add to it over a network that loses messages, so they ask again, so
//! the server must know what it has counted. CONTRIBUTING.md walks through this file.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seedbed_sim::{
    Context, FaultClass, Info, Kinded, Model, NoDisk, NodeId, OpId, Operation, Process, Span, Time, bugs, marks,
};
use serde::{Deserialize, Serialize};

/// The configuration: node 0 is the server, two clients follow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tutorial {}

bugs! {
    /// The bug that can be planted.
    pub enum Bug {
        CountsRetries = "counts-retries",
            "the server counts a request again when the client asks again" => "tutorial/tally_is_exact",
    }
}

/// Requests carry the operation's name, so that asking again is not asking twice.
#[derive(Clone, Debug, Hash, Kinded)]
pub enum Message {
    /// Add one, please.
    Add(OpId),
    /// Done.
    Added(OpId),
}

marks! {
    ASKED_AGAIN = "asked again",
}

/// The state of a node; which part of it is used depends on the node.
#[derive(Clone, Debug, Default, Hash)]
pub struct Node {
    /// Server: the tally.
    pub tally: u64,
    /// Server: what it has counted.
    counted: BTreeSet<OpId>,
}

const SERVER: NodeId = NodeId(0);
const RETRY: Span = Span::ms(50);

impl Process for Node {
    type Message = Message;
    type Timer = Retry;
    type Record = NoDisk;
    type Op = ();
    type Ret = ();

    fn start(&mut self, _: &mut Context<'_, Self>) {}

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, (): ()) {
        ctx.send(SERVER, Message::Add(op));
        ctx.arm(Retry(op), RETRY);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Add(op) => {
                if self.counted.insert(op) || ctx.planted(Bug::CountsRetries) {
                    self.tally += 1;
                }
                ctx.send(from, Message::Added(op));
            }
            Message::Added(op) => {
                ctx.cancel(&Retry(op));
                ctx.complete(op, ());
            }
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, Retry(op): Retry) {
        ctx.mark(ASKED_AGAIN);
        self.invoke(ctx, op, ());
    }
}

/// Time to ask again for an operation.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded)]
pub struct Retry(OpId);

impl Model for Tutorial {
    type Process = Node;
    const INFO: Info = Info {
        marks: &[MARKS],
        tolerates: &[FaultClass::Loss, FaultClass::Dup, FaultClass::Reorder, FaultClass::Partition, FaultClass::Pause],
        bugs: Bug::LISTED,
        ..Info::named("tutorial", "", "examples", "A tally over a lossy network: what CONTRIBUTING.md walks through.")
    };

    fn size(&self) -> usize {
        3
    }
    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Node {
        Node::default()
    }
    fn workload(&self) -> BoxedStrategy<Vec<Operation<()>>> {
        let add = (0u64..1500, 1u16..3).prop_map(|(ms, client)| Operation {
            at: Time::ms(ms),
            client: NodeId(client),
            op: (),
        });
        prop::collection::vec(add, 1..10).boxed()
    }
}
