//! `XREADGROUP`, `XACK`.

use super::Execution;
use super::reading::{at_most, item};
use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::{ConsumerName, GroupAfter, GroupName};
use crate::communication::stream::effect::{Effect, GroupEffect};
use crate::communication::stream::group::Nack;
use crate::communication::stream::id::Id;
use crate::communication::stream::reply::{Error, Item, Reply};
use crate::parts::redis::Key;

impl Execution<'_> {
    pub(super) fn xreadgroup(
        &mut self,
        group: GroupName,
        consumer: ConsumerName,
        streams: &[(Key, GroupAfter)],
        count: Option<u64>,
        no_ack: bool,
    ) -> Result<Reply, Error> {
        for (key, _) in streams {
            self.group(*key, group)?;
        }
        let mut found = Vec::new();
        for (key, after) in streams {
            let entries = match *after {
                // The greatest identifier means `>`.
                GroupAfter::Pending(after) if after < Id::MAX => {
                    Some(self.deliver_again(*key, group, consumer, after, at_most(count)))
                }
                GroupAfter::Pending(_) | GroupAfter::New => {
                    self.deliver_new(*key, group, consumer, at_most(count), no_ack)
                }
            };
            found.extend(entries.map(|entries| (*key, entries)));
        }
        Ok(if found.is_empty() { Reply::Nil } else { Reply::Streams(found) })
    }

    /// The entries that the group has not come to are delivered to this consumer, and pending for it until it acknowledges them
    /// (`streamReplyWithRange`). `None` if there are none.
    fn deliver_new(
        &mut self,
        key: Key,
        group: GroupName,
        consumer: ConsumerName,
        count: usize,
        no_ack: bool,
    ) -> Option<Vec<Item>> {
        let (stream, found) = self.group(key, group).expect("the group was looked up");
        let first = found.last_delivered.next()?;
        let entries: Vec<Item> = stream.range(first..).map(item).take(count).collect();
        let last = entries.last()?.id;
        let read = entries.iter().fold(found.entries_read, |read, entry| match read {
            Some(read) if !stream.has_gap_from(entry.id) => Some(read + 1),
            _ => stream.added_up_to(entry.id),
        });
        self.meet(key, group, consumer);
        if !no_ack {
            let nack = Nack { consumer, delivered: self.millis(), deliveries: 1 };
            for entry in &entries {
                self.change_group(key, group, GroupEffect::Pending(entry.id, nack));
            }
        }
        self.move_on(key, group, last, read);
        Some(entries)
    }

    fn move_on(&mut self, key: Key, group: GroupName, last: Id, read: Option<u64>) {
        let effect = Effect::Group(key, group, GroupEffect::Position(last, read));
        if self.planted(Bug::PositionNotPropagated) {
            return self.keys.apply(&effect);
        }
        self.change(effect);
    }

    /// The consumer's pending entries (`streamReplyWithRangeFromConsumerPEL`). Those that are in the stream count as delivered
    /// again, which is not propagated: no replica and no append-only file has it.
    fn deliver_again(
        &mut self,
        key: Key,
        group: GroupName,
        consumer: ConsumerName,
        after: Id,
        count: usize,
    ) -> Vec<Item> {
        self.meet(key, group, consumer);
        let (stream, found) = self.group(key, group).expect("the group was looked up");
        let pending = found.pending_of(consumer).filter(|(id, _)| *id > after).take(count);
        let entries: Vec<Item> = pending.map(|(id, _)| Item { id, fields: stream.get(id).cloned() }).collect();
        let now = self.millis();
        let pending = &mut self.keys.group_mut(key, group).expect("the group was looked up").pending;
        for entry in entries.iter().filter(|entry| entry.fields.is_some()) {
            let nack = pending.get_mut(&entry.id).expect("it is pending");
            (nack.delivered, nack.deliveries) = (now, nack.deliveries + 1);
        }
        entries
    }

    /// `XACK`: the entries are pending no more, whoever had them.
    pub(super) fn xack(&mut self, key: Key, group: GroupName, ids: &[Id]) -> Result<Reply, Error> {
        let Some(stream) = self.stream(key)? else { return Ok(Reply::Number(0)) };
        let Some(found) = stream.groups.get(&group) else { return Ok(Reply::Number(0)) };
        let cumulative = self.planted(Bug::AckRemovesOthers);
        let is_meant = |id: &Id| ids.contains(id) || (cumulative && ids.iter().any(|acked| id < acked));
        let acked: Vec<Id> = found.pending.keys().copied().filter(is_meant).collect();
        if acked.is_empty() {
            return Ok(Reply::Number(0));
        }
        let count = acked.iter().filter(|id| ids.contains(id)).count() as u64;
        let there: Vec<Id> = acked.iter().copied().filter(|id| stream.get(*id).is_some()).collect();
        self.change_group(key, group, GroupEffect::NotPending(acked));
        if self.planted(Bug::AckDeletesTheEntry) && !there.is_empty() {
            self.change(Effect::Deleted(key, there));
        }
        Ok(Reply::Number(count))
    }
}
