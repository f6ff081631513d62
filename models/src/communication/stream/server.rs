//! A server: it executes the commands of its clients, and writes what they did to the append-only file. What it is as a master or
//! a replica of others stands in `replication`.

use std::sync::Arc;

use seedbed_sim::{Context, File, NodeId, Process};

use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::{Command, Exactness};
use crate::communication::stream::connections::{Admission, Connections};
use crate::communication::stream::effect::Effect;
use crate::communication::stream::engine::{Engine, Executed};
use crate::communication::stream::marks;
use crate::communication::stream::messages::{ConnectionId, Message, Nonce, Op, Record, Ret, RunId, Seq, Timer};
use crate::communication::stream::reply::{Error, Reply};
use crate::communication::stream::settings::{Durability, ServerSettings};
use crate::parts::redis::messages::{Epoch, Offset};
use crate::parts::redis::{self, Caller};
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
    },
}

/// A server.
#[derive(Clone, Debug, Hash)]
pub struct Server {
    pub(super) settings: Arc<ServerSettings>,
    pub(super) role: Role,
    pub(super) epoch: Epoch,
    /// The life of the master whose effects it has: its own, if it is one. A replica without one waits for all data.
    pub(super) run: Option<RunId>,
    /// The number of the last command of that life whose effects it has.
    pub(super) offset: Offset,
    pub(super) engine: Engine,
    connections: Connections,
    /// Whether a write waits for the next sync.
    unsynced: bool,
    journal: Vec<Executed>,
}

impl Server {
    /// A server of a group, before it has read its append-only file.
    pub fn new(id: NodeId, settings: Arc<ServerSettings>) -> Self {
        let role = if id == settings.master { Role::Master } else { Role::Replica { of: settings.master } };
        let engine = Engine::new(settings.node_entries);
        let connections = Connections::new(0);
        Server {
            settings,
            role,
            epoch: 0,
            run: None,
            offset: 0,
            engine,
            connections,
            unsynced: false,
            journal: Vec::new(),
        }
    }

    /// Its role in the replication.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The failovers that it knows of.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Of which life of which master it has the effects, and up to where. `None` if it waits for all data.
    pub fn position(&self) -> Option<(Epoch, RunId, Offset)> {
        self.run.map(|run| (self.epoch, run, self.offset))
    }

    /// Its keys, and who waits for them.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The commands that it has executed in this life, in their order.
    pub fn journal(&self) -> &[Executed] {
        &self.journal
    }

    fn connect(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, nonce: Nonce) {
        let Some((id, is_new)) = self.connections.connect(client, nonce) else { return };
        if is_new {
            self.engine.disconnect(client);
        }
        ctx.send(client, Message::Connected(nonce, id));
    }

    /// A client's command. A replica refuses it: it may lack what its master has.
    fn request(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, id: ConnectionId, seq: Seq, command: &Command) {
        match self.connections.admit(client, id, seq) {
            Admission::Next => {}
            Admission::OutOfOrder => return,
            Admission::Unknown => {
                ctx.mark(marks::REQUEST_OF_A_CLOSED_CONNECTION);
                return ctx.send(client, Message::Reset(id));
            }
        }
        if self.role != Role::Master {
            return ctx.send(client, Message::Answer(id, seq, Reply::Error(Error::ReadOnly)));
        }
        self.expire(ctx);
        let bug = ctx.bug().and_then(Bug::named);
        let executed = self.engine.execute(ctx.now(), Caller { client, request: seq }, bug, command);
        for one in executed {
            self.executed(ctx, one);
        }
        self.arm_unblock(ctx);
        self.arm_expiry(ctx);
    }

    /// What was done is written and sent to the replicas, and the reply leaves.
    fn executed(&mut self, ctx: &mut Context<'_, Self>, executed: Executed) {
        mark(ctx, self.journal.last(), &executed);
        self.propagate(ctx, executed.effects.clone());
        let Caller { client, request } = executed.by;
        if let Some(id) = self.connections.of(client) {
            ctx.send(client, Message::Answer(id, request, executed.reply.clone()));
        }
        self.journal.push(executed);
    }

    /// Writes what a command did to the append-only file, and sends it to the replicas.
    fn propagate(&mut self, ctx: &mut Context<'_, Self>, effects: Vec<Effect>) {
        if effects.is_empty() {
            return;
        }
        assert!(self.role == Role::Master, "only a master has effects of its own: {effects:?} at a replica");
        let effects: Arc<[Effect]> = effects.into();
        self.offset += 1;
        self.write(ctx, Record::Effects(effects.clone()));
        self.stream(ctx, effects);
    }

    /// Writes a record to the append-only file.
    pub(super) fn write(&mut self, ctx: &mut Context<'_, Self>, record: Record) {
        match self.settings.durability {
            Durability::Never => {}
            Durability::Always if !ctx.planted(Bug::AppendOnlyFileNotForced) => drop(ctx.append(AOF, record)),
            Durability::Always | Durability::Later => drop(ctx.append_lazily(AOF, record)),
            Durability::EverySecond => {
                ctx.append_lazily(AOF, record);
                if !std::mem::replace(&mut self.unsynced, true) {
                    ctx.arm(Timer::Sync, self.settings.sync_every);
                }
            }
        }
    }

