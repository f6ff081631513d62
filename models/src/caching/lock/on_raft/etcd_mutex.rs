//! The client's side (etcd's `concurrency.Mutex`): a lease, a key in the queue, and a watch on the key before it.

use seedbed_sim::{Context, NodeId, Span, Time};

use crate::caching::lock::bugs::Bug;
use crate::caching::lock::events::LockEvent;
use crate::caching::lock::lease::LeaseSettings;
use crate::caching::lock::marks;
use crate::caching::lock::messages::{LockProcess, Message, SessionId, Timer, Token};
use crate::caching::lock::on_raft::machine::{Command, LeaseId, Locks, Output, Revision};
use crate::caching::lock::on_raft::session::{Executed, Session};
use crate::replication::raft;

/// This client's lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Lease {
    id: LeaseId,
    /// On the client's clock.
    valid_until: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Idle,
    /// A command is under way: for a lease, for the key, or for the position of the key.
    Requesting,
    /// The client waits for the deletion of a key; or for the next keep-alive, if that key is its own.
    Watching {
        key: Revision,
        watched: Revision,
    },
    /// The client's key is the first.
    Held {
        key: Revision,
    },
}

/// The client's side of the lock.
#[derive(Clone, Debug, Hash)]
pub struct EtcdMutex {
    keys: Session,
    keep_alives: Session,
    servers: Vec<NodeId>,
    /// The server that is asked to watch: an index of `servers`, modulo their number.
    watch_server: usize,
    lease_settings: LeaseSettings,
    request_timeout: Span,
    lease: Option<Lease>,
    state: State,
}

impl EtcdMutex {
    /// A client of these servers.
    pub fn new(servers: Vec<NodeId>, lease_settings: LeaseSettings, request_timeout: Span) -> Self {
        let session = |id| Session::new(id, servers.clone(), request_timeout);
        let (keys, keep_alives) = (session(SessionId::Keys), session(SessionId::KeepAlive));
        let (lease, state) = (None, State::Idle);
        EtcdMutex { keys, keep_alives, servers, watch_server: 0, lease_settings, request_timeout, lease, state }
    }

    /// Whether the client wants the lock and does not hold it yet.
    pub fn is_acquiring(&self) -> bool {
        matches!(self.state, State::Requesting | State::Watching { .. })
    }

    /// The client's lease.
    pub fn lease(&self) -> Option<LeaseId> {
        self.lease.map(|lease| lease.id)
    }

    /// The process starts.
    pub fn start(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        self.keys.start(ctx);
        self.keep_alives.start(ctx);
    }

    /// Begins to acquire the lock, with the lease of the last time if it is still valid.
    ///
    /// # Panics
    /// If it is being acquired or held.
    pub fn acquire(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        assert!(self.state == State::Idle, "a lock is acquired once at a time: it is {:?}", self.state);
        self.state = State::Requesting;
        match self.lease.filter(|lease| lease.valid_until > ctx.now()) {
            Some(lease) => {
                ctx.mark(marks::LEASE_OF_THE_LAST_TIME_USED_AGAIN);
                self.keep_alive(ctx);
                self.keys.invoke(ctx, Command::Enqueue(lease.id));
            }
            None => self.request_lease(ctx),
        }
    }

    fn request_lease(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        (self.lease, self.state) = (None, State::Requesting);
        self.keys.invoke(ctx, Command::Grant);
    }

    /// A message of a Raft server.
    pub fn message(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        from: NodeId,
        message: raft::messages::Message<Locks>,
    ) -> Option<LockEvent> {
        let of_keys = self.keys.message(ctx, from, message.clone());
        let executed = of_keys.or_else(|| self.keep_alives.message(ctx, from, message));
        self.executed(ctx, executed?)
    }

    fn executed(&mut self, ctx: &mut Context<'_, impl LockProcess>, executed: Executed) -> Option<LockEvent> {
        let Executed { command, output, sent } = executed;
        match (command, output) {
            (Command::Grant, Output::Granted(id)) => {
                self.lease = Some(Lease { id, valid_until: self.lease_settings.valid_until(sent) });
                if self.state == State::Requesting {
                    self.keys.invoke(ctx, Command::Enqueue(id));
                    self.arm_keep_alive(ctx);
                }
                None
            }
            (Command::KeepAlive(id), output) => self.kept_alive(ctx, id, sent, output),
            (Command::Enqueue(id), output) if self.state == State::Requesting => {
                if self.lease() == Some(id) {
                    return self.queued(ctx, output);
                }
                // The lease was lost meanwhile.
                self.request_lease(ctx);
                None
            }
            (Command::Position(_), output) if self.state == State::Requesting => self.queued(ctx, output),
            // The client does not want the lock any more, or a key was deleted.
            _ => None,
        }
    }

