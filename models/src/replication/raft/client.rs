//! A client of the key-value group: commands in a session, and now and then a request to change the group or the leader.

use seedbed_sim::{Context, NodeId, OpId, Process, Span};
use serde::{Deserialize, Serialize};

use crate::replication::raft::kv::{Command, Kv, Output};
use crate::replication::raft::membership::Membership;
use crate::replication::raft::messages::Message;
use crate::replication::raft::record::Record;
use crate::replication::raft::server::Server;
use crate::replication::raft::session_client::SessionClient;
use crate::replication::raft::settings::Timer;

/// What a client can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// Other servers in the group.
    Reconfigure(Membership),
    /// Another leader.
    Transfer {
        /// Which server.
        to: NodeId,
    },
    /// A command, which is written as it is.
    #[serde(untagged)]
    Command(Command),
}

/// A request that is not a command of the state machine. It needs no session, for asking twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Administration {
    Reconfigure(Membership),
    Transfer(NodeId),
}

/// A client. It has one operation at a time.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    session: SessionClient<Kv>,
    /// Whether the group can change at all.
    changes: bool,
    request_timeout: Span,
    administration: Option<(OpId, Administration)>,
}

impl Client {
    /// A client of these servers that sends an unanswered request again after `request_timeout`. `changes` says whether the
    /// group can change at all, and `session_timeout` when its sessions expire.
    pub fn new(servers: Vec<NodeId>, request_timeout: Span, changes: bool, session_timeout: Option<Span>) -> Self {
        let session = SessionClient::new(servers, request_timeout).with_session_timeout(session_timeout);
        Client { session, changes, request_timeout, administration: None }
    }

    /// The operation that it waits for.
    pub fn outstanding(&self) -> Option<OpId> {
        self.session.outstanding().or(self.administration.as_ref().map(|(op, _)| *op))
    }

    fn administrate(&mut self, ctx: &mut Context<'_, Self>, op: OpId, request: Administration) {
        self.administration = Some((op, request));
        self.send_administration(ctx);
    }

    fn send_administration(&self, ctx: &mut Context<'_, Self>) {
        let (Some((_, request)), Some(server)) = (&self.administration, self.session.leader()) else { return };
        let message = match request {
            Administration::Reconfigure(goal) => Message::Reconfigure { goal: goal.clone() },
            Administration::Transfer(to) => Message::Transfer { to: *to },
        };
        ctx.send(server, message);
        ctx.arm(Timer::Retry, self.request_timeout);
    }

    fn administrated(&mut self, ctx: &mut Context<'_, Self>, asked: Administration, done: bool) {
        if let Some((op, _)) = self.administration.take_if(|(_, request)| *request == asked) {
            ctx.cancel(&Timer::Retry);
            ctx.complete_early(op, if done { Output::Done } else { Output::GivenUp });
        }
    }
}

impl Process for Client {
    type Message = Message<Kv>;
    type Timer = Timer;
    type Record = Record<Kv>;
    type Op = Ask;
    type Ret = Output;

    fn size(message: &Message<Kv>) -> u64 {
        Server::<Kv>::size(message)
    }

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        // The time tells the lives of this client apart, whatever was drawn.
        let nonce = ctx.draw("nonce", 0..=u64::from(u32::MAX));
        self.session.set_nonce(nonce ^ ctx.now().0.rotate_left(32));
        self.session.start(&mut ctx.as_role());
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, ask: Ask) {
        let outstanding = self.outstanding();
        assert!(outstanding.is_none(), "a raft client has one operation at a time: {op:?} came during {outstanding:?}");
        match ask {
            Ask::Reconfigure(_) if !self.changes => ctx.fail(op, "this group never changes"),
            Ask::Reconfigure(goal) => self.administrate(ctx, op, Administration::Reconfigure(goal)),
            Ask::Transfer { to } => self.administrate(ctx, op, Administration::Transfer(to)),
            Ask::Command(command) => self.session.invoke(&mut ctx.as_role(), op, command),
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message<Kv>) {
        match message {
            Message::Reconfigured { goal, done } => self.administrated(ctx, Administration::Reconfigure(goal), done),
            Message::Transferred { to, done } => self.administrated(ctx, Administration::Transfer(to), done),
            Message::NotLeader { leader } if self.administration.is_some() => {
                if self.session.redirect(&mut ctx.as_role(), from, leader) {
                    self.send_administration(ctx);
                }
            }
            message => self.session.message(&mut ctx.as_role(), from, message),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        if self.administration.is_some() && timer == Timer::Retry {
            self.session.try_next_server(&mut ctx.as_role());
            return self.send_administration(ctx);
        }
        self.session.timer(&mut ctx.as_role(), timer);
    }
}
