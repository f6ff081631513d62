//! The broker: the part of Redis. It executes scripts, and writes each that has changed something to its append-only file before it
//! replies (`appendonly yes`, `appendfsync always`).

use std::sync::Arc;

use seedbed_sim::{Context, File, Mark, NodeId, Process};

use crate::communication::task_queue::bugs::Bug;
use crate::communication::task_queue::command::{By, Command, Reply};
use crate::communication::task_queue::marks;
use crate::communication::task_queue::messages::{Message, Op, Record, Ret, Seq, SessionId, Timer};
use crate::communication::task_queue::sessions::{Admission, Sessions};
use crate::communication::task_queue::settings::StoreSettings;
use crate::communication::task_queue::store::Store;
use crate::communication::task_queue::store::journal::{Entry, Event, Fate, Gone};
use crate::communication::task_queue::task::State;
use crate::parts::wal;

/// The append-only file.
pub const AOF: File = File(0);

/// The broker.
#[derive(Clone, Debug, Hash)]
pub struct Broker {
    store: Store,
    sessions: Sessions,
}

impl Broker {
    /// A broker, before it has read its append-only file.
    pub fn new(settings: Arc<StoreSettings>) -> Self {
        Broker { store: Store::new(settings), sessions: Sessions::new(0) }
    }

    /// Its data.
    pub fn store(&self) -> &Store {
        &self.store
    }

    fn request(&mut self, ctx: &mut Context<'_, Self>, client: NodeId, id: SessionId, seq: Seq, command: Command) {
        match self.sessions.admit(client, id, seq) {
            Admission::New => {}
            Admission::Copy => return,
            Admission::Unknown => return ctx.send(client, Message::Reset(id)),
        }
        let bug = ctx.bug().and_then(Bug::named);
        let before = self.store.journal().len();
        let (reply, changed) = self.store.execute(ctx.now(), bug, &command);
        self.mark_news(ctx, before, &command, &reply);
        let answer = Message::Answer(id, seq, reply);
        if !changed {
            return ctx.send(client, answer);
        }
        if ctx.planted(Bug::RepliesBeforeSync) {
            ctx.append(AOF, Record::Script(ctx.now(), command));
            return ctx.send_early(client, answer);
        }
        ctx.append(AOF, Record::Script(ctx.now(), command));
        ctx.send(client, answer);
    }

    /// Marks what a script did.
    fn mark_news(&self, ctx: &mut Context<'_, Self>, before: usize, command: &Command, reply: &Reply) {
        match (command, reply) {
            (Command::Enqueue { tick: Some(_), .. }, Reply::TaskIdConflict) => ctx.mark(marks::TICK_WAS_ENQUEUED),
            (Command::Enqueue { .. }, Reply::TaskIdConflict) => ctx.mark(marks::TASK_ID_CONFLICT),
            (Command::Enqueue { .. }, Reply::DuplicateTask) => ctx.mark(marks::DUPLICATE_TASK),
            (Command::Retry { by: By::Recoverer, .. } | Command::Archive(_, _, By::Recoverer), Reply::NotFound) => {
                ctx.mark(marks::RECOVERED_IN_VAIN);
            }
            (Command::Retry { .. } | Command::Archive(..), Reply::NotFound) => ctx.mark(marks::LATE_MARK_REFUSED),
            (Command::Done(..) | Command::MarkAsComplete(..), Reply::NotFound) => ctx.mark(marks::LATE_MARK_REFUSED),
            (Command::Dequeue(_), _) if self.passed_over() => ctx.mark(marks::QUEUE_WITH_PENDING_TASKS_PAUSED),
            _ => {}
        }
        for entry in &self.store.journal()[before..] {
            if let Some(mark) = mark_of(entry) {
                ctx.mark(mark);
            }
        }
    }

    /// Whether a queue is paused that has pending tasks.
    fn passed_over(&self) -> bool {
        self.store.queues().values().any(|queue| queue.paused && !queue.pending.is_empty())
    }
}

/// The mark of what a script did.
fn mark_of(entry: &Entry) -> Option<Mark> {
    Some(match &entry.event {
        Event::Forwarded { to: State::Aggregating, .. } => marks::FORWARDED_TO_A_GROUP,
        Event::Forwarded { .. } => marks::FORWARDED,
        Event::Heartbeat(_) => marks::LEASE_EXTENDED,
        Event::Finished { by: By::Recoverer, .. } => marks::LEASE_RECOVERED,
        Event::Finished { fate: Fate::Completed(_), .. } => marks::COMPLETED,
        Event::Finished { fate: Fate::Archived, .. } => marks::ARCHIVED,
        Event::Finished { fate: Fate::Requeued, .. } => marks::REQUEUED,
        Event::Gathered { grouping, of: (size, last), .. } => match grouping.max_size {
            1.. if *size >= grouping.max_size => marks::AGGREGATED_BY_SIZE,
            _ if *last + grouping.grace_period <= entry.at => marks::AGGREGATED_BY_GRACE,
            _ => marks::AGGREGATED_BY_DELAY,
        },
        Event::Aggregated(..) => marks::AGGREGATED,
        Event::Reclaimed(..) => marks::SET_RECLAIMED,
        Event::Left(_, Gone::ArchiveTrimmed) => marks::ARCHIVE_TRIMMED,
        Event::Left(_, Gone::Retention(_)) => marks::RETAINED_LONG_ENOUGH,
        Event::Paused(_) => marks::PAUSED,
        Event::LockExpired(_) => marks::UNIQUE_LOCK_EXPIRED,
        _ => return None,
    })
}

impl Process for Broker {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    /// Recovers from the append-only file: the scripts are executed again.
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, AOF) else { return };
        let bug = ctx.bug().and_then(Bug::named);
        let mut lives = 0;
        for record in records {
            match record {
                Record::Started => lives += 1,
                Record::Script(at, command) => {
                    // Where a crash has lost a write before this one, of neither of which anybody was told, it may do something
                    // else, or nothing.
                    self.store.execute(at, bug, &command);
                }
                record => panic!("the append-only file has scripts, and not {record:?}"),
            }
        }
        if lives > 0 {
            ctx.mark(marks::BROKER_RESTARTED);
        }
        self.sessions = Sessions::new(lives);
        ctx.append(AOF, Record::Started);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Connect(nonce) => {
                if let Some(id) = self.sessions.connect(from, nonce) {
                    ctx.send(from, Message::Connected(nonce, id));
                }
            }
            Message::Request(id, seq, command) => self.request(ctx, from, id, seq, command),
            message => panic!("no message for the broker: {from} sent {message:?}"),
        }
    }
}
