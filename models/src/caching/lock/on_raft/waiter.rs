//! The client's side (etcd's `concurrency.Mutex`): a lease, a key in the queue, and a watch on the key before it.

use seedbed_sim::{Context, NodeId, Span, Time};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::lease::Terms;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{Message, Token};
use crate::caching::lock::model::{Node, Timer};
use crate::caching::lock::on_raft::machine::{Command, LeaseId, Locks, Output, Revision};
use crate::caching::lock::on_raft::session::{Answered, Line, Session};
use crate::caching::lock::taker::Told;
use crate::replication::raft::messages::Message as RaftMessage;

/// A lease that the client has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lease {
    id: LeaseId,
    /// Until when it is good, on the client's clock.
    until: Time,
}

/// How far the client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Idle,
    /// It waits for a lease, for its key, or for an answer about it.
    Asking,
    /// It waits for a key to be gone.
    Watching {
        key: Revision,
        watched: Revision,
    },
    /// Its key is the first.
    Holding {
        key: Revision,
    },
}

/// A client of the lock service.
#[derive(Clone, Debug, Hash)]
pub struct Waiter {
    queue: Session,
    alive: Session,
    servers: Vec<NodeId>,
    /// Whom it asks to watch: a place in `servers`.
    watches_at: usize,
    terms: Terms,
    patience: Span,
    bug: Option<Bug>,
    lease: Option<Lease>,
    state: State,
}

impl Waiter {
    /// A client of these servers.
    pub fn new(servers: Vec<NodeId>, terms: Terms, patience: Span, bug: Option<Bug>) -> Self {
        let session = |line| Session::new(line, servers.clone(), patience);
        let (queue, alive) = (session(Line::Queue), session(Line::Alive));
        Waiter { queue, alive, servers, watches_at: 0, terms, patience, bug, lease: None, state: State::Idle }
    }

