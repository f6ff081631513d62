//! A sequence diagram in plain text: a lane for each node, an arrow for each message.

use std::fmt::Write as _;

use seedbed_sim::NodeId;
use seedbed_sim::timeline::Undelivered;

use crate::draw::Picture;
use crate::draw::select::{End, Row, rows};
use crate::draw::words::fate;

/// The width of a lane in characters.
const WIDTH: usize = 15;
const MARGIN: usize = 4;

/// Draws a picture as text.
pub fn draw(picture: &Picture<'_>) -> String {
    let lanes = Lanes(picture.nodes);
    let mut text = lanes.header();
    for row in rows(picture) {
        let line = match &row {
            Row::Message { at, from, to, kind, end } => {
                let (lane, after) = lanes.arrow(*from, *to, kind, *end);
                format!("{lane}  {:>9}{after}", at.to_string())
            }
            Row::At { at, node, text, .. } => format!("{}  {:>9}  {node} {text}", lanes.dot(*node), at.to_string()),
            Row::Across { at, text } => format!("{}  {:>9}  {text}", lanes.band(), at.to_string()),
            Row::LeftOut(count) => format!("{}             … {count} more", lanes.plain()),
            Row::Repeated { count, until } => {
                format!("{}             … {count} more of the same until {until}", lanes.plain())
            }
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if let Some(violation) = picture.violation {
        writeln!(text, "{violation}").expect("writing to a string");
    }
    text
}

struct Lanes<'a>(&'a [NodeId]);

impl Lanes<'_> {
    fn column(&self, node: NodeId) -> usize {
        let place = self.0.iter().position(|other| *other == node).unwrap_or(0);
        MARGIN + place * WIDTH
    }

    fn width(&self) -> usize {
        MARGIN + self.0.len().saturating_sub(1) * WIDTH + MARGIN
    }

    fn header(&self) -> String {
        let mut line = vec![' '; self.width()];
        for node in self.0 {
            let name: Vec<char> = node.to_string().chars().collect();
            let begin = self.column(*node).saturating_sub(name.len() / 2);
            for (i, c) in name.into_iter().enumerate() {
                if begin + i < line.len() {
                    line[begin + i] = c;
                }
            }
        }
        line.into_iter().collect::<String>().trim_end().to_string() + "\n"
    }

    fn lanes(&self) -> Vec<char> {
        let mut line = vec![' '; self.width()];
        for node in self.0 {
            line[self.column(*node)] = '|';
        }
        line
    }

    fn plain(&self) -> String {
        self.lanes().into_iter().collect()
    }

    fn dot(&self, node: NodeId) -> String {
        let mut line = self.lanes();
        line[self.column(node)] = 'o';
        line.into_iter().collect()
    }

    fn band(&self) -> String {
        let filled = |c| if c == ' ' { '~' } else { c };
        self.lanes().into_iter().map(filled).collect()
    }

    /// The arrow in its lanes, and the text behind the time.
    fn arrow(&self, from: NodeId, to: NodeId, kind: &str, end: End) -> (String, String) {
        let after = match end {
            End::Arrived(at) => format!("  → {at}"),
            End::Not(Undelivered::Down) => format!("  {to} is down"),
            End::Not(why) => format!("  {}", fate(why)),
            End::Open => "  on its way".into(),
        };
        if from == to {
            return (self.dot(from), format!("  {from} to itself: {kind}{after}"));
        }
        // A shrunk story may lack the receiver.
        if !self.0.contains(&to) {
            return (self.dot(from), format!("  {from} to {to}, which is not there: {kind}"));
        }
        let mut line = self.lanes();
        let (a, b) = (self.column(from), self.column(to));
        let (left, right) = (a.min(b) + 1, a.max(b) - 1);
        line[left..=right].fill('-');
        let label: Vec<char> = kind.chars().take(right - left - 2).collect();
        let begin = left + (right + 1 - left - label.len()) / 2;
        line[begin..begin + label.len()].copy_from_slice(&label);
        let tip = match end {
            End::Arrived(_) | End::Open => {
                if a < b {
                    '>'
                } else {
                    '<'
                }
            }
            End::Not(_) => 'x',
        };
        line[if a < b { right } else { left }] = tip;
        (line.into_iter().collect(), after)
    }
}