    /// Everything that was written so far becomes durable (`everysec`).
    fn sync(&mut self, ctx: &mut Context<'_, Self>) {
        ctx.mark(marks::SYNCED_AFTER_A_WHILE);
        self.unsynced = false;
        ctx.append(AOF, Record::Synced);
    }

    /// Deletes the keys that have expired by this server's clock. Only a master does.
    fn expire(&mut self, ctx: &mut Context<'_, Self>) {
        let effects = self.engine.expire(ctx.now());
        self.propagate(ctx, effects);
    }

    pub(super) fn arm_expiry(&self, ctx: &mut Context<'_, Self>) {
        match self.engine.keys().next_expiry().filter(|_| self.role == Role::Master) {
            Some(at) => ctx.arm(Timer::Expire, at.since(ctx.now())),
            None => ctx.cancel(&Timer::Expire),
        }
    }

    fn arm_unblock(&self, ctx: &mut Context<'_, Self>) {
        match self.engine.next_time_out() {
            Some(at) => ctx.arm(Timer::Unblock, at.since(ctx.now())),
            None => ctx.cancel(&Timer::Unblock),
        }
    }

    /// The time is over for clients that wait.
    fn unblock(&mut self, ctx: &mut Context<'_, Self>) {
        for (Caller { client, request }, reply) in self.engine.time_out(ctx.now()) {
            ctx.mark(marks::WAITED_IN_VAIN);
            if let Some(id) = self.connections.of(client) {
                ctx.send(client, Message::Answer(id, request, reply));
            }
        }
        self.arm_unblock(ctx);
    }

    /// No client is connected any more.
    pub(super) fn disconnect_all(&mut self, ctx: &mut Context<'_, Self>) {
        self.connections.close_all();
        self.engine.disconnect_all();
        ctx.cancel(&Timer::Unblock);
    }

    /// A life of its own, as a master.
    pub(super) fn begin_run(&mut self, ctx: &mut Context<'_, Self>) {
        (self.run, self.offset) = (Some(RunId(ctx.draw("run", 0..=u64::from(u32::MAX)))), 0);
    }

    /// Recovers from the append-only file.
    fn recover(&mut self, ctx: &mut Context<'_, Self>, records: Vec<Record>) {
        for record in records {
            match record {
                Record::Started | Record::Synced => {}
                Record::Effects(effects) => {
                    self.offset += 1;
                    self.engine.apply(&effects);
                }
                Record::Master(master, epoch) => self.set_master(ctx.id(), master, epoch),
                Record::Data(run, offset, keys) => {
                    (self.run, self.offset) = (Some(run), offset);
                    self.engine.load((*keys).clone());
                }
                record @ Record::Sentinel(_) => panic!("no record of a server: {record:?}"),
            }
        }
    }
}

/// Marks what is worth reaching in a command.
fn mark(ctx: &mut Context<'_, Server>, before: Option<&Executed>, executed: &Executed) {
    let Executed { command, reply, effects, at, by } = executed;
    let clock = at.0 / 1_000_000;
    if matches!(reply, Reply::Id(id) if id.ms > clock) {
        ctx.mark(marks::CLOCK_BEHIND_THE_LAST_ID);
    }
    match command {
        Command::XReadGroup { .. } if before.is_some_and(|one| one.at == *at && one.by != *by) => {
            ctx.mark(marks::ADDED_WHILE_SOMEBODY_WAITED);
        }
        Command::XAdd { trim: Some(trim), .. } | Command::XTrim(_, trim)
            if effects.iter().any(|effect| matches!(effect, Effect::Trimmed(..))) =>
        {
            let is_exact = trim.how == Exactness::Exact;
            ctx.mark(if is_exact { marks::TRIMMED } else { marks::TRIMMED_BY_WHOLE_NODES });
        }
        _ => {}
    }
}

impl Process for Server {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        // Numbers that no other life has given, so that nothing that is late is taken for new.
        self.connections = Connections::new(ctx.draw("connections", 0..=u64::from(u32::MAX)) << 20);
        let Some(records) = wal::recover(ctx, AOF) else { return };
        if records.is_empty() {
            ctx.append(AOF, Record::Started);
        } else {
            ctx.mark(marks::SERVER_RESTARTED);
        }
        self.recover(ctx, records);
        if self.role == Role::Master {
            self.begin_run(ctx);
        }
        self.arm_expiry(ctx);
        self.ping_replicas(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Connect(nonce) => self.connect(ctx, from, nonce),
            Message::Request(id, seq, command) => self.request(ctx, from, id, seq, &command),
            Message::Stream { epoch, run, offset, effects } => self.streamed(ctx, from, epoch, (run, offset), effects),
            Message::Ping(epoch, run, offset) => self.pinged(ctx, from, epoch, (run, offset)),
            Message::Psync => self.send_full_resync(ctx, from),
            Message::FullResync { epoch, run, offset, keys } => {
                self.resynchronised(ctx, from, epoch, (run, offset), keys);
            }
            Message::Sentinel(redis::Message::Watch(master, epoch)) => self.watched(ctx, from, master, epoch),
            message => panic!("no message for a server: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Expire => {
                self.expire(ctx);
                self.arm_expiry(ctx);
            }
            Timer::Unblock => self.unblock(ctx),
            Timer::Ping => self.ping_replicas(ctx),
            Timer::Sync => self.sync(ctx),
            timer => panic!("no timer of a server: {timer:?}"),
        }
    }
}
