//! A server of the lock service: it hosts a server of the Raft group, decides as its leader when leases are over (etcd's
//! `lessor`), and tells those who watch a key when it is gone.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Context, Embed, File, NodeId, OpId, Process, Span, Time};

use crate::caching::lock::marks;
use crate::caching::lock::messages::Message;
use crate::caching::lock::model::{Node, Record, Ret, Timer};
use crate::caching::lock::on_raft::machine::{Command, LeaseId, Locks, Output, Revision};
use crate::replication::raft::messages::Message as RaftMessage;
use crate::replication::raft::persistence::Record as RaftRecord;
use crate::replication::raft::server::{Server, Timer as RaftTimer};
use crate::replication::raft::types::{Index, Term};

/// How the hosted server is wrapped.
struct AsServer;

impl Embed<Node, Server<Locks>> for AsServer {
    fn name(&self) -> &'static str {
        "raft"
    }
    fn message(&self, message: RaftMessage<Locks>) -> Message {
        Message::Raft(message)
    }
    fn timer(&self, timer: RaftTimer) -> Timer {
        Timer::Raft(timer)
    }
    fn record(&self, record: RaftRecord<Locks>) -> Record {
        Record::Raft(record)
    }
    fn unwrap_record(&self, record: Record) -> Option<RaftRecord<Locks>> {
        match record {
            Record::Raft(record) => Some(record),
            _ => None,
        }
    }
    fn file(&self, file: File) -> File {
        file
    }
    fn ret(&self, output: Output) -> Ret {
        unreachable!("the lock service's commands are all internal: {output:?}")
    }
}

/// When a lease is over, as the leader has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Deadline {
    /// How often it was kept alive, when this was reckoned.
    kept: u64,
    at: Time,
}

/// A server of the service.
#[derive(Clone, Debug, Hash)]
pub struct Service {
    server: Server<Locks>,
    ttl: Span,
    /// What was seen last of the group: what is applied, in which term, and whether this server leads.
    seen: (Index, Term, bool),
    /// The leases, as the leader of this term knows them.
    leases: BTreeMap<LeaseId, Deadline>,
    watchers: BTreeMap<Revision, BTreeSet<NodeId>>,
    asked: u64,
}

impl Service {
    /// A service on this server, with leases of this length.
    pub fn new(server: Server<Locks>, ttl: Span) -> Self {
        let (seen, leases, watchers) = ((Index::ZERO, Term(0), false), BTreeMap::new(), BTreeMap::new());
        Service { server, ttl, seen, leases, watchers, asked: 0 }
    }

    /// The server of the group.
    pub fn server(&self) -> &Server<Locks> {
        &self.server
    }

    fn run(
        &mut self,
        ctx: &mut Context<'_, Node>,
        act: impl FnOnce(&mut Server<Locks>, &mut Context<'_, Server<Locks>>),
    ) {
        // What the leader asked for itself needs no answer: it sees what is applied.
        drop(ctx.host(AsServer, |ctx| act(&mut self.server, ctx)));
        let now = (self.server.last_applied(), self.server.term(), self.server.is_leader());
        if std::mem::replace(&mut self.seen, now) != now {
            self.tend(ctx);
        }
    }

    pub(in crate::caching::lock) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        self.run(ctx, |server, ctx| server.start(ctx));
    }

    pub(in crate::caching::lock) fn message(
        &mut self,
        ctx: &mut Context<'_, Node>,
        from: NodeId,
        message: RaftMessage<Locks>,
    ) {
        self.run(ctx, |server, ctx| server.message(ctx, from, message));
    }

    pub(in crate::caching::lock) fn raft_timer(&mut self, ctx: &mut Context<'_, Node>, timer: RaftTimer) {
        self.run(ctx, |server, ctx| server.timer(ctx, timer));
    }

    pub(in crate::caching::lock) fn synced(&mut self, ctx: &mut Context<'_, Node>) {
        self.run(ctx, |server, ctx| server.synced(ctx));
    }

    /// Somebody wants to hear when a key is gone.
    pub(in crate::caching::lock) fn watch(&mut self, ctx: &mut Context<'_, Node>, from: NodeId, revision: Revision) {
        self.watchers.entry(revision).or_default().insert(from);
        self.notify(ctx);
    }

    /// The group's data may have changed.
    fn tend(&mut self, ctx: &mut Context<'_, Node>) {
        self.notify(ctx);
        let (_, _, leads) = self.seen;
        if !leads {
            self.leases.clear();
            return ctx.cancel(&Timer::Expire);
        }
        let machine = self.server.machine();
        let fresh = Deadline { kept: 0, at: ctx.now() + self.ttl };
        // A lease that is new to this leader, or was kept alive, has its whole time before it.
        let known = |lease: LeaseId, kept: u64| self.leases.get(&lease).filter(|known| known.kept == kept).copied();
        let leases =
            machine.leases().map(|(lease, kept)| (lease, known(lease, kept).unwrap_or(Deadline { kept, ..fresh })));
        self.leases = leases.collect();
        self.expire_later(ctx);
    }

    fn notify(&mut self, ctx: &mut Context<'_, Node>) {
        let machine = self.server.machine();
        let gone: Vec<Revision> = self.watchers.keys().copied().filter(|key| machine.is_gone(*key)).collect();
        for revision in gone {
            for watcher in self.watchers.remove(&revision).unwrap_or_default() {
                ctx.send(watcher, Message::Gone { revision });
            }
        }
    }

    fn expire_later(&mut self, ctx: &mut Context<'_, Node>) {
        match self.leases.values().map(|deadline| deadline.at).min() {
            Some(at) => ctx.arm(Timer::Expire, at.since(ctx.now()).max(Span(1))),
            None => ctx.cancel(&Timer::Expire),
        }
    }

    /// Leases are over by the leader's clock: it asks the group to revoke them, and asks again if nothing comes of it.
    pub(in crate::caching::lock) fn expire(&mut self, ctx: &mut Context<'_, Node>) {
        let now = ctx.now();
        let over = self.leases.iter().filter(|(_, deadline)| deadline.at <= now);
        let over: Vec<(LeaseId, u64)> = over.map(|(lease, deadline)| (*lease, deadline.kept)).collect();
        for (lease, kept) in over {
            ctx.mark(marks::LEASE_REVOKED_BY_THE_LEADER);
            if let Some(deadline) = self.leases.get_mut(&lease) {
                deadline.at = now + self.ttl;
            }
            self.asked += 1;
            let op = OpId::internal(self.asked);
            self.run(ctx, |server, ctx| server.invoke(ctx, op, Command::Revoke { lease, kept }));
        }
        self.expire_later(ctx);
    }
}
