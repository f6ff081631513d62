//! A ledger of a stream: what its entries, groups and pending entries must be, by the commands that were executed and the replies
//! that were given. It knows the rules from the documentation of the commands, and nothing of how the server keeps them.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::stream::engine::Executed;
use seedbed_models::communication::stream::log::Stream as Log;
use seedbed_models::communication::stream::{
    AutoClaim, Claim, Command, ConsumerName, Delivered, Exactness, Fields, Group, GroupAfter, GroupName, GroupStart,
    Id, Item, Millis, Nack, Reply, Threshold, Trim,
};
use seedbed_models::parts::redis::{self, Key};

/// The rules that a ledger can find broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// S2: an entry is new to exactly one consumer of a group.
    NewOnce,
    /// S3: what was delivered is acknowledged or pending.
    Balance,
    /// S4: what is claimed has been idle.
    Idle,
    /// S6: entries go by trimming or deletion alone.
    Stay,
    /// S7: deliveries are counted.
    Counted,
}

/// A rule, and how it is broken.
pub type Breach = (Rule, String);

fn breach<T>(rule: Rule, words: String) -> Result<T, Breach> {
    Err((rule, words))
}

/// A group.
#[derive(Clone, Debug, Default)]
struct Known {
    position: Id,
    pending: BTreeMap<Id, Nack>,
    /// What was new to somebody.
    delivered: BTreeSet<Id>,
}

impl Known {
    fn of(group: &Group) -> Self {
        Known { position: group.last_delivered, pending: group.pending.clone(), delivered: BTreeSet::new() }
    }
}

/// The ledger of the stream at one key.
#[derive(Clone, Debug)]
pub struct Ledger {
    key: Key,
    last: Id,
    entries: BTreeMap<Id, Fields>,
    groups: BTreeMap<GroupName, Known>,
}

impl Ledger {
    /// The ledger of a stream as it is; empty if there is no stream yet.
    pub fn of(key: Key, stream: Option<&Log>) -> Self {
        let entries = stream.map(|stream| stream.entries().map(|(id, fields)| (id, fields.clone())).collect());
        let groups = stream.map(|stream| stream.groups.iter().map(|(name, group)| (*name, Known::of(group))).collect());
        let last = stream.map(Log::last_id).unwrap_or_default();
        Ledger { key, last, entries: entries.unwrap_or_default(), groups: groups.unwrap_or_default() }
    }

