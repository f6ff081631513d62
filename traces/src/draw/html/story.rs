//! The story in words: the rows of the text drawing as sentences.

use seedbed_sim::timeline::Undelivered;
use serde::Serialize;

use crate::draw::Picture;
use crate::draw::select::{End, Row, placed};
use crate::draw::words::fate;

/// A line of the story.
#[derive(Serialize)]
pub(super) struct Line {
    /// The index of its entry in the timeline; for omitted rows, of the first one.
    entry: usize,
    text: String,
    /// Whether it stands for omitted rows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
}

/// The lines of a picture.
pub(super) fn lines(picture: &Picture<'_>) -> Vec<Line> {
    let rows = placed(picture);
    rows.into_iter()
        .map(|(entry, row)| Line {
            entry,
            rest: matches!(row, Row::LeftOut(_) | Row::Repeated { .. }),
            text: sentence(&row),
        })
        .collect()
}

fn sentence(row: &Row) -> String {
    match row {
        Row::Message { from, to, kind, end, .. } => {
            let then = match end {
                End::Arrived(at) => format!(", which arrives at {at}"),
                End::Not(Undelivered::Down) => ", which is down".into(),
                End::Not(why) => format!(": {}", fate(*why)),
                End::Open => ": still on its way".into(),
            };
            format!("{from} sends {kind} to {to}{then}")
        }
        Row::At { node, text, .. } => format!("{node} {text}"),
        Row::Across { text, .. } => text.clone(),
        Row::LeftOut(count) => format!("… {count} more"),
        Row::Repeated { count, until } => format!("… {count} more of the same until {until}"),
    }
}
