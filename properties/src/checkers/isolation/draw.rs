//! Drawings of cycles: text, Mermaid and Graphviz DOT.

use std::fmt::Write;

use super::{
    graph::Dependency,
    history::{History, Mop, Seen},
    report::Anomaly,
};

/// The cycle with one line per transaction: its operations, and the reason why the next one follows.
pub fn text(history: &History, anomaly: &Anomaly) -> String {
    let mut out = anomaly.name.clone();
    if let Some(meaning) = meaning(&anomaly.name) {
        write!(out, ": {meaning}").expect("a string takes all");
    }
    if !anomaly.cycle.is_empty() {
        out.push_str(". Each of these must come before the next, and the last before the first");
    }
    out.push('\n');
    if anomaly.cycle.is_empty() {
        for &t in &anomaly.transactions {
            writeln!(out, "  T{t}  {}", transaction(history, t)).expect("a string takes all");
        }
        writeln!(out, "  {}", anomaly.words).expect("a string takes all");
    }
    for (i, edge) in anomaly.cycle.iter().enumerate() {
        writeln!(out, "{} T{}  {}", if i == 0 { "╭>" } else { "│ " }, edge.from, transaction(history, edge.from))
            .expect("a string takes all");
        let last = i + 1 == anomaly.cycle.len();
        writeln!(out, "{}   {} {}", if last { "╰─" } else { "│ " }, if last { "↑" } else { "↓" }, edge.words)
            .expect("a string takes all");
    }
    out
}

/// The meaning of Elle's name of an anomaly.
fn meaning(name: &str) -> Option<String> {
    let (base, also) = match name.strip_suffix("-process") {
        Some(base) => (base, ", if the order of each session counts"),
        None => match name.strip_suffix("-realtime") {
            Some(base) => (base, ", if real time counts"),
            None => (name, ""),
        },
    };
    let words = match base {
        "G0" => "a dirty write, writes of transactions are interleaved",
        "G1a" => "an aborted read",
        "G1b" => "an intermediate read",
        "G1c" => "information flows in a circle",
        "G-single" | "G-single-item" => "read skew, one of them missed a write of the next although it follows it",
        "G-nonadjacent" | "G-nonadjacent-item" => "a long fork, several of them missed a write of the next",
        "G2" | "G2-item" => "write skew or the like, some of them missed a write of the next",
        "lost-update" => "an update was overwritten unseen",
        "dirty-update" => "a write was based on one that was aborted",
        "internal" => "a transaction contradicts itself",
        "incompatible-order" => "versions were seen in two orders",
        "duplicate-elements" => "an element is there twice",
        "future-read" => "a transaction read what it wrote only later",
        "cyclic-versions" => "versions of one key are based on each other in a circle",
        "garbage-read" => "a read of what was never written",
        _ => return None,
    };
    Some(format!("{words}{also}"))
}

/// The cycle as a Mermaid flowchart.
pub fn mermaid(history: &History, anomaly: &Anomaly) -> String {
    let mut out = String::from("flowchart TD\n");
    let escape =
        |text: &str| text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;");
    for &t in &anomaly.transactions {
        writeln!(out, "    T{t}[\"T{t}: {}\"]", escape(&transaction(history, t))).expect("a string takes all");
    }
    for edge in &anomaly.cycle {
        let arrow = if edge.assumed { "-.->" } else { "-->" };
        let key = edge.key.as_ref().map_or(String::new(), |key| format!(" {}", escape(&key.to_string())));
        writeln!(out, "    T{} {arrow}|\"{}{key}\"| T{}", edge.from, short(edge.why), edge.to)
            .expect("a string takes all");
    }
    out
}

/// The cycle as a graph in the DOT language.
pub fn dot(history: &History, anomaly: &Anomaly) -> String {
    let escape = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut out = format!("digraph \"{}\" {{\n    node [shape=box];\n", escape(&anomaly.name));
    for &t in &anomaly.transactions {
        writeln!(out, "    T{t} [label=\"T{t}: {}\"];", escape(&transaction(history, t))).expect("a string takes all");
    }
    for edge in &anomaly.cycle {
        let style = if edge.assumed { ", style=dashed" } else { "" };
        let key = edge.key.as_ref().map_or(String::new(), |key| format!(" {}", escape(&key.to_string())));
        let (label, tooltip) = (short(edge.why), escape(&edge.words));
        writeln!(out, "    T{} -> T{} [label=\"{label}{key}\", tooltip=\"{tooltip}\"{style}];", edge.from, edge.to)
            .expect("a string takes all");
    }
    out.push_str("}\n");
    out
}

fn short(why: Dependency) -> &'static str {
    match why {
        Dependency::Ww => "ww",
        Dependency::Wr => "wr",
        Dependency::Rw => "rw",
        Dependency::Process => "process",
        Dependency::Realtime => "realtime",
        Dependency::Barrier => unreachable!("barriers are left out of cycles"),
    }
}

fn transaction(history: &History, t: usize) -> String {
    let mops = history.transactions[t].mops.iter().map(|mop| match mop {
        Mop::Write(key, value) => format!("{key} ← {value}"),
        Mop::Read(key, Seen::Unknown) => format!("{key} = ?"),
        Mop::Read(key, Seen::Nothing) => format!("{key} = nothing"),
        Mop::Read(key, Seen::Value(value)) => format!("{key} = {value}"),
        Mop::Read(key, Seen::List(list)) => {
            format!("{key} = [{}]", list.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(" "))
        }
    });
    mops.collect::<Vec<_>>().join(", ")
}