    /// Enters a command that was executed. `stream` is what is there after all commands of the event, of which at most one
    /// trims.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub fn enter(&mut self, executed: &Executed, stream: Option<&Log>) -> Result<(), Breach> {
        let now = executed.at.0 / 1_000_000;
        match (&executed.command, &executed.reply) {
            (_, Reply::Error(_)) => Ok(()),
            (Command::XAdd { key, fields, trim, .. }, Reply::Id(id)) if *key == self.key => {
                self.entries.insert(*id, fields.clone());
                self.last = *id;
                trim.as_ref().map_or(Ok(()), |trim| self.trimmed(trim, stream))
            }
            (Command::XTrim(key, trim), Reply::Number(count)) if *key == self.key => {
                let before = self.entries.len();
                self.trimmed(trim, stream)?;
                self.counted(*count, before - self.entries.len(), "were trimmed")
            }
            (Command::XDel(key, ids), Reply::Number(count)) if *key == self.key => {
                let before = self.entries.len();
                ids.iter().for_each(|id| drop(self.entries.remove(id)));
                self.counted(*count, before - self.entries.len(), "were deleted")
            }
            (Command::Plain(redis::Command::Del(key)), Reply::Number(1)) if *key == self.key => {
                *self = Ledger::of(self.key, None);
                Ok(())
            }
            (Command::XGroupCreate { key, group, start, .. }, Reply::Ok) if *key == self.key => {
                let position = self.position(*start);
                self.groups.insert(*group, Known { position, ..Known::default() });
                Ok(())
            }
            (Command::XGroupSetId { key, group, start, .. }, Reply::Ok) if *key == self.key => {
                let position = self.position(*start);
                let known = self.groups.entry(*group).or_default();
                known.position = position;
                // What is behind it is new again.
                known.delivered.retain(|id| *id <= position);
                Ok(())
            }
            (Command::XGroupDestroy(key, group), Reply::Number(1)) if *key == self.key => {
                self.groups.remove(group);
                Ok(())
            }
            (Command::XGroupDelConsumer(key, group, consumer), Reply::Number(_)) if *key == self.key => {
                self.group(*group)?.pending.retain(|_, nack| nack.consumer != *consumer);
                Ok(())
            }
            (Command::XReadGroup { group, consumer, streams, no_ack, .. }, Reply::Streams(found)) => {
                self.read(now, *group, *consumer, streams, found, *no_ack)
            }
            (Command::XAck(key, group, ids), Reply::Number(count)) if *key == self.key => {
                self.acked(*group, ids, *count)
            }
            (Command::XClaim(claim), Reply::Claimed(claimed)) if claim.key == self.key => {
                self.claimed(now, claim, &claimed.ids())
            }
            (Command::XAutoClaim(claim), Reply::AutoClaimed { cursor, claimed, deleted }) if claim.key == self.key => {
                self.auto_claimed(now, claim, *cursor, &claimed.ids(), deleted)
            }
            (Command::XPending { key, group, .. }, Reply::Pending(pending)) if *key == self.key => {
                let known = self.group(*group)?;
                for item in pending {
                    let counted = known.pending.get(&item.id).map(|nack| nack.deliveries);
                    if counted != Some(item.deliveries) {
                        let words =
                            format!("{} is said to be delivered {} times: {counted:?}", item.id, item.deliveries);
                        return breach(Rule::Counted, words);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn position(&self, start: GroupStart) -> Id {
        match start {
            GroupStart::Id(id) => id,
            GroupStart::Last => self.last,
        }
    }

    fn group(&mut self, group: GroupName) -> Result<&mut Known, Breach> {
        let missing = || (Rule::Balance, format!("a command on {group:?}, which is not there, was executed"));
        self.groups.get_mut(&group).ok_or_else(missing)
    }

    fn counted(&self, said: u64, is: usize, what: &str) -> Result<(), Breach> {
        if said == is as u64 {
            Ok(())
        } else {
            breach(Rule::Stay, format!("{is} entries {what}, and {said} are said to be"))
        }
    }

    /// A trimming takes the oldest entries, and no more than it may: it leaves so many, or all from an identifier on.
    fn trimmed(&mut self, trim: &Trim, stream: Option<&Log>) -> Result<(), Breach> {
        let is_there = |id: &Id| stream.is_some_and(|stream| stream.get(*id).is_some());
        let (left, gone): (Vec<Id>, Vec<Id>) = self.entries.keys().partition(|id| is_there(id));
        let oldest = gone.last().is_none_or(|last| left.first().is_none_or(|first| last < first));
        let may = match trim.to {
            Threshold::MaxLen(most) => gone.is_empty() || left.len() as u64 >= most,
            Threshold::MinId(least) => gone.last().is_none_or(|last| *last < least),
        };
        let limited = match trim.how {
            Exactness::Approximate { limit: Some(limit) } if limit > 0 => gone.len() as u64 <= limit,
            Exactness::Exact | Exactness::Approximate { .. } => true,
        };
        if !oldest || !may || !limited {
            return breach(Rule::Stay, format!("{trim:?} has removed {gone:?} of {:?}", self.entries.keys()));
        }
        self.entries.retain(|id, _| is_there(id));
        Ok(())
    }

    fn read(
        &mut self,
        now: Millis,
        group: GroupName,
        consumer: ConsumerName,
        streams: &[(Key, GroupAfter)],
        found: &[(Key, Vec<Item>)],
        no_ack: bool,
    ) -> Result<(), Breach> {
        let own = self.key;
        for (key, items) in found.iter().filter(|(key, _)| *key == own) {
            let after = streams.iter().find(|(of, _)| of == key).map(|(_, after)| *after);
            for item in items {
                match after {
                    Some(GroupAfter::New) => self.is_new(now, group, consumer, item, no_ack)?,
                    Some(GroupAfter::Pending(_)) => self.is_again(now, group, consumer, item)?,
                    None => return breach(Rule::NewOnce, format!("{key:?} was not asked for")),
                }
            }
        }
        Ok(())
    }

    /// S2: the next entry behind the group's position, which nobody has had.
    fn is_new(
        &mut self,
        now: Millis,
        group: GroupName,
        consumer: ConsumerName,
        item: &Item,
        no_ack: bool,
    ) -> Result<(), Breach> {
        self.has_fields(item)?;
        let position = self.group(group)?.position;
        let next = self.entries.keys().find(|id| **id > position).copied();
        let known = self.group(group)?;
        if next != Some(item.id) || !known.delivered.insert(item.id) {
            let words = format!("{consumer:?} gets {} as new, and behind {position} the next is {next:?}", item.id);
            return breach(Rule::NewOnce, words);
        }
        known.position = item.id;
        if !no_ack {
            known.pending.insert(item.id, Nack { consumer, delivered: now, deliveries: 1 });
        }
        Ok(())
    }

    /// An entry of a consumer's history, which counts as a delivery if it is in the stream.
    fn is_again(&mut self, now: Millis, group: GroupName, consumer: ConsumerName, item: &Item) -> Result<(), Breach> {
        let is_there = self.entries.contains_key(&item.id);
        if is_there != item.fields.is_some() {
            return breach(Rule::Stay, format!("{} is said to be there or not, wrongly", item.id));
        }
        match self.group(group)?.pending.get_mut(&item.id).filter(|nack| nack.consumer == consumer) {
            None => {
                breach(Rule::Balance, format!("{consumer:?} gets {} from its history, and does not have it", item.id))
            }
            Some(nack) => {
                if is_there {
                    (nack.delivered, nack.deliveries) = (now, nack.deliveries + 1);
                }
                Ok(())
            }
        }
    }

    fn has_fields(&self, item: &Item) -> Result<(), Breach> {
        let known = self.entries.get(&item.id);
        if known.is_some() && known == item.fields.as_ref() {
            return Ok(());
        }
        breach(Rule::Stay, format!("{item:?} is delivered, and the stream has {known:?}"))
    }

    fn acked(&mut self, group: GroupName, ids: &[Id], said: u64) -> Result<(), Breach> {
        let Some(known) = self.groups.get_mut(&group) else { return Ok(()) };
        let before = known.pending.len();
        known.pending.retain(|id, _| !ids.contains(id));
        let acked = (before - known.pending.len()) as u64;
        if acked == said {
            Ok(())
        } else {
            breach(Rule::Balance, format!("{acked} of {ids:?} were pending, not {said}"))
        }
    }

    fn claimed(&mut self, now: Millis, claim: &Claim, claimed: &[Id]) -> Result<(), Breach> {
        let gone: Vec<Id> = claim.ids.iter().copied().filter(|id| !self.entries.contains_key(id)).collect();
        let known = self.group(claim.group)?;
        known.pending.retain(|id, _| !gone.contains(id));
        if let Some(last) = claim.last_id {
            known.position = known.position.max(last);
        }
        let delivered = match claim.delivered {
            Delivered::Now => now,
            Delivered::Idle(idle) => now.checked_sub(idle).unwrap_or(now),
            Delivered::At(at) => at.min(now),
        };
        for id in claimed {
            let before = known.pending.get(id).copied();
            let (min_idle, consumer) = (claim.min_idle, claim.consumer);
            if before.is_none() && (!claim.force || gone.contains(id)) {
                return breach(Rule::Balance, format!("{consumer:?} claims {id}, which is not pending"));
            }
            is_idle(*id, before.as_ref(), now, min_idle)?;
            let counted = before.map_or(1, |nack| nack.deliveries) + u64::from(!claim.just_id);
            let deliveries = claim.retry_count.unwrap_or(counted);
            known.pending.insert(*id, Nack { consumer, delivered, deliveries });
        }
        Ok(())
    }

    fn auto_claimed(
        &mut self,
        now: Millis,
        claim: &AutoClaim,
        cursor: Id,
        claimed: &[Id],
        deleted: &[Id],
    ) -> Result<(), Breach> {
        if let Some(id) = deleted.iter().find(|id| self.entries.contains_key(id)) {
            return breach(Rule::Stay, format!("{id} is in the stream, and is said to be deleted"));
        }
        let known = self.group(claim.group)?;
        // All that stands before the cursor and was idle is claimed, or is gone.
        let looked_at = |id: &Id| *id >= claim.start && (cursor == Id::ZERO || *id < cursor);
        let idle = |nack: &Nack| now.saturating_sub(nack.delivered) >= claim.min_idle;
        let left_out = |id: &Id| !claimed.contains(id) && !deleted.contains(id);
        let passed = known.pending.iter().find(|(id, nack)| looked_at(id) && idle(nack) && left_out(id));
        if let Some((id, nack)) = passed {
            return breach(Rule::Idle, format!("{id} was idle as {nack:?}, and the claim of {claim:?} passes by"));
        }
        known.pending.retain(|id, _| !deleted.contains(id));
        for id in claimed {
            let Some(nack) = known.pending.get_mut(id) else {
                return breach(Rule::Balance, format!("{:?} claims {id}, which is not pending", claim.consumer));
            };
            is_idle(*id, Some(nack), now, claim.min_idle)?;
            let deliveries = nack.deliveries + u64::from(!claim.just_id);
            *nack = Nack { consumer: claim.consumer, delivered: now, deliveries };
        }
        Ok(())
    }

    /// Compares the ledger with the stream that is there.
    ///
    /// # Errors
    /// The first rule by which they differ.
    pub fn agrees(&self, stream: Option<&Log>) -> Result<(), Breach> {
        let actual = Ledger::of(self.key, stream);
        if self.entries != actual.entries {
            let (own, other) = (self.entries.keys(), actual.entries.keys());
            return breach(Rule::Stay, format!("the stream has the entries {other:?}, and must have {own:?}"));
        }
        for (name, own) in &self.groups {
            let Some(other) = actual.groups.get(name) else {
                return breach(Rule::Balance, format!("{name:?} is gone"));
            };
            own.agrees(other)?;
        }
        Ok(())
    }
}

impl Known {
    fn agrees(&self, other: &Known) -> Result<(), Breach> {
        if self.position != other.position {
            let words = format!("the group is at {}, and was delivered all up to {}", other.position, self.position);
            return breach(Rule::NewOnce, words);
        }
        let owners = |known: &Known| -> Vec<(Id, ConsumerName)> {
            known.pending.iter().map(|(id, nack)| (*id, nack.consumer)).collect()
        };
        if owners(self) != owners(other) {
            let words = format!("pending is {:?}, and must be {:?}", owners(other), owners(self));
            return breach(Rule::Balance, words);
        }
        for (id, own) in &self.pending {
            let other = &other.pending[id];
            if own.deliveries != other.deliveries {
                let words =
                    format!("{id} was delivered {} times, and {} are counted", own.deliveries, other.deliveries);
                return breach(Rule::Counted, words);
            }
            if own.delivered != other.delivered {
                let words = format!("{id} was delivered at {} ms, and not at {}", own.delivered, other.delivered);
                return breach(Rule::Idle, words);
            }
        }
        Ok(())
    }
}

/// S4.
fn is_idle(id: Id, before: Option<&Nack>, now: Millis, min_idle: Millis) -> Result<(), Breach> {
    match before {
        Some(nack) if now.saturating_sub(nack.delivered) < min_idle => {
            let words = format!(
                "{id} is claimed at {now} ms, was delivered at {} ms, and {min_idle} ms must pass",
                nack.delivered
            );
            breach(Rule::Idle, words)
        }
        _ => Ok(()),
    }
}
