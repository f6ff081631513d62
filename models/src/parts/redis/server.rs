//! A server: it executes commands, expires keys, and keeps the append-only file. What it does as a master or a replica of
//! others stands in `replication`.

use std::sync::Arc;

use seedbed_sim::{Context, File, NoOp, NodeId, Process, Time};

use crate::parts::redis::command::{Caller, Command, RequestId};
use crate::parts::redis::dataset::{Dataset, Effect};
use crate::parts::redis::marks;
use crate::parts::redis::messages::{Epoch, Message, Offset, Record, Timer};
use crate::parts::redis::settings::{Persistence, Settings};
use crate::parts::wal;

/// The append-only file.
pub const AOF: File = File(0);

/// The role of a server in the replication (`ROLE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// It executes commands.
    Master,
    /// It has the effects of its master's commands.
    Replica {
        /// Its master.
        of: NodeId,
        /// Whether it has all effects up to its offset. If not, it waits for a full resynchronisation.
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
    /// From when on it replies, on its clock.
    serves_from: Time,
    journal: Vec<Effect>,
}

impl Server {
    /// A server of a group, before it has read its append-only file.
    pub fn new(id: NodeId, settings: Arc<Settings>) -> Self {
        let role =
            if id == settings.master { Role::Master } else { Role::Replica { of: settings.master, synced: true } };
        let (data, serves_from, journal) = (Dataset::default(), Time::ZERO, Vec::new());
        Server { settings, role, epoch: 0, offset: 0, data, serves_from, journal }
    }

    /// Its role in the replication.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The dataset.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The effects on its keys since it was started, as keyspace notifications would tell them; first, those that it began
    /// with. An extension of a time to live is none.
    pub fn journal(&self) -> &[Effect] {
        &self.journal
    }

    /// A client's command. A replica refuses it: it may lack what its master has.
    fn request(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, id: RequestId, command: &Command) {
        if self.role != Role::Master {
            return ctx.send(from, Message::ReadOnly(id));
        }
        if ctx.now() < self.serves_from {
            return ctx.mark(marks::RESTARTED_MASTER_KEEPS_SILENT);
        }
        self.expire(ctx);
        let mut effects = Vec::new();
        let caller = Caller { client: from, request: id };
        let reply = self.data.execute(ctx.now(), caller, command, &mut effects);
        effects.into_iter().for_each(|effect| self.propagate(ctx, effect));
        ctx.send(from, Message::Answer(id, reply, self.epoch));
        self.arm_expiry(ctx);
    }

    /// Writes an effect to the append-only file and sends it to the replicas.
    fn propagate(&mut self, ctx: &mut Context<'_, Self>, effect: Effect) {
        assert!(self.role == Role::Master, "only a master has effects of its own: {effect:?} at a replica");
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

    pub(super) fn write(&self, ctx: &mut Context<'_, Self>, record: Record) {
        if self.settings.persistence == Persistence::Always {
            ctx.append(AOF, record);
        }
    }

    /// Deletes the keys that have expired by this server's clock. Only a master does: a replica waits for its master's
    /// deletion ("How Redis replication deals with expires on keys").
    fn expire(&mut self, ctx: &mut Context<'_, Self>) {
        for effect in self.data.expired(ctx.now()) {
            ctx.mark(marks::KEY_EXPIRED);
            self.data.apply(effect);
            self.propagate(ctx, effect);
        }
    }

    pub(super) fn arm_expiry(&mut self, ctx: &mut Context<'_, Self>) {
        match self.data.next_expiry().filter(|_| self.role == Role::Master) {
            Some(at) => ctx.arm(Timer::Expire, at.since(ctx.now())),
            None => ctx.cancel(&Timer::Expire),
        }
    }
}

impl Process for Server {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = NoOp;
    type Ret = NoOp;

    /// Recovers from the append-only file.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
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
                Record::Master(master, epoch) => self.set_master(ctx.id(), master, epoch),
                Record::Data(offset, data) => {
                    (self.offset, self.data) = (offset, Dataset::clone(&data));
                    if let Role::Replica { synced, .. } = &mut self.role {
                        *synced = true;
                    }
                }
            }
        }
        self.journal.extend(self.data.entries().map(|(key, entry)| Effect::Put(key, *entry)));
        self.arm_expiry(ctx);
        self.ping_replicas(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Request(id, command) => self.request(ctx, from, id, &command),
            Message::Watch(master, epoch) => self.watched(ctx, from, master, epoch),
            Message::Stream { epoch, offset, effect } => self.streamed(ctx, from, epoch, offset, effect),
            Message::Ping(epoch, offset) => self.pinged(ctx, from, epoch, offset),
            Message::Psync => self.send_full_resync(ctx, from),
            Message::FullResync { epoch, offset, data } => self.resynchronised(ctx, from, epoch, offset, data),
            message => panic!("no message for a redis server: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Expire => {
                self.expire(ctx);
                self.arm_expiry(ctx);
            }
            Timer::Ping => self.ping_replicas(ctx),
        }
    }
}
