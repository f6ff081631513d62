//! Commands: how they come in, and how committed ones are executed and answered (paper §5.3 and §8, thesis ch. 6).

use seedbed_sim::{Context, NodeId, OpId, Time};

use crate::replication::raft::bugs::Bug;
use crate::replication::raft::entry::Payload;
use crate::replication::raft::machine::StateMachine;
use crate::replication::raft::marks;
use crate::replication::raft::messages::Message;
use crate::replication::raft::role::Pending;
use crate::replication::raft::server::Server;
use crate::replication::raft::sessions::Known;
use crate::replication::raft::settings::ReadMode;
use crate::replication::raft::types::{Index, RequestId, Session};

/// What came of an entry.
enum Done<S: StateMachine> {
    /// Nothing that anybody is told.
    Nothing,
    /// A command was executed, now or before, with this output.
    Output(S::Output),
    /// Nothing was executed: this session has expired.
    NoSession(Session),
}

impl<S: StateMachine> Server<S> {
    /// A client asks for a session (thesis Figure 6.1, RegisterClient).
    pub(super) fn handle_register(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, nonce: u64) {
        if !self.is_leader() {
            return ctx.send(client, Message::NotLeader { leader: self.leader });
        }
        if self.transferring() {
            return ctx.mark(marks::REQUEST_WAITS_FOR_A_TRANSFER);
        }
        self.propose(ctx, Payload::Register, Pending::Registration { client, nonce });
    }

    /// A client wants to keep its session (thesis §6.3).
    pub(super) fn handle_keep_alive(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, session: Session) {
        if !self.is_leader() {
            return ctx.send(client, Message::NotLeader { leader: self.leader });
        }
        if !self.transferring() {
            self.propose(ctx, Payload::KeepAlive(session), Pending::KeepAlive { client, session });
        }
    }

    /// A client asks for a command (thesis Figure 6.1, ClientRequest and ClientQuery).
    pub(super) fn handle_request(
        &mut self,
        ctx: &mut Context<'_, Self>,
        client: NodeId,
        id: RequestId,
        command: S::Command,
    ) {
        if !self.is_leader() {
            return ctx.send(client, Message::NotLeader { leader: self.leader });
        }
        if self.transferring() {
            // Thesis §3.10: it takes no more requests; the client will ask again.
            return ctx.mark(marks::REQUEST_WAITS_FOR_A_TRANSFER);
        }
        self.handle_command(ctx, Some(id), command, Pending::Client { client, id });
    }

    /// A hosting process asks for a command.
    pub(super) fn handle_invocation(&mut self, ctx: &mut Context<'_, Self>, op: OpId, command: S::Command) {
        if !self.is_leader() {
            return ctx.fail(op, "this server does not lead");
        }
        if self.transferring() {
            return ctx.fail(op, "this server is handing over its leadership");
        }
        self.handle_command(ctx, None, command, Pending::Host(op));
    }

    fn handle_command(
        &mut self,
        ctx: &mut Context<'_, Self>,
        id: Option<RequestId>,
        command: S::Command,
        waiter: Pending,
    ) {
        // A leader with the bug begins its term with no entry of its own, so it has none to learn its read index from.
        let settles = !ctx.planted(Bug::CommitPriorTermByCounting);
        let bypass = settles && self.settings.reads != ReadMode::Log && self.machine.query(&command).is_some();
        if bypass {
            self.read(ctx, waiter, command);
        } else {
            self.propose(ctx, Payload::Command { id, command }, waiter);
        }
    }

    pub(super) fn propose(&mut self, ctx: &mut Context<'_, Self>, payload: Payload<S>, waiter: Pending) {
        let index = self.append_own(ctx, payload);
        let leading = self.leader_state().expect("only leaders propose");
        leading.waiting.push_back((index, waiter));
        self.replicate(ctx);
        self.apply(ctx);
    }

