//! `XPENDING`.

use std::collections::BTreeMap;

use super::Execution;
use super::reading::ends;
use crate::communication::stream::command::{Bound, ConsumerName, GroupName};
use crate::communication::stream::id::Millis;
use crate::communication::stream::reply::{Error, PendingItem, Reply, Summary};
use crate::parts::redis::Key;

impl Execution<'_> {
    pub(super) fn xpending_summary(&self, key: Key, group: GroupName) -> Result<Reply, Error> {
        let (_, group) = self.group(key, group)?;
        let mut consumers: BTreeMap<ConsumerName, u64> = BTreeMap::new();
        for nack in group.pending.values() {
            *consumers.entry(nack.consumer).or_default() += 1;
        }
        let ends = group.pending.first_key_value().zip(group.pending.last_key_value());
        Ok(Reply::Summary(Summary {
            count: group.pending.len() as u64,
            range: ends.map(|((first, _), (last, _))| (*first, *last)),
            consumers: consumers.into_iter().collect(),
        }))
    }

    pub(super) fn xpending(
        &self,
        key: Key,
        group: GroupName,
        min_idle: Millis,
        (start, end): (Bound, Bound),
        count: u64,
        consumer: Option<ConsumerName>,
    ) -> Result<Reply, Error> {
        let (start, end) = ends(start, end)?;
        let (_, group) = self.group(key, group)?;
        if start > end {
            return Ok(Reply::Pending(Vec::new()));
        }
        let now = self.millis();
        let pending = group
            .pending
            .range(start..=end)
            .filter(|(_, nack)| consumer.is_none_or(|consumer| nack.consumer == consumer))
            .map(|(id, nack)| PendingItem {
                id: *id,
                consumer: nack.consumer,
                idle: nack.idle(now),
                deliveries: nack.deliveries,
            })
            .filter(|item| item.idle >= min_idle);
        Ok(Reply::Pending(pending.take(usize::try_from(count).unwrap_or(usize::MAX)).collect()))
    }
}
