//! Drawings of counterexamples: text, Mermaid and Graphviz DOT.

use std::fmt::Write;

use super::verdict::{Bar, Configuration, Counterexample};

/// The most operations that are drawn, besides those that the text names.
pub(super) const ROWS: usize = 14;
/// The number of last operations of an order that the text names.
pub(super) const LAST: usize = 3;
/// The greatest length of a label.
const LABEL: usize = 44;
/// The greatest length of a state.
const STATE: usize = 60;

/// The violation, how far the operations can be ordered, and a timeline of the failing prefix, with one line per
/// operation, in which only the order of events is to scale.
///
/// ```text
///   p0 Write(1) → Written  |------------|
///   p1 Read → Value(1)       |--|
///   p2 Read → Value(0)            |--|     ← no order explains this
/// ```
pub fn text(counterexample: &Counterexample) -> String {
    let mut out = verdict(counterexample);
    for configuration in &counterexample.furthest {
        out.push_str("\n  ");
        out.push_str(&dead_end(counterexample, configuration));
    }
    out.push('\n');
    out.push_str(&timeline(counterexample));
    out
}

/// The violation in one or two sentences.
pub fn verdict(counterexample: &Counterexample) -> String {
    let Counterexample { culprit, part, reason, minimal, events, at, .. } = counterexample;
    let culprit = counterexample.bar(*culprit).expect("the culprit is drawn");
    let mut out = format!("{} returned at {at}, and no order of the operations until then explains it", named(culprit));
    if let Some(part) = part {
        let _ = write!(out, " (part {part})");
    }
    if let Some(reason) = reason {
        let _ = write!(out, ": {reason}");
    }
    let shortest = if *minimal { "; all before can be explained" } else { "" };
    let _ = write!(out, ". It is event {events} of the history{shortest}.");
    out
}

/// Where one order of the operations ends, and why it cannot continue.
fn dead_end(counterexample: &Counterexample, configuration: &Configuration) -> String {
    let culprit = counterexample.bar(counterexample.culprit).expect("the culprit is drawn");
    let Configuration { state, length, recent, is_there, instead } = configuration;
    let last = &recent[recent.len().saturating_sub(LAST)..];
    let mut out = String::from("At first");
    if !last.is_empty() {
        let dots = if *length > last.len() { "… " } else { "" };
        let last: Vec<String> = last.iter().filter_map(|&n| counterexample.bar(n)).map(named).collect();
        out = format!("After {dots}{}", last.join(", then "));
    }
    let answered = culprit.label.split_once(" → ").map_or("", |(_, answer)| answer);
    match instead {
        Some(instead) => {
            let (instead, answered) = differing(instead, answered);
            let _ = write!(out, ", it would have to return {instead}, not {answered}");
            // The state is left out if the answer already contains it.
            if !instead.contains(state.as_str()) {
                let _ = write!(out, " (the state is {})", cut(state, STATE));
            }
            out.push('.');
        }
        None => {
            let cannot = if *is_there { "where that cannot be" } else { "from where there is no way to that" };
            let _ = write!(out, ", the state is {}, {cannot}.", cut(state, STATE));
        }
    }
    out
}

/// Two answers, from shortly before their first difference.
fn differing(a: &str, b: &str) -> (String, String) {
    const BEFORE: usize = 12;
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let from = if a.chars().count().max(b.chars().count()) > LABEL { same.saturating_sub(BEFORE) } else { 0 };
    let tail = |text: &str| {
        let tail: String = text.chars().skip(from).collect();
        if from > 0 { cut(&format!("…{tail}"), LABEL) } else { cut(&tail, LABEL) }
    };
    (tail(a), tail(b))
}

fn timeline(counterexample: &Counterexample) -> String {
    let bars = &counterexample.bars;
    let instants = instants(bars);
    let column = |rank: u32| 2 * instants.partition_point(|&instant| instant < rank);
    let labels: Vec<String> = bars.iter().map(|bar| cut(&named(bar), LABEL)).collect();
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);

    let mut lines = Vec::new();
    if counterexample.left_out > 0 {
        lines.push(format!("  ({} earlier operations are not drawn)", counterexample.left_out));
    }
    for (bar, label) in bars.iter().zip(labels) {
        let from = column(bar.from);
        let (to, end) = match bar.to {
            Some(to) => (column(to), "|"),
            None => (2 * instants.len(), "…"),
        };
        let (space, line) = (" ".repeat(from), "-".repeat(to - from - 1));
        let rest = " ".repeat(2 * instants.len() - to);
        let culprit = bar.operation == counterexample.culprit;
        let mark = if culprit { format!("{rest}  ← no order explains this") } else { String::new() };
        lines.push(format!("  {label:width$}  {space}|{line}{end}{mark}"));
    }
    lines.join("\n")
}

