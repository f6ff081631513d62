//! A client's session with a group (paper §8, thesis §6.2 and §6.3): one command at a time, always under the same request
//! id, sent to whoever is thought to lead until it is answered. For any state machine.

use std::collections::VecDeque;

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::leader_hint::LeaderHint;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::record::Record;
use crate::replication::raft::settings::Timer;
use crate::replication::raft::types::{RequestId, Session};

/// A session. It is a process that a client is, or hosts: its operations are commands, which it sends one after the other,
/// and whose outputs it returns. All of it is volatile: a client that crashes opens another session, and never learns
/// whether its last command was executed. The same where its session has expired: it gives the command up.
#[derive(Clone, Debug, Hash)]
pub struct SessionClient<S: StateMachine> {
    leader: LeaderHint,
    request_timeout: Span,
    /// How often it asks the group to keep its session, where sessions expire.
    keep_alive: Option<Span>,
    /// Whether nobody has answered the latest of these requests.
    unheard: bool,
    /// Tells the registration of this client's life from all others, so that a late answer opens no second session. Zero until
    /// it is set, or the client starts.
    nonce: u64,
    session: Option<Session>,
    /// `sequenceNum` of the latest command.
    sequence: u64,
    /// Commands in their order. Only the first has been sent.
    queue: VecDeque<(OpId, S::Command)>,
}

impl<S: StateMachine> SessionClient<S> {
    /// A session with these servers. A request that is not answered for `request_timeout` goes to the next server.
    pub fn new(servers: Vec<NodeId>, request_timeout: Span) -> Self {
        let (leader, queue) = (LeaderHint::new(servers), VecDeque::new());
        SessionClient {
            leader,
            request_timeout,
            keep_alive: None,
            unheard: false,
            nonce: 0,
            session: None,
            sequence: 0,
            queue,
        }
    }

    /// The same, where sessions expire after this time ([`Settings::session_timeout`]): several keep-alives fit into it.
    ///
    /// [`Settings::session_timeout`]: crate::replication::raft::settings::Settings::session_timeout
    pub fn with_session_timeout(self, timeout: Option<Span>) -> Self {
        SessionClient { keep_alive: timeout.map(|timeout| Span(timeout.0 / 4)), ..self }
    }

    /// Sets what tells its registration from others, before it starts: drawn at random, or made of what is unique. If not set it
    /// is the time of the start, which tells the lives of a node apart that has one session.
    pub fn set_nonce(&mut self, nonce: u64) {
        self.nonce = nonce;
    }

    /// Whether no command is waiting for its output.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// The command that is waiting for its output.
    pub fn outstanding(&self) -> Option<OpId> {
        self.queue.front().map(|(op, _)| *op)
    }

    /// Which server is thought to lead.
    pub(super) fn leader(&self) -> Option<NodeId> {
        self.leader.server()
    }

    /// A server that was asked does not lead. Says whether there is another to ask.
    pub(super) fn redirect(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, leader: Option<NodeId>) -> bool {
        self.unheard = false;
        let redirected = self.leader.redirect(from, leader);
        if redirected {
            ctx.mark(marks::CLIENT_REDIRECTED);
        }
        redirected
    }

    /// Nobody has answered: the next server is asked. Whether the command was executed cannot be known; the session table
    /// of the group sees to it that it is executed once.
    pub(super) fn try_next_server(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.mark(marks::COMMAND_RETRIED);
        self.leader.next();
    }

    /// Sends the first command, or, without a session, asks for one.
    fn send(&self, ctx: &mut Context<'_, Self>) {
        let (Some((_, command)), Some(server)) = (self.queue.front(), self.leader.server()) else { return };
        let message = match self.session {
            None => Message::Register { nonce: self.nonce },
            Some(session) => {
                Message::Request { id: RequestId { session, sequence: self.sequence }, command: command.clone() }
            }
        };
        ctx.send(server, message);
        ctx.arm(Timer::Retry, self.request_timeout);
    }

    /// Its session lasts only as long as the group hears of it (thesis §6.3).
    fn keep_session(&mut self, ctx: &mut Context<'_, Self>) {
        let (Some(every), Some(session)) = (self.keep_alive, self.session) else { return };
        if std::mem::replace(&mut self.unheard, true) && self.queue.is_empty() {
            self.leader.next();
        }
        if let Some(server) = self.leader.server() {
            ctx.send(server, Message::KeepAlive { session });
        }
        ctx.arm(Timer::KeepAlive, every);
    }

    /// The session has expired. Whether the command under way was executed, nobody can tell any more: to ask for it in another
    /// session might execute it twice (thesis §6.3).
    fn expired(&mut self, ctx: &mut Context<'_, Self>) {
        self.session = None;
        self.nonce = self.nonce.wrapping_add(1);
        ctx.cancel(&Timer::KeepAlive);
        if ctx.planted(Bug::ExpiredSessionOpenedAnew) {
            return self.send(ctx);
        }
        if let Some((op, _)) = self.queue.pop_front() {
            ctx.cancel(&Timer::Retry);
            ctx.mark(marks::COMMAND_GIVEN_UP_WITH_ITS_SESSION);
            ctx.give_up(op, "its session has expired");
            self.send_next(ctx);
        }
    }

    fn send_next(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.queue.is_empty() {
            self.sequence += 1;
            self.send(ctx);
        }
    }
}

impl<S: StateMachine> Process for SessionClient<S> {
    type Message = Message<S>;
    type Timer = Timer;
    type Record = Record<S>;
    type Op = S::Command;
    type Ret = S::Output;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.leader.begin(ctx.id());
        if self.nonce == 0 {
            self.nonce = ctx.now().0;
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, command: S::Command) {
        self.queue.push_back((op, command));
        if self.queue.len() == 1 {
            self.send_next(ctx);
        }
    }

    /// What servers say to clients; what is not for this session is passed over.
    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message<S>) {
        match message {
            Message::Registered { nonce, session } => {
                if nonce == self.nonce && self.session.is_none() {
                    self.session = Some(session);
                    self.send(ctx);
                    if let Some(every) = self.keep_alive {
                        ctx.arm(Timer::KeepAlive, every);
                    }
                }
            }
            Message::KeptAlive { session } => self.unheard &= self.session != Some(session),
            Message::SessionExpired { session } => {
                if self.session == Some(session) {
                    self.expired(ctx);
                }
            }
            Message::Reply { id, output } => {
                let current = Some(id.session) == self.session && id.sequence == self.sequence;
                let Some((op, _)) = self.queue.pop_front_if(|_| current) else { return };
                ctx.cancel(&Timer::Retry);
                ctx.complete_early(op, output);
                self.send_next(ctx);
            }
            Message::NotLeader { leader } => {
                if self.redirect(ctx, from, leader) {
                    self.send(ctx);
                }
            }
            message => panic!("raft: no message for a client: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::KeepAlive => self.keep_session(ctx),
            _ if self.queue.is_empty() => {}
            _ => {
                self.try_next_server(ctx);
                self.send(ctx);
            }
        }
    }
}
