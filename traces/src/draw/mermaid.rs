//! A Mermaid sequence diagram.

use std::fmt::Write as _;

use crate::draw::Picture;
use crate::draw::select::{Row, rows};

/// Draws a picture as a Mermaid `sequenceDiagram`.
pub fn draw(picture: &Picture<'_>) -> String {
    let mut text = String::from("sequenceDiagram\n");
    let mut line = |args: std::fmt::Arguments<'_>| writeln!(text, "  {args}").expect("writing to a string");
    for node in picture.nodes {
        line(format_args!("participant {node}"));
    }
    let across = match picture.nodes {
        [] => String::new(),
        [only] => only.to_string(),
        [first, .., last] => format!("{first},{last}"),
    };
    for row in rows(picture) {
        match row {
            Row::Message { at, from, to, kind, end } => match end.failure() {
                None => line(format_args!("{from}->>{to}: {kind} ({at})")),
                Some(why) => line(format_args!("{from}--x{to}: {kind} ({at}, {why})")),
            },
            Row::At { at, node, text, .. } => line(format_args!("Note over {node}: {} ({at})", plain(&text))),
            Row::Across { at, text } => line(format_args!("Note over {across}: {} ({at})", plain(&text))),
            Row::LeftOut(count) => line(format_args!("Note over {across}: … {count} more")),
            Row::Repeated { count, until } => {
                line(format_args!("Note over {across}: … {count} more of the same until {until}"));
            }
        }
    }
    if let Some(violation) = picture.violation {
        line(format_args!("Note over {across}: {} violated at {}", plain(&violation.property), violation.at));
    }
    text
}

/// Text without the special characters of Mermaid.
fn plain(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ';' | '#' | '\n' | ':') { ' ' } else { c }).collect()
}
