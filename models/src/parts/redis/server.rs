//! A server: commands, expiry, the append-only file; and the process that is a server or a sentinel.

use std::sync::Arc;

use seedbed_sim::{Context, File, NoOp, NodeId, Process, Span, Time, kinds};
use serde::{Deserialize, Serialize};

use crate::parts::redis::command::Command;
use crate::parts::redis::dataset::{Dataset, Effect};
use crate::parts::redis::marks;
use crate::parts::redis::messages::{Epoch, Message, Offset};
use crate::parts::redis::sentinel::Sentinel;
use crate::parts::wal;

/// The append-only file.
pub const AOF: File = File(0);

/// What a server writes before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Persistence {
    /// What every command did (`appendonly yes`, `appendfsync always`).
    Always,
    /// Nothing: a crash takes the data.
    Never,
}

/// How servers are set up.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// What is written.
    pub persistence: Persistence,
    /// How long a server that has crashed answers nothing after its restart.
    pub quarantine: Span,
    /// The master at the beginning.
    pub master: NodeId,
    /// Every server of the group, the master among them.
    pub servers: Vec<NodeId>,
    /// How often masters and the sentinel look after the others.
    pub ping: Span,
    /// How long the master may be silent before the sentinel promotes another.
    pub down_after: Span,
}

/// A record of a server's or the sentinel's disk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// It has been started before.
    Started,
    /// What a command did.
    Effect(Effect),
    /// Who is the master.
    Master(NodeId, Epoch),
    /// The whole data of a master, and how far it was.
    Data(Offset, Arc<Dataset>),
}

/// What a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It executes commands.
    Master,
    /// It follows this master; `synced` says whether it has its data.
    Replica {
        /// Whom.
        of: NodeId,
        /// Whether it has all up to its offset.
        synced: bool,
    },
}

/// A server.
#[derive(Clone, Debug, Hash)]
pub struct Server {
    pub(super) settings: Arc<Settings>,
    pub(super) role: Role,
    pub(super) epoch: Epoch,
    pub(super) offset: Offset,
    pub(super) data: Dataset,
    /// From when on it answers, on its clock.
    serves_from: Time,
    /// What happened to its keys in this life, as clients would be told that subscribe to keyspace notifications.
    journal: Vec<Effect>,
}

impl Server {
    /// A server of a group.
    pub fn new(id: NodeId, settings: Arc<Settings>) -> Self {
        let role = match id == settings.master {
            true => Role::Master,
            false => Role::Replica { of: settings.master, synced: true },
        };
        let (data, serves_from, journal) = (Dataset::default(), Time::ZERO, Vec::new());
        Server { settings, role, epoch: 0, offset: 0, data, serves_from, journal }
    }

    /// What it is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The data.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// What happened to its keys in this life; what it began with, first. What only lives longer is not told.
    pub fn journal(&self) -> &[Effect] {
        &self.journal
    }

    fn start(&mut self, ctx: &mut Context<'_, Host>) {
        let Some(records) = wal::recover(ctx, AOF) else { return };
        if records.is_empty() {
            ctx.append(AOF, Record::Started);
        } else {
            ctx.mark(marks::REDIS_RESTARTED);
            self.serves_from = ctx.now() + self.settings.quarantine;
        }
        for record in records {
            match record {
                Record::Started => {}
                Record::Effect(effect) => {
                    self.offset += 1;
                    self.data.apply(effect);
                }
                Record::Master(master, epoch) => self.adopt(ctx.id(), master, epoch),
                Record::Data(offset, data) => {
                    (self.offset, self.data) = (offset, Dataset::clone(&data));
                    if let Role::Replica { synced, .. } = &mut self.role {
                        *synced = true;
                    }
                }
            }
        }
        self.journal.extend(self.data.entries().map(|(key, entry)| Effect::Put(key, *entry)));
        self.expire_later(ctx);
        self.look_after_replicas(ctx);
    }

