//! Anomalies of reads and writes as chains of events, each with the reason why it precedes the next.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use seedbed_properties::checkers::consistency::{Access, Anomaly, Event};
use seedbed_properties::formats::accesses::NOBODY;
use seedbed_properties::formats::{Call, Datum, Operations};
use serde_json::{Value, json};

use super::call_json;
use crate::commands::check::judged::Drawing;

/// A step from one event to another.
struct Step {
    from: usize,
    to: usize,
    why: String,
    /// Whether it follows from session order and reads alone.
    is_seen: bool,
}

/// An anomaly, with the reasons for the order of its events.
pub struct Chain<'a> {
    anomaly: &'a Anomaly,
    events: &'a [Event<Datum, Datum>],
    calls: Vec<&'a Call>,
    steps: Vec<Step>,
}

impl<'a> Chain<'a> {
    /// Finds the reasons. `places` has the index of each event among the calls.
    pub fn new(
        anomaly: &'a Anomaly,
        events: &'a [Event<Datum, Datum>],
        operations: &'a Operations,
        places: &[usize],
    ) -> Self {
        let calls = places.iter().map(|&n| &operations.calls[n]).collect();
        let order = Causal::new(events);
        let mut steps = Vec::new();
        // In a cycle the last event precedes the first.
        let around = anomaly.pattern.starts_with("Cyclic") || anomaly.pattern == "FutureRead";
        let firsts = anomaly.events.iter().copied();
        let nexts = anomaly.events.iter().copied().cycle().skip(1);
        let count = if around { anomaly.events.len() } else { anomaly.events.len().saturating_sub(1) };
        let is_ordered = ORDERED.contains(&anomaly.pattern);
        for (from, to) in firsts.zip(nexts).take(count).filter(|_| is_ordered) {
            match order.path(from, to) {
                Some(path) => steps.extend(path),
                None => steps.push(Step { from, to, why: order.because(events, from, to), is_seen: false }),
            }
        }
        Chain { anomaly, events, calls, steps }
    }

    /// The events, in the order of the chain.
    fn nodes(&self) -> Vec<usize> {
        let mut nodes: Vec<usize> = Vec::new();
        let ends = self.steps.iter().flat_map(|step| [step.from, step.to]).chain(self.anomaly.events.iter().copied());
        for n in ends {
            if !nodes.contains(&n) {
                nodes.push(n);
            }
        }
        nodes
    }

    fn label(&self, n: usize) -> String {
        let Event { session, access, .. } = &self.events[n];
        match access {
            Access::Write(key, value) if *session == NOBODY => format!("{key} is {value:?} at first"),
            Access::Write(key, value) => format!("p{session} writes {key} := {value:?}"),
            Access::Read(key, Some(value)) => format!("p{session} reads {key} = {value:?}"),
            Access::Read(key, None) => format!("p{session} reads {key} = nothing yet"),
        }
    }

    fn place(&self, n: usize) -> String {
        self.calls.get(n).map_or(String::new(), |call| format!(" ({})", call.place))
    }

    /// The anomaly in words: one line for each event, and why the next one follows.
    pub fn text(&self) -> String {
        let mut out = format!("{}: {}", self.anomaly.pattern, self.anomaly.words);
        if self.steps.is_empty() {
            for &n in &self.anomaly.events {
                let _ = write!(out, "\n    {}{}", self.label(n), self.place(n));
            }
            return out;
        }
        let mut at = None;
        for step in &self.steps {
            if at != Some(step.from) {
                let _ = write!(out, "\n    {}{}", self.label(step.from), self.place(step.from));
            }
            let _ = write!(out, "\n      ↓ {}", step.why);
            let _ = write!(out, "\n    {}{}", self.label(step.to), self.place(step.to));
            at = Some(step.to);
        }
        if at == self.steps.first().map(|step| step.from) {
            out.push_str(", which is where it began: it would have to come before itself");
        }
        out
    }

    /// The anomaly as JSON.
    pub fn json(&self) -> Value {
        let call = |&n: &usize| self.calls.get(n).map(|call| call_json(call));
        let steps = self
            .steps
            .iter()
            .map(|step| json!({"from": self.label(step.from), "to": self.label(step.to), "why": step.why}));
        json!({
            "pattern": self.anomaly.pattern,
            "words": self.anomaly.words,
            "events": self.anomaly.events.iter().filter_map(call).collect::<Vec<_>>(),
            "steps": steps.collect::<Vec<_>>(),
        })
    }

