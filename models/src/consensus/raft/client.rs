//! A client: one session, one command at a time, retried until it is answered (paper §8, thesis §6.2 and §6.3).

use seedbed_sim::{Context, NodeId, OpId, Span};

use crate::consensus::raft::kv::{Command, Kv};
use crate::consensus::raft::messages::Message;
use crate::consensus::raft::model::{Node, NodeTimer};
use crate::consensus::raft::types::{Session, Ticket};

/// A client of the key-value group.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    servers: Vec<NodeId>,
    patience: Span,
    /// Tells this life's registration from an earlier one's.
    nonce: u64,
    session: Option<Session>,
    /// The number of the last command in the session.
    sequence: u64,
    /// The command that is open.
    open: Option<(OpId, Command)>,
    /// Whom it takes for the leader: a place in `servers`.
    target: usize,
}

impl Client {
    /// A client of these servers, which asks again after `patience`.
    pub fn new(servers: Vec<NodeId>, patience: Span) -> Self {
        Client { servers, patience, nonce: 0, session: None, sequence: 0, open: None, target: 0 }
    }

    /// The operation that is open, if any.
    pub fn open(&self) -> Option<OpId> {
        self.open.map(|(op, _)| op)
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        self.nonce = ctx.draw("nonce", 0..=u64::from(u32::MAX));
        self.target = usize::from(ctx.id().0) % self.servers.len().max(1);
    }

    pub(super) fn invoke(&mut self, ctx: &mut Context<'_, Node>, op: OpId, command: Command) {
        assert!(
            self.open.is_none(),
            "a raft client has one command open at a time: {op:?} came during {:?}",
            self.open
        );
        self.sequence += 1;
        self.open = Some((op, command));
        self.ask(ctx);
    }

    /// Asks whom it takes for the leader: for a session first, then for the command, always with the same ticket.
    fn ask(&mut self, ctx: &mut Context<'_, Node>) {
        let Some((_, command)) = self.open else { return };
        let Some(server) = self.servers.get(self.target).copied() else {
            return;
        };
        ctx.send(
            server,
            match self.session {
                None => Message::Register { nonce: self.nonce },
                Some(session) => Message::Request { ticket: Ticket { session, sequence: self.sequence }, command },
            },
        );
        ctx.arm(NodeTimer::Retry, self.patience);
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
                if current && let Some((op, _)) = self.open.take() {
                    ctx.cancel(&NodeTimer::Retry);
                    ctx.complete_early(op, output);
                }
            }
            Message::NotLeader { leader } => self.redirected(ctx, from, leader),
            message => panic!("a raft client serves nobody: {from} sent it {message:?}"),
        }
    }

    /// Goes to the leader it was pointed to. Without a hint it waits: there may be no leader for a while.
    fn redirected(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, leader: Option<NodeId>) {
        let asked = self.servers.get(self.target) == Some(&from);
        let place = leader.and_then(|leader| self.servers.iter().position(|server| *server == leader));
        let (true, Some(place)) = (asked, place) else { return };
        if place != self.target {
            ctx.mark("client redirected");
            self.target = place;
            self.ask(ctx);
        }
    }

    /// Nobody answered: asks the next server. It cannot know whether the command was executed; the session does.
    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>) {
        if self.open.is_some() && !self.servers.is_empty() {
            ctx.mark("command retried");
            self.target = (self.target + 1) % self.servers.len();
            self.ask(ctx);
        }
    }
}
