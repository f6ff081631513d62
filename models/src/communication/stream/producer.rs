//! A producer: it adds entries, and sometimes deletes one or trims the stream. A command whose reply does not come is sent again
//! on another connection, so an entry may be added twice: Redis Streams have no identity of producers.

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::communication::stream::command::{Command, Exactness, Fields, Threshold, Trim};
use crate::communication::stream::connection::{Connection, Happening};
use crate::communication::stream::id::{Id, NewId};
use crate::communication::stream::marks;
use crate::communication::stream::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::stream::reply::Reply;
use crate::communication::stream::settings::{ConnectionSettings, PAYLOAD, POISON, Retention, STREAM};

/// An operation under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Work {
    id: OpId,
    op: Op,
    /// Whether it was sent before.
    sent: bool,
}

/// A producer. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Producer {
    connection: Connection,
    retention: Retention,
    work: Option<Work>,
    /// What it has added, and knows of.
    added: Vec<Id>,
}

impl Producer {
    /// A producer whose entries leave so many in the stream.
    pub fn new(connection: ConnectionSettings, retention: Retention) -> Self {
        Producer { connection: Connection::new(connection), retention, work: None, added: Vec::new() }
    }

    /// The operation under way.
    pub fn outstanding(&self) -> Option<OpId> {
        self.work.map(|work| work.id)
    }

    fn send(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(work) = self.work.filter(|_| self.connection.is_free()) else { return };
        let Some(command) = self.command(&work) else { return self.complete(ctx, Ret::Deleted(0)) };
        if work.sent {
            ctx.mark(marks::SENT_AGAIN);
        }
        self.work = Some(Work { sent: true, ..work });
        self.connection.call(ctx, command, Span::ZERO);
    }

    /// The command of an operation; none if there is nothing to delete, or to trim by.
    fn command(&self, work: &Work) -> Option<Command> {
        let back = |places: u8| self.added.iter().rev().nth(usize::from(places)).copied();
        Some(match work.op {
            Op::Add { poison } => {
                let fields: Fields = [(PAYLOAD, work.id.0), (POISON, u64::from(poison))].into();
                Command::XAdd { key: STREAM, id: NewId::Auto, fields, no_make: false, trim: trim(self.retention) }
            }
            Op::Delete { back: places } => Command::XDel(STREAM, vec![back(places)?]),
            Op::Trim { keep, by_id } => {
                let to = if by_id { Threshold::MinId(back(keep)?) } else { Threshold::MaxLen(keep.into()) };
                Command::XTrim(STREAM, Trim { to, how: Exactness::Exact })
            }
        })
    }

    fn replied(&mut self, ctx: &mut Context<'_, Self>, reply: Reply) {
        let work = self.work.expect("a reply is to an operation");
        let ret = match (work.op, reply) {
            (Op::Add { .. }, Reply::Id(id)) => {
                self.added.push(id);
                Ret::Added(id)
            }
            (Op::Delete { .. }, Reply::Number(count)) => Ret::Deleted(count),
            (Op::Trim { .. }, Reply::Number(count)) => Ret::Trimmed(count),
            (op, reply) => panic!("a server answers what it is asked: {reply:?} to {op:?}"),
        };
        self.complete(ctx, ret);
    }

    fn complete(&mut self, ctx: &mut Context<'_, Self>, ret: Ret) {
        let work = self.work.take().expect("an operation ends once");
        ctx.complete(work.id, ret);
    }

    fn happened(&mut self, ctx: &mut Context<'_, Self>, happening: Option<Happening>) {
        match happening {
            Some(Happening::Up) => self.send(ctx),
            Some(Happening::Reply(reply)) => self.replied(ctx, reply),
            // It connects anew by itself.
            Some(Happening::Lost) | None => {}
        }
    }
}

/// What an entry that is added leaves of the stream.
fn trim(retention: Retention) -> Option<Trim> {
    let (most, how) = match retention {
        Retention::All => return None,
        Retention::Exactly(most) => (most, Exactness::Exact),
        Retention::About(most) => (most, Exactness::Approximate { limit: None }),
    };
    Some(Trim { to: Threshold::MaxLen(most.into()), how })
}

impl Process for Producer {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.connection.open(ctx);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, id: OpId, op: Op) {
        let outstanding = self.outstanding();
        assert!(outstanding.is_none(), "a producer has one operation at a time: {id:?} came during {outstanding:?}");
        self.work = Some(Work { id, op, sent: false });
        self.send(ctx);
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        let happening = self.connection.message(ctx, from, message);
        self.happened(ctx, happening);
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Connection => {
                let happening = self.connection.timer(ctx);
                self.happened(ctx, happening);
            }
            timer => panic!("no timer of a producer: {timer:?}"),
        }
    }
}
