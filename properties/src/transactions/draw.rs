//! Cycles as pictures: text, Mermaid and Graphviz DOT.

use std::fmt::Write;

use super::{
    graph::Dependency,
    history::{History, Mop, Seen},
    report::Anomaly,
};

/// The cycle as one line a transaction: what it did, and why the next comes after it.
pub fn text(history: &History, anomaly: &Anomaly) -> String {
    let mut out = format!("{}\n", anomaly.name);
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
