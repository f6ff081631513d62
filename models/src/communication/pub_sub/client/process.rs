//! A client on the network: it opens a connection, again when that is lost, and gives its session what comes on it. All that changes
//! the session is written to a log, and what is sent waits for the disk.

use seedbed_sim::{Context, NodeId, OpId, Process, Span};

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::client::session::{Event, Input, Output, Settings, State};
use crate::communication::pub_sub::connection::{self, Connection};
use crate::communication::pub_sub::marks;
use crate::communication::pub_sub::messages::{Draft, LOG, Leaving, Message, Op, Outcome, Record, Ret, Timer, body_id};
use crate::communication::pub_sub::names::{Attempt, BodyId, ConnectionId, unique};
use crate::communication::pub_sub::packet::{self, Body, Packet, Qos, SessionExpiry};
use crate::communication::pub_sub::sending::Stage;
use crate::communication::pub_sub::topic::Filter;
use crate::parts::link::Segment;
use crate::parts::wal;

/// The most doublings of the time that a client waits for a connection.
const MOST_DOUBLINGS: u32 = 3;

/// The connection of a client.
// A client has one.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
enum Line {
    /// It has left, and comes back.
    Away,
    /// It was asked for.
    Opening(Attempt),
    /// It is there.
    Open(Connection),
}

/// An operation under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Work {
    Publishing(Vec<(BodyId, Option<Outcome>)>),
    Subscribing(Filter),
    Unsubscribing(Filter),
}

/// A client.
#[derive(Clone, Debug, Hash)]
pub struct Client {
    state: State,
    settings: connection::Settings,
    broker: NodeId,
    line: Line,
    /// How many attempts in a row have failed.
    failed: u32,
    /// How many there were in this life.
    attempts: u64,
    /// Whether the next connection begins a new session.
    begins_anew: bool,
    /// Whether a packet was sent since it was last time for PINGREQ.
    has_spoken: bool,
    work: Option<(OpId, Work)>,
}

impl Client {
    /// A client that has not read its log.
    pub fn new(settings: Settings, broker: NodeId, connections: connection::Settings) -> Self {
        Client {
            state: State::new(settings),
            settings: connections,
            broker,
            line: Line::Away,
            failed: 0,
            attempts: 0,
            begins_anew: false,
            has_spoken: false,
            work: None,
        }
    }

    /// Its session.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The operation under way.
    pub fn outstanding(&self) -> Option<OpId> {
        self.work.as_ref().map(|(op, _)| *op)
    }

    /// Gives the session what has come, and sends what comes of it.
    fn take(&mut self, ctx: &mut Context<'_, Self>, input: Input) {
        if input.is_of_no_weight() {
            ctx.append_lazily(LOG, Record::Client(input.clone()));
        } else {
            ctx.append(LOG, Record::Client(input.clone()));
        }
        let seen = self.state.journal().len();
        for output in self.state.handle(bug(ctx), input) {
            match (output, &mut self.line) {
                (Output::Send(packet), Line::Open(connection)) => {
                    self.has_spoken = true;
                    let is_ack = matches!(packet, Packet::PubAck(..) | Packet::PubRec(..));
                    if is_ack && ctx.planted(Bug::AckedBeforeDelivered) {
                        connection.send_early(ctx, packet);
                    } else {
                        connection.send(ctx, packet);
                    }
                }
                (Output::Send(packet), _) => panic!("a client sends on a connection: {packet:?}"),
                (Output::Close, _) => self.close(ctx),
            }
        }
        let news = self.state.journal()[seen..].to_vec();
        for event in news {
            self.happened(ctx, event);
        }
    }

    /// Something has happened: perhaps what an operation waits for.
    fn happened(&mut self, ctx: &mut Context<'_, Self>, event: Event) {
        let Some((op, work)) = &mut self.work else { return };
        let ret = match (event, work) {
            (Event::Ended(body, outcome), Work::Publishing(messages)) => {
                if let Some((_, known)) = messages.iter_mut().find(|(of, _)| *of == body) {
                    *known = Some(outcome);
                }
                let outcomes: Option<Vec<Outcome>> = messages.iter().map(|(_, outcome)| *outcome).collect();
                let Some(outcomes) = outcomes else { return };
                Ret::Published(outcomes)
            }
            (Event::Granted(filter, qos), Work::Subscribing(wanted)) if filter == *wanted => Ret::Done(qos.is_some()),
            (Event::Revoked(filter), Work::Unsubscribing(unwanted)) if filter == *unwanted => Ret::Done(true),
            _ => return,
        };
        let op = *op;
        self.work = None;
        ctx.complete(op, ret);
    }

