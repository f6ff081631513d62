//! A client's session with the group (thesis §6.2, §6.3): one command at a time, asked again until it is answered.

use std::collections::VecDeque;

use seedbed_sim::{Context, NodeId, Span, Time};

use crate::caching::lock::messages::Message;
use crate::caching::lock::model::{Node, Timer};
use crate::caching::lock::on_raft::machine::{Command, Locks, Output};
use crate::replication::raft::leader_hint::LeaderHint;
use crate::replication::raft::messages::Message as RaftMessage;
use crate::replication::raft::types::{RequestId, Session as Name};

/// Which of a client's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// For the queue.
    Queue,
    /// For keep-alives, which must not wait for anything.
    Alive,
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// To what.
    pub command: Command,
    /// The answer.
    pub output: Output,
    /// When the command was sent first, on the client's clock: it may have been executed at any time since.
    pub sent: Time,
}

/// A session.
#[derive(Clone, Debug, Hash)]
pub struct Session {
    line: Line,
    contact: LeaderHint,
    patience: Span,
    nonce: u64,
    name: Option<Name>,
    sequence: u64,
    /// What is to be asked; the first has been, if the time says when.
    queue: VecDeque<(Command, Option<Time>)>,
}

impl Session {
    /// A session with these servers.
    pub fn new(line: Line, servers: Vec<NodeId>, patience: Span) -> Self {
        let (contact, name, queue) = (LeaderHint::new(servers), None, VecDeque::new());
        Session { line, contact, patience, nonce: 0, name, sequence: 0, queue }
    }

    /// Whether nothing is asked.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    pub(super) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        // Two sessions of a node, and two lives of it, are told apart by the line and the time, if not by the draw.
        let draw = ctx.draw("nonce", 0..=0xffff);
        self.nonce = (draw << 48) ^ (ctx.now().0 << 1) ^ u64::from(self.line == Line::Alive);
        self.contact.begin(ctx.id());
    }

    pub(super) fn ask(&mut self, ctx: &mut Context<'_, Node>, command: Command) {
        self.queue.push_back((command, None));
        if self.queue.len() == 1 {
            self.next(ctx);
        }
    }

    fn next(&mut self, ctx: &mut Context<'_, Node>) {
        if let Some((_, sent @ None)) = self.queue.front_mut() {
            *sent = Some(ctx.now());
            self.sequence += 1;
            self.send(ctx);
        }
    }

    fn send(&mut self, ctx: &mut Context<'_, Node>) {
        let (Some((command, _)), Some(server)) = (self.queue.front(), self.contact.server()) else { return };
        let message = match self.name {
            None => RaftMessage::Register { nonce: self.nonce },
            Some(session) => {
                RaftMessage::Request { id: RequestId { session, sequence: self.sequence }, command: *command }
            }
        };
        ctx.send(server, Message::Raft(message));
        ctx.arm(Timer::Session(self.line), self.patience);
    }

    pub(super) fn retry(&mut self, ctx: &mut Context<'_, Node>) {
        if !self.queue.is_empty() {
            self.contact.next();
            self.send(ctx);
        }
    }

    /// What a server says, if it is for this session.
    pub(super) fn message(
        &mut self,
        ctx: &mut Context<'_, Node>,
        from: NodeId,
        message: &RaftMessage<Locks>,
    ) -> Option<Answered> {
        match *message {
            RaftMessage::Registered { nonce, session } if nonce == self.nonce && self.name.is_none() => {
                self.name = Some(session);
                self.send(ctx);
                None
            }
            RaftMessage::Reply { id, output } => {
                let current = self.name == Some(id.session) && id.sequence == self.sequence;
                let (command, sent) = self.queue.pop_front_if(|(_, sent)| current && sent.is_some())?;
                ctx.cancel(&Timer::Session(self.line));
                self.next(ctx);
                Some(Answered { command, output, sent: sent.expect("just looked at") })
            }
            RaftMessage::NotLeader { leader } => {
                if !self.queue.is_empty() && self.contact.redirect(from, leader) {
                    self.send(ctx);
                }
                None
            }
            _ => None,
        }
    }
}
