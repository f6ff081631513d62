//! A client: it has a session, numbers its calls in it, sends each until it has ended, and surfaces how.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, OpId, Process, Span, Time};

use crate::communication::request_response::bugs::Bug;
use crate::communication::request_response::marks;
use crate::communication::request_response::messages::{
    Call, CallId, Header, Message, Op, Outcome, Record, Refusal, Ret, RpcId, SessionId, Timer,
};
use crate::communication::request_response::retries::backoff;

/// How a client works.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// The lease manager.
    pub leases: NodeId,
    /// The front servers.
    pub fronts: Vec<NodeId>,
    /// After how long a request is sent again at first.
    pub retry: Span,
    /// How often a session is kept alive.
    pub keep_alive: Span,
}

/// A call that has not ended.
#[derive(Clone, Debug, Hash)]
struct Open {
    call: Call,
    deadline: Time,
    /// Once there is a session.
    id: Option<RpcId>,
    attempts: u32,
}

/// What a client has surfaced of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Surfaced {
    /// The call.
    pub call: CallId,
    /// The identity that it had last.
    pub id: Option<RpcId>,
    /// How it has ended.
    pub outcome: Outcome,
    /// The deadline, on the client's clock.
    pub deadline: Time,
    /// When, on that clock.
    pub at: Time,
}

/// A client. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    settings: Settings,
    nonce: u64,
    session: Option<SessionId>,
    /// The number of the last call of the session.
    last: u64,
    op: Option<OpId>,
    open: BTreeMap<u8, Open>,
    ended: BTreeMap<u8, Outcome>,
    /// For properties.
    surfaced: Vec<Surfaced>,
}

impl Client {
    /// A client without a session.
    pub fn new(settings: Settings) -> Self {
        Client {
            settings,
            nonce: 0,
            session: None,
            last: 0,
            op: None,
            open: BTreeMap::new(),
            ended: BTreeMap::new(),
            surfaced: Vec::new(),
        }
    }

    /// The identities of the calls that have not ended: those that it may send again.
    pub fn open(&self) -> impl Iterator<Item = RpcId> {
        self.open.values().filter_map(|open| open.id)
    }

    /// What it has surfaced, in order.
    pub fn surfaced(&self) -> &[Surfaced] {
        &self.surfaced
    }

