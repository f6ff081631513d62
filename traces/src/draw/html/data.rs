//! The data of a page, as columns and tables of strings, because the browser reads a hundred thousand events at once.
//! `traces/viewer/data.js` reads it.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::timeline::{Happening, Undelivered};
use seedbed_sim::{CutMode, NodeId, OpId, What};
use serde::Serialize;
use serde_json::{Value, json};

use crate::draw::html::Page;
use crate::draw::html::story::{Line, lines};
use crate::draw::html::strings::{Place, Strings};
use crate::draw::text;
use crate::draw::words::words;

/// The data of a page.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    title: &'a str,
    model: &'a str,
    summary: &'a str,
    origin: &'a seedbed_sim::Origin,
    notes: &'a [String],
    nodes: Vec<String>,
    /// The names of the kinds of entries, by number in the column `what`.
    sorts: [&'static str; SORTS.len()],
    strings: Strings,
    entries: Entries,
    steps: &'a [u32],
    messages: Messages,
    operations: Vec<Operation>,
    faults: Vec<Fault>,
    violation: Option<Value>,
    story: Vec<Line>,
    drawing: String,
    roles: &'a Strings,
    lines: &'a Strings,
    changes: &'a [Vec<super::states::Change>],
    clocks: &'a [Vec<(usize, i64)>],
    states_end: Option<usize>,
}

/// The kinds of entries. The page relies on their order: fates of messages are adjacent, and so are those of faults.
const SORTS: [&str; 17] = [
    "started",
    "down",
    "invoked",
    "ended",
    "sent",
    "delivered",
    "held",
    "lost",
    "cut",
    "to_down",
    "fired",
    "synced",
    "fault_began",
    "fault_ended",
    "healed",
    "marked",
    "noted",
];

/// The name of an entry's kind in the page.
fn sort(what: &Happening) -> &'static str {
    match what {
        Happening::Started { .. } => "started",
        Happening::Down { .. } => "down",
        Happening::Invoked { .. } => "invoked",
        Happening::Ended { .. } => "ended",
        Happening::Sent { .. } => "sent",
        Happening::Delivered { .. } => "delivered",
        Happening::Held { .. } => "held",
        Happening::Undelivered { why: Undelivered::Lost, .. } => "lost",
        Happening::Undelivered { why: Undelivered::Cut, .. } => "cut",
        Happening::Undelivered { why: Undelivered::Down, .. } => "to_down",
        Happening::Fired { .. } => "fired",
        Happening::Synced { .. } => "synced",
        Happening::FaultBegan { .. } => "fault_began",
        Happening::FaultEnded { .. } => "fault_ended",
        Happening::Healed => "healed",
        Happening::Marked { .. } => "marked",
        Happening::Noted { .. } => "noted",
    }
}

/// The timeline, with a column for each field.
#[derive(Default, Serialize)]
struct Entries {
    /// Nanoseconds since the entry before.
    after: Vec<u64>,
    what: Vec<usize>,
    /// The index of the node; −1 if there is no single one.
    node: Vec<i32>,
    words: Vec<Place>,
    /// The index of the message, operation or fault; −1 if there is none.
    about: Vec<i64>,
}

/// The messages in the order of sending. A node that the story lacks is −1.
#[derive(Default, Serialize)]
struct Messages {
    from: Vec<i32>,
    to: Vec<i32>,
    kind: Vec<Place>,
    text: Vec<Place>,
}

#[derive(Serialize)]
struct Operation {
    op: u64,
    node: i32,
    asked: Place,
    invoked: usize,
    ended: Option<usize>,
    answer: Option<Place>,
    outcome: &'static str,
}

#[derive(Serialize)]
struct Fault {
    text: Place,
    class: &'static str,
    /// Whether stopped messages are held instead of dropped.
    holds: bool,
    nodes: BTreeSet<i32>,
    began: usize,
    ended: Option<usize>,
}

