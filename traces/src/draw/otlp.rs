//! OpenTelemetry traces in OTLP's JSON encoding: each operation of a client is a trace, and each message between its
//! invocation and its end, in the order of happens-before, is a span. Times are simulated, counted from the epoch.

use std::collections::BTreeMap;

use seedbed_sim::timeline::Happening;
use seedbed_sim::{OpId, Time};
use serde_json::{Value, json};

use crate::draw::Picture;
use crate::draw::causality::Causality;
use crate::draw::words::{fate, words};

/// The numbers of span kinds and status codes in the protocol.
const INTERNAL: u8 = 1;
const CLIENT: u8 = 3;
const OK: u8 = 1;
const ERROR: u8 = 2;

/// Writes the operations of the timeline as one `TracesData` object.
pub fn draw(picture: &Picture<'_>) -> String {
    let causality = Causality::of(picture.nodes, picture.timeline);
    let mut spans: BTreeMap<usize, Vec<Value>> = BTreeMap::new();
    for operation in operations(&causality) {
        operation.trace(picture, &causality, &mut spans);
    }
    let resources: Vec<Value> = spans
        .into_iter()
        .map(|(node, spans)| {
            let service = json!([text("service.name", &picture.nodes[node].to_string())]);
            let scope = json!({ "name": "seedbed", "version": env!("CARGO_PKG_VERSION") });
            json!({ "resource": { "attributes": service }, "scopeSpans": [{ "scope": scope, "spans": spans }] })
        })
        .collect();
    let mut text = json!({ "resourceSpans": resources }).to_string();
    text.push('\n');
    text
}

/// The events of an operation's invocation and, if it has one, its end.
struct Operation {
    op: OpId,
    begun: usize,
    ended: Option<usize>,
}

fn operations(causality: &Causality<'_>) -> Vec<Operation> {
    let mut found: Vec<Operation> = Vec::new();
    for (n, event) in causality.events.iter().enumerate() {
        match event.what {
            Happening::Invoked { op, .. } => found.push(Operation { op: *op, begun: n, ended: None }),
            Happening::Ended { op, .. } => {
                if let Some(operation) = found.iter_mut().rev().find(|operation| operation.op == *op) {
                    operation.ended = Some(n);
                }
            }
            _ => {}
        }
    }
    found
}

impl Operation {
    fn covers(&self, causality: &Causality<'_>, event: usize) -> bool {
        causality.reaches(self.begun, event) && self.ended.is_none_or(|ended| causality.reaches(event, ended))
    }

    fn trace(&self, picture: &Picture<'_>, causality: &Causality<'_>, spans: &mut BTreeMap<usize, Vec<Value>>) {
        let until = self.ended.map_or(causality.events.len(), |ended| ended + 1);
        let last = picture.timeline.last().map_or(Time::ZERO, |entry| entry.at);
        let arrivals = self.arrivals(causality, until);
        let mut marks = Vec::new();
        // By node: the span of its latest event in this operation.
        let mut parents: BTreeMap<usize, usize> = BTreeMap::new();
        for n in (self.begun + 1..until).filter(|n| self.covers(causality, *n)) {
            let event = &causality.events[n];
            match event.what {
                Happening::Delivered { .. } => {
                    if let Some(sent) = event.sent.filter(|sent| *sent > self.begun && self.covers(causality, *sent)) {
                        parents.insert(event.node, sent);
                    }
                }
                Happening::Sent { message, to, kind, text: whole, .. } => {
                    let why = causality.undelivered.get(message).filter(|_| !arrivals.contains_key(message));
                    let status = why.map_or(json!({}), |why| json!({ "code": ERROR, "message": fate(*why) }));
                    let parent = parents.get(&event.node).copied().unwrap_or(self.begun);
                    let end = arrivals.get(message).map_or(event.at, |arrival| causality.events[*arrival].at);
                    let span = Span {
                        event: n,
                        parent: Some(parent),
                        name: kind,
                        kind: INTERNAL,
                        begun: event.at,
                        ended: end,
                        attributes: json!([text("to", &to.to_string()), text("message", whole)]),
                        status,
                        events: Vec::new(),
                    };
                    spans.entry(event.node).or_default().push(span.of(self.op));
                }
                Happening::Marked { .. } | Happening::Noted { .. } => {
                    let name = format!("{} {}", picture.nodes[event.node], words(event.what));
                    marks.push(json!({ "timeUnixNano": event.at.0.to_string(), "name": name }));
                }
                _ => {}
            }
        }
        let begun = &causality.events[self.begun];
        let Happening::Invoked { text: asked, .. } = begun.what else { return };
        let ended = self.ended.map(|ended| &causality.events[ended]);
        let (status, attributes) = match ended.map(|ended| ended.what) {
            Some(Happening::Ended { text: answer, .. }) => (json!({ "code": OK }), json!([text("answer", answer)])),
            _ => (json!({ "code": ERROR, "message": "it never ended" }), json!([])),
        };
        let root = Span {
            event: self.begun,
            parent: None,
            name: asked,
            kind: CLIENT,
            begun: begun.at,
            ended: ended.map_or(last, |ended| ended.at),
            attributes,
            status,
            events: marks,
        };
        spans.entry(begun.node).or_default().push(root.of(self.op));
    }

    /// By message that arrived before the end: its first arrival.
    fn arrivals(&self, causality: &Causality<'_>, until: usize) -> BTreeMap<u64, usize> {
        let mut arrivals = BTreeMap::new();
        for n in self.begun..until {
            if let Happening::Delivered { message, .. } = causality.events[n].what {
                arrivals.entry(*message).or_insert(n);
            }
        }
        arrivals
    }
}

/// A span, without its trace.
struct Span<'a> {
    /// The event with which it begins, and from which it is named.
    event: usize,
    parent: Option<usize>,
    name: &'a str,
    kind: u8,
    begun: Time,
    ended: Time,
    attributes: Value,
    status: Value,
    events: Vec<Value>,
}

impl Span<'_> {
    fn of(self, op: OpId) -> Value {
        json!({
            "traceId": format!("{:032x}", u128::from(op.0) + 1),
            "spanId": span_id(self.event),
            "parentSpanId": self.parent.map(span_id).unwrap_or_default(),
            "name": self.name,
            "kind": self.kind,
            "startTimeUnixNano": self.begun.0.to_string(),
            "endTimeUnixNano": self.ended.0.to_string(),
            "attributes": self.attributes,
            "status": self.status,
            "events": self.events,
        })
    }
}

/// Sixteen hexadecimal digits that are not all zero.
fn span_id(event: usize) -> String {
    format!("{:016x}", event + 1)
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}