    /// A client asks. A replica refuses: reads from replicas are not for locks.
    fn request(&mut self, ctx: &mut Context<'_, Host>, from: NodeId, id: u64, command: &Command) {
        if self.role != Role::Master {
            return ctx.send(from, Message::ReadOnly { id });
        }
        if ctx.now() < self.serves_from {
            return ctx.mark(marks::RESTARTED_MASTER_KEEPS_SILENT);
        }
        self.expire(ctx);
        let mut effects = Vec::new();
        let reply = self.data.execute(ctx.now(), from, command, &mut effects);
        effects.into_iter().for_each(|effect| self.did(ctx, effect));
        ctx.send(from, Message::Answer { id, reply, epoch: self.epoch });
        self.expire_later(ctx);
    }

    /// What a master did is written down and told to its replicas.
    fn did(&mut self, ctx: &mut Context<'_, Host>, effect: Effect) {
        self.offset += 1;
        self.write(ctx, Record::Effect(effect));
        self.note(effect);
        self.stream(ctx, effect);
    }

    pub(super) fn note(&mut self, effect: Effect) {
        if !matches!(effect, Effect::Extended(..)) {
            self.journal.push(effect);
        }
    }

    pub(super) fn write(&self, ctx: &mut Context<'_, Host>, record: Record) {
        if self.settings.persistence == Persistence::Always {
            ctx.append(AOF, record);
        }
    }

    /// Deletes keys whose time is over on this clock. A replica waits until its master says so.
    fn expire(&mut self, ctx: &mut Context<'_, Host>) {
        for effect in self.data.expired(ctx.now()) {
            ctx.mark(marks::KEY_EXPIRED);
            self.data.apply(effect);
            self.did(ctx, effect);
        }
    }

    pub(super) fn expire_later(&mut self, ctx: &mut Context<'_, Host>) {
        match self.data.next_expiry().filter(|_| self.role == Role::Master) {
            Some(at) => ctx.arm(Timer::Expire, at.since(ctx.now())),
            None => ctx.cancel(&Timer::Expire),
        }
    }
}

/// The timers of servers and of the sentinel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The time of some key is over.
    Expire,
    /// A master or the sentinel looks after the others.
    Ping,
}
kinds!(Timer: Expire, Ping);

/// A server, or the sentinel: what another process hosts.
#[derive(Clone, Debug, Hash)]
pub enum Host {
    /// A server.
    Server(Server),
    /// The sentinel.
    Sentinel(Sentinel),
}

impl Process for Host {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        match self {
            Host::Server(server) => server.start(ctx),
            Host::Sentinel(sentinel) => sentinel.start(ctx),
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match (self, message) {
            (Host::Server(server), Message::Request { id, command }) => server.request(ctx, from, id, &command),
            (Host::Server(server), Message::Watch { master, epoch }) => server.watched(ctx, from, master, epoch),
            (Host::Server(server), Message::Stream { epoch, offset, effect }) => {
                server.streamed(ctx, from, epoch, offset, effect)
            }
            (Host::Server(server), Message::Ping { epoch, offset }) => server.pinged(ctx, from, epoch, offset),
            (Host::Server(server), Message::Psync) => server.resync(ctx, from),
            (Host::Server(server), Message::FullResync { epoch, offset, data }) => {
                server.resynced(ctx, from, epoch, offset, data)
            }
            (Host::Sentinel(sentinel), Message::WhoIsMaster) => sentinel.asked(ctx, from),
            (Host::Sentinel(sentinel), Message::Alive { epoch, offset }) => sentinel.alive(ctx, from, epoch, offset),
            (host, message) => panic!("redis: a message for somebody else: {host:?} got {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match (self, timer) {
            (Host::Server(server), Timer::Expire) => {
                server.expire(ctx);
                server.expire_later(ctx);
            }
            (Host::Server(server), Timer::Ping) => server.look_after_replicas(ctx),
            (Host::Sentinel(sentinel), Timer::Ping) => sentinel.look(ctx),
            (host, timer) => panic!("redis: a timer of somebody else: {host:?} got {timer:?}"),
        }
    }
}
