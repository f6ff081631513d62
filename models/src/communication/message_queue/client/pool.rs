//! A client's pool of connections: each is opened again when it is lost, at whichever broker serves.

use seedbed_sim::{Context, NodeId, Span};

use crate::communication::message_queue::connection::{Connection, Settings};
use crate::communication::message_queue::marks;
use crate::communication::message_queue::messages::{Frame, Message, Packet, QueueProcess, Timer};
use crate::communication::message_queue::names::{Attempt, ConnectionId, unique};

/// A connection of the pool.
// A client has few.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Debug, Hash)]
enum Slot {
    /// It was asked for.
    Opening(Attempt),
    /// It is there.
    Open(Connection),
}

impl Slot {
    fn connection(&self) -> Option<&Connection> {
        match self {
            Slot::Opening(_) => None,
            Slot::Open(connection) => Some(connection),
        }
    }
}

/// What has happened to the pool.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A connection is open: nothing is declared on it yet.
    Opened(ConnectionId),
    /// A connection is lost.
    Lost(ConnectionId),
    /// Frames have come on a connection.
    Frames(Vec<Frame>),
}

/// The most doublings of the time that a client waits for a connection.
const MOST_DOUBLINGS: u32 = 4;

/// The pool.
#[derive(Clone, Debug, Hash)]
pub struct Pool {
    settings: Settings,
    brokers: Vec<NodeId>,
    /// The broker that is thought to serve: an index, modulo their number.
    broker: usize,
    slots: Vec<Slot>,
    /// How many attempts in a row have failed.
    failed: u32,
    /// How many there were in this life.
    attempts: u64,
}

impl Pool {
    /// A pool of so many connections to one of these brokers.
    pub fn new(brokers: Vec<NodeId>, connections: u16, settings: Settings) -> Self {
        let slots = vec![Slot::Opening(Attempt(0)); usize::from(connections)];
        Pool { settings, brokers, broker: 0, slots, failed: 0, attempts: 0 }
    }

    /// The connections that are open.
    pub fn open(&self) -> impl Iterator<Item = ConnectionId> {
        self.slots.iter().filter_map(Slot::connection).map(Connection::id)
    }

    /// Opens all connections.
    pub fn start(&mut self, ctx: &mut Context<'_, impl QueueProcess>) {
        (0..self.slots.len()).for_each(|slot| self.reopen(ctx, slot));
    }

    /// Sends a frame on a connection, if that is open.
    pub fn send(&mut self, ctx: &mut Context<'_, impl QueueProcess>, id: ConnectionId, frame: Frame) {
        if let Some(connection) = self.connection(id) {
            connection.send(ctx, frame);
        }
    }

    fn connection(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.slots.iter_mut().find_map(|slot| match slot {
            Slot::Open(connection) if connection.id() == id => Some(connection),
            _ => None,
        })
    }

    /// The connection that this attempt is to open.
    fn opening(&self, attempt: Attempt) -> Option<usize> {
        self.slots.iter().position(|slot| matches!(slot, Slot::Opening(of) if *of == attempt))
    }

    /// Asks for a connection.
    fn reopen(&mut self, ctx: &mut Context<'_, impl QueueProcess>, slot: usize) {
        self.attempts += 1;
        let attempt = Attempt(unique(ctx, ctx.id(), self.attempts));
        self.slots[slot] = Slot::Opening(attempt);
        if let Some(broker) = self.brokers.get(self.broker % self.brokers.len().max(1)) {
            ctx.send(*broker, Message::Open(attempt));
        }
        let longest = self.settings.resend * (2 << self.failed.min(MOST_DOUBLINGS));
        let after = ctx.draw_span("reconnect", Span(longest.0 / 2)..=longest);
        ctx.arm(Timer::Reconnect(slot as u16), after);
    }

    /// A connection was not opened for a while: the next broker is asked.
    pub fn reconnect(&mut self, ctx: &mut Context<'_, impl QueueProcess>, slot: u16) {
        let slot = usize::from(slot);
        if matches!(self.slots.get(slot), Some(Slot::Opening(_))) {
            self.broker += 1;
            self.failed += 1;
            self.reopen(ctx, slot);
        }
    }

    /// Closes a connection and opens another one in its place.
    pub fn lose(&mut self, ctx: &mut Context<'_, impl QueueProcess>, id: ConnectionId) -> Option<Event> {
        let is_it = |slot: &Slot| slot.connection().is_some_and(|connection| connection.id() == id);
        let slot = self.slots.iter().position(is_it)?;
        let Slot::Open(connection) = std::mem::replace(&mut self.slots[slot], Slot::Opening(Attempt(0))) else {
            panic!("a connection that is open is open: {id:?}");
        };
        connection.close(ctx);
        self.reopen(ctx, slot);
        Some(Event::Lost(id))
    }

    /// Looks whether a connection lives.
    pub fn beat(&mut self, ctx: &mut Context<'_, impl QueueProcess>, id: ConnectionId) -> Option<Event> {
        let is_alive = self.connection(id)?.beat(ctx);
        if is_alive { None } else { self.lose(ctx, id) }
    }

    /// Sends again what is not acknowledged.
    pub fn resend(&mut self, ctx: &mut Context<'_, impl QueueProcess>, id: ConnectionId) {
        if let Some(connection) = self.connection(id) {
            connection.resend(ctx);
        }
    }

    /// A message of a broker.
    ///
    /// # Panics
    /// If it is none for clients.
    pub fn message(
        &mut self,
        ctx: &mut Context<'_, impl QueueProcess>,
        from: NodeId,
        message: Message,
    ) -> Option<Event> {
        match message {
            Message::Opened(attempt, id) => self.opened(ctx, from, attempt, id),
            Message::NotLeader(attempt, leader) => {
                self.redirected(ctx, attempt, leader);
                None
            }
            Message::Heartbeat(id) => {
                self.connection(id)?.heard(ctx);
                None
            }
            Message::Closed(id) => self.lose(ctx, id),
            Message::Packet(Packet { connection, segment }) => {
                let Some(connection) = self.connection(connection) else {
                    ctx.send(from, Message::Closed(connection));
                    return None;
                };
                Some(Event::Frames(connection.receive(ctx, segment)))
            }
            message => panic!("no message for a client: {from} sent {message:?}"),
        }
    }

    fn opened(
        &mut self,
        ctx: &mut Context<'_, impl QueueProcess>,
        from: NodeId,
        attempt: Attempt,
        id: ConnectionId,
    ) -> Option<Event> {
        let Some(slot) = self.opening(attempt) else {
            // The attempt was given up before; or it has opened another connection, at a broker which has restarted since.
            if self.connection(id).is_none() {
                ctx.mark(marks::LATE_CONNECTION_CLOSED);
                ctx.send(from, Message::Closed(id));
            }
            return None;
        };
        ctx.cancel(&Timer::Reconnect(slot as u16));
        self.failed = 0;
        self.slots[slot] = Slot::Open(Connection::open(ctx, id, from, self.settings));
        Some(Event::Opened(id))
    }

    fn redirected(&mut self, ctx: &mut Context<'_, impl QueueProcess>, attempt: Attempt, leader: Option<NodeId>) {
        let opening = self.opening(attempt);
        let known = leader.and_then(|leader| self.brokers.iter().position(|broker| *broker == leader));
        if let (Some(slot), Some(broker)) = (opening, known) {
            ctx.mark(marks::REDIRECTED);
            self.broker = broker;
            self.reopen(ctx, slot);
        }
    }
}
