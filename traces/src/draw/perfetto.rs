//! Chrome's trace event format, for Perfetto: a track for each node, an arrow for each message, and tracks for faults,
//! down times and operations.
//!
//! Stories of this form are long, so an event takes about a hundred bytes, and of a long text, such as an answer that is a whole
//! document, there is only what is new in it (`News`).

use std::collections::BTreeMap;

use seedbed_sim::timeline::Happening;
use seedbed_sim::{NodeId, Time};
use serde_json::{Value, json};

use crate::draw::Picture;
use crate::draw::causality::{Event, Events};
use crate::draw::news::News;
use crate::draw::words::{fate, words};

/// The groups of tracks, which the format calls processes.
const NODES: u32 = 1;
const FAULTS: u32 = 2;
const OPERATIONS: u32 = 3;

/// The greatest drawn length of a handler, which takes no time.
const SLICE_NS: u64 = 1_000;

/// Writes the whole timeline as one JSON object.
pub fn draw(picture: &Picture<'_>) -> String {
    let events_of_timeline = Events::of(picture.nodes, picture.timeline);
    let mut events = tracks(picture.nodes);
    events.extend(handlers(picture, &events_of_timeline));
    events.extend(messages(picture, &events_of_timeline));
    events.extend(spans(picture));
    if let Some(violation) = picture.violation {
        let at = micros(violation.at);
        events.push(json!({
            "ph": "i", "s": "g", "pid": NODES, "tid": 0, "ts": at, "cat": "violation",
            "name": format!("{} violated", violation.property), "args": { "message": violation.message },
        }));
    }
    let mut text = json!({ "displayTimeUnit": "ns", "traceEvents": events }).to_string();
    text.push('\n');
    text
}

/// The time in microseconds, the unit of the format.
fn micros(at: Time) -> f64 {
    at.0 as f64 / 1e3
}

fn tracks(nodes: &[NodeId]) -> Vec<Value> {
    let group =
        |pid: u32, name: &str| json!({ "ph": "M", "pid": pid, "name": "process_name", "args": { "name": name } });
    let mut named = vec![group(NODES, "nodes"), group(FAULTS, "faults"), group(OPERATIONS, "operations")];
    named.extend(nodes.iter().map(|node| {
        json!({ "ph": "M", "pid": NODES, "tid": track(*node), "name": "thread_name", "args": { "name": node.to_string() } })
    }));
    named
}

/// Track numbers begin at 1.
fn track(node: NodeId) -> u32 {
    u32::from(node.0) + 1
}

/// An entry in words, with what is new in its text.
fn news<'a>(what: &'a Happening, news: &mut News<'a>) -> String {
    match what {
        Happening::Invoked { node, op, text } => format!("op {} asks {}", op.0, news.of((*node, "asks"), text)),
        Happening::Ended { node, op, text, .. } => format!("op {} gets {}", op.0, news.of((*node, "gets"), text)),
        Happening::Fired { node, text } => format!("timer {}", news.of((*node, "timer"), text)),
        Happening::Noted { node, text } => news.of((*node, "notes"), text),
        _ => words(what),
    }
}

/// A slice for each instant of a node, named after the first event in it.
fn handlers(picture: &Picture<'_>, events_of_timeline: &Events<'_>) -> Vec<Value> {
    let mut instants: BTreeMap<(NodeId, Time), Vec<String>> = BTreeMap::new();
    let mut told = News::default();
    for event in &events_of_timeline.events {
        instants.entry((picture.nodes[event.node], event.at)).or_default().push(news(event.what, &mut told));
    }
    let mut slices = Vec::with_capacity(instants.len());
    let mut following = instants.keys().skip(1);
    for ((node, at), what) in &instants {
        let next = following.next().filter(|(other, _)| other == node);
        let lasts = next.map_or(SLICE_NS, |(_, next)| next.since(*at).0.min(SLICE_NS));
        let mut slice = json!({
            "ph": "X", "pid": NODES, "tid": track(*node), "ts": micros(*at), "dur": micros(Time(lasts)), "name": what[0],
        });
        if what.len() > 1 {
            slice["args"] = json!({ "then": what[1..] });
        }
        slices.push(slice);
    }
    slices
}

/// An arrow from each message's sender to its receiver; a duplicate has an arrow of its own. Undelivered messages are
/// marked at their sender.
fn messages(picture: &Picture<'_>, events_of_timeline: &Events<'_>) -> Vec<Value> {
    let mut arrows = Vec::new();
    for event in &events_of_timeline.events {
        let (Happening::Delivered { kind, .. }, Some(sent)) = (event.what, event.sent) else { continue };
        let (id, sent) = (arrows.len(), &events_of_timeline.events[sent]);
        let end = |ph: &str, event: &Event<'_>| {
            json!({
                "ph": ph, "bp": "e", "id": id, "pid": NODES, "tid": track(picture.nodes[event.node]),
                "ts": micros(event.at), "name": kind,
            })
        };
        arrows.extend([end("s", sent), end("f", event)]);
    }
    for entry in picture.timeline {
        if let Happening::Undelivered { to, kind, from, why, .. } = &entry.what {
            arrows.push(json!({
                "ph": "i", "s": "t", "pid": NODES, "tid": track(*from), "ts": micros(entry.at),
                "name": format!("{kind} to {to}: {}", fate(*why)),
            }));
        }
    }
    arrows
}

/// The spans of faults, down times and operations.
fn spans(picture: &Picture<'_>) -> Vec<Value> {
    let mut spans = Vec::new();
    let mut open: BTreeMap<(u32, String), (usize, Time)> = BTreeMap::new();
    let mut count = 0;
    let last = picture.timeline.last().map_or(Time::ZERO, |entry| entry.at);
    let mut edge = |ph: &str, group: u32, id: usize, at: Time, name: &str, said: &str| {
        spans.push(json!({
            "ph": ph, "pid": group, "tid": 0, "id": id, "ts": micros(at), "cat": "span", "name": name,
            "args": { "said": said },
        }));
    };
    let mut told = News::default();
    for entry in picture.timeline {
        let (begins, group, name, said) = match &entry.what {
            Happening::FaultBegan { text, .. } => (true, FAULTS, text.clone(), String::new()),
            Happening::FaultEnded { text, .. } => (false, FAULTS, text.clone(), String::new()),
            Happening::Down { node, why } => (true, FAULTS, format!("{node} is down"), why.clone()),
            Happening::Started { node } => (false, FAULTS, format!("{node} is down"), String::new()),
            Happening::Invoked { node, op, text } => {
                (true, OPERATIONS, format!("{node} op {}", op.0), told.of((*node, "asks"), text))
            }
            Happening::Ended { node, op, text, .. } => {
                (false, OPERATIONS, format!("{node} op {}", op.0), told.of((*node, "gets"), text))
            }
            _ => continue,
        };
        if begins {
            count += 1;
            edge("b", group, count, entry.at, &name, &said);
            open.insert((group, name), (count, entry.at));
        } else if let Some((id, _)) = open.remove(&(group, name.clone())) {
            edge("e", group, id, entry.at, &name, &said);
        }
    }
    for ((group, name), (id, _)) in open {
        edge("e", group, id, last, &name, "the story ends");
    }
    spans
}
