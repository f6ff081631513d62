//! Commands on a keyspace: each is executed whole, says its effects, and applies them at once. A replica that applies the same
//! effects has the same data, but for when consumers were heard of and what reading a history counts (`XREADGROUP` of a history
//! is not propagated in Redis 7.0).

mod adding;
mod claiming;
mod delivering;
mod groups;
mod info;
mod pending;
mod plain;
mod reading;

use seedbed_sim::Time;

use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::{Command, GroupName};
use crate::communication::stream::effect::{Effect, GroupEffect};
use crate::communication::stream::group::Group;
use crate::communication::stream::id::Millis;
use crate::communication::stream::keyspace::Keyspace;
use crate::communication::stream::log::Stream;
use crate::communication::stream::reply::{Error, Reply};
use crate::parts::redis::{Caller, Key};

/// A command under execution.
#[derive(Debug)]
pub struct Execution<'a> {
    keys: &'a mut Keyspace,
    now: Time,
    by: Caller,
    bug: Option<Bug>,
    effects: Vec<Effect>,
}

/// Executes a command of `by` at `now`, on the server's clock. Returns its reply and its effects, which are applied. A command
/// that would wait does not: it finds nothing, as in a transaction. Keys that have expired are deleted first.
pub fn execute(
    keys: &mut Keyspace,
    now: Time,
    by: Caller,
    bug: Option<Bug>,
    command: &Command,
) -> (Reply, Vec<Effect>) {
    let mut execution = Execution { keys, now, by, bug, effects: Vec::new() };
    execution.delete_expired();
    let reply = execution.run(command).unwrap_or_else(Reply::Error);
    (reply, execution.effects)
}

impl Execution<'_> {
    fn run(&mut self, command: &Command) -> Result<Reply, Error> {
        match command {
            Command::XAdd { key, id, fields, no_make, trim } => self.xadd(*key, *id, fields, *no_make, trim.as_ref()),
            Command::XTrim(key, trim) => self.xtrim(*key, trim),
            Command::XDel(key, ids) => self.xdel(*key, ids),
            Command::XLen(key) => self.xlen(*key),
            Command::XRange { key, start, end, count, reversed } => self.xrange(*key, *start, *end, *count, *reversed),
            Command::XRead { streams, count, .. } => self.xread(streams, *count),
            Command::XGroupCreate { key, group, start, make, entries_read } => {
                self.xgroup_create(*key, *group, *start, *make, *entries_read)
            }
            Command::XGroupSetId { key, group, start, entries_read } => {
                self.xgroup_set_id(*key, *group, *start, *entries_read)
            }
            Command::XGroupDestroy(key, group) => self.xgroup_destroy(*key, *group),
            Command::XGroupCreateConsumer(key, group, consumer) => self.xgroup_create_consumer(*key, *group, *consumer),
            Command::XGroupDelConsumer(key, group, consumer) => self.xgroup_del_consumer(*key, *group, *consumer),
            Command::XReadGroup { group, consumer, streams, count, no_ack, .. } => {
                self.xreadgroup(*group, *consumer, streams, *count, *no_ack)
            }
            Command::XAck(key, group, ids) => self.xack(*key, *group, ids),
            Command::XPendingSummary(key, group) => self.xpending_summary(*key, *group),
            Command::XPending { key, group, min_idle, start, end, count, consumer } => {
                self.xpending(*key, *group, *min_idle, (*start, *end), *count, *consumer)
            }
            Command::XClaim(claim) => self.xclaim(claim),
            Command::XAutoClaim(claim) => self.xautoclaim(claim),
            Command::XInfoStream(key) => self.xinfo_stream(*key),
            Command::XInfoGroups(key) => self.xinfo_groups(*key),
            Command::XInfoConsumers(key, group) => self.xinfo_consumers(*key, *group),
            Command::Plain(command) => self.plain(command),
        }
    }

    fn planted(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The time of identifiers and of deliveries.
    fn millis(&self) -> Millis {
        self.now.0 / 1_000_000
    }

    fn change(&mut self, effect: Effect) {
        self.keys.apply(&effect);
        self.effects.push(effect);
    }

    fn change_group(&mut self, key: Key, group: GroupName, effect: GroupEffect) {
        self.change(Effect::Group(key, group, effect));
    }

    fn delete_expired(&mut self) {
        self.keys.expired(self.now).into_iter().for_each(|effect| self.change(effect));
    }

    /// The stream at a key, if there is one.
    fn stream(&self, key: Key) -> Result<Option<&Stream>, Error> {
        let is_string = self.keys.strings().get(key).is_some();
        if is_string { Err(Error::WrongType) } else { Ok(self.keys.stream(key)) }
    }

    /// A stream and its group, where both have to be there.
    fn group(&self, key: Key, group: GroupName) -> Result<(&Stream, &Group), Error> {
        let stream = self.stream(key)?.ok_or(Error::NoGroup)?;
        Ok((stream, stream.groups.get(&group).ok_or(Error::NoGroup)?))
    }
}
