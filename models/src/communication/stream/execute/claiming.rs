//! `XCLAIM`, `XAUTOCLAIM`: pending entries change hands once they have been idle for long enough. A consumer that gets none is
//! not made.

use super::Execution;
use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::{AutoClaim, Claim, Delivered, GroupName};
use crate::communication::stream::effect::GroupEffect;
use crate::communication::stream::group::Nack;
use crate::communication::stream::id::{Id, Millis};
use crate::communication::stream::reply::{Claimed, Error, Item, Reply};
use crate::parts::redis::Key;

/// How many entries `XAUTOCLAIM` claims if it has no `COUNT`.
const AT_ONCE: u64 = 100;
/// How many pending entries it looks at for each that it may claim.
const ATTEMPTS: u64 = 10;

impl Execution<'_> {
    pub(super) fn xclaim(&mut self, claim: &Claim) -> Result<Reply, Error> {
        let Claim { key, group, consumer, .. } = *claim;
        let (_, found) = self.group(key, group)?;
        let (last, entries_read) = (found.last_delivered, found.entries_read);
        if let Some(id) = claim.last_id.filter(|id| *id > last) {
            self.change_group(key, group, GroupEffect::Position(id, entries_read));
        }
        let now = self.millis();
        // A time that is yet to come is a mistake of somebody's clock.
        let delivered = match claim.delivered {
            Delivered::Now => now,
            Delivered::Idle(idle) => now.checked_sub(idle).unwrap_or(now),
            Delivered::At(at) => at.min(now),
        };
        let mut claimed = Vec::new();
        for id in &claim.ids {
            let (stream, found) = self.group(key, group)?;
            let (pending, is_there) = (found.pending.get(id).copied(), stream.get(*id).is_some());
            match pending {
                _ if !is_there => self.forget(key, group, *id),
                Some(nack) if self.is_busy(&nack, claim.min_idle) => {}
                None if !claim.force => {}
                _ => {
                    // What is forced into the list begins as delivered once (`streamCreateNACK`).
                    let before = pending.map_or(1, |nack| nack.deliveries);
                    let deliveries = claim.retry_count.unwrap_or(self.count(before, claim.just_id));
                    let nack = Nack { consumer, delivered, deliveries };
                    self.meet(key, group, consumer);
                    self.change_group(key, group, GroupEffect::Pending(*id, nack));
                    claimed.push(*id);
                }
            }
        }
        Ok(Reply::Claimed(self.claimed(key, claimed, claim.just_id)))
    }

    /// `XAUTOCLAIM`: the claim of what has been idle, from the cursor on. It looks at no more than ten times as many entries as
    /// it may return, and returns where to go on.
    pub(super) fn xautoclaim(&mut self, claim: &AutoClaim) -> Result<Reply, Error> {
        let AutoClaim { key, group, consumer, start, .. } = *claim;
        let mut left = claim.count.unwrap_or(AT_ONCE);
        if left == 0 {
            return Err(Error::CountIsZero);
        }
        let (_, found) = self.group(key, group)?;
        let mut attempts = left.saturating_mul(ATTEMPTS);
        let pending: Vec<(Id, Nack)> = found.pending.range(start..).map(|(id, nack)| (*id, *nack)).collect();
        let mut pending = pending.into_iter();
        let (mut claimed, mut deleted) = (Vec::new(), Vec::new());
        while left > 0 && attempts > 0 {
            let Some((id, nack)) = pending.next() else { break };
            attempts -= 1;
            if self.keys.stream(key).is_none_or(|stream| stream.get(id).is_none()) {
                self.forget(key, group, id);
                deleted.push(id);
            } else if self.is_busy(&nack, claim.min_idle) {
                continue;
            } else {
                let deliveries = self.count(nack.deliveries, claim.just_id);
                let nack = Nack { consumer, delivered: self.millis(), deliveries };
                self.meet(key, group, consumer);
                self.change_group(key, group, GroupEffect::Pending(id, nack));
                claimed.push(id);
            }
            left -= 1;
        }
        let cursor = pending.next().map_or(Id::ZERO, |(id, _)| id);
        Ok(Reply::AutoClaimed { cursor, claimed: self.claimed(key, claimed, claim.just_id), deleted })
    }

    /// Whether an entry has been idle for less than is asked.
    fn is_busy(&self, nack: &Nack, min_idle: Millis) -> bool {
        nack.idle(self.millis()) < min_idle && !self.planted(Bug::ClaimIgnoresIdle)
    }

    /// The delivery counter of an entry that is claimed: with `JUSTID` it is not delivered.
    fn count(&self, deliveries: u64, just_id: bool) -> u64 {
        match deliveries {
            _ if self.planted(Bug::CounterReset) => 1,
            deliveries if just_id => deliveries,
            deliveries => deliveries.saturating_add(1),
        }
    }

    /// An entry that is not in the stream is not pending any more.
    fn forget(&mut self, key: Key, group: GroupName, id: Id) {
        let is_pending = self.keys.group(key, group).is_some_and(|group| group.pending.contains_key(&id));
        if is_pending {
            self.change_group(key, group, GroupEffect::NotPending(vec![id]));
        }
    }

    fn claimed(&self, key: Key, ids: Vec<Id>, just_id: bool) -> Claimed {
        if just_id {
            return Claimed::Ids(ids);
        }
        let stream = self.keys.stream(key);
        let item = |id| Item { id, fields: stream.and_then(|stream| stream.get(id).cloned()) };
        Claimed::Entries(ids.into_iter().map(item).collect())
    }
}
