//! `XGROUP`.

use super::Execution;
use crate::communication::stream::command::{ConsumerName, GroupName, GroupStart};
use crate::communication::stream::effect::{Effect, GroupEffect};
use crate::communication::stream::id::Id;
use crate::communication::stream::log::Stream;
use crate::communication::stream::reply::{Error, Reply};
use crate::parts::redis::Key;

fn position(start: GroupStart, stream: Option<&Stream>) -> Id {
    match start {
        GroupStart::Id(id) => id,
        GroupStart::Last => stream.map(Stream::last_id).unwrap_or_default(),
    }
}

impl Execution<'_> {
    pub(super) fn xgroup_create(
        &mut self,
        key: Key,
        group: GroupName,
        start: GroupStart,
        make: bool,
        entries_read: Option<u64>,
    ) -> Result<Reply, Error> {
        let stream = self.stream(key)?;
        if stream.is_none() && !make {
            return Err(Error::KeyRequired);
        }
        if stream.is_some_and(|stream| stream.groups.contains_key(&group)) {
            return Err(Error::BusyGroup);
        }
        let (position, is_there) = (position(start, stream), stream.is_some());
        if !is_there {
            self.change(Effect::Made(key));
        }
        self.change_group(key, group, GroupEffect::Position(position, entries_read));
        Ok(Reply::Ok)
    }

    pub(super) fn xgroup_set_id(
        &mut self,
        key: Key,
        group: GroupName,
        start: GroupStart,
        entries_read: Option<u64>,
    ) -> Result<Reply, Error> {
        let stream = self.stream(key)?.ok_or(Error::KeyRequired)?;
        let position = position(start, Some(stream));
        self.group(key, group)?;
        self.change_group(key, group, GroupEffect::Position(position, entries_read));
        Ok(Reply::Ok)
    }

    pub(super) fn xgroup_destroy(&mut self, key: Key, group: GroupName) -> Result<Reply, Error> {
        let stream = self.stream(key)?.ok_or(Error::KeyRequired)?;
        let there = stream.groups.contains_key(&group);
        if there {
            self.change_group(key, group, GroupEffect::Destroyed);
        }
        Ok(Reply::Number(u64::from(there)))
    }

    pub(super) fn xgroup_create_consumer(
        &mut self,
        key: Key,
        group: GroupName,
        consumer: ConsumerName,
    ) -> Result<Reply, Error> {
        self.stream(key)?.ok_or(Error::KeyRequired)?;
        self.group(key, group)?;
        Ok(Reply::Number(u64::from(self.meet(key, group, consumer))))
    }

    /// The consumer's pending entries go with it, and nobody gets them any more.
    pub(super) fn xgroup_del_consumer(
        &mut self,
        key: Key,
        group: GroupName,
        consumer: ConsumerName,
    ) -> Result<Reply, Error> {
        self.stream(key)?.ok_or(Error::KeyRequired)?;
        let (_, found) = self.group(key, group)?;
        let pending = found.pending_of(consumer).count() as u64;
        if found.consumers.contains_key(&consumer) {
            self.change_group(key, group, GroupEffect::ConsumerDeleted(consumer));
        }
        Ok(Reply::Number(pending))
    }

    /// The group has heard of this consumer. Says whether it was new.
    pub(super) fn meet(&mut self, key: Key, group: GroupName, consumer: ConsumerName) -> bool {
        let (_, found) = self.group(key, group).expect("consumers are met in a group that is there");
        let is_new = !found.consumers.contains_key(&consumer);
        if is_new {
            self.change_group(key, group, GroupEffect::Consumer(consumer));
        }
        let now = self.millis();
        if let Some(group) = self.keys.group_mut(key, group) {
            group.consumers.insert(consumer, now);
        }
        is_new
    }
}
