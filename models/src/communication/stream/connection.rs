//! The client's side of a connection to the master: one request at a time. Where no reply comes in time the connection is
//! lost, with the knowledge of what became of the request, and the client connects anew.

use seedbed_sim::{Context, NodeId, Span};

use crate::communication::stream::command::Command;
use crate::communication::stream::marks;
use crate::communication::stream::messages::{ConnectionId, Message, Nonce, Seq, StreamProcess, Timer};
use crate::communication::stream::reply::{Error, Reply};
use crate::communication::stream::settings::ConnectionSettings;
use crate::parts::redis;
use crate::parts::redis::messages::Epoch;

/// The most doublings of the time before it connects again.
const MOST_DOUBLINGS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Down,
    Connecting(Nonce),
    Up { id: ConnectionId, seq: Seq, waits: bool },
}

/// What happens on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// It is there.
    Up,
    /// The reply to the request.
    Reply(Reply),
    /// It is lost.
    Lost,
}

/// A connection.
#[derive(Clone, Debug, Hash)]
pub struct Connection {
    settings: ConnectionSettings,
    master: NodeId,
    epoch: Epoch,
    state: State,
    failures: u32,
}

impl Connection {
    /// A connection that is not there yet.
    pub fn new(settings: ConnectionSettings) -> Self {
        Connection { settings, master: settings.master, epoch: 0, state: State::Down, failures: 0 }
    }

    /// Whether a request can be sent.
    pub fn is_free(&self) -> bool {
        matches!(self.state, State::Up { waits: false, .. })
    }

    /// Connects.
    pub fn open<P: StreamProcess>(&mut self, ctx: &mut Context<'_, P>) {
        let nonce = ctx.draw("connect", 0..=u64::from(u32::MAX)) << 20 | u64::from(self.failures & 0xf_ffff);
        self.state = State::Connecting(nonce);
        ctx.send(self.master, Message::Connect(nonce));
        ctx.arm(Timer::Connection, self.settings.timeout);
    }

    /// Sends a request that may wait for so long at the server.
    ///
    /// # Panics
    /// If the connection is not free.
    pub fn call<P: StreamProcess>(&mut self, ctx: &mut Context<'_, P>, command: Command, wait: Span) {
        let State::Up { id, seq, waits: false } = self.state else {
            panic!("a request needs a free connection: {:?}", self.state)
        };
        self.state = State::Up { id, seq: seq + 1, waits: true };
        ctx.send(self.master, Message::Request(id, seq + 1, command));
        ctx.arm(Timer::Connection, self.settings.timeout + wait);
    }

    /// A message has come.
    ///
    /// # Panics
    /// If it is none for a client.
    pub fn message<P: StreamProcess>(
        &mut self,
        ctx: &mut Context<'_, P>,
        from: NodeId,
        message: Message,
    ) -> Option<Happening> {
        match (message, self.state) {
            (Message::Connected(nonce, id), State::Connecting(own)) if nonce == own => {
                self.state = State::Up { id, seq: 0, waits: false };
                ctx.cancel(&Timer::Connection);
                Some(Happening::Up)
            }
            (Message::Answer(id, seq, reply), State::Up { id: own, seq: last, waits: true })
                if (id, seq) == (own, last) =>
            {
                self.replied(ctx, id, seq, reply)
            }
            (Message::Reset(id), State::Up { id: own, .. }) if id == own => self.lose(ctx),
            (Message::Connected(..) | Message::Answer(..) | Message::Reset(_), _) => None,
            (Message::Sentinel(redis::Message::Master(master, epoch)), _) => {
                if epoch >= self.epoch {
                    (self.master, self.epoch) = (master, epoch);
                }
                None
            }
            (message, _) => panic!("no message for a client: {from} sent {message:?}"),
        }
    }

    fn replied<P: StreamProcess>(
        &mut self,
        ctx: &mut Context<'_, P>,
        id: ConnectionId,
        seq: Seq,
        reply: Reply,
    ) -> Option<Happening> {
        if reply == Reply::Error(Error::ReadOnly) {
            ctx.mark(marks::ASKED_A_REPLICA);
            return self.lose(ctx);
        }
        self.failures = 0;
        self.state = State::Up { id, seq, waits: false };
        ctx.cancel(&Timer::Connection);
        Some(Happening::Reply(reply))
    }

    /// The reply is late, or it is time to connect again.
    pub fn timer<P: StreamProcess>(&mut self, ctx: &mut Context<'_, P>) -> Option<Happening> {
        if self.state != State::Down {
            return self.lose(ctx);
        }
        self.open(ctx);
        None
    }

    /// The connection is lost. Who knows the master is asked, and another attempt is made after a while.
    fn lose<P: StreamProcess>(&mut self, ctx: &mut Context<'_, P>) -> Option<Happening> {
        let was_up = matches!(self.state, State::Up { .. });
        ctx.mark(marks::CONNECTION_LOST);
        self.state = State::Down;
        if let Some(sentinel) = self.settings.sentinel {
            ctx.send(sentinel, redis::Message::WhoIsMaster.into());
        }
        let longest = self.settings.backoff * (1 << self.failures.min(MOST_DOUBLINGS));
        self.failures += 1;
        let after = ctx.draw_span("backoff", Span(longest.0 / 2)..=longest);
        ctx.arm(Timer::Connection, after);
        was_up.then_some(Happening::Lost)
    }
}
