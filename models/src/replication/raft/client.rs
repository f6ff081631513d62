//! A client: one session, one command at a time, retried until it is answered (paper §8, thesis §6.2 and §6.3).

use seedbed_sim::{Context, NodeId, OpId, Span};
use serde::{Deserialize, Serialize};

use crate::replication::raft::contact::Contact;
use crate::replication::raft::kv::{Command, Kv, Output};
use crate::replication::raft::marks;
use crate::replication::raft::membership::Membership;
use crate::replication::raft::messages::Message;
use crate::replication::raft::model::{Node, NodeTimer};
use crate::replication::raft::types::{Session, Ticket};

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

/// A client of the key-value group.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    contact: Contact,
    /// Whether the group can change at all.
    changes: bool,
    patience: Span,
    /// Tells this life's registration from an earlier one's.
    nonce: u64,
    session: Option<Session>,
    /// The number of the last command in the session.
    sequence: u64,
    /// What it was asked for and has no answer to.
    open: Option<(OpId, Ask)>,
}

impl Client {
    /// A client of these servers, which asks again after `patience`. `changes` says whether the group can change at all.
    pub fn new(servers: Vec<NodeId>, patience: Span, changes: bool) -> Self {
        let contact = Contact::new(servers);
        Client { contact, patience, changes, nonce: 0, session: None, sequence: 0, open: None }
    }

    /// The operation that is open, if any.
    pub fn open(&self) -> Option<OpId> {
        self.open.as_ref().map(|(op, _)| *op)
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        self.nonce = ctx.draw("nonce", 0..=u64::from(u32::MAX));
        self.contact.begin(ctx.id());
    }

    pub(super) fn invoke(&mut self, ctx: &mut Context<'_, Node>, op: OpId, ask: Ask) {
        assert!(
            self.open.is_none(),
            "a raft client has one command open at a time: {op:?} came during {:?}",
            self.open
        );
        if matches!(ask, Ask::Reconfigure(_)) && !self.changes {
            return ctx.fail(op, "this group never changes");
        }
        if matches!(ask, Ask::Command(_)) {
            self.sequence += 1;
        }
        self.open = Some((op, ask));
        self.ask(ctx);
    }

    /// Asks whom it takes for the leader. A command needs a session first, and always has the same ticket.
    fn ask(&mut self, ctx: &mut Context<'_, Node>) {
        let Some((_, ask)) = &self.open else { return };
        let Some(server) = self.contact.server() else { return };
        let message = match (ask, self.session) {
            (Ask::Reconfigure(goal), _) => Message::Reconfigure { goal: goal.clone() },
            (Ask::Transfer { to }, _) => Message::Transfer { to: *to },
            (Ask::Command(_), None) => Message::Register { nonce: self.nonce },
            (Ask::Command(command), Some(session)) => {
                Message::Request { ticket: Ticket { session, sequence: self.sequence }, command: *command }
            }
        };
        ctx.send(server, message);
        ctx.arm(NodeTimer::Retry, self.patience);
    }

    /// The answer to what is open, if `is` says so of it.
    fn answered(&mut self, ctx: &mut Context<'_, Node>, output: Output, is: impl FnOnce(&Ask) -> bool) {
        if let Some((op, _)) = self.open.take_if(|(_, ask)| is(ask)) {
            ctx.cancel(&NodeTimer::Retry);
            ctx.complete_early(op, output);
        }
    }

    pub(super) fn message(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, message: Message<Kv>) {
        match message {
            Message::Registered { nonce, session } => {
                if nonce == self.nonce && self.session.is_none() {
                    self.session = Some(session);
                    self.ask(ctx);
                }
            }
            Message::Reply { ticket, output } => {
                let current = self.session == Some(ticket.session) && self.sequence == ticket.sequence;
                self.answered(ctx, output, |ask| current && matches!(ask, Ask::Command(_)));
            }
            Message::Reconfigured { goal } => {
                self.answered(ctx, Output::Done, |ask| *ask == Ask::Reconfigure(goal));
            }
            Message::Transferred { to } => self.answered(ctx, Output::Done, |ask| *ask == Ask::Transfer { to }),
            Message::NotLeader { leader } => self.redirected(ctx, from, leader),
            message => panic!("a raft client serves nobody: {from} sent it {message:?}"),
        }
    }

    fn redirected(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, leader: Option<NodeId>) {
        if self.contact.redirect(from, leader) {
            ctx.mark(marks::CLIENT_REDIRECTED);
            self.ask(ctx);
        }
    }

    /// Nobody answered: asks the next server. It cannot know whether the command was executed; the session does.
    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>) {
        if self.open.is_some() {
            ctx.mark(marks::COMMAND_RETRIED);
            self.contact.next();
            self.ask(ctx);
        }
    }
}