    // ---------------------------------------------------------------------------------------------------------------
    // The connection

    fn reopen(&mut self, ctx: &mut Context<'_, Self>) {
        self.attempts += 1;
        let attempt = Attempt(unique(ctx, ctx.id(), self.attempts));
        self.line = Line::Opening(attempt);
        ctx.send(self.broker, Message::Open(attempt));
        let longest = self.settings.resend * (2 << self.failed.min(MOST_DOUBLINGS));
        let after = ctx.draw_span("reconnect", Span(longest.0 / 2)..=longest);
        ctx.arm(Timer::Reconnect, after);
    }

    fn opened(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, attempt: Attempt, id: ConnectionId) {
        match &self.line {
            Line::Opening(own) if *own == attempt => {}
            Line::Open(connection) if connection.id() == id => return,
            _ => {
                ctx.mark(marks::LATE_CONNECTION_CLOSED);
                return ctx.send(from, Message::Closed(id, Vec::new()));
            }
        }
        ctx.cancel(&Timer::Reconnect);
        self.failed = 0;
        self.line = Line::Open(Connection::open(ctx, id, from, self.settings));
        ctx.arm(Timer::Idle(id), self.ping_every());
        let will = BodyId(1 << 63 | unique(ctx, ctx.id(), self.attempts));
        let begins_anew = std::mem::take(&mut self.begins_anew);
        self.take(ctx, Input::Up(begins_anew, will));
    }

    /// Closes the connection, if there is one.
    fn close(&mut self, ctx: &mut Context<'_, Self>) {
        if let Line::Open(connection) = std::mem::replace(&mut self.line, Line::Away) {
            connection.close(ctx);
            // (A client that has left comes back later.)
            self.reopen_soon(ctx);
        }
    }

    fn reopen_soon(&mut self, ctx: &mut Context<'_, Self>) {
        let after = ctx.draw_span("reconnect", Span(self.settings.resend.0 / 2)..=self.settings.resend);
        ctx.arm(Timer::Reconnect, after);
    }

    /// The connection is lost.
    fn lose(&mut self, ctx: &mut Context<'_, Self>) {
        self.close(ctx);
        self.take(ctx, Input::Down);
    }

    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        match &mut self.line {
            Line::Open(connection) if connection.id() == id => Some(connection),
            _ => None,
        }
    }

    fn segment(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, id: ConnectionId, segment: Segment<Packet>) {
        let Some(connection) = self.connection(id) else {
            if matches!(segment, Segment::Numbered { .. }) {
                ctx.send(from, Message::Closed(id, Vec::new()));
            }
            return;
        };
        for packet in connection.receive(ctx, segment) {
            if self.connection(id).is_none() {
                return;
            }
            // A ping is answered: the connection has heard that, and nobody else needs to know.
            if packet != Packet::PingResp {
                self.take(ctx, Input::Packet(packet));
            }
        }
    }

    /// PINGREQ is due where nothing else was sent, and where nothing has come: a client that sends nothing but QoS 0 is answered nothing
    /// else. The connection is lost where nothing has come for longer (§3.1.2.10).
    fn ping(&mut self, ctx: &mut Context<'_, Self>, id: ConnectionId) {
        let (every, patience) = (self.ping_every(), Span(self.state.settings().keep_alive.0 / 2 * 3));
        let has_spoken = std::mem::take(&mut self.has_spoken);
        let is_connected = self.state.is_connected();
        let Some(connection) = self.connection(id) else { return };
        if connection.silent_for(ctx) >= patience {
            ctx.mark(marks::CLOSED_BY_SILENCE);
            return self.lose(ctx);
        }
        let is_quiet = !has_spoken || connection.silent_for(ctx) > every;
        if is_quiet && is_connected {
            connection.send(ctx, Packet::PingReq);
        }
        ctx.arm(Timer::Idle(id), every);
    }

    fn ping_every(&self) -> Span {
        Span(self.state.settings().keep_alive.0 / 2).max(Span(1))
    }

    fn leave(
        &mut self,
        ctx: &mut Context<'_, Self>,
        how: Leaving,
        expiry: Option<SessionExpiry>,
        away: Span,
        clean_start: bool,
    ) -> Ret {
        if !self.state.is_connected() {
            return Ret::Left(false);
        }
        ctx.mark(marks::CLIENT_AWAY);
        self.begins_anew = clean_start;
        self.take(ctx, Input::Leave(how, expiry));
        ctx.arm(Timer::Reconnect, away.max(Span(1)));
        Ret::Left(true)
    }

    /// Reads its log back. What becomes of a connection that it had, it does not know.
    fn recover(&mut self, ctx: &mut Context<'_, Self>, records: Vec<Record>) {
        let bug = bug(ctx);
        for record in records {
            let Record::Client(input) = record else { panic!("no record of a client: {record:?}") };
            drop(self.state.handle(bug, input));
        }
        let stages = || self.state.outbox().exchanges().map(|exchange| &exchange.stage);
        if stages().any(|stage| matches!(stage, Stage::Published(message) if message.qos == Qos::ExactlyOnce)) {
            ctx.mark(marks::PUBREC_LOST_AT_CLIENT);
        }
        if stages().any(|stage| matches!(stage, Stage::Released)) {
            ctx.mark(marks::PUBREL_LOST_AT_CLIENT);
        }
        if self.state.inbox().ids().next().is_some() {
            ctx.mark(marks::UNRELEASED_AT_CLIENT);
        }
        self.take(ctx, Input::Down);
    }
}