impl<'a> Data<'a> {
    pub(super) fn of(page: &'a Page<'a>) -> Self {
        let picture = &page.picture;
        let places = picture.nodes.iter().enumerate().map(|(place, node)| (*node, place as i32)).collect();
        let mut reader = Reader { places, ..Reader::default() };
        let mut struck = page.struck.iter();
        let mut before = 0;
        for (n, entry) in picture.timeline.iter().enumerate() {
            let (node, about) = reader.read(n, &entry.what, &mut struck);
            reader.entries.after.push(entry.at.0 - before);
            before = entry.at.0;
            let sort = sort(&entry.what);
            reader.entries.what.push(SORTS.iter().position(|name| *name == sort).expect("every sort is listed"));
            reader.entries.node.push(node.map_or(-1, |node| reader.place(node)));
            let words = words(&entry.what);
            reader.entries.words.push(reader.strings.place(&words));
            reader.entries.about.push(about.map_or(-1, |about| about as i64));
        }
        let Reader { strings, entries, messages, operations, faults, places, .. } = reader;
        let violation = picture.violation.map(|violation| {
            let nodes: Vec<_> = violation.nodes.iter().filter_map(|node| places.get(node)).collect();
            json!({
                "property": violation.property, "at": violation.at.0, "nodes": nodes, "message": violation.message,
                "stuck": violation.liveness,
            })
        });
        let states = &page.states;
        Data {
            title: page.title,
            model: page.model.0,
            summary: page.model.1,
            origin: page.origin,
            notes: &page.notes,
            nodes: picture.nodes.iter().map(NodeId::to_string).collect(),
            sorts: SORTS,
            strings,
            entries,
            steps: &states.steps,
            messages,
            operations,
            faults,
            violation,
            story: lines(picture),
            drawing: text::draw(picture),
            roles: &states.roles,
            lines: &states.lines,
            changes: &states.changes,
            clocks: &states.clocks,
            states_end: states.left_out_from,
        }
    }
}

#[derive(Default)]
struct Reader {
    places: BTreeMap<NodeId, i32>,
    strings: Strings,
    entries: Entries,
    messages: Messages,
    /// By number of a message: its index.
    sent: BTreeMap<u64, usize>,
    operations: Vec<Operation>,
    invoked: BTreeMap<OpId, usize>,
    faults: Vec<Fault>,
}

impl Reader {
    fn place(&self, node: NodeId) -> i32 {
        self.places.get(&node).copied().unwrap_or(-1)
    }

    /// Reads an entry. Returns its node, and the index of what it is about.
    fn read<'f>(
        &mut self,
        entry: usize,
        what: &Happening,
        struck: &mut impl Iterator<Item = &'f seedbed_sim::Fault<NodeId>>,
    ) -> (Option<NodeId>, Option<usize>) {
        match what {
            Happening::Started { node }
            | Happening::Down { node, .. }
            | Happening::Fired { node, .. }
            | Happening::Synced { node }
            | Happening::Marked { node, .. }
            | Happening::Noted { node, .. } => (Some(*node), None),
            Happening::Invoked { node, op, text } => {
                self.invoked.insert(*op, self.operations.len());
                self.operations.push(Operation {
                    op: op.0,
                    node: self.place(*node),
                    asked: self.strings.place(text),
                    invoked: entry,
                    ended: None,
                    answer: None,
                    outcome: "unknown",
                });
                (Some(*node), Some(self.operations.len() - 1))
            }
            Happening::Ended { node, op, text, failed } => {
                let place = self.invoked.get(op).copied();
                // A second answer to one operation has no effect.
                if let Some(operation) = place.map(|place| &mut self.operations[place]).filter(|op| op.ended.is_none())
                {
                    operation.ended = Some(entry);
                    operation.answer = Some(self.strings.place(text));
                    operation.outcome = if *failed { "failed" } else { "returned" };
                }
                (Some(*node), place)
            }
            Happening::Sent { message, from, to, kind, text } => {
                self.sent.insert(*message, self.messages.from.len());
                self.messages.from.push(self.place(*from));
                self.messages.to.push(self.place(*to));
                self.messages.kind.push(self.strings.place(kind));
                self.messages.text.push(self.strings.place(text));
                (Some(*from), Some(self.messages.from.len() - 1))
            }
            Happening::Delivered { message, to, .. } => (Some(*to), self.sent.get(message).copied()),
            Happening::Held { message, .. } | Happening::Undelivered { message, .. } => {
                (None, self.sent.get(message).copied())
            }
            Happening::FaultBegan { text, nodes } => {
                let what = struck.next().map(|fault| &fault.what);
                self.faults.push(Fault {
                    text: self.strings.place(text),
                    class: what.map_or("", |what| what.class().name()),
                    holds: what.is_some_and(holds),
                    nodes: BTreeSet::from_iter(nodes.iter().filter_map(|node| self.places.get(node).copied())),
                    began: entry,
                    ended: None,
                });
                (None, Some(self.faults.len() - 1))
            }
            Happening::FaultEnded { text, .. } => {
                let text = self.strings.place(text);
                let place = self.faults.iter().position(|fault| fault.text == text && fault.ended.is_none());
                if let Some(place) = place {
                    self.faults[place].ended = Some(entry);
                }
                (None, place)
            }
            Happening::Healed => (None, None),
        }
    }
}

fn holds(what: &What<NodeId>) -> bool {
    let (What::Cut { mode, .. } | What::Partition { mode, .. } | What::Isolate { mode, .. }) = what else {
        return false;
    };
    *mode == CutMode::Hold
}
