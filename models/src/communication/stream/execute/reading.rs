//! `XRANGE`, `XREVRANGE`, `XREAD`.

use super::Execution;
use crate::communication::stream::command::{After, Bound, Fields};
use crate::communication::stream::id::Id;
use crate::communication::stream::reply::{Error, Item, Reply};
use crate::parts::redis::Key;

/// An entry as a reply has it.
pub(super) fn item((id, fields): (Id, &Fields)) -> Item {
    Item { id, fields: Some(fields.clone()) }
}

/// The least and the greatest identifier of a range, which may be empty.
pub(super) fn ends(start: Bound, end: Bound) -> Result<(Id, Id), Error> {
    let start = match start {
        Bound::Including(id) => id,
        Bound::Excluding(id) => id.next().ok_or(Error::InvalidStart)?,
    };
    let end = match end {
        Bound::Including(id) => id,
        Bound::Excluding(id) => id.previous().ok_or(Error::InvalidEnd)?,
    };
    Ok((start, end))
}

/// As many as `COUNT` says, where zero is any number.
pub(super) fn at_most(count: Option<u64>) -> usize {
    match count.unwrap_or(0) {
        0 => usize::MAX,
        count => usize::try_from(count).unwrap_or(usize::MAX),
    }
}

impl Execution<'_> {
    pub(super) fn xrange(
        &self,
        key: Key,
        start: Bound,
        end: Bound,
        count: Option<u64>,
        reversed: bool,
    ) -> Result<Reply, Error> {
        let (start, end) = ends(start, end)?;
        let Some(stream) = self.stream(key)? else { return Ok(Reply::Entries(Vec::new())) };
        if count == Some(0) {
            return Ok(Reply::Nil);
        }
        if start > end {
            return Ok(Reply::Entries(Vec::new()));
        }
        let entries = stream.range(start..=end).map(item);
        let count = at_most(count);
        let entries = if reversed { entries.rev().take(count).collect() } else { entries.take(count).collect() };
        Ok(Reply::Entries(entries))
    }

    /// `XREAD`: the streams that have something behind their positions.
    pub(super) fn xread(&self, streams: &[(Key, After)], count: Option<u64>) -> Result<Reply, Error> {
        let mut found = Vec::new();
        for (key, _) in streams {
            self.stream(*key)?;
        }
        for (key, after) in streams {
            let Some(stream) = self.keys.stream(*key) else { continue };
            let after = match *after {
                After::Id(id) => id,
                After::Now => stream.last_id(),
            };
            let Some(first) = after.next() else { continue };
            let entries: Vec<Item> = stream.range(first..).map(item).take(at_most(count)).collect();
            if !entries.is_empty() {
                found.push((*key, entries));
            }
        }
        Ok(if found.is_empty() { Reply::Nil } else { Reply::Streams(found) })
    }
}