    /// Whether it waits for the lock.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Asking | State::Watching { .. })
    }

    /// The lease that it has.
    pub fn lease(&self) -> Option<LeaseId> {
        self.lease.map(|lease| lease.id)
    }

    pub(in crate::caching::lock) fn start(&mut self, ctx: &mut Context<'_, Node>) {
        self.queue.start(ctx);
        self.alive.start(ctx);
    }

    pub(in crate::caching::lock) fn take(&mut self, ctx: &mut Context<'_, Node>) -> Option<Told> {
        assert!(self.state == State::Idle, "a waiter waits once at a time: {:?}", self.state);
        self.state = State::Asking;
        self.begin(ctx);
        None
    }

    /// Asks for a key, or first for a lease.
    fn begin(&mut self, ctx: &mut Context<'_, Node>) {
        match self.lease.filter(|lease| lease.until > ctx.now()) {
            Some(lease) => {
                self.keep_alive(ctx);
                self.queue.ask(ctx, Command::Enqueue(lease.id));
            }
            None => self.begin_anew(ctx),
        }
    }

    fn begin_anew(&mut self, ctx: &mut Context<'_, Node>) {
        (self.lease, self.state) = (None, State::Asking);
        self.queue.ask(ctx, Command::Grant);
    }

    pub(in crate::caching::lock) fn message(
        &mut self,
        ctx: &mut Context<'_, Node>,
        from: NodeId,
        message: RaftMessage<Locks>,
    ) -> Option<Told> {
        let first = self.queue.message(ctx, from, &message);
        let answered = first.or_else(|| self.alive.message(ctx, from, &message));
        self.answered(ctx, answered?)
    }

    fn answered(&mut self, ctx: &mut Context<'_, Node>, answered: Answered) -> Option<Told> {
        let Answered { command, output, sent } = answered;
        match (command, output) {
            (Command::Grant, Output::Granted(id)) => {
                self.lease = Some(Lease { id, until: self.terms.until(sent) });
                if self.state == State::Asking {
                    self.queue.ask(ctx, Command::Enqueue(id));
                    self.keep_alive_later(ctx);
                }
                None
            }
            (Command::KeepAlive(id), output) => self.kept_alive(id, sent, output, ctx),
            (Command::Enqueue(id), output) if self.state == State::Asking => match self.lease() == Some(id) {
                true => self.queued(ctx, output),
                // The lease was lost meanwhile.
                false => {
                    self.begin_anew(ctx);
                    None
                }
            },
            (Command::Ahead(_), output) if self.state == State::Asking => self.queued(ctx, output),
            // An answer to what it does not want any more.
            _ => None,
        }
    }

    /// Where its key stands: it holds the lock if no key is before it, and else watches the one that is.
    fn queued(&mut self, ctx: &mut Context<'_, Node>, output: Output) -> Option<Told> {
        let (Output::Queued { key, previous, next }, Some(lease)) = (output, self.lease) else {
            ctx.mark(marks::WAITERS_KEY_IS_GONE);
            self.begin_anew(ctx);
            return None;
        };
        let watched = match self.bug {
            Some(Bug::WatchNextInsteadOfPrevious) => next,
            _ => previous,
        };
        if let Some(watched) = watched {
            self.state = State::Watching { key, watched };
            self.watch(ctx);
            return None;
        }
        if lease.until <= ctx.now() {
            // First, but nobody knows for how long: the next keep-alive will tell.
            ctx.mark(marks::FIRST_IN_THE_QUEUE_WITH_A_LEASE_THAT_MAY_BE_OVER);
            self.state = State::Watching { key, watched: key };
            self.watch(ctx);
            return None;
        }
        self.state = State::Holding { key };
        Some(Told::Granted { token: Token(key.0), until: Some(lease.until) })
    }

    /// Asks one server, and another if nothing comes: one that has restarted watches nothing.
    fn watch(&mut self, ctx: &mut Context<'_, Node>) {
        let State::Watching { watched, .. } = self.state else { return };
        ctx.mark(marks::WATCHES_ITS_PREDECESSOR);
        let server = self.servers[self.watches_at % self.servers.len()];
        ctx.send(server, Message::Watch { revision: watched });
        ctx.arm(Timer::Watch, self.patience * 2);
    }

    /// A watched key is gone; whether its own is now the first, only the group can say.
    pub(in crate::caching::lock) fn gone(&mut self, ctx: &mut Context<'_, Node>, revision: Revision) -> Option<Told> {
        let State::Watching { key, watched } = self.state else { return None };
        if watched == revision {
            self.look(ctx, key);
        }
        None
    }

    fn look(&mut self, ctx: &mut Context<'_, Node>, key: Revision) {
        self.state = State::Asking;
        ctx.cancel(&Timer::Watch);
        self.queue.ask(ctx, Command::Ahead(key));
    }

    pub(in crate::caching::lock) fn timer(&mut self, ctx: &mut Context<'_, Node>, timer: Timer) -> Option<Told> {
        match timer {
            Timer::Session(Line::Queue) => self.queue.retry(ctx),
            Timer::Session(Line::Alive) => self.alive.retry(ctx),
            Timer::KeepAlive => self.keep_alive(ctx),
            Timer::Watch => {
                self.watches_at += 1;
                self.watch(ctx);
            }
            timer => panic!("lock: a timer of another lock: {timer:?}"),
        }
        None
    }

    /// The watchdog. One keep-alive is under way at a time.
    fn keep_alive(&mut self, ctx: &mut Context<'_, Node>) {
        let Some(lease) = self.lease.filter(|_| self.state != State::Idle) else { return };
        if self.alive.is_idle() {
            self.alive.ask(ctx, Command::KeepAlive(lease.id));
        }
        self.keep_alive_later(ctx);
    }

    fn keep_alive_later(&self, ctx: &mut Context<'_, Node>) {
        if let Some(renew) = self.terms.renew {
            ctx.arm(Timer::KeepAlive, renew);
        }
    }

    fn kept_alive(&mut self, id: LeaseId, sent: Time, output: Output, ctx: &mut Context<'_, Node>) -> Option<Told> {
        let lease = self.lease.as_mut().filter(|lease| lease.id == id)?;
        if output == Output::Gone {
            ctx.mark(marks::LEASE_REVOKED);
            self.lease = None;
            match self.state {
                State::Holding { .. } => return Some(Told::Lost),
                State::Watching { .. } => self.begin_anew(ctx),
                // What it has asked for will find no lease.
                State::Idle | State::Asking => {}
            }
            return None;
        }
        lease.until = lease.until.max(self.terms.until(sent));
        let until = lease.until;
        match self.state {
            State::Holding { .. } if until > ctx.now() => Some(Told::Extended { until }),
            State::Watching { key, watched } if key == watched => {
                self.look(ctx, key);
                None
            }
            _ => None,
        }
    }

    pub(in crate::caching::lock) fn give_back(&mut self, ctx: &mut Context<'_, Node>) {
        let (State::Holding { key }, lease) = (self.state, self.lease()) else {
            panic!("a waiter gives back what it holds: {:?}", self.state);
        };
        if let Some(lease) = lease {
            self.queue.ask(ctx, Command::Delete { lease, revision: key });
        }
        self.state = State::Idle;
        ctx.cancel(&Timer::KeepAlive);
    }
}
