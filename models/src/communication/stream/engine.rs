//! A server without a network: commands go in, replies come out. Commands are executed one after the other; a client whose
//! command has to wait (`BLOCK`) is answered when a key is ready, when its time is over, or never.
//!
//! ```
//! use seedbed_models::communication::stream::{Command, ConsumerName, Engine, GroupAfter, GroupName, Id, NewId, Reply};
//! use seedbed_models::parts::redis::Key;
//! use seedbed_sim::Time;
//!
//! let (key, ann, bob) = (Key(1), 1, 2);
//! let mut server = Engine::new(100);
//! let make = Command::XGroupCreate {
//!     key,
//!     group: GroupName(1),
//!     start: seedbed_models::communication::stream::GroupStart::Last,
//!     make: true,
//!     entries_read: None,
//! };
//! assert_eq!(server.call(Time::ms(1), &make), Reply::Ok);
//! // Ann waits for something new.
//! let read = Command::XReadGroup {
//!     group: GroupName(1),
//!     consumer: ConsumerName(1),
//!     streams: vec![(key, GroupAfter::New)],
//!     count: None,
//!     block: Some(0),
//!     no_ack: false,
//! };
//! assert_eq!(server.command(Time::ms(2), ann, &read), []);
//! // Bob adds an entry, and both are answered.
//! let add = Command::XAdd { key, id: NewId::Auto, fields: [(1, 7)].into(), no_make: false, trim: None };
//! let replies = server.command(Time::ms(3), bob, &add);
//! assert_eq!(replies[0], (bob, Reply::Id(Id::new(3, 0))));
//! assert_eq!(replies[1].0, ann);
//! ```

use seedbed_sim::{NodeId, Span, Time};

use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::{After, Command};
use crate::communication::stream::effect::{Effect, GroupEffect};
use crate::communication::stream::execute::execute;
use crate::communication::stream::keyspace::Keyspace;
use crate::communication::stream::reply::{Error, Reply};
use crate::parts::redis::{Caller, Key};

/// How many entries a client gets that has waited and named no number (`XREAD_BLOCKED_DEFAULT_COUNT`).
const AFTER_WAITING: u64 = 1_000;

/// A command that was executed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Executed {
    /// When, on the clock of the server.
    pub at: Time,
    /// Whose it is.
    pub by: Caller,
    /// The command. That of a client which has waited is about the key alone that was ready.
    pub command: Command,
    /// The reply.
    pub reply: Reply,
    /// What it did, which is applied.
    pub effects: Vec<Effect>,
}

/// A client that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Waiting {
    by: Caller,
    command: Command,
    until: Option<Time>,
}

/// A server without a network.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Engine {
    keys: Keyspace,
    /// In the order in which they began to wait.
    waiting: Vec<Waiting>,
}

impl Engine {
    /// A server without keys, whose streams have up to `node_entries` entries in a node (`stream-node-max-entries`, 100 in
    /// Redis).
    pub fn new(node_entries: u64) -> Self {
        Engine { keys: Keyspace::new(node_entries), waiting: Vec::new() }
    }

    /// The keys.
    pub fn keys(&self) -> &Keyspace {
        &self.keys
    }

    /// Executes a command alone, which finds nothing where it would wait.
    pub fn call(&mut self, now: Time, command: &Command) -> Reply {
        execute(&mut self.keys, now, caller(0), None, command).0
    }

    /// Executes a command of a client, which may have to wait. Returns the replies that are ready then, with their clients: its
    /// own first, and those to clients that have waited for what it did.
    pub fn command(&mut self, now: Time, client: u16, command: &Command) -> Vec<(u16, Reply)> {
        self.expire(now);
        let executed = self.execute(now, caller(client), None, command);
        executed.into_iter().map(|executed| (executed.by.client.0, executed.reply)).collect()
    }

    /// The same with all that was done, by a client that is named with its request. Keys that have expired are deleted before
    /// ([`Engine::expire`]).
    pub fn execute(&mut self, now: Time, by: Caller, bug: Option<Bug>, command: &Command) -> Vec<Executed> {
        let (reply, effects) = execute(&mut self.keys, now, by, bug, command);
        if reply == Reply::Nil
            && effects.is_empty()
            && let Some(waiting) = self.waits(now, by, command)
        {
            self.waiting.push(waiting);
            return Vec::new();
        }
        self.with_served(now, bug, Executed { at: now, by, command: command.clone(), reply, effects })
    }

    /// The command as it waits: `$` is what was last when it began to.
    fn waits(&self, now: Time, by: Caller, command: &Command) -> Option<Waiting> {
        let (command, block) = match command {
            Command::XRead { streams, count, block: Some(block) } => {
                let last = |key| self.keys.stream(key).map(|stream| stream.last_id()).unwrap_or_default();
                let from = |(key, after): &(Key, After)| match *after {
                    After::Id(_) => (*key, *after),
                    After::Now => (*key, After::Id(last(*key))),
                };
                let streams = streams.iter().map(from).collect();
                (Command::XRead { streams, count: *count, block: None }, block)
            }
            Command::XReadGroup { block: Some(block), .. } => (command.clone(), block),
            _ => return None,
        };
        let until = (*block > 0).then(|| now + Span(block.saturating_mul(1_000_000)));
        Some(Waiting { by, command, until })
    }