fn bug(ctx: &Context<'_, Client>) -> Option<Bug> {
    ctx.bug().and_then(Bug::named)
}

fn message(op: OpId, index: usize, draft: Draft) -> packet::Message {
    let Draft { topic, qos, retain, empty, expiry } = draft;
    packet::Message { topic, qos, retain, body: Body { id: body_id(op, index), empty }, expiry }
}

impl Process for Client {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, LOG) else { return };
        if !records.is_empty() {
            self.recover(ctx, records);
        }
        self.reopen(ctx);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, input: Op) {
        let outstanding = self.outstanding();
        assert!(outstanding.is_none(), "a client has one operation at a time: {op:?} came during {outstanding:?}");
        match input {
            Op::Publish(drafts) => {
                let messages: Vec<packet::Message> =
                    drafts.into_iter().enumerate().map(|(index, draft)| message(op, index, draft)).collect();
                let bodies = messages.iter().map(|message| (message.body.id, None)).collect();
                self.work = Some((op, Work::Publishing(bodies)));
                self.take(ctx, Input::Publish(messages));
            }
            Op::Subscribe(filter, options) => {
                self.work = Some((op, Work::Subscribing(filter.clone())));
                self.take(ctx, Input::Subscribe(filter, options));
            }
            Op::Unsubscribe(filter) => {
                self.work = Some((op, Work::Unsubscribing(filter.clone())));
                self.take(ctx, Input::Unsubscribe(filter));
            }
            Op::Leave { how, expiry, away, clean_start } => {
                let ret = self.leave(ctx, how, expiry, away, clean_start);
                ctx.complete(op, ret);
            }
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Opened(attempt, id) => self.opened(ctx, from, attempt, id),
            Message::Segment(id, segment) => self.segment(ctx, from, id, segment),
            Message::Closed(id, last) => {
                last.into_iter().for_each(|segment| self.segment(ctx, from, id, segment));
                if self.connection(id).is_some() {
                    self.lose(ctx);
                }
            }
            message @ Message::Open(_) => panic!("no message for a client: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Reconnect => {
                if matches!(self.line, Line::Opening(_)) {
                    self.failed += 1;
                }
                self.reopen(ctx);
            }
            Timer::Resend(id) => {
                let Some(connection) = self.connection(id) else { return };
                if !connection.resend(ctx) {
                    self.lose(ctx);
                }
            }
            Timer::Idle(id) => self.ping(ctx, id),
            timer @ Timer::Due => panic!("no timer of a client: {timer:?}"),
        }
    }
}