    /// The position of the client's key. If no key is before it the client holds the lock; otherwise it watches that key.
    fn queued(&mut self, ctx: &mut Context<'_, impl LockProcess>, output: Output) -> Option<LockEvent> {
        let (Output::Queued { key, previous, next }, Some(lease)) = (output, self.lease) else {
            ctx.mark(marks::WAITERS_KEY_IS_GONE);
            self.request_lease(ctx);
            return None;
        };
        let watched = if ctx.planted(Bug::WatchNextInsteadOfPrevious) { next } else { previous };
        if let Some(watched) = watched {
            self.watch(ctx, key, watched);
            return None;
        }
        if lease.valid_until <= ctx.now() {
            // The client is first, but its lease may be over. The next keep-alive tells.
            ctx.mark(marks::FIRST_IN_THE_QUEUE_WITH_A_LEASE_THAT_MAY_BE_OVER);
            self.watch(ctx, key, key);
            return None;
        }
        self.state = State::Held { key };
        Some(LockEvent::Acquired { token: Token(key.0), valid_until: Some(lease.valid_until) })
    }

    fn watch(&mut self, ctx: &mut Context<'_, impl LockProcess>, key: Revision, watched: Revision) {
        assert!(self.state == State::Requesting, "a position is watched when it is known: {:?}", self.state);
        self.state = State::Watching { key, watched };
        self.send_watch(ctx);
    }

    /// Asks a server to watch, and after a while the next one: a server that was restarted watches nothing.
    fn send_watch(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        let State::Watching { watched, .. } = self.state else { return };
        ctx.mark(marks::WATCHES_ITS_PREDECESSOR);
        let server = self.servers[self.watch_server % self.servers.len()];
        ctx.send(server, Message::Watch(watched));
        ctx.arm(Timer::Watch, self.request_timeout * 2);
    }

    /// A server says that a key is deleted. If it is the watched one, the client asks the group for the position of its own.
    pub fn deleted(&mut self, ctx: &mut Context<'_, impl LockProcess>, revision: Revision) {
        match self.state {
            State::Watching { key, watched } if watched == revision => self.request_position(ctx, key),
            _ => {}
        }
    }

    fn request_position(&mut self, ctx: &mut Context<'_, impl LockProcess>, key: Revision) {
        self.state = State::Requesting;
        ctx.cancel(&Timer::Watch);
        self.keys.invoke(ctx, Command::Position(key));
    }

    /// A timer of a client is due.
    ///
    /// # Panics
    /// If it is of another kind of lock.
    pub fn timer(&mut self, ctx: &mut Context<'_, impl LockProcess>, timer: Timer) {
        match timer {
            Timer::Session(SessionId::Keys) => self.keys.retry(ctx),
            Timer::Session(SessionId::KeepAlive) => self.keep_alives.retry(ctx),
            Timer::KeepAlive => self.keep_alive(ctx),
            Timer::Watch => {
                self.watch_server += 1;
                self.send_watch(ctx);
            }
            timer => panic!("no timer of a client of the group: {timer:?}"),
        }
    }

    /// The watchdog: keeps the lease alive, with one keep-alive under way at a time.
    fn keep_alive(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        let Some(lease) = self.lease.filter(|_| self.state != State::Idle) else { return };
        if self.keep_alives.is_idle() {
            self.keep_alives.invoke(ctx, Command::KeepAlive(lease.id));
        }
        self.arm_keep_alive(ctx);
    }

    fn arm_keep_alive(&self, ctx: &mut Context<'_, impl LockProcess>) {
        if let Some(renew) = self.lease_settings.renew {
            ctx.arm(Timer::KeepAlive, renew);
        }
    }

    fn kept_alive(
        &mut self,
        ctx: &mut Context<'_, impl LockProcess>,
        id: LeaseId,
        sent: Time,
        output: Output,
    ) -> Option<LockEvent> {
        let lease = self.lease.as_mut().filter(|lease| lease.id == id)?;
        if output == Output::Gone {
            ctx.mark(marks::LEASE_REVOKED);
            self.lease = None;
            match self.state {
                State::Held { .. } => return Some(LockEvent::Lost),
                State::Watching { .. } => self.request_lease(ctx),
                // The command that is under way will find no lease.
                State::Idle | State::Requesting => {}
            }
            return None;
        }
        lease.valid_until = lease.valid_until.max(self.lease_settings.valid_until(sent));
        let valid_until = lease.valid_until;
        match self.state {
            State::Held { .. } if valid_until > ctx.now() => Some(LockEvent::Extended { valid_until }),
            State::Watching { key, watched } if key == watched => {
                self.request_position(ctx, key);
                None
            }
            _ => None,
        }
    }

    /// Releases the lock: deletes the key. The lease is kept for the next acquisition, and not kept alive.
    ///
    /// # Panics
    /// If the lock is not held.
    pub fn release(&mut self, ctx: &mut Context<'_, impl LockProcess>) {
        let State::Held { key } = self.state else {
            panic!("a lock that is released was held: it is {:?}", self.state);
        };
        if let Some(lease) = self.lease() {
            self.keys.invoke(ctx, Command::Delete { lease, revision: key });
        }
        self.state = State::Idle;
        ctx.cancel(&Timer::KeepAlive);
    }
}