    /// Serves the clients that wait for the keys which a command has changed (`handleClientsBlockedOnKeys`).
    fn with_served(&mut self, now: Time, bug: Option<Bug>, executed: Executed) -> Vec<Executed> {
        let mut ready: Vec<Key> = Vec::new();
        for key in executed.effects.iter().filter_map(signalled) {
            if !ready.contains(&key) {
                ready.push(key);
            }
        }
        let mut all = vec![executed];
        for key in ready {
            let waiting = std::mem::take(&mut self.waiting);
            for one in waiting {
                match self.serve(now, bug, key, &one) {
                    Some(served) => all.push(served),
                    None => self.waiting.push(one),
                }
            }
        }
        all
    }

    /// What a client gets that waits, now that a key is ready (`serveClientsBlockedOnStreamKey`). `None` if it goes on to wait.
    fn serve(&mut self, now: Time, bug: Option<Bug>, key: Key, waiting: &Waiting) -> Option<Executed> {
        let by = waiting.by;
        let several = |count: Option<u64>| Some(count.filter(|count| *count > 0).unwrap_or(AFTER_WAITING));
        let command = match &waiting.command {
            Command::XRead { streams, count, .. } => {
                let one = *streams.iter().find(|(of, _)| *of == key)?;
                // Whoever reads without a group goes on to wait for a stream.
                self.keys.stream(key)?;
                Command::XRead { streams: vec![one], count: several(*count), block: None }
            }
            Command::XReadGroup { group, consumer, streams, count, no_ack, .. } => {
                let one = *streams.iter().find(|(of, _)| *of == key)?;
                let (group, consumer, count, no_ack) = (*group, *consumer, several(*count), *no_ack);
                Command::XReadGroup { group, consumer, streams: vec![one], count, block: None, no_ack }
            }
            command => panic!("a command that waits reads streams: {command:?}"),
        };
        if self.keys.stream(key).is_none() {
            let reply = Reply::Error(Error::Unblocked);
            return Some(Executed { at: now, by, command, reply, effects: Vec::new() });
        }
        let (reply, effects) = execute(&mut self.keys, now, by, bug, &command);
        let executed = Executed { at: now, by, command, reply, effects };
        if executed.reply == Reply::Nil { self.serve_nothing(now, bug, key, executed) } else { Some(executed) }
    }

    /// What was added is gone already. Who waited for it is answered all the same, with nothing.
    fn serve_nothing(&mut self, now: Time, bug: Option<Bug>, key: Key, executed: Executed) -> Option<Executed> {
        let last = self.keys.stream(key)?.last_id();
        let reply = Reply::Streams(vec![(key, Vec::new())]);
        match &executed.command {
            Command::XRead { streams, .. } => {
                let (_, after) = streams.first()?;
                (*after != After::Id(last)).then_some(Executed { reply, ..executed })
            }
            Command::XReadGroup { group, consumer, .. } if self.keys.group(key, *group)?.last_delivered < last => {
                let meet = Command::XGroupCreateConsumer(key, *group, *consumer);
                let (_, effects) = execute(&mut self.keys, now, executed.by, bug, &meet);
                Some(Executed { reply, effects, ..executed })
            }
            _ => None,
        }
    }

    /// The time is over for some that wait: they get nothing.
    pub fn time_out(&mut self, now: Time) -> Vec<(Caller, Reply)> {
        let (over, waiting): (Vec<Waiting>, Vec<Waiting>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|one| one.until.is_some_and(|until| until <= now));
        self.waiting = waiting;
        over.into_iter().map(|one| (one.by, Reply::Nil)).collect()
    }

    /// When the time is over for the next that waits.
    pub fn next_time_out(&self) -> Option<Time> {
        self.waiting.iter().filter_map(|one| one.until).min()
    }

    /// A client is gone, and waits no more.
    pub fn disconnect(&mut self, client: NodeId) {
        self.waiting.retain(|one| one.by.client != client);
    }

    /// Whether a client waits.
    pub fn is_waiting(&self, client: NodeId) -> bool {
        self.waiting.iter().any(|one| one.by.client == client)
    }

    /// Nobody is connected any more.
    pub fn disconnect_all(&mut self) {
        self.waiting.clear();
    }

    /// Applies the effects of another server, or of the append-only file.
    pub fn apply(&mut self, effects: &[Effect]) {
        effects.iter().for_each(|effect| self.keys.apply(effect));
    }

    /// Replaces all keys.
    pub fn load(&mut self, keys: Keyspace) {
        self.keys = keys;
    }

    /// Deletes the keys that have expired. Returns the effects, which are applied.
    pub fn expire(&mut self, now: Time) -> Vec<Effect> {
        let effects = self.keys.expired(now);
        self.apply(&effects);
        effects
    }
}

fn caller(client: u16) -> Caller {
    Caller { client: NodeId(client), request: 0 }
}

/// The key for which an effect may be what somebody waits for.
fn signalled(effect: &Effect) -> Option<Key> {
    match effect {
        Effect::Added(key, ..) | Effect::Dropped(key) | Effect::Group(key, _, GroupEffect::Destroyed) => Some(*key),
        _ => None,
    }
}