    /// The anomaly as a drawing.
    pub fn drawing(&self) -> Drawing {
        Drawing { text: self.text(), mermaid: self.mermaid(), dot: self.dot() }
    }

    fn mermaid(&self) -> String {
        let escape = |text: &str| text.replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
        let mut out = String::from("flowchart TD\n");
        for n in self.nodes() {
            let _ = writeln!(out, "    e{n}[\"{}{}\"]", escape(&self.label(n)), escape(&self.place(n)));
        }
        for step in &self.steps {
            let arrow = if step.is_seen { "-->" } else { "-.->" };
            let _ = writeln!(out, "    e{} {arrow}|\"{}\"| e{}", step.from, escape(&step.why), step.to);
        }
        out
    }

    fn dot(&self) -> String {
        let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut out = format!("digraph \"{}\" {{\n    node [shape=box];\n", self.anomaly.pattern);
        for n in self.nodes() {
            let _ = writeln!(out, "    e{n} [label=\"{}{}\"];", escape(&self.label(n)), escape(&self.place(n)));
        }
        for step in &self.steps {
            let style = if step.is_seen { "" } else { ", style=dashed" };
            let _ = writeln!(out, "    e{} -> e{} [label=\"{}\"{style}];", step.from, step.to, escape(&step.why));
        }
        out.push_str("}\n");
        out
    }
}

/// The patterns whose events are in sequence.
const ORDERED: [&str; 9] = [
    "CyclicCO",
    "WriteCOInitRead",
    "WriteCORead",
    "CyclicCF",
    "WriteHBInitRead",
    "CyclicHB",
    "FutureRead",
    "InitRead",
    "CyclicOrder",
];

/// The causal order: session order and reads.
struct Causal {
    next: Vec<Vec<(usize, &'static str)>>,
    /// By read: its write.
    writer: BTreeMap<usize, usize>,
}

impl Causal {
    fn new(events: &[Event<Datum, Datum>]) -> Self {
        let mut next = vec![Vec::new(); events.len()];
        let mut last: BTreeMap<u64, usize> = BTreeMap::new();
        let mut writes: BTreeMap<(&Datum, &Datum), usize> = BTreeMap::new();
        for (n, event) in events.iter().enumerate() {
            if let Some(before) = last.insert(event.session, n) {
                next[before].push((n, "then, in the same session,"));
            }
            if let Access::Write(key, value) = &event.access {
                writes.insert((key, value), n);
            }
        }
        let mut writer = BTreeMap::new();
        for (n, event) in events.iter().enumerate() {
            if let Access::Read(key, Some(value)) = &event.access
                && let Some(&write) = writes.get(&(key, value))
            {
                next[write].push((n, "which is read by"));
                writer.insert(n, write);
            }
        }
        Causal { next, writer }
    }

    /// A shortest path.
    fn path(&self, from: usize, to: usize) -> Option<Vec<Step>> {
        let mut came: BTreeMap<usize, (usize, &'static str)> = BTreeMap::new();
        let mut todo = VecDeque::from([from]);
        while let Some(at) = todo.pop_front() {
            for &(next, why) in &self.next[at] {
                if next != from && !came.contains_key(&next) {
                    came.insert(next, (at, why));
                    todo.push_back(next);
                }
            }
            if came.contains_key(&to) {
                break;
            }
        }
        let mut steps = Vec::new();
        let mut at = to;
        while at != from {
            let &(before, why) = came.get(&at)?;
            steps.push(Step { from: before, to: at, why: why.into(), is_seen: true });
            at = before;
        }
        steps.reverse();
        Some(steps)
    }

    /// Why one event must precede another although neither sessions nor reads say so: a session that had seen the first
    /// write still read the second.
    fn because(&self, events: &[Event<Datum, Datum>], from: usize, to: usize) -> String {
        let same_key = events[from].access.key() == events[to].access.key();
        let witness =
            self.writer.iter().find(|&(&read, &write)| write == to && same_key && self.path(from, read).is_some());
        match witness {
            Some((&read, _)) => {
                let session = events[read].session;
                format!("must come first, for p{session} had seen the one above when it read the one below")
            }
            None => "must come first, by what was seen of both".into(),
        }
    }
}
