//! The broker: it keeps connections with clients, gives the engine what comes on them, and sends what comes of it. All that changes
//! the engine is written to a log, and what is sent waits for the disk.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Process, Span};

use crate::communication::pub_sub::bugs::Bug;
use crate::communication::pub_sub::connection::{self, Connection};
use crate::communication::pub_sub::engine::{self, Engine, Input, Now, Output, Step};
use crate::communication::pub_sub::marks;
use crate::communication::pub_sub::messages::{LOG, Message, Op, Record, Ret, Timer};
use crate::communication::pub_sub::names::{Attempt, ConnectionId, unique};
use crate::communication::pub_sub::packet::{Packet, Qos, Reason};
use crate::communication::pub_sub::sending::Stage;
use crate::parts::link::Segment;
use crate::parts::wal;

/// A connection with a client.
#[derive(Clone, Debug, Hash)]
struct Peer {
    /// The attempt that has opened it: it may arrive again.
    attempt: Attempt,
    connection: Connection,
    /// For how long the client may be silent: one and a half times its Keep Alive ([MQTT-3.1.2-22]); before CONNECT a while.
    patience: Span,
}

/// A broker. All but its log is volatile.
#[derive(Clone, Debug, Hash)]
pub struct Broker {
    engine: Engine,
    settings: connection::Settings,
    peers: BTreeMap<ConnectionId, Peer>,
    /// How many connections were opened in this life.
    opened: u64,
    /// How many steps of the engine have been looked at.
    seen: usize,
}