/// The timeline as a Mermaid Gantt chart, with a section for each process. The unit of time is an event.
pub fn mermaid(counterexample: &Counterexample) -> String {
    let instants = instants(&counterexample.bars);
    let column = |rank: u32| instants.partition_point(|&instant| instant < rank);
    // In Mermaid a colon ends a label, and a semicolon or a hash sign ends more.
    let escape = |text: &str| text.replace(':', "=").replace(';', ",").replace('#', "♯");
    let culprit = counterexample.bar(counterexample.culprit).expect("the culprit is drawn");
    let mut out = String::from("gantt\n");
    let _ = writeln!(out, "    title No order explains {}", escape(&cut(&named(culprit), LABEL)));
    out.push_str("    dateFormat x\n    axisFormat %L\n");
    let mut processes: Vec<u64> = counterexample.bars.iter().map(|bar| bar.process).collect();
    processes.sort_unstable();
    processes.dedup();
    for process in processes {
        let _ = writeln!(out, "    section p{process}");
        for bar in counterexample.bars.iter().filter(|bar| bar.process == process) {
            let tag = match (bar.operation == counterexample.culprit, bar.to) {
                (true, _) => "crit, ",
                (false, None) => "active, ",
                (false, Some(_)) => "done, ",
            };
            let to = bar.to.map_or(instants.len() + 1, &column);
            let (label, from) = (escape(&cut(&bar.label, LABEL)), column(bar.from));
            let _ = writeln!(out, "    {label} :{tag}{from}, {to}");
        }
    }
    out
}

/// The operations as a DOT graph: solid edges if one returned before the other was invoked, dashed ones along the
/// longest orders, to the state at their end.
pub fn dot(counterexample: &Counterexample) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let bars = &counterexample.bars;
    let mut out = String::from("digraph \"not linearizable\" {\n    rankdir=LR;\n    node [shape=box];\n");
    for bar in bars {
        let style = match (bar.operation == counterexample.culprit, bar.to) {
            (true, _) => ", color=red, penwidth=2",
            (false, None) => ", style=dashed",
            (false, Some(_)) => "",
        };
        let _ = writeln!(out, "    o{} [label=\"{}\"{style}];", bar.operation, escape(&cut(&named(bar), LABEL)));
    }
    let before = |a: &Bar, b: &Bar| a.to.is_some_and(|to| to < b.from);
    for a in bars {
        for b in bars.iter().filter(|b| before(a, b)) {
            if !bars.iter().any(|c| before(a, c) && before(c, b)) {
                let _ = writeln!(out, "    o{} -> o{};", a.operation, b.operation);
            }
        }
    }
    for (n, configuration) in counterexample.furthest.iter().enumerate() {
        let Configuration { state, recent, instead, .. } = configuration;
        let _ = writeln!(out, "    s{n} [shape=note, label=\"{}\"];", escape(&cut(state, STATE)));
        let last = &recent[recent.len().saturating_sub(LAST)..];
        for pair in last.windows(2) {
            let _ = writeln!(out, "    o{} -> o{} [style=dashed, color=blue];", pair[0], pair[1]);
        }
        if let Some(last) = last.last() {
            let _ = writeln!(out, "    o{last} -> s{n} [style=dashed, color=blue];");
        }
        let instead = instead.as_ref().map_or(String::new(), |instead| format!("would be {}", cut(instead, LABEL)));
        let (culprit, label) = (counterexample.culprit, escape(&instead));
        let _ = writeln!(out, "    s{n} -> o{culprit} [style=dashed, color=red, label=\"✗ {label}\"];");
    }
    out.push_str("}\n");
    out
}

/// The positions of all drawn events, in order.
fn instants(bars: &[Bar]) -> Vec<u32> {
    let mut instants: Vec<u32> = bars.iter().flat_map(|bar| [Some(bar.from), bar.to]).flatten().collect();
    instants.sort_unstable();
    instants
}

fn named(bar: &Bar) -> String {
    format!("p{} {}", bar.process, bar.label)
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() > most { text.chars().take(most - 1).chain(['…']).collect() } else { text.to_string() }
}
