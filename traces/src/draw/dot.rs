//! Happens-before as a Graphviz digraph: a column for each node, time downwards, an edge for each message.

use std::fmt::Write as _;

use seedbed_sim::{NodeId, Time};

use crate::draw::Picture;
use crate::draw::select::{End, Row, rows};

/// Draws a picture in the DOT language.
pub fn draw(picture: &Picture<'_>) -> String {
    let mut graph = Graph::default();
    for row in rows(picture) {
        match row {
            Row::Message { at, from, to, kind, end } => {
                let sent = graph.vertex(from, at, format!("sends {kind}"), "ellipse");
                if let End::Arrived(then) = end {
                    let got = graph.vertex(to, then, format!("gets {kind}"), "ellipse");
                    graph.edges.push(format!("{sent} -> {got} [label={}]", quoted(&kind)));
                } else {
                    let nowhere = format!("{sent}_nowhere");
                    let label = quoted(&format!("{kind} to {to}: {}", end.failure().unwrap_or("on its way")));
                    graph.edges.push(format!("{nowhere} [shape=point, style=invis]"));
                    graph.edges.push(format!("{sent} -> {nowhere} [label={label}, style=dashed, arrowhead=tee]"));
                }
            }
            Row::At { at, node, text, .. } => drop(graph.vertex(node, at, text, "box")),
            Row::Across { .. } | Row::LeftOut(_) | Row::Repeated { .. } => {}
        }
    }
    let violation = picture.violation.map(|violation| format!("{violation}"));
    graph.written(picture.nodes, violation.as_deref())
}

#[derive(Default)]
struct Graph {
    vertices: Vec<Vertex>,
    edges: Vec<String>,
}

struct Vertex {
    node: NodeId,
    at: Time,
    label: String,
    shape: &'static str,
}

impl Graph {
    fn vertex(&mut self, node: NodeId, at: Time, label: String, shape: &'static str) -> String {
        self.vertices.push(Vertex { node, at, label, shape });
        format!("e{}", self.vertices.len() - 1)
    }

    fn written(&self, nodes: &[NodeId], title: Option<&str>) -> String {
        let mut text = String::from("digraph happens_before {\n  node [fontname=\"sans-serif\", fontsize=10];\n");
        let mut line = |args: std::fmt::Arguments<'_>| writeln!(text, "  {args};").expect("writing to a string");
        line(format_args!("edge [fontname=\"sans-serif\", fontsize=9]"));
        if let Some(title) = title {
            line(format_args!("label={}", quoted(title)));
        }
        for node in nodes {
            line(format_args!("{node} [group={node}, shape=plaintext]"));
            let mut here: Vec<usize> = (0..self.vertices.len()).filter(|n| self.vertices[*n].node == *node).collect();
            here.sort_by_key(|n| self.vertices[*n].at);
            let mut before = node.to_string();
            for n in here {
                let Vertex { at, label, shape, .. } = &self.vertices[n];
                let label = quoted(&format!("{label}\n{at}"));
                line(format_args!("e{n} [group={node}, shape={shape}, label={label}]"));
                line(format_args!("{before} -> e{n} [group={node}, weight=10, arrowhead=none]"));
                before = format!("e{n}");
            }
        }
        for edge in &self.edges {
            line(format_args!("{edge}"));
        }
        text.push_str("}\n");
        text
    }
}

/// A quoted string of the DOT language.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
