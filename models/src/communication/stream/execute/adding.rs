//! `XADD`, `XTRIM`, `XDEL`, `XLEN`.

use super::Execution;
use crate::communication::stream::bugs::Bug;
use crate::communication::stream::command::{Fields, GroupName, Trim};
use crate::communication::stream::effect::{Effect, GroupEffect};
use crate::communication::stream::id::{Id, NewId};
use crate::communication::stream::reply::{Error, Reply};
use crate::parts::redis::Key;

/// How many nodes' worth of entries a trimming removes at most that is not exact and has no `LIMIT`.
const NODES_AT_ONCE: u64 = 100;

impl Execution<'_> {
    /// `XADD`: an identifier that is greater than all that were ever given, or an error.
    pub(super) fn xadd(
        &mut self,
        key: Key,
        id: NewId,
        fields: &Fields,
        no_make: bool,
        trim: Option<&Trim>,
    ) -> Result<Reply, Error> {
        if id == NewId::Exactly(Id::ZERO) {
            return Err(Error::IdIsZero);
        }
        let stream = self.stream(key)?;
        if stream.is_none() && no_make {
            return Ok(Reply::Nil);
        }
        let last = stream.map(|stream| stream.last_id()).unwrap_or_default();
        if last == Id::MAX {
            return Err(Error::IdsExhausted);
        }
        let follows_clock = self.planted(Bug::IdFollowsClock) && id == NewId::Auto;
        let id = if follows_clock { self.id_of_clock(key) } else { id.after(last, self.millis()) };
        let id = id.ok_or(Error::IdTooSmall)?;
        assert!(id > last || follows_clock, "identifiers of entries increase: {id} comes after {last}");
        let early = self.planted(Bug::TrimsBeforeAdding);
        if let Some(trim) = trim.filter(|_| early) {
            self.trim(key, trim);
        }
        self.change(Effect::Added(key, id, fields.clone()));
        if let Some(trim) = trim.filter(|_| !early) {
            self.trim(key, trim);
        }
        Ok(Reply::Id(id))
    }

    /// The planted bug: the time of the clock, with a number that is free in it.
    fn id_of_clock(&self, key: Key) -> Option<Id> {
        let ms = self.millis();
        let taken =
            self.keys.stream(key).and_then(|stream| stream.range(Id::new(ms, 0)..=Id::new(ms, u64::MAX)).last());
        let seq = taken.map_or(0, |(last, _)| last.seq + 1);
        Some(Id::new(ms, if ms == 0 { seq.max(1) } else { seq }))
    }

    pub(super) fn xtrim(&mut self, key: Key, trim: &Trim) -> Result<Reply, Error> {
        self.stream(key)?;
        Ok(Reply::Number(self.trim(key, trim)))
    }

    /// Trims a stream, and returns how many entries went. Those that were pending stay so: whoever claims them learns that they
    /// are gone.
    fn trim(&mut self, key: Key, trim: &Trim) -> u64 {
        let limit = NODES_AT_ONCE.saturating_mul(self.keys.node_entries());
        let Some(stream) = self.keys.stream(key) else { return 0 };
        let excess = stream.excess(trim, limit);
        if excess == 0 {
            return 0;
        }
        let gone: Vec<Id> = stream.entries().take(excess as usize).map(|(id, _)| id).collect();
        self.change(Effect::Trimmed(key, excess));
        if self.planted(Bug::TrimDropsPending) {
            let groups: Vec<GroupName> =
                self.keys.stream(key).map(|stream| stream.groups.keys().copied().collect()).unwrap_or_default();
            for group in groups {
                self.change_group(key, group, GroupEffect::NotPending(gone.clone()));
            }
        }
        excess
    }

    pub(super) fn xdel(&mut self, key: Key, ids: &[Id]) -> Result<Reply, Error> {
        let Some(stream) = self.stream(key)? else { return Ok(Reply::Number(0)) };
        let mut there: Vec<Id> = Vec::new();
        for id in ids {
            if stream.get(*id).is_some() && !there.contains(id) {
                there.push(*id);
            }
        }
        let count = there.len() as u64;
        if count > 0 {
            self.change(Effect::Deleted(key, there));
        }
        Ok(Reply::Number(count))
    }

    pub(super) fn xlen(&self, key: Key) -> Result<Reply, Error> {
        Ok(Reply::Number(self.stream(key)?.map_or(0, |stream| stream.len())))
    }
}
