//! Which lines of a timeline are worth drawing: with a limit, those near faults, operations and the end.

use std::collections::BTreeMap;

use seedbed_sim::timeline::{Entry, Happening, Undelivered};
use seedbed_sim::{NodeId, Time};

/// One line of a drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A message, drawn when it was sent.
    Message { at: Time, from: NodeId, to: NodeId, kind: String, end: End },
    /// Something at one node.
    At { at: Time, node: NodeId, text: String, routine: bool },
    /// Something that concerns several nodes or none.
    Across { at: Time, text: String },
    /// So many lines are left out.
    LeftOut(usize),
}

impl Row {
    /// Whether it is of the sort that happens all the time, and is left out first.
    fn is_routine(&self) -> bool {
        matches!(self, Row::Message { .. } | Row::At { routine: true, .. })
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Arrived(Time),
    Lost,
    Cut,
    Down,
    /// The story ends before it arrives.
    Open,
}

impl End {
    /// Why nobody got it, if nobody will.
    pub(super) fn failure(self) -> Option<&'static str> {
        match self {
            End::Arrived(_) | End::Open => None,
            End::Lost => Some("lost"),
            End::Cut => Some("cut"),
            End::Down => Some("receiver down"),
        }
    }
}

/// The rows of a timeline, the less telling ones left out where there are more than `limit`.
pub(super) fn rows(timeline: &[Entry], limit: Option<usize>) -> Vec<Row> {
    let rows = all(timeline);
    let Some(limit) = limit.filter(|limit| rows.len() > *limit) else {
        return rows;
    };
    // Every row gets a rank: what people did and what broke first, then the end, then what follows either.
    let last = rows.len();
    let mut since_event = usize::MAX / 2;
    let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(last);
    for (index, row) in rows.iter().enumerate() {
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
            drawn.push(Row::LeftOut(index - next));
        }
        drawn.push(rows[index].clone());
        next = index + 1;
    }
    if next < last {
        drawn.push(Row::LeftOut(last - next));
    }
    drawn
}

fn all(timeline: &[Entry]) -> Vec<Row> {
    let mut ends = BTreeMap::new();
    for entry in timeline {
        match &entry.what {
            // The first arrival counts; a copy comes later.
            Happening::Delivered { message, .. } => {
                ends.entry(*message).or_insert(End::Arrived(entry.at));
            }
            Happening::Undelivered { message, why, .. } => {
                let end = match why {
                    Undelivered::Lost => End::Lost,
                    Undelivered::Cut => End::Cut,
                    Undelivered::Down => End::Down,
                };
                ends.entry(*message).or_insert(end);
            }
            _ => {}
        }
    }
    timeline.iter().filter_map(|entry| row(entry, &ends)).collect()
}

fn row(entry: &Entry, ends: &BTreeMap<u64, End>) -> Option<Row> {
    let at = entry.at;
    let single = |node: &NodeId, text: String| Some(Row::At { at, node: *node, text, routine: false });
    let routine = |node: &NodeId, text: String| Some(Row::At { at, node: *node, text, routine: true });
    match &entry.what {
        Happening::Sent { message, from, to, kind, .. } => {
            let end = ends.get(message).copied().unwrap_or(End::Open);
            Some(Row::Message { at, from: *from, to: *to, kind: kind.clone(), end })
        }
        Happening::Delivered { .. } | Happening::Undelivered { .. } | Happening::Synced { .. } => None,
        Happening::Started { node } if at > Time::ZERO => single(node, "starts again".into()),
        Happening::Started { .. } => None,
        Happening::Down { node, why } => single(node, format!("goes down: {why}")),
        Happening::Invoked { node, op, text } => single(node, format!("op {} asks {text}", op.0)),
        Happening::Ended { node, op, text } => single(node, format!("op {} gets {text}", op.0)),
        Happening::Fired { node, text } => routine(node, format!("timer {text}")),
        Happening::Marked { node, name } => routine(node, format!("* {name}")),
        Happening::Noted { node, text } => single(node, text.clone()),
        Happening::FaultBegan { text, .. } => Some(Row::Across { at, text: text.clone() }),
        Happening::FaultEnded { text, .. } => Some(Row::Across { at, text: format!("ended: {text}") }),
        Happening::Healed => Some(Row::Across { at, text: "all faults end".into() }),
    }
}
