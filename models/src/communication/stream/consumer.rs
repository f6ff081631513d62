//! A consumer of the group, as Redis's documentation writes one ("Redis Streams", "Consumer groups", "Recovering from permanent
//! failures", "Claiming and the delivery counter"). It does one thing after the other:
//!
//! 1. It makes the group, if there is none.
//! 2. On a new connection it reads its *history*: what was delivered to it and is not acknowledged, for it may never have got it.
//! 3. Now and then it claims entries that have been idle (`XAUTOCLAIM`), from where it has come to, and from the beginning again
//!    when it has come to the end.
//! 4. Of what it has from its history or from a claim, it looks up how often each was delivered (`XPENDING`). One that was too
//!    often is *dead*: it is added to the stream of dead letters and acknowledged, in this order.
//! 5. It processes an entry, and acknowledges it. One whose processing fails stays pending, and somebody will claim it.
//! 6. It waits for new entries (`XREADGROUP … BLOCK … >`).

use std::collections::{BTreeSet, VecDeque};

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::{AutoClaim, Bound, Command, ConsumerName, GroupAfter, GroupStart};
use crate::communication::stream::connection::{Connection, Happening};
use crate::communication::stream::id::{Id, NewId};
use crate::communication::stream::marks;
use crate::communication::stream::messages::{Message, Op, Record, Ret, Timer};
use crate::communication::stream::reply::{Claimed, Error, Item, PendingItem, Reply};
use crate::communication::stream::settings::{
    ConnectionSettings, ConsumerSettings, DEAD, DELIVERIES, GROUP, ORIGIN_MS, ORIGIN_SEQ, PAYLOAD, POISON, STREAM,
    field,
};
use crate::parts::redis::Key;

/// What a consumer did with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// It has got it as a new one.
    Received(Id),
    /// It has claimed it.
    Claimed(Id),
    /// It has got it from its history, with its fields.
    Recovered(Id),
    /// It has processed it: the operation by which it was added.
    Processed(Id, u64),
    /// Processing it has failed.
    Failed(Id),
    /// It has added it to the dead letters: the operation by which it was added.
    Buried(Id, u64),
    /// It begins to acknowledge it.
    Acknowledges(Id),
    /// It has acknowledged it.
    Acknowledged(Id),
}

/// An entry that it has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    id: Id,
    /// The operation by which it was added, and whether processing it fails. None if it is not in the stream any more.
    what: Option<(u64, bool)>,
    /// How often it was delivered, if that has to be looked up.
    deliveries: Deliveries,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Deliveries {
    /// To be looked up.
    Unknown,
    Known(u64),
}

/// The command under way, or the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Doing {
    Nothing,
    Creating,
    ReadingHistory,
    Claiming,
    Counting,
    Working,
    Burying,
    Acknowledging,
    Reading,
}

/// A consumer. All of it is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Consumer {
    settings: ConsumerSettings,
    connection: Connection,
    name: ConsumerName,
    has_group: bool,
    doing: Doing,
    /// Where it goes on in its history; none if it has read all of it.
    history: Option<Id>,
    /// Whether it is time to claim.
    claims: bool,
    /// Where it goes on to claim.
    cursor: Id,
    held: VecDeque<Held>,
    /// What is processed or buried, and not known to be acknowledged: it is not processed again. Another master may give an
    /// identifier again, so the operation by which the entry was added belongs to it.
    done: BTreeSet<(Id, u64)>,
    journal: Vec<Event>,
}

impl Consumer {
    /// A consumer.
    pub fn new(settings: ConsumerSettings, connection: ConnectionSettings) -> Self {
        Consumer {
            settings,
            connection: Connection::new(connection),
            name: settings.name.unwrap_or(ConsumerName(0)),
            has_group: false,
            doing: Doing::Nothing,
            history: None,
            claims: false,
            cursor: Id::ZERO,
            held: VecDeque::new(),
            done: BTreeSet::new(),
            journal: Vec::new(),
        }
    }

    /// Its name in the group.
    pub fn name(&self) -> ConsumerName {
        self.name
    }

