//! A tally: a server keeps it on its disk, and clients add to it over a network that loses messages, so they ask again, so
//! the server must know what it has counted. Here stands, in plain words, what a protocol is and from which paper and section
//! it comes; this one comes from none.
//!
//! **Guaranteed.** Every addition is counted exactly once, while messages are lost, doubled and late and the server crashes.
//!
//! **Not guaranteed.** The order of additions; anything at all when the disk is lost, or when a client crashes, which forgets
//! what it was asked.

use std::collections::BTreeSet;

use proptest::prelude::*;
use seedbed_sim::{
    Context, Crashes, FaultClass, File, Info, Kinded, Model, NodeId, OpId, Operation, Process, Span, Time, Tolerance,
    Workload,
};
use serde::{Deserialize, Serialize};

use crate::parts::wal;

seedbed_sim::bugs! {
    /// A planted bug. Each changes one rule of the protocol, at the place where the rule stands.
    pub enum Bug {
        CountsRetries = "counts-retries",
            "the server counts a request again when the client asks again" => "tutorial/tally_is_exact",
    }
}

seedbed_sim::marks! {
    ASKED_AGAIN = "asked again",
    RECOVERED = "recovered",
}

/// The configuration: the server `n0`, then clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tutorial {
    /// How many clients.
    pub clients: u16,
}

impl Default for Tutorial {
    fn default() -> Self {
        Tutorial { clients: 2 }
    }
}

/// What nodes say. Requests carry the operation's name, so that asking again is not asking twice.
#[derive(Clone, Debug, Hash, Kinded)]
pub enum Message {
    /// Add one, please.
    Add(OpId),
    /// Done.
    Added(OpId),
}

/// Time to ask again for an operation.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded)]
pub struct Retry(OpId);

/// A node; clients use none of it. All of it is volatile: what must survive a crash is on the disk.
#[derive(Clone, Debug, Hash)]
pub struct Node {
    /// The tally.
    pub tally: u64,
    /// What is in it.
    counted: BTreeSet<OpId>,
}

/// The node that is the server.
const SERVER: NodeId = NodeId(0);
/// The server's log: the names of the operations that it has counted.
const LOG: File = File(0);
/// After how long a client sends an unanswered request again.
const REQUEST_TIMEOUT: Span = Span::ms(50);

impl Process for Node {
    type Message = Message;
    type Timer = Retry;
    type Record = OpId;
    type Op = ();
    type Ret = ();

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(counted) = wal::recover(ctx, LOG) else { return };
        if !counted.is_empty() {
            ctx.mark(RECOVERED);
        }
        self.tally = counted.len() as u64;
        self.counted = counted.into_iter().collect();
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, (): ()) {
        ctx.send(SERVER, Message::Add(op));
        ctx.arm(Retry(op), REQUEST_TIMEOUT);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Add(op) => {
                if self.counted.insert(op) || ctx.planted(Bug::CountsRetries) {
                    self.tally += 1;
                    ctx.append(LOG, op);
                }
                // The answer leaves when the log is durable (output commit).
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

impl Model for Tutorial {
    type Process = Node;
    const INFO: Info = Info {
        tolerates: &[
            FaultClass::Loss,
            FaultClass::Dup,
            FaultClass::Reorder,
            FaultClass::Partition,
            FaultClass::Crash,
            FaultClass::Pause,
        ],
        bugs: Bug::LISTED,
        marks: &[MARKS],
        ..Info::named("tutorial", "", "examples", "A tally that survives crashes.")
    };

    fn size(&self) -> usize {
        1 + usize::from(self.clients)
    }

    fn validate(&self) -> Result<(), String> {
        if self.clients > 0 { Ok(()) } else { Err("tutorial needs at least one client".into()) }
    }

    fn is_client(&self, node: NodeId) -> bool {
        node != SERVER
    }

    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let clients = nodes.checked_sub(1).filter(|clients| *clients > 0).and_then(|clients| clients.try_into().ok());
        self.clients = clients.ok_or("there are a server and at least one client")?;
        Ok(())
    }

    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Node {
        Node { tally: 0, counted: BTreeSet::new() }
    }

    /// A client that crashes forgets what it was asked, so only the server does.
    fn tolerance(&self) -> Tolerance {
        self.usual_tolerance().crashing(Crashes::any(0..1))
    }

    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let add = (0u64..1500, 1..=self.clients).prop_map(|(ms, client)| Operation {
            at: Time::ms(ms),
            client: NodeId(client),
            op: (),
        });
        prop::collection::vec(add, 1..10).boxed()
    }
}