impl Broker {
    /// A broker that has not read its log.
    pub fn new(settings: engine::Settings, connections: connection::Settings) -> Self {
        let engine = Engine::new(settings);
        Broker { engine, settings: connections, peers: BTreeMap::new(), opened: 0, seen: 0 }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Gives the engine what has come, and sends what comes of it.
    fn take(&mut self, ctx: &mut Context<'_, Self>, input: Input) {
        let now = now(ctx);
        match durability(&input) {
            _ if self.engine.next_due().is_some_and(|due| due <= now.at) => {
                ctx.append(LOG, Record::Broker(now.at, input.clone()));
            }
            Durability::Forced => _ = ctx.append(LOG, Record::Broker(now.at, input.clone())),
            Durability::Lazy => _ = ctx.append_lazily(LOG, Record::Broker(now.at, input.clone())),
            Durability::None => {}
        }
        let waits = |engine: &Engine| engine.sessions().filter(|(_, session)| session.will_due.is_some()).count();
        let (wills, is_connect) = (waits(&self.engine), matches!(input, Input::Packet(_, Packet::Connect(_))));
        for output in self.engine.handle(now, input) {
            match output {
                Output::Send(id, packet) => self.send(ctx, id, packet),
                Output::Close(id) => self.close(ctx, id),
            }
        }
        let steps = &self.engine.journal()[self.seen..];
        steps.iter().for_each(|step| mark(ctx, step));
        let published = steps.iter().any(|step| step.published.iter().any(|published| published.is_will));
        if is_connect && !published && waits(&self.engine) < wills {
            ctx.mark(marks::WILL_CANCELLED);
        }
        self.seen = self.engine.journal().len();
        let waits = self.engine.sessions().any(|(_, session)| {
            session.online.is_some_and(|online| session.outbox.counting() >= online.receive_maximum.into())
                && session.outbox.waiting().next().is_some()
        });
        if waits {
            ctx.mark(marks::QUOTA_SPENT);
        }
        match self.engine.next_due() {
            Some(due) => ctx.arm(Timer::Due, due.since(now.at).max(Span(1))),
            None => ctx.cancel(&Timer::Due),
        }
    }

    fn send(&mut self, ctx: &mut Context<'_, Self>, id: ConnectionId, packet: Packet) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let is_ack = matches!(packet, Packet::PubAck(..) | Packet::PubRec(..));
        if is_ack && ctx.planted(Bug::AckBeforePersist) {
            peer.connection.send_early(ctx, packet);
        } else {
            peer.connection.send(ctx, packet);
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Connections

    fn open(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, attempt: Attempt) {
        let known = self.peers.iter().find(|(_, peer)| peer.attempt == attempt).map(|(id, _)| *id);
        let id = known.unwrap_or_else(|| {
            self.opened += 1;
            let id = ConnectionId(unique(ctx, from, self.opened));
            let connection = Connection::open(ctx, id, from, self.settings);
            let patience = self.settings.timeout;
            let before = self.peers.insert(id, Peer { attempt, connection, patience });
            assert!(before.is_none(), "connections have names of their own: {id:?}");
            ctx.arm(Timer::Idle(id), patience);
            id
        });
        ctx.send(from, Message::Opened(attempt, id));
    }

    fn close(&mut self, ctx: &mut Context<'_, Self>, id: ConnectionId) {
        if let Some(peer) = self.peers.remove(&id) {
            peer.connection.close(ctx);
        }
    }

    /// A connection is lost.
    fn lose(&mut self, ctx: &mut Context<'_, Self>, id: ConnectionId) {
        self.close(ctx, id);
        if self.engine.client(id).is_some() {
            self.take(ctx, Input::Lost(id));
        }
    }

    fn segment(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, id: ConnectionId, segment: Segment<Packet>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            if matches!(segment, Segment::Numbered { .. }) {
                ctx.mark(marks::CONNECTION_UNKNOWN);
                ctx.send(from, Message::Closed(id, Vec::new()));
            }
            return;
        };
        let packets = peer.connection.receive(ctx, segment);
        for packet in packets {
            let Some(peer) = self.peers.get_mut(&id) else { return };
            if let Packet::Connect(connect) = &packet {
                peer.patience = Span(connect.keep_alive.0 / 2 * 3);
            }
            ctx.arm(Timer::Idle(id), peer.patience);
            self.take(ctx, Input::Packet(id, packet));
        }
    }

    fn closed(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, id: ConnectionId, last: Vec<Segment<Packet>>) {
        if self.peers.contains_key(&id) {
            last.into_iter().for_each(|segment| self.segment(ctx, from, id, segment));
            self.lose(ctx, id);
        }
    }

    fn recover(&mut self, ctx: &mut Context<'_, Self>, records: Vec<Record>) {
        let bug = now(ctx).bug;
        for record in records {
            let Record::Broker(at, input) = record else { panic!("no record of a broker: {record:?}") };
            drop(self.engine.handle(Now { at, bug }, input));
        }
        self.seen = self.engine.journal().len();
        let sessions = || self.engine.sessions().map(|(_, session)| session);
        let stages = || sessions().flat_map(|session| session.outbox.exchanges()).map(|exchange| &exchange.stage);
        if stages().any(|stage| matches!(stage, Stage::Published(copy) if copy.message.qos == Qos::ExactlyOnce)) {
            ctx.mark(marks::PUBREC_LOST_AT_BROKER);
        }
        if stages().any(|stage| matches!(stage, Stage::Released)) {
            ctx.mark(marks::PUBREL_LOST_AT_BROKER);
        }
        if sessions().any(|session| session.inbox.ids().next().is_some()) {
            ctx.mark(marks::UNRELEASED_AT_BROKER);
        }
    }
}

fn now(ctx: &Context<'_, Broker>) -> Now {
    Now { at: ctx.now(), bug: ctx.bug().and_then(Bug::named) }
}

/// Whether what has come is written down.
enum Durability {
    /// It is, before anything is sent.
    Forced,
    /// It is, but nothing waits for that: a message of QoS 0.
    Lazy,
    /// It is not: it changes nothing.
    None,
}

fn durability(input: &Input) -> Durability {
    match input {
        Input::Packet(_, Packet::PingReq) | Input::Tick => Durability::None,
        Input::Packet(_, Packet::Publish(publish))
            if publish.message.qos == Qos::AtMostOnce && !publish.message.retain =>
        {
            Durability::Lazy
        }
        _ => Durability::Forced,
    }
}

/// Marks what is worth reaching in a step.
fn mark(ctx: &mut Context<'_, Broker>, step: &Step) {
    if step.published.iter().any(|published| published.is_will) {
        ctx.mark(marks::WILL_PUBLISHED);
    }
    if matches!(step.input, Input::SessionEnds(_)) {
        ctx.mark(marks::SESSION_ENDED);
        if step.outputs.iter().any(|output| matches!(output, Output::Send(_, Packet::Publish(_)))) {
            ctx.mark(marks::SHARED_MOVED);
        }
    }
    for output in &step.outputs {
        let Output::Send(_, packet) = output else { continue };
        match (packet, &step.input) {
            (Packet::ConnAck { session_present: true, .. }, _) => ctx.mark(marks::SESSION_RESUMED),
            (Packet::Disconnect(Reason::SessionTakenOver, _), _) => ctx.mark(marks::SESSION_TAKEN_OVER),
            (Packet::Publish(publish), _) if publish.dup => ctx.mark(marks::PUBLISHED_AGAIN),
            (Packet::Publish(_), Input::Packet(_, Packet::Subscribe(..))) => ctx.mark(marks::RETAINED_SENT),
            (Packet::PubAck(_, reason) | Packet::PubRec(_, reason), _) if reason.is_failure() => {
                ctx.mark(marks::REFUSED);
            }
            (Packet::PubRec(..), _) if step.published.is_empty() => ctx.mark(marks::DUPLICATE_DROPPED),
            (Packet::PubComp(_, Reason::PacketIdNotFound), _) => ctx.mark(marks::PUBREL_OF_NOTHING),
            _ => {}
        }
    }
}

impl Process for Broker {
    type Message = Message;
    type Timer = Timer;
    type Record = Record;
    type Op = Op;
    type Ret = Ret;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let Some(records) = wal::recover(ctx, LOG) else { return };
        if !records.is_empty() {
            ctx.mark(marks::BROKER_RESTARTED);
            self.recover(ctx, records);
            self.take(ctx, Input::Restarted);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Open(attempt) => self.open(ctx, from, attempt),
            Message::Segment(id, segment) => self.segment(ctx, from, id, segment),
            Message::Closed(id, last) => self.closed(ctx, from, id, last),
            message @ Message::Opened(..) => panic!("no message for a broker: {from} sent {message:?}"),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: Timer) {
        match timer {
            Timer::Due => self.take(ctx, Input::Tick),
            Timer::Resend(id) => {
                let Some(peer) = self.peers.get_mut(&id) else { return };
                if !peer.connection.resend(ctx) {
                    self.lose(ctx, id);
                }
            }
            Timer::Idle(id) => {
                ctx.mark(marks::CLOSED_BY_SILENCE);
                self.lose(ctx, id);
            }
            timer @ Timer::Reconnect => panic!("no timer of a broker: {timer:?}"),
        }
    }
}
