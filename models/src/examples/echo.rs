//! Echo: clients send a number, servers send it back. For measuring the simulator, and the smallest model there is.

use seedbed_sim::{
    Context, FaultClass, Info, Kinded, Latency, Model, NetworkConfig, NoDisk, NoOp, NodeId, Phases, Process, Span,
    marks,
};
use serde::{Deserialize, Serialize};

/// Servers, then clients; each client does its round trips one after the other, with the servers in turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Echo {
    /// How many servers.
    pub servers: u16,
    /// How many clients.
    pub clients: u16,
    /// How many round trips each client makes.
    pub round_trips: u32,
    /// After how long a client sends an unanswered request again.
    #[serde(alias = "patience")]
    pub request_timeout: Span,
}

impl Default for Echo {
    fn default() -> Self {
        Echo { servers: 3, clients: 8, round_trips: 20, request_timeout: Span::ms(100) }
    }
}

/// What echo nodes say.
#[derive(Clone, Debug, Hash, Kinded)]
pub enum Message {
    /// Say this again.
    Ping(u32),
    /// This.
    Pong(u32),
}

marks! {
    ASKED_AGAIN = "asked again",
}

/// A server, or a client.
#[derive(Clone, Debug, Hash)]
pub enum Node {
    /// Says everything again.
    Server,
    /// Counts what comes back.
    Client(Client),
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    servers: u16,
    round_trips: u32,
    request_timeout: Span,
    /// How many round trips are done: the number that is asked for now.
    pub done: u32,
}

impl Client {
    fn ask(&self, ctx: &mut Context<'_, Node>) {
        if self.done == self.round_trips {
            return ctx.cancel(&());
        }
        let server = NodeId((self.done % u32::from(self.servers)) as u16);
        ctx.send(server, Message::Ping(self.done));
        ctx.arm((), self.request_timeout);
    }
}

impl Process for Node {
    type Message = Message;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if let Node::Client(client) = self {
            client.ask(ctx);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match (self, message) {
            (Node::Server, Message::Ping(n)) => ctx.send(from, Message::Pong(n)),
            (Node::Client(client), Message::Pong(n)) if n == client.done => {
                client.done += 1;
                client.ask(ctx);
            }
            // An answer to a question that was asked twice.
            (Node::Client(_), Message::Pong(_)) => {}
            (node, message) => panic!("echo: a message for the other kind of node: {node:?} got {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, (): ()) {
        if let Node::Client(client) = self {
            ctx.mark(ASKED_AGAIN);
            client.ask(ctx);
        }
    }
}

impl Model for Echo {
    type Process = Node;
    const INFO: Info = Info {
        marks: &[MARKS],
        // It writes nothing, so nothing of a disk can fail it.
        tolerates: &[
            FaultClass::Loss,
            FaultClass::Dup,
            FaultClass::Reorder,
            FaultClass::Partition,
            FaultClass::Crash,
            FaultClass::Pause,
            FaultClass::Skew,
        ],
        ..Info::named("echo", "", "examples", "Servers say again what clients say.")
    };

    fn size(&self) -> usize {
        usize::from(self.servers) + usize::from(self.clients)
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Node {
        let Echo { servers, round_trips, request_timeout, .. } = *self;
        if node.0 < servers {
            Node::Server
        } else {
            Node::Client(Client { servers, round_trips, request_timeout, done: 0 })
        }
    }

    fn validate(&self) -> Result<(), String> {
        match self.servers {
            0 => Err("echo needs at least one server".into()),
            _ => Ok(()),
        }
    }

    fn network(&self) -> NetworkConfig {
        NetworkConfig::reliable(Latency::Uniform { min: Span::ms(1), max: Span::ms(10) })
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(2) }
    }
}
