//! A server of the lock service: it hosts a server of the Raft group, revokes expired leases as its leader (etcd's
//! `lessor`), and tells the clients that watch a key when it is deleted.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, Hosted, NodeId, OpId, Process, Span, Time};

use crate::caching::lock::marks;
use crate::caching::lock::messages::{Message, Op, Record, Ret, Timer};
use crate::caching::lock::on_raft::machine::{Command, LeaseId, Locks, Revision};
use crate::replication::raft;
use crate::replication::raft::types::{Index, Term};

/// When a lease expires, as the leader has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Deadline {
    /// The number of keep-alives after which it is due.
    keep_alives: u64,
    at: Time,
}

/// What of the Raft server the service depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Progress {
    applied: Index,
    term: Term,
    leads: bool,
}

/// A server of the service.
#[derive(Clone, Debug, Hash)]
pub struct Service {
    server: raft::Server<Locks>,
    ttl: Span,
    seen: Progress,
    /// The leases, as the leader of this term has them; none at other servers.
    leases: BTreeMap<LeaseId, Deadline>,
    watchers: BTreeMap<Revision, BTreeSet<NodeId>>,
    /// The number of commands that this server has invoked itself.
    invoked: u64,
}

impl Service {
    /// A service on this Raft server, whose leases have this time to live.
    pub fn new(server: raft::Server<Locks>, ttl: Span) -> Self {
        let seen = Progress { applied: Index::ZERO, term: Term(0), leads: false };
        Service { server, ttl, seen, leases: BTreeMap::new(), watchers: BTreeMap::new(), invoked: 0 }
    }

    /// The Raft server.
    pub fn server(&self) -> &raft::Server<Locks> {
        &self.server
    }

    /// Runs a handler of the Raft server, and looks whether that changed anything for the service.
    fn host(
        &mut self,
        ctx: &mut Context<'_, Self>,
        handler: impl FnOnce(&mut raft::Server<Locks>, &mut Context<'_, raft::Server<Locks>>),
    ) {
        // The outputs of the leader's own commands are not needed: it sees what is applied.
        drop(ctx.host(Hosted::named("raft"), |ctx| handler(&mut self.server, ctx)));
        let now =
            Progress { applied: self.server.last_applied(), term: self.server.term(), leads: self.server.is_leader() };
        if std::mem::replace(&mut self.seen, now) != now {
            self.progressed(ctx);
        }
    }

    fn watch(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, revision: Revision) {
        self.watchers.entry(revision).or_default().insert(from);
        self.notify(ctx);
    }

    /// The Raft server has applied entries, or its term or role has changed.
    fn progressed(&mut self, ctx: &mut Context<'_, Self>) {
        self.notify(ctx);
        if !self.seen.leads {
            self.leases.clear();
            return ctx.cancel(&Timer::Expire);
        }
        let at = ctx.now() + self.ttl;
        // A lease that is new to this leader, or was kept alive, has its whole time to live before it.
        let deadline = |lease: LeaseId, keep_alives: u64| match self.leases.get(&lease) {
            Some(known) if known.keep_alives == keep_alives => *known,
            _ => Deadline { keep_alives, at },
        };
        let leases = self.server.machine().leases();
        self.leases = leases.map(|(lease, keep_alives)| (lease, deadline(lease, keep_alives))).collect();
        self.arm_expiry(ctx);
    }

    /// Tells those who watch a key that it is deleted. Each is told once.
    fn notify(&mut self, ctx: &mut Context<'_, Self>) {
        let machine = self.server.machine();
        let deleted: Vec<Revision> = self.watchers.keys().copied().filter(|key| machine.is_deleted(*key)).collect();
        for revision in deleted {
            for watcher in self.watchers.remove(&revision).unwrap_or_default() {
                ctx.send(watcher, Message::Gone(revision));
            }
        }
    }

    fn arm_expiry(&mut self, ctx: &mut Context<'_, Self>) {
        match self.leases.values().map(|deadline| deadline.at).min() {
            Some(at) => ctx.arm(Timer::Expire, at.since(ctx.now()).max(Span(1))),
            None => ctx.cancel(&Timer::Expire),
        }
    }

    /// Leases have expired by the leader's clock: it revokes them, and again after another time to live if the revocation was
    /// not committed.
    fn expire(&mut self, ctx: &mut Context<'_, Self>) {
        let now = ctx.now();
        let expired = self.leases.iter().filter(|(_, deadline)| deadline.at <= now);
        let expired: Vec<(LeaseId, u64)> = expired.map(|(lease, deadline)| (*lease, deadline.keep_alives)).collect();
        for (lease, keep_alives) in expired {
            ctx.mark(marks::LEASE_REVOKED_BY_THE_LEADER);
            if let Some(deadline) = self.leases.get_mut(&lease) {
                deadline.at = now + self.ttl;
            }
            self.invoked += 1;
            let op = OpId::internal(self.invoked);
            self.host(ctx, |server, ctx| server.invoke(ctx, op, Command::Revoke { lease, keep_alives }));
        }
        self.arm_expiry(ctx);
    }
}

impl Process for Service {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.host(ctx, |server, ctx| server.start(ctx));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Raft(message) => self.host(ctx, |server, ctx| server.message(ctx, from, message)),
            Message::Watch(revision) => self.watch(ctx, from, revision),
            message => panic!("no message for the lock service: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Raft(timer) => self.host(ctx, |server, ctx| server.timer(ctx, timer)),
            Timer::Expire => self.expire(ctx),
            timer => panic!("no timer of the lock service: {timer:?}"),
        }
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.host(ctx, |server, ctx| server.synced(ctx));
    }
}
