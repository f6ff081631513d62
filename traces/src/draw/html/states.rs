//! The nodes' states, as the lines that changed, so that a page can hold a hundred thousand changes.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;
use seedbed_sim::system::AnyWorld;
use seedbed_sim::timeline::Happening;
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};

use crate::component::{Component, Run};
use crate::draw::html::debug;
use crate::draw::html::strings::{Place, Strings};

/// The limits on states in a page. Later states are left out, which the page mentions.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of text that are laid out, which bounds the time to create the page.
    pub read: usize,
    /// The approximate bytes that states take in the page.
    pub kept: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { read: 2 << 30, kept: 24 << 20 }
    }
}

/// The states of all nodes, the errors of their clocks, and the entries of the timeline that belong to one event.
#[derive(Default)]
pub struct States {
    /// By event: the number of its entries in the timeline.
    pub(super) steps: Vec<u32>,
    /// The lines of all states.
    pub(super) lines: Strings,
    /// The names of roles.
    pub(super) roles: Strings,
    /// By node of the picture: its changes.
    pub(super) changes: Vec<Vec<Change>>,
    /// By node: the entries at which its clock's error had changed, with the error in nanoseconds ahead of the world's
    /// time.
    pub(super) clocks: Vec<Vec<(usize, i64)>>,
    /// The first entry whose states were left out.
    pub(super) left_out_from: Option<usize>,
}

/// A change of a node's state.
pub(super) struct Change {
    /// The first entry of the event that changed it.
    entry: usize,
    /// The role and the edits of the state; `None` if the node is down.
    now: Option<(Option<Place>, Vec<Edit>)>,
}

/// A replacement of lines; indices count lines of the old state.
#[derive(Debug, PartialEq, Eq)]
struct Edit {
    from: usize,
    removed: usize,
    put: Vec<Place>,
}

/// Serialised as `[entry]` if the node is down, else as `[entry, role, edit…]`, with edits `[from, removed, line…]`.
impl Serialize for Change {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut parts = to.serialize_seq(None)?;
        parts.serialize_element(&self.entry)?;
        if let Some((role, edits)) = &self.now {
            parts.serialize_element(&role.map_or(-1, i64::from))?;
            edits.iter().try_for_each(|edit| parts.serialize_element(edit))?;
        }
        parts.end()
    }
}

impl Serialize for Edit {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut parts = to.serialize_seq(None)?;
        parts.serialize_element(&self.from)?;
        parts.serialize_element(&self.removed)?;
        self.put.iter().try_for_each(|line| parts.serialize_element(line))?;
        parts.end()
    }
}

impl States {
    /// Replays a trace step by step to read the states of a run.
    pub(super) fn of(trace: &str, component: &Component, run: &Run, limits: Limits) -> anyhow::Result<Self> {
        let places = run.nodes.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        let mut watcher = Watcher {
            limits,
            places,
            read: 0,
            kept: 0,
            seen: run.nodes.iter().map(|_| None).collect(),
            found: States {
                steps: Vec::new(),
                lines: Strings::default(),
                roles: Strings::default(),
                changes: run.nodes.iter().map(|_| Vec::new()).collect(),
                clocks: run.nodes.iter().map(|_| Vec::new()).collect(),
                left_out_from: None,
            },
            entries_read: 0,
        };
        let events = run.violation.as_ref().map(|violation| violation.event);
        component.step(trace, events, &mut |world| {
            watcher.look(world);
            true
        })?;
        // If an assertion failed during an event, the event's entries are a step too.
        let (entries_read, mut found) = (watcher.entries_read, watcher.found);
        if run.timeline.len() > entries_read {
            found.steps.push((run.timeline.len() - entries_read) as u32);
        }
        Ok(found)
    }

    /// A note for readers if states were left out.
    pub(super) fn note(&self, run: &Run) -> Option<String> {
        let from = self.left_out_from?;
        let at = run.timeline.get(from)?.at;
        Some(format!("The run is long: the nodes' states are kept up to {at}, and left out of the page from there on."))
    }
}

/// The last state of a node that is up.
struct Seen {
    hash: u64,
    role: Option<Place>,
    lines: Vec<Place>,
}

struct Watcher {
    limits: Limits,
    places: BTreeMap<NodeId, usize>,
    read: usize,
    kept: usize,
    seen: Vec<Option<Seen>>,
    found: States,
    /// The number of entries that were read.
    entries_read: usize,
}

impl Watcher {
    fn look(&mut self, world: &dyn AnyWorld) {
        let entries = &world.timeline()[self.entries_read..];
        // An event without entries belongs to the entry before.
        let entry = if entries.is_empty() { self.entries_read.saturating_sub(1) } else { self.entries_read };
        if !entries.is_empty() {
            self.found.steps.push(entries.len() as u32);
            self.entries_read += entries.len();
        }
        let of_clocks = |what: &Happening| {
            matches!(what, Happening::FaultBegan { .. } | Happening::FaultEnded { .. } | Happening::Healed)
        };
        if entries.iter().any(|entry| of_clocks(&entry.what)) {
            for (node, place) in &self.places {
                read_clock(&mut self.found.clocks[*place], world, *node, entry);
            }
        }
        for node in world.changed() {
            if let Some(place) = self.places.get(node).copied() {
                read_clock(&mut self.found.clocks[place], world, *node, entry);
                self.look_at(world, *node, place, entry);
            }
        }
    }

