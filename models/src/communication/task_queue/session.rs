//! The client's side of a session: many requests at once. One whose reply does not come in time is lost: it may have been executed,
//! or be executed later, and whoever sent it decides what to do.

use std::collections::BTreeMap;

use seedbed_sim::{Context, NodeId, Span};

use crate::communication::task_queue::command::{Command, Reply};
use crate::communication::task_queue::marks;
use crate::communication::task_queue::messages::{Message, Nonce, Seq, SessionId, TaskProcess, Timer};

/// The most doublings of the time before it connects again, and of the time that it waits for a reply.
const MOST_DOUBLINGS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Down,
    Connecting(Nonce),
    Up(SessionId),
}

/// What happens in a session: `Purpose` is what a request was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening<Purpose> {
    /// It is there.
    Up,
    /// The reply to a request.
    Reply(Purpose, Reply),
    /// What became of these requests will not be known.
    Lost(Vec<Purpose>),
}

/// A session.
#[derive(Clone, Debug, Hash)]
pub struct Session<Purpose> {
    broker: NodeId,
    timeout: Span,
    state: State,
    failures: u32,
    /// How many requests were lost, less those that were answered: the more, the longer it waits for a reply.
    lost: u32,
    last: Seq,
    outstanding: BTreeMap<Seq, Purpose>,
}

impl<Purpose> Session<Purpose> {
    /// A session that is not there yet.
    pub fn new(broker: NodeId, timeout: Span) -> Self {
        Session { broker, timeout, state: State::Down, failures: 0, lost: 0, last: 0, outstanding: BTreeMap::new() }
    }

    /// Whether requests can be sent.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// Connects.
    pub fn open<P: TaskProcess>(&mut self, ctx: &mut Context<'_, P>) {
        let nonce = ctx.draw("connect", 0..=u64::from(u32::MAX)) << 16 | u64::from(self.failures & 0xffff);
        self.state = State::Connecting(nonce);
        ctx.send(self.broker, Message::Connect(nonce));
        ctx.arm(Timer::Connect, self.timeout);
    }

    /// Sends a request. False if there is no session.
    pub fn call<P: TaskProcess>(&mut self, ctx: &mut Context<'_, P>, purpose: Purpose, command: Command) -> bool {
        let State::Up(id) = self.state else { return false };
        self.last += 1;
        self.outstanding.insert(self.last, purpose);
        ctx.send(self.broker, Message::Request(id, self.last, command));
        ctx.arm(Timer::Reply(self.last), self.timeout * (1 << self.lost));
        true
    }

    /// A message has come from the broker.
    ///
    /// # Panics
    /// If it is none for a client.
    pub fn message<P: TaskProcess>(
        &mut self,
        ctx: &mut Context<'_, P>,
        from: NodeId,
        message: Message,
    ) -> Option<Happening<Purpose>> {
        match (message, self.state) {
            (Message::Connected(nonce, id), State::Connecting(own)) if nonce == own => {
                (self.state, self.failures, self.last) = (State::Up(id), 0, 0);
                ctx.cancel(&Timer::Connect);
                Some(Happening::Up)
            }
            (Message::Answer(id, seq, reply), State::Up(own)) if id == own => {
                let purpose = self.outstanding.remove(&seq);
                if purpose.is_none() && matches!(reply, Reply::Dequeued(..)) {
                    ctx.mark(marks::DEQUEUED_FOR_NOBODY);
                }
                let purpose = purpose?;
                self.lost = self.lost.saturating_sub(1);
                ctx.cancel(&Timer::Reply(seq));
                Some(Happening::Reply(purpose, reply))
            }
            (Message::Reset(id), State::Up(own)) if id == own => {
                ctx.mark(marks::SESSION_RESET);
                let lost = std::mem::take(&mut self.outstanding);
                lost.keys().for_each(|seq| ctx.cancel(&Timer::Reply(*seq)));
                self.open(ctx);
                Some(Happening::Lost(lost.into_values().collect()))
            }
            (Message::Connected(..) | Message::Answer(..) | Message::Reset(_), _) => None,
            (message, _) => panic!("no message for a client of the broker: {from} sent {message:?}"),
        }
    }

    /// The reply to a request is late: it is not waited for any more.
    pub fn late(&mut self, seq: Seq) -> Option<Happening<Purpose>> {
        let purpose = self.outstanding.remove(&seq)?;
        self.lost = (self.lost + 1).min(MOST_DOUBLINGS);
        Some(Happening::Lost(vec![purpose]))
    }

    /// It was not connected in time, or it is time to connect again.
    pub fn connect_again<P: TaskProcess>(&mut self, ctx: &mut Context<'_, P>) {
        if self.state == State::Down {
            return self.open(ctx);
        }
        self.state = State::Down;
        let longest = self.timeout * (1 << self.failures.min(MOST_DOUBLINGS));
        self.failures += 1;
        let after = ctx.draw_span("backoff", Span(longest.0 / 2)..=longest);
        ctx.arm(Timer::Connect, after);
    }
}
