//! A client's session with the group, which knows when each command was sent: a lease counts from there.

use std::collections::VecDeque;

use seedbed_sim::{Answer, Context, Embed, File, NodeId, OpId, Process, Span, Time};

use crate::caching::lock::messages::{LockProcess, Message, SessionId, Timer};
use crate::caching::lock::on_raft::machine::{Command, Locks, Output};
use crate::replication::raft::messages::Message as RaftMessage;
use crate::replication::raft::record::Record as RaftRecord;
use crate::replication::raft::session_client::SessionClient;
use crate::replication::raft::settings::Timer as RaftTimer;

/// The output of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// The command.
    pub command: Command,
    /// Its output.
    pub output: Output,
    /// When the command was sent first, on the client's clock: it was executed after that.
    pub sent: Time,
}

/// A session.
#[derive(Clone, Debug, Hash)]
pub struct Session {
    id: SessionId,
    client: SessionClient<Locks>,
    /// The commands that are not executed yet, in order.
    commands: VecDeque<Command>,
    /// When the first of them was sent.
    sent: Time,
    /// How many commands were invoked.
    invoked: u64,
}

impl Session {
    /// A session with these servers that sends a command again when it was not answered for `request_timeout`.
    pub fn new(id: SessionId, servers: Vec<NodeId>, request_timeout: Span) -> Self {
        let client = SessionClient::new(servers, request_timeout);
        Session { id, client, commands: VecDeque::new(), sent: Time::ZERO, invoked: 0 }
    }

    /// Whether all commands are executed.
    pub fn is_idle(&self) -> bool {
        self.client.is_idle()
    }

    /// The process starts.
    pub fn start(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        // The time and the session make the nonce unique among those of this node, whatever is drawn.
        let draw = ctx.draw("nonce", 0..=0xffff);
        self.client.set_nonce((draw << 48) ^ (ctx.now().0 << 1) ^ u64::from(self.id == SessionId::KeepAlive));
        self.host(ctx, |client, ctx| client.start(ctx));
    }

    /// Executes a command, after those before it.
    pub fn invoke(&mut self, ctx: &mut Context<'_, impl LockProcess>, command: Command) {
        self.commands.push_back(command);
        self.invoked += 1;
        let op = OpId::internal(self.invoked);
        self.host(ctx, |client, ctx| client.invoke(ctx, op, command));
    }

    /// The command was not answered for `request_timeout`.
    pub fn retry(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        self.host(ctx, |client, ctx| client.timer(ctx, RaftTimer::Retry));
    }

    /// A server's message. It may be for another session of this node; if it is for this one, a command is under way.
    pub fn message(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        message: RaftMessage<Locks>,
    ) -> Option<Executed> {
        if self.is_idle() {
            return None;
        }
        self.host(ctx, |client, ctx| client.message(ctx, from, message))
    }

    fn host<P: LockProcess>(
        &mut self,
        ctx: &mut Context<'_, P>,
        handler: impl FnOnce(&mut SessionClient<Locks>, &mut Context<'_, SessionClient<Locks>>),
    ) -> Option<Executed> {
        let before = self.client.outstanding();
        let answers = ctx.host(OfSession(self.id), |ctx| handler(&mut self.client, ctx));
        let executed = answers.into_iter().next().map(|answer| {
            let Answer::Completed(_, output) = answer else { panic!("a session executes each command: {answer:?}") };
            let command = self.commands.pop_front().expect("an output is that of a command");
            Executed { command, output, sent: self.sent }
        });
        if self.client.outstanding() != before {
            self.sent = ctx.now();
        }
        executed
    }
}

/// How the sessions of one node are told apart.
struct OfSession(SessionId);

impl<P: LockProcess> Embed<P, SessionClient<Locks>> for OfSession {
    fn name(&self) -> &'static str {
        "session"
    }

    fn message(&self, message: RaftMessage<Locks>) -> Message {
        message.into()
    }

    fn timer(&self, timer: RaftTimer) -> Timer {
        assert!(timer == RaftTimer::Retry, "a session has one timer: {timer:?}");
        Timer::Session(self.0)
    }

    fn record(&self, record: RaftRecord<Locks>) -> P::Record {
        panic!("a session writes nothing: {record:?}")
    }

    fn unwrap_record(&self, _: P::Record) -> Option<RaftRecord<Locks>> {
        None
    }

    fn file(&self, file: File) -> File {
        file
    }
}