    fn look_at(&mut self, world: &dyn AnyWorld, node: NodeId, place: usize, entry: usize) {
        if self.found.left_out_from.is_some() {
            return;
        }
        let Some(state) = world.state(node) else {
            if self.seen[place].take().is_some() {
                self.found.changes[place].push(Change { entry, now: None });
            }
            return;
        };
        let role = world.role(node).map(|role| self.found.roles.place(role));
        let hash = world.state_hash(node);
        if self.seen[place].as_ref().is_some_and(|seen| seen.hash == hash && seen.role == role) {
            return;
        }
        let text = format!("{state:?}");
        self.read += text.len();
        let lines: Vec<Place> = debug::lines(&text).iter().map(|line| self.found.lines.place(line)).collect();
        let before = self.seen[place].as_ref().map_or(&[][..], |seen| &seen.lines);
        let edits = edits(before, &lines);
        self.kept += 12 + edits.iter().map(|edit| 8 + 6 * edit.put.len()).sum::<usize>();
        if self.read > self.limits.read || self.kept + self.found.lines.bytes() > self.limits.kept {
            self.found.left_out_from = Some(entry);
            return;
        }
        self.found.changes[place].push(Change { entry, now: Some((role, edits)) });
        self.seen[place] = Some(Seen { hash, role, lines });
    }
}

fn read_clock(clock: &mut Vec<(usize, i64)>, world: &dyn AnyWorld, node: NodeId, entry: usize) {
    let ahead = world.clock(node).0 as i64 - world.now().0 as i64;
    if ahead != clock.last().map_or(0, |(_, ahead)| *ahead) {
        clock.push((entry, ahead));
    }
}

/// Up to this many pairs of lines, the changed middle of two states is compared line by line.
const COMPARED: usize = 4_096;

/// The edits from the old lines to the new ones, by a longest common subsequence if the changed part is short.
fn edits(old: &[Place], new: &[Place]) -> Vec<Edit> {
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[same..], &new[same..]);
    let after = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
    let (old, new) = (&old[..old.len() - after], &new[..new.len() - after]);
    if old.is_empty() && new.is_empty() {
        return Vec::new();
    }
    if old.len() * new.len() > COMPARED {
        return vec![Edit { from: same, removed: old.len(), put: new.to_vec() }];
    }
    // By pair of indices: the length of the longest common subsequence of the rests.
    let across = new.len() + 1;
    let mut common = vec![0u16; (old.len() + 1) * across];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * across + j] = if old[i] == new[j] {
                common[(i + 1) * across + j + 1] + 1
            } else {
                common[(i + 1) * across + j].max(common[i * across + j + 1])
            };
        }
    }
    let mut edits: Vec<Edit> = Vec::new();
    let (mut i, mut j) = (0, 0);
    let mut open = false;
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j, open) = (i + 1, j + 1, false);
            continue;
        }
        if !open {
            edits.push(Edit { from: same + i, removed: 0, put: Vec::new() });
            open = true;
        }
        let edit = edits.last_mut().expect("one is open");
        let drop_old = j == new.len() || (i < old.len() && common[(i + 1) * across + j] >= common[i * across + j + 1]);
        if drop_old {
            edit.removed += 1;
            i += 1;
        } else {
            edit.put.push(new[j]);
            j += 1;
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(old: &[Place], edits: &[Edit]) -> Vec<Place> {
        let mut new = old.to_vec();
        for edit in edits.iter().rev() {
            new.splice(edit.from..edit.from + edit.removed, edit.put.iter().copied());
        }
        new
    }

    #[test]
    fn edits_make_the_old_lines_the_new_ones() {
        let cases: [(&[Place], &[Place]); 6] = [
            (&[], &[1, 2, 3]),
            (&[1, 2, 3], &[]),
            (&[1, 2, 3, 4], &[1, 9, 3, 8]),
            (&[1, 2, 3, 4, 5], &[1, 3, 4, 6, 7, 5]),
            (&[1, 1, 2, 1], &[1, 2, 1, 1]),
            (&[5, 6], &[5, 6]),
        ];
        for (old, new) in cases {
            assert_eq!(applied(old, &edits(old, new)), new);
        }
        let changed = edits(&[1, 2, 3, 4, 5], &[1, 9, 3, 4, 8]);
        let put: usize = changed.iter().map(|edit| edit.put.len()).sum();
        assert_eq!((changed.len(), put), (2, 2), "what stays in the middle is not written again: {changed:?}");
        let long: Vec<Place> = (0..200).collect();
        let other: Vec<Place> = (100..300).rev().collect();
        assert_eq!(applied(&long, &edits(&long, &other)), other);
    }
}
