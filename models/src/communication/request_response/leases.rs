//! The lease manager: its clock alone decides when a session is over (RIFL §3.4). What it has said stays so: a session that is
//! over is not opened again, and the end is on its disk before anybody is told.

use std::collections::BTreeMap;

use seedbed_sim::{Context, File, NodeId, Process, Span, Time};

use crate::communication::request_response::marks;
use crate::communication::request_response::messages::{Message, Op, Record, Ret, SessionId, Timer};
use crate::parts::wal;

/// Where the sessions are.
pub const LOG: File = File(0);

/// The lease manager.
#[derive(Clone, Debug, Hash)]
pub struct Leases {
    ttl: Span,
    last: u64,
    by_nonce: BTreeMap<u64, SessionId>,
    /// The open sessions, and until when.
    open: BTreeMap<SessionId, Time>,
}

impl Leases {
    /// A lease manager whose sessions last so long after they were kept alive.
    pub fn new(ttl: Span) -> Self {
        Leases { ttl, last: 0, by_nonce: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// Whether a session is open.
    pub fn is_open(&self, session: SessionId) -> bool {
        self.open.contains_key(&session)
    }

    fn open(&mut self, ctx: &mut Context<'_, Self>, nonce: u64) -> SessionId {
        if let Some(known) = self.by_nonce.get(&nonce) {
            return *known;
        }
        let session = SessionId(self.last + 1);
        ctx.append(LOG, Record::Opened(nonce, session));
        self.opened(nonce, session);
        self.prolong(ctx, session);
        session
    }

    fn opened(&mut self, nonce: u64, session: SessionId) {
        self.last = session.0;
        self.by_nonce.insert(nonce, session);
    }

    fn prolong(&mut self, ctx: &mut Context<'_, Self>, session: SessionId) {
        self.open.insert(session, ctx.now() + self.ttl);
        self.arm(ctx);
    }

    fn expire(&mut self, ctx: &mut Context<'_, Self>) {
        let now = ctx.now();
        let over: Vec<SessionId> =
            self.open.iter().filter(|(_, until)| **until <= now).map(|(session, _)| *session).collect();
        for session in over {
            ctx.mark(marks::SESSION_EXPIRED);
            ctx.append(LOG, Record::Expired(session));
            self.open.remove(&session);
        }
        self.arm(ctx);
    }

    fn arm(&self, ctx: &mut Context<'_, Self>) {
        match self.open.values().min() {
            Some(until) => ctx.arm(Timer::Expire, until.since(ctx.now()).max(Span(1))),
            None => ctx.cancel(&Timer::Expire),
        }
    }
}

impl Process for Leases {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// All open sessions last a whole time to live from now on.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        for record in wal::recover(ctx, LOG).unwrap_or_default() {
            match record {
                Record::Opened(nonce, session) => {
                    self.opened(nonce, session);
                    self.open.insert(session, ctx.now() + self.ttl);
                }
                Record::Expired(session) => _ = self.open.remove(&session),
                record => panic!("no record of a lease manager: {record:?}"),
            }
        }
        self.arm(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Open(nonce) => {
                let session = self.open(ctx, nonce);
                ctx.send(from, Message::Opened(nonce, session));
            }
            Message::KeepAlive(session) if self.is_open(session) => {
                self.prolong(ctx, session);
                ctx.send(from, Message::KeptAlive(session));
            }
            Message::KeepAlive(session) => ctx.send(from, Message::Expired(session)),
            Message::Check(session, number) => {
                ctx.send(from, Message::Checked(session, number, self.is_open(session)));
            }
            message => panic!("no message for a lease manager: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        assert!(timer == Timer::Expire, "a lease manager has one timer: {timer:?}");
        self.expire(ctx);
    }
}