    /// Applies what is committed, in log order (Figure 2, rules for all servers).
    pub(super) fn apply(&mut self, ctx: &mut Context<'_, Self>) {
        let upto = if ctx.planted(Bug::ApplyBeforeCommit) { self.log.last() } else { self.commit_index };
        while self.last_applied < upto {
            let next = self.last_applied.next();
            let Some(entry) = self.log.entry(next) else { return };
            let entry = entry.clone();
            self.last_applied = next;
            self.expire_sessions(ctx, entry.time);
            let done = self.execute(ctx, next, entry.payload);
            self.answer(ctx, next, done);
        }
        if ctx.bug().is_none() {
            let (applied, committed, last) = (self.last_applied, self.commit_index, self.log.last());
            assert!(applied == committed, "raft: all that is committed is applied: {applied} of {committed}");
            assert!(committed <= last, "raft: what is committed is in the log: {committed} of {last}");
        }
    }

    /// Sessions expire by the time of the entry (thesis §6.3), before what it says is done.
    fn expire_sessions(&mut self, ctx: &mut Context<'_, Self>, time: Time) {
        let time = if ctx.planted(Bug::SessionExpiresByLocalClock) { ctx.now() } else { time };
        if self.sessions.advance(time, self.settings.session_timeout) {
            ctx.mark(marks::SESSION_EXPIRED);
        }
    }

    /// Executes one entry. Retries of a command that was executed are answered from the session's table (thesis §6.3).
    fn execute(&mut self, ctx: &mut Context<'_, Self>, index: Index, payload: Payload<S>) -> Done<S> {
        match payload {
            // A configuration is in force since it was appended.
            Payload::Noop | Payload::Config(_) => Done::Nothing,
            Payload::Register => {
                self.sessions.open(Session(index.0));
                Done::Nothing
            }
            Payload::KeepAlive(session) if self.sessions.keep_alive(session) => Done::Nothing,
            Payload::KeepAlive(session) => Done::NoSession(session),
            Payload::Command { id: None, command } => {
                self.executed += 1;
                Done::Output(self.machine.apply(&command))
            }
            Payload::Command { id: Some(id), command } => match self.sessions.look_up(id) {
                Known::New => {
                    self.executed += 1;
                    let output = self.machine.apply(&command);
                    self.sessions.executed(id, output.clone());
                    Done::Output(output)
                }
                Known::Executed(output) => {
                    ctx.mark(marks::DUPLICATE_COMMAND_SUPPRESSED);
                    Done::Output(output)
                }
                Known::Past => {
                    ctx.mark(marks::DUPLICATE_COMMAND_SUPPRESSED);
                    Done::Nothing
                }
                Known::NoSession => {
                    ctx.mark(marks::COMMAND_WITHOUT_A_SESSION);
                    Done::NoSession(id.session)
                }
            },
        }
    }

    /// Answers whoever waits for an entry.
    fn answer(&mut self, ctx: &mut Context<'_, Self>, index: Index, done: Done<S>) {
        let Some(leading) = self.leader_state() else { return };
        let waits = leading.waiting.front().is_some_and(|(of, _)| *of == index);
        if !waits {
            return;
        }
        let (_, waiter) = leading.waiting.pop_front().expect("just looked at");
        match (waiter, done) {
            (Pending::Registration { client, nonce }, _) => {
                ctx.send(client, Message::Registered { nonce, session: Session(index.0) });
            }
            (Pending::Client { client, .. } | Pending::KeepAlive { client, .. }, Done::NoSession(session)) => {
                ctx.send(client, Message::SessionExpired { session });
            }
            (waiter @ (Pending::Client { .. } | Pending::Host(_)), Done::Output(output)) => {
                self.reply(ctx, waiter, output)
            }
            (Pending::KeepAlive { client, session }, _) => ctx.send(client, Message::KeptAlive { session }),
            (Pending::Client { .. } | Pending::Host(_), _) => {}
        }
    }

    pub(super) fn reply(&mut self, ctx: &mut Context<'_, Self>, waiter: Pending, output: S::Output) {
        match waiter {
            Pending::Client { client, id } => ctx.send(client, Message::Reply { id, output }),
            Pending::Host(op) => ctx.complete(op, output),
            Pending::Registration { .. } => panic!("raft answers a registration with a session"),
            Pending::KeepAlive { .. } => panic!("raft answers a session that lasts without an output"),
        }
    }
}
