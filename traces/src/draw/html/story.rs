//! The story in words: what the text drawing shows, a sentence a line.

use seedbed_sim::timeline::Undelivered;
use serde::Serialize;

use crate::draw::Picture;
use crate::draw::select::{End, Row, placed};
use crate::draw::words::fate;

/// One line.
#[derive(Serialize)]
pub(super) struct Line {
    /// The entry of the timeline that it tells; of what is left out, the first.
    entry: usize,
    text: String,
    /// Whether it stands for others that are left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
}

/// Tells a picture.
pub(super) fn tell(picture: &Picture<'_>) -> Vec<Line> {
    let rows = placed(picture.timeline, picture.limit);
    rows.into_iter()
        .map(|(entry, row)| Line { entry, rest: matches!(row, Row::LeftOut(_)), text: sentence(&row) })
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
    }
}