    /// RIFL §3.3: all calls of the session before this one have ended.
    fn first_incomplete(&self) -> u64 {
        self.open().map(|id| id.seq).min().unwrap_or(self.last + 1)
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The session

    fn open_session(&mut self, ctx: &mut Context<'_, Self>) {
        // The time makes the nonce unique among those of this node, whatever is drawn, and the node among all.
        let draw = ctx.draw("nonce", 0..=0xffff);
        self.nonce = (u64::from(ctx.id().0) << 48) ^ (draw << 32) ^ (ctx.now().0 >> 10);
        self.send_open(ctx);
    }

    fn send_open(&self, ctx: &mut Context<'_, Self>) {
        ctx.send(self.settings.leases, Message::Open(self.nonce));
        ctx.arm(Timer::OpenAgain, self.settings.retry);
    }

    fn opened(&mut self, ctx: &mut Context<'_, Self>, nonce: u64, session: SessionId) {
        if nonce != self.nonce || self.session.is_some() {
            return;
        }
        ctx.cancel(&Timer::OpenAgain);
        ctx.arm(Timer::KeepAlive, self.settings.keep_alive);
        (self.session, self.last) = (Some(session), 0);
        let waiting: Vec<u8> = self.open.keys().copied().collect();
        waiting.into_iter().for_each(|index| self.send(ctx, index));
    }

    /// What was sent in this session may have taken effect or not, and nobody will know.
    fn session_over(&mut self, ctx: &mut Context<'_, Self>, session: SessionId) {
        if self.session != Some(session) {
            return;
        }
        self.session = None;
        ctx.cancel(&Timer::KeepAlive);
        self.open_session(ctx);
        let sent: Vec<u8> = self.open.iter().filter(|(_, open)| open.id.is_some()).map(|(index, _)| *index).collect();
        sent.into_iter().for_each(|index| self.surface(ctx, index, Outcome::SessionExpired));
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Calls

    fn begin(&mut self, ctx: &mut Context<'_, Self>, calls: Vec<Call>) {
        for (index, call) in (0..).zip(calls) {
            ctx.arm(Timer::CallDeadline(index), call.deadline);
            if let Some(after) = call.cancel_after {
                ctx.arm(Timer::CallCancel(index), after);
            }
            let deadline = ctx.now() + call.deadline;
            self.open.insert(index, Open { call, deadline, id: None, attempts: 0 });
        }
        let all: Vec<u8> = self.open.keys().copied().collect();
        all.into_iter().for_each(|index| self.send(ctx, index));
    }

    /// Sends a call, for the first time or again: always with the identity that it got at first.
    fn send(&mut self, ctx: &mut Context<'_, Self>, index: u8) {
        let (Some(session), Some(op)) = (self.session, self.op) else { return };
        let Some(open) = self.open.get_mut(&index) else { return };
        let attempts = open.attempts;
        if open.id.is_none() || ctx.planted(Bug::NewIdOnRetry) {
            self.last += 1;
            open.id = Some(RpcId { session, seq: self.last });
        }
        open.attempts += 1;
        let after = backoff(ctx, self.settings.retry, attempts);
        ctx.arm(Timer::CallRetry(index), after);
        let first_incomplete = self.first_incomplete();
        let open = &self.open[&index];
        // The clock may have gone back since.
        let remaining = Some(open.deadline.since(ctx.now()).min(open.call.deadline));
        let Some(id) = open.id else { return };
        let header = Header { id, first_incomplete, remaining, call: CallId { op, index } };
        // Another front server each time: the one that was asked may be down.
        let fronts = &self.settings.fronts;
        if let Some(front) = fronts.get((usize::from(index) + attempts as usize) % fronts.len().max(1)) {
            ctx.send(*front, Message::Request(header, open.call.keys.clone(), open.call.amount));
        }
    }

    fn reply(&mut self, ctx: &mut Context<'_, Self>, id: RpcId, result: Result<Vec<u64>, Refusal>) {
        let matches = |open: &Open| open.id == Some(id) || ctx.planted(Bug::MatchByOrder) && open.id.is_some();
        let Some(index) = self.open.iter().find(|(_, open)| matches(open)).map(|(index, _)| *index) else {
            return ctx.mark(marks::LATE_REPLY);
        };
        // The deadline may have passed while this client stood still, and its timer not be handled yet.
        let is_late = self.open[&index].deadline <= ctx.now() && !ctx.planted(Bug::SurfacedLate);
        match result {
            _ if is_late => self.surface(ctx, index, Outcome::DeadlineExceeded),
            Ok(tallies) => self.surface(ctx, index, Outcome::Done(tallies)),
            Err(Refusal::SessionExpired) => self.session_over(ctx, id.session),
            // By a server's clock; this client's timer decides, and until then a retry may find it done. Front servers pass on
            // nothing of what is stale.
            Err(Refusal::DeadlineExceeded | Refusal::Stale) => {}
        }
    }

    fn cancel(&mut self, ctx: &mut Context<'_, Self>, index: u8) {
        let Some(open) = self.open.get(&index) else { return };
        ctx.mark(marks::CALL_CANCELLED);
        if let Some(id) = open.id {
            ctx.broadcast(self.settings.fronts.iter().copied(), Message::Cancel(id));
        }
        self.surface(ctx, index, Outcome::Cancelled);
    }

    /// A call has ended. The operation has when all its calls have.
    fn surface(&mut self, ctx: &mut Context<'_, Self>, index: u8, outcome: Outcome) {
        let (Some(Open { id, deadline, .. }), Some(op)) = (self.open.remove(&index), self.op) else { return };
        for timer in [Timer::CallDeadline(index), Timer::CallCancel(index), Timer::CallRetry(index)] {
            ctx.cancel(&timer);
        }
        let call = CallId { op, index };
        self.surfaced.push(Surfaced { call, id, outcome: outcome.clone(), deadline, at: ctx.now() });
        self.ended.insert(index, outcome);
        if self.open.is_empty() {
            self.op = None;
            ctx.complete(op, Ret::Ended(std::mem::take(&mut self.ended).into_values().collect()));
        }
    }
}

impl Process for Client {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.open_session(ctx);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, Op::Calls(calls): Op) {
        assert!(self.op.is_none(), "a client has one operation at a time: {op:?} came during {:?}", self.op);
        self.op = Some(op);
        self.begin(ctx, calls);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Opened(nonce, session) => self.opened(ctx, nonce, session),
            Message::KeptAlive(_) => {}
            Message::Expired(session) => self.session_over(ctx, session),
            Message::Reply(id, result) => self.reply(ctx, id, result),
            message => panic!("no message for a client: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::OpenAgain => self.send_open(ctx),
            Timer::KeepAlive => {
                if let Some(session) = self.session {
                    ctx.send(self.settings.leases, Message::KeepAlive(session));
                    ctx.arm(Timer::KeepAlive, self.settings.keep_alive);
                }
            }
            Timer::CallRetry(index) => {
                ctx.mark(marks::SENT_AGAIN);
                self.send(ctx, index);
            }
            Timer::CallDeadline(index) => {
                ctx.mark(marks::DEADLINE_EXCEEDED);
                self.surface(ctx, index, Outcome::DeadlineExceeded);
            }
            Timer::CallCancel(index) => self.cancel(ctx, index),
            timer => panic!("no timer of a client: {timer:?}"),
        }
    }
}