    /// The entries that it has and has not done with.
    pub fn held(&self) -> impl Iterator<Item = Id> + '_ {
        self.held.iter().map(|held| held.id)
    }

    /// What it did in this life, in order.
    pub fn journal(&self) -> &[Event] {
        &self.journal
    }

    /// Does the next thing.
    fn go_on(&mut self, ctx: &mut Context<'_, Self>) {
        if !self.connection.is_free() || self.doing == Doing::Working {
            return;
        }
        if !self.has_group {
            return self.create_group(ctx);
        }
        if self.held.iter().any(|held| held.deliveries == Deliveries::Unknown) {
            return self.look_up_deliveries(ctx);
        }
        if let Some(first) = self.held.front() {
            let first = first.clone();
            return self.take_up(ctx, &first);
        }
        match self.history {
            Some(after) => self.read_history(ctx, after),
            None if self.claims => self.claim(ctx),
            None => self.read(ctx),
        }
    }

    fn call(&mut self, ctx: &mut Context<'_, Self>, doing: Doing, command: Command) {
        self.doing = doing;
        self.connection.call(ctx, command, Span::ZERO);
    }

    fn create_group(&mut self, ctx: &mut Context<'_, Self>) {
        let start = GroupStart::Id(Id::ZERO);
        let command = Command::XGroupCreate { key: STREAM, group: GROUP, start, make: true, entries_read: None };
        self.call(ctx, Doing::Creating, command);
    }

    fn read_history(&mut self, ctx: &mut Context<'_, Self>, after: Id) {
        let command = Command::XReadGroup {
            group: GROUP,
            consumer: self.name,
            streams: vec![(STREAM, GroupAfter::Pending(after))],
            count: Some(self.settings.batch),
            block: None,
            no_ack: false,
        };
        self.call(ctx, Doing::ReadingHistory, command);
    }

    fn claim(&mut self, ctx: &mut Context<'_, Self>) {
        let command = Command::XAutoClaim(AutoClaim {
            key: STREAM,
            group: GROUP,
            consumer: self.name,
            min_idle: self.settings.min_idle,
            start: self.cursor,
            count: Some(self.settings.batch),
            just_id: false,
        });
        self.call(ctx, Doing::Claiming, command);
    }

    fn look_up_deliveries(&mut self, ctx: &mut Context<'_, Self>) {
        let ids = self.held.iter().map(|held| held.id);
        let (first, last) = (ids.clone().min().unwrap_or_default(), ids.max().unwrap_or_default());
        // Between the first and the last there may be more that are this consumer's.
        let command = Command::XPending {
            key: STREAM,
            group: GROUP,
            min_idle: 0,
            start: Bound::Including(first),
            end: Bound::Including(last),
            count: u64::MAX,
            consumer: Some(self.name),
        };
        self.call(ctx, Doing::Counting, command);
    }

    fn read(&mut self, ctx: &mut Context<'_, Self>) {
        let block = self.settings.block;
        let command = Command::XReadGroup {
            group: GROUP,
            consumer: self.name,
            streams: vec![(STREAM, GroupAfter::New)],
            count: Some(self.settings.batch),
            block: Some(block),
            no_ack: false,
        };
        self.doing = Doing::Reading;
        self.connection.call(ctx, command, Span::ms(block));
    }

    /// Processes an entry, buries it, or acknowledges it, if that is all that is left to do.
    fn take_up(&mut self, ctx: &mut Context<'_, Self>, first: &Held) {
        let Held { id, what, deliveries } = *first;
        let most = if ctx.planted(Bug::BuriesTooSoon) { 1 } else { self.settings.max_deliveries };
        match (what, deliveries) {
            (None, _) => self.acknowledge(ctx, id),
            (Some((payload, _)), _) if self.done.contains(&(id, payload)) => self.acknowledge(ctx, id),
            (Some((payload, _)), Deliveries::Known(count)) if count > most => self.bury(ctx, id, payload, count),
            (Some((payload, _)), _) if ctx.planted(Bug::AcksBeforeProcessing) => {
                self.done.insert((id, payload));
                self.acknowledge(ctx, id);
            }
            (Some(_), _) => self.work(ctx),
        }
    }

    fn work(&mut self, ctx: &mut Context<'_, Self>) {
        self.doing = Doing::Working;
        let takes = ctx.draw_span("work", Span::ZERO..=self.settings.service);
        ctx.arm(Timer::Work, takes);
    }

    fn worked(&mut self, ctx: &mut Context<'_, Self>) {
        self.doing = Doing::Nothing;
        let first = self.held.front().cloned().expect("a consumer works on an entry");
        let (payload, fails) = first.what.expect("an entry that is processed is there");
        if ctx.planted(Bug::AcksBeforeProcessing) {
            self.held.pop_front();
            self.done.remove(&(first.id, payload));
            self.journal.push(Event::Processed(first.id, payload));
            return self.go_on(ctx);
        }
        if fails {
            ctx.mark(marks::PROCESSING_FAILED);
            self.held.pop_front();
            self.journal.push(Event::Failed(first.id));
        } else {
            self.done.insert((first.id, payload));
            self.journal.push(Event::Processed(first.id, payload));
        }
        self.go_on(ctx);
    }

    fn bury(&mut self, ctx: &mut Context<'_, Self>, id: Id, payload: u64, count: u64) {
        let fields = [(PAYLOAD, payload), (ORIGIN_MS, id.ms), (ORIGIN_SEQ, id.seq), (DELIVERIES, count)].into();
        let command = Command::XAdd { key: DEAD, id: NewId::Auto, fields, no_make: false, trim: None };
        self.call(ctx, Doing::Burying, command);
    }

    fn acknowledge(&mut self, ctx: &mut Context<'_, Self>, id: Id) {
        self.journal.push(Event::Acknowledges(id));
        self.call(ctx, Doing::Acknowledging, Command::XAck(STREAM, GROUP, vec![id]));
    }

    fn replied(&mut self, ctx: &mut Context<'_, Self>, reply: Reply) {
        let doing = std::mem::replace(&mut self.doing, Doing::Nothing);
        if reply == Reply::Error(Error::NoGroup) || reply == Reply::Error(Error::Unblocked) {
            // A failover, or a crash, has lost it.
            ctx.mark(marks::GROUP_WAS_GONE);
            (self.has_group, self.cursor) = (false, Id::ZERO);
            return self.go_on(ctx);
        }
        match (doing, reply) {
            (Doing::Creating, Reply::Ok | Reply::Error(Error::BusyGroup)) => self.has_group = true,
            (Doing::ReadingHistory, Reply::Streams(streams)) => self.recovered(ctx, streams),
            (Doing::Claiming, Reply::AutoClaimed { cursor, claimed: Claimed::Entries(claimed), deleted }) => {
                self.claimed(ctx, cursor, claimed, &deleted);
            }
            (Doing::Counting, Reply::Pending(pending)) => self.counted(ctx, &pending),
            (Doing::Burying, Reply::Id(_)) => self.buried(ctx),
            (Doing::Acknowledging, Reply::Number(count)) => return self.acknowledged(ctx, count),
            (Doing::Reading, Reply::Nil) => {}
            (Doing::Reading, Reply::Streams(streams)) => {
                for entry in streams.into_iter().flat_map(|(_, entries)| entries) {
                    self.journal.push(Event::Received(entry.id));
                    self.hold(entry, Deliveries::Known(1));
                }
            }
            (doing, reply) => panic!("a server answers what it is asked: {reply:?} to {doing:?}"),
        }
        self.go_on(ctx);
    }

    fn hold(&mut self, entry: Item, deliveries: Deliveries) {
        let what = entry.fields.map(|fields| {
            (field(&fields, PAYLOAD).unwrap_or_default(), field(&fields, POISON).unwrap_or_default() > 0)
        });
        // What is gone need not be looked up.
        let deliveries = if what.is_some() { deliveries } else { Deliveries::Known(0) };
        match self.held.iter_mut().find(|held| held.id == entry.id) {
            Some(known) => known.deliveries = deliveries,
            None => self.held.push_back(Held { id: entry.id, what, deliveries }),
        }
    }

    /// A part of the history has come; the last part is empty.
    fn recovered(&mut self, ctx: &mut Context<'_, Self>, streams: Vec<(Key, Vec<Item>)>) {
        let entries: Vec<Item> = streams.into_iter().flat_map(|(_, entries)| entries).collect();
        self.history = entries.last().map(|entry| entry.id);
        for entry in entries {
            let mark = if entry.fields.is_some() {
                marks::DELIVERED_AGAIN_FROM_THE_HISTORY
            } else {
                marks::HISTORY_HAS_WHAT_IS_GONE
            };
            ctx.mark(mark);
            if entry.fields.is_some() {
                self.journal.push(Event::Recovered(entry.id));
            }
            self.hold(entry, Deliveries::Unknown);
        }
    }

    fn claimed(&mut self, ctx: &mut Context<'_, Self>, cursor: Id, claimed: Vec<Item>, deleted: &[Id]) {
        if !deleted.is_empty() {
            ctx.mark(marks::CLAIMED_WHAT_IS_GONE);
        }
        if cursor != Id::ZERO {
            ctx.mark(marks::CURSOR_GOES_ON);
        }
        let last = claimed.last().and_then(|entry| entry.id.next());
        self.claims = cursor != Id::ZERO;
        self.cursor = match cursor {
            Id::ZERO if ctx.planted(Bug::CursorNeverWraps) => last.unwrap_or(self.cursor),
            cursor => cursor,
        };
        for entry in claimed {
            ctx.mark(marks::CLAIMED);
            self.journal.push(Event::Claimed(entry.id));
            self.hold(entry, Deliveries::Unknown);
        }
    }

    /// What is not pending for this consumer any more, another has claimed or acknowledged.
    fn counted(&mut self, ctx: &mut Context<'_, Self>, pending: &[PendingItem]) {
        let count = |id| pending.iter().find(|item| item.id == id).map(|item| item.deliveries);
        let before = self.held.len();
        self.held.retain_mut(|held| match (held.deliveries, count(held.id)) {
            (Deliveries::Known(_), _) => true,
            (Deliveries::Unknown, Some(count)) => {
                held.deliveries = Deliveries::Known(count);
                true
            }
            (Deliveries::Unknown, None) => false,
        });
        if self.held.len() < before {
            ctx.mark(marks::LOST_TO_ANOTHER);
        }
    }

    fn buried(&mut self, ctx: &mut Context<'_, Self>) {
        let first = self.held.front().expect("a consumer buries what it has");
        let (payload, _) = first.what.expect("an entry that is buried is there");
        ctx.mark(marks::BURIED);
        self.done.insert((first.id, payload));
        self.journal.push(Event::Buried(first.id, payload));
    }

    fn acknowledged(&mut self, ctx: &mut Context<'_, Self>, count: u64) {
        let first = self.held.front().cloned().expect("a consumer acknowledges what it has");
        if count == 0 {
            ctx.mark(marks::ACKNOWLEDGED_BY_ANOTHER);
        }
        self.journal.push(Event::Acknowledged(first.id));
        let done = first.what.map(|(payload, _)| (first.id, payload));
        if ctx.planted(Bug::AcksBeforeProcessing) && done.is_some_and(|done| self.done.contains(&done)) {
            return self.work(ctx);
        }
        self.held.pop_front();
        done.map(|done| self.done.remove(&done));
        self.go_on(ctx);
    }

    fn happened(&mut self, ctx: &mut Context<'_, Self>, happening: Option<Happening>) {
        match happening {
            Some(Happening::Up) => {
                // What it has it will get again from its history, unless somebody has claimed it.
                if self.doing == Doing::Working {
                    self.held.truncate(1);
                    self.held.iter_mut().for_each(|held| held.deliveries = Deliveries::Unknown);
                } else {
                    self.held.clear();
                    self.doing = Doing::Nothing;
                }
                self.history = Some(Id::ZERO);
                self.go_on(ctx);
            }
            Some(Happening::Reply(reply)) => self.replied(ctx, reply),
            Some(Happening::Lost) if self.doing != Doing::Working => self.doing = Doing::Nothing,
            Some(Happening::Lost) | None => {}
        }
    }

    fn arm_recovery(&self, ctx: &mut Context<'_, Self>) {
        ctx.arm(Timer::Recover, Span::ms(self.settings.min_idle));
    }
}

impl Process for Consumer {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if self.settings.name.is_none() {
            // Nobody else has this name: it is of this node and, but for a chance, of this life.
            let drawn = ctx.draw("name", 0..=0x3_ffff) as u32;
            self.name = ConsumerName(u32::from(ctx.id().0) << 18 | drawn);
        }
        self.connection.open(ctx);
        self.arm_recovery(ctx);
    }

    fn invoke(&mut self, _: &mut Context<'_, Self>, op: OpId, input: Op) {
        panic!("producers are asked, not consumers: {op:?} {input:?}");
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
            Timer::Work => self.worked(ctx),
            Timer::Recover => {
                self.claims = true;
                self.arm_recovery(ctx);
            }
            timer => panic!("no timer of a consumer: {timer:?}"),
        }
    }
}
