//! `XINFO`.

use super::Execution;
use super::reading::item;
use crate::communication::stream::command::GroupName;
use crate::communication::stream::group::Group;
use crate::communication::stream::log::Stream;
use crate::communication::stream::reply::{ConsumerInfo, Error, GroupInfo, Reply, StreamInfo};
use crate::parts::redis::Key;

/// How many entries a group has yet to read, if that is known: not behind a gap that a deletion has left.
fn lag(stream: &Stream, group: &Group) -> Option<i64> {
    let read = match group.entries_read {
        _ if stream.added() == 0 => Some(0),
        Some(read) if !stream.has_gap_from(group.last_delivered) => Some(read),
        _ => stream.added_up_to(group.last_delivered),
    };
    // `ENTRIESREAD` may claim more than there is: then it is below zero.
    read.map(|read| stream.added().wrapping_sub(read).cast_signed())
}

impl Execution<'_> {
    fn known(&self, key: Key) -> Result<&Stream, Error> {
        self.stream(key)?.ok_or(Error::NoSuchKey)
    }

    pub(super) fn xinfo_stream(&self, key: Key) -> Result<Reply, Error> {
        let stream = self.known(key)?;
        Ok(Reply::Stream(StreamInfo {
            length: stream.len(),
            last_generated_id: stream.last_id(),
            max_deleted_entry_id: stream.max_deleted(),
            entries_added: stream.added(),
            recorded_first_entry_id: stream.first_id(),
            groups: stream.groups.len() as u64,
            first_entry: stream.entries().next().map(item),
            last_entry: stream.entries().next_back().map(item),
        }))
    }

    pub(super) fn xinfo_groups(&self, key: Key) -> Result<Reply, Error> {
        let stream = self.known(key)?;
        let info = |(name, group): (&GroupName, &Group)| GroupInfo {
            name: *name,
            consumers: group.consumers.len() as u64,
            pending: group.pending.len() as u64,
            last_delivered_id: group.last_delivered,
            entries_read: group.entries_read,
            lag: lag(stream, group),
        };
        Ok(Reply::Groups(stream.groups.iter().map(info).collect()))
    }

    pub(super) fn xinfo_consumers(&self, key: Key, group: GroupName) -> Result<Reply, Error> {
        self.known(key)?;
        let (_, group) = self.group(key, group)?;
        let info = |(name, seen): (&_, &u64)| ConsumerInfo {
            name: *name,
            pending: group.pending_of(*name).count() as u64,
            idle: self.millis().saturating_sub(*seen),
        };
        Ok(Reply::Consumers(group.consumers.iter().map(info).collect()))
    }
}
