//! The selection of timeline rows for drawings: with a limit, those near faults, operations and the end; of a run that is
//! stuck, none after the last that is new.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::timeline::{Entry, Happening, Undelivered};
use seedbed_sim::{NodeId, Time};

use crate::draw::Picture;
use crate::draw::words::{fate, words};

/// A row of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A message, drawn when it was sent.
    Message { at: Time, from: NodeId, to: NodeId, kind: String, end: End },
    /// An entry of one node.
    At { at: Time, node: NodeId, text: String, routine: bool },
    /// An entry of several nodes or none.
    Across { at: Time, text: String },
    /// The number of omitted rows.
    LeftOut(usize),
    /// The number of omitted rows at the end, of which each was there before, and when the last of them is.
    Repeated { count: usize, until: Time },
}

impl Row {
    /// Whether it is a frequent kind of entry, which is omitted first.
    fn is_routine(&self) -> bool {
        matches!(self, Row::Message { .. } | Row::At { routine: true, .. })
    }

    /// What it says, without times and numbers: rows that repeat each other have one shape.
    fn shape(&self) -> String {
        match self {
            Row::Message { from, to, kind, end, .. } => format!("{from} {to} {kind} {:?}", end.failure()),
            Row::At { node, text, .. } => format!("{node} {}", text.replace(|c: char| c.is_ascii_digit(), "")),
            Row::Across { text, .. } => text.clone(),
            Row::LeftOut(_) | Row::Repeated { .. } => String::new(),
        }
    }

    fn at(&self) -> Option<Time> {
        match self {
            Row::Message { at, .. } | Row::At { at, .. } | Row::Across { at, .. } => Some(*at),
            Row::LeftOut(_) | Row::Repeated { .. } => None,
        }
    }
}

/// The fate of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Arrived(Time),
    Not(Undelivered),
    /// In flight at the end.
    Open,
}

impl End {
    /// Why it was not delivered, if it never will be.
    pub(super) fn failure(self) -> Option<&'static str> {
        match self {
            End::Arrived(_) | End::Open => None,
            End::Not(why) => Some(fate(why)),
        }
    }
}

/// The rows of a picture, without the least relevant ones beyond its limit.
pub(super) fn rows(picture: &Picture<'_>) -> Vec<Row> {
    placed(picture).into_iter().map(|(_, row)| row).collect()
}

/// The same rows, each with the index of its entry in the timeline; of omitted rows, the index of the first.
pub(super) fn placed(picture: &Picture<'_>) -> Vec<(usize, Row)> {
    let mut rows = all(picture.timeline);
    let Some(limit) = picture.limit else { return rows };
    let stuck = picture.violation.is_some_and(|violation| violation.liveness);
    let repeated = if stuck { without_repetition(&mut rows) } else { None };
    let mut rows = if rows.len() > limit { limited(rows, limit) } else { rows };
    rows.extend(repeated);
    rows
}

/// Of what repeats itself at the end, so many rows are drawn.
const AGAIN: usize = 12;

/// Takes away the rows at the end that only repeat what was there before; returns what is drawn instead.
fn without_repetition(rows: &mut Vec<(usize, Row)>) -> Option<(usize, Row)> {
    let mut shapes = BTreeSet::new();
    let is_new: Vec<bool> = rows.iter().map(|(_, row)| shapes.insert(row.shape()) || !row.is_routine()).collect();
    let kept = is_new.iter().rposition(|new| *new)? + 1 + AGAIN;
    let count = rows.len().saturating_sub(kept);
    if count < AGAIN {
        return None;
    }
    let until = rows.last().and_then(|(_, row)| row.at())?;
    let first = rows[kept].0;
    rows.truncate(kept);
    Some((first, Row::Repeated { count, until }))
}

/// The most relevant `limit` rows.
fn limited(rows: Vec<(usize, Row)>, limit: usize) -> Vec<(usize, Row)> {
    // Every row gets a rank: operations and faults first, then the end, then rows that follow either.
    let last = rows.len();
    let mut since_event = usize::MAX / 2;
    let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(last);
    for (index, (_, row)) in rows.iter().enumerate() {
        let routine = row.is_routine();
        since_event = if routine { since_event + 1 } else { 0 };
        let rank =
            if routine { 2 + since_event.min((last - index) / 2) } else { usize::from(last - index > 2 * limit) };
        ranked.push((rank, index));
    }
    ranked.sort_by_key(|(rank, index)| (*rank, last - index));
    let mut kept: Vec<usize> = ranked.into_iter().take(limit).map(|(_, index)| index).collect();
    kept.sort_unstable();
    let mut drawn = Vec::with_capacity(kept.len() * 2);
    let mut next = 0;
    for index in kept {
        if index > next {
            drawn.push((rows[next].0, Row::LeftOut(index - next)));
        }
        drawn.push(rows[index].clone());
        next = index + 1;
    }
    if next < last {
        drawn.push((rows[next].0, Row::LeftOut(last - next)));
    }
    drawn
}

fn all(timeline: &[Entry]) -> Vec<(usize, Row)> {
    let mut ends = BTreeMap::new();
    for entry in timeline {
        match &entry.what {
            // The first arrival counts; a duplicate comes later.
            Happening::Delivered { message, .. } => {
                ends.entry(*message).or_insert(End::Arrived(entry.at));
            }
            Happening::Undelivered { message, why, .. } => {
                ends.entry(*message).or_insert(End::Not(*why));
            }
            _ => {}
        }
    }
    let rows = timeline.iter().enumerate();
    rows.filter_map(|(place, entry)| Some((place, row(entry, &ends)?))).collect()
}

fn row(entry: &Entry, ends: &BTreeMap<u64, End>) -> Option<Row> {
    let at = entry.at;
    let single = |node: &NodeId| Some(Row::At { at, node: *node, text: words(&entry.what), routine: false });
    let routine = |node: &NodeId| Some(Row::At { at, node: *node, text: words(&entry.what), routine: true });
    match &entry.what {
        Happening::Sent { message, from, to, kind, .. } => {
            let end = ends.get(message).copied().unwrap_or(End::Open);
            Some(Row::Message { at, from: *from, to: *to, kind: kind.clone(), end })
        }
        Happening::Delivered { .. }
        | Happening::Held { .. }
        | Happening::Undelivered { .. }
        | Happening::Synced { .. } => None,
        Happening::Started { .. } if at == Time::ZERO => None,
        Happening::Started { node } => Some(Row::At { at, node: *node, text: "starts again".into(), routine: false }),
        Happening::Down { node, .. }
        | Happening::Invoked { node, .. }
        | Happening::Ended { node, .. }
        | Happening::Noted { node, .. } => single(node),
        Happening::Fired { node, .. } | Happening::Marked { node, .. } => routine(node),
        Happening::FaultBegan { .. } | Happening::FaultEnded { .. } | Happening::Healed => {
            Some(Row::Across { at, text: words(&entry.what) })
        }
    }
}
