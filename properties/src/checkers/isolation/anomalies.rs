//! Named anomalies: the shortest cycle of each class among the dependencies that are certain.

use std::collections::BTreeMap;

use super::{
    facts::{Facts, Member, Source},
    graph::{Dependency, Edge, Finder, Graph, PROCESS, REALTIME, RW, WR, WW, Walks},
    model::Step,
};

/// The most edges that are visited for the shortest cycle of a class; then the shortest one so far is taken.
const BUDGET: u64 = 20_000_000;

/// The dependencies of every version order that satisfies read committed: those shown by reads, and those of a version
/// that was read before its reader overwrote it (Elle's "writes follow reads" within a transaction: if the overwriting
/// version were the earlier one, the two writers would depend on each other, G1c).
pub(super) fn certain(facts: &Facts, more: &[Edge], nodes: u32) -> Graph {
    let mut edges = more.to_vec();
    let mut nodes = nodes;
    // By key: the edges before all loose versions.
    let mut before: Vec<Vec<Edge>> = vec![Vec::new(); facts.versions.len()];
    for (key, versions) in facts.versions.iter().enumerate() {
        let edge = |from, to| Edge { from, to, why: Dependency::Ww, key: key as u32, at: 0 };
        let next = versions.ordered.iter().zip(versions.ordered.iter().skip(1));
        edges.extend(next.filter(|(a, b)| a != b).map(|(&a, &b)| edge(a, b)));
        before[key].extend(versions.ordered.last().map(|&last| edge(last, 0)));
    }
    // By loose version: its readers, and those of them that overwrite it.
    let mut readers: BTreeMap<(u32, Member), (Vec<Edge>, Vec<Member>)> = BTreeMap::new();
    for (at, read) in facts.reads.iter().enumerate() {
        let versions = &facts.versions[read.key as usize];
        let edge = |from, to, why| Edge { from, to, why, key: read.key, at: at as u32 };
        let rw = edge(read.member, 0, Dependency::Rw);
        match read.source {
            Source::Prefix(seen) => {
                if let Some(&writer) = versions.ordered[..seen as usize].last().filter(|&&w| w != read.member) {
                    edges.push(edge(writer, read.member, Dependency::Wr));
                }
                match versions.ordered[seen as usize..].iter().find(|&&next| next != read.member) {
                    Some(&next) => edges.push(Edge { to: next, ..rw }),
                    None => before[read.key as usize].push(rw),
                }
            }
            Source::Loose(writer) => {
                edges.push(edge(writer, read.member, Dependency::Wr));
                let (readers, overwriters) = readers.entry((read.key, writer)).or_default();
                readers.push(rw);
                if versions.loose.binary_search(&read.member).is_ok() {
                    overwriters.push(read.member);
                }
            }
        }
    }
    for (key, before) in before.iter().enumerate() {
        all_before_all(before, &facts.versions[key].loose, &mut edges, &mut nodes);
    }
    for (readers, mut overwriters) in readers.into_values() {
        overwriters.dedup();
        all_before_all(&readers, &overwriters, &mut edges, &mut nodes);
    }
    Graph::new(facts.members.len() as u32, nodes, edges)
}

/// Edges from each source to each target but itself, in linear size: through barriers that lead to the targets up to
/// one, and from one on. The targets are ascending.
fn all_before_all(sources: &[Edge], targets: &[Member], edges: &mut Vec<Edge>, nodes: &mut u32) {
    let n = targets.len() as u32;
    if sources.len().min(targets.len()) < 3 {
        for source in sources {
            edges.extend(targets.iter().filter(|&&to| to != source.from).map(|&to| Edge { to, ..*source }));
        }
        return;
    }
    let (up_to, from) = (*nodes, *nodes + n);
    *nodes += 2 * n;
    let barrier = |from, to| Edge { from, to, why: Dependency::Barrier, key: 0, at: 0 };
    for (i, &target) in targets.iter().enumerate() {
        let i = i as u32;
        edges.push(barrier(up_to + i, target));
        edges.push(barrier(from + i, target));
        if i > 0 {
            edges.push(barrier(up_to + i, up_to + i - 1));
            edges.push(barrier(from + i - 1, from + i));
        }
    }
    for source in sources {
        match targets.binary_search(&source.from) {
            Err(_) => edges.push(Edge { to: from, ..*source }),
            Ok(own) => {
                let own = own as u32;
                if own > 0 {
                    edges.push(Edge { to: up_to + own - 1, ..*source });
                }
                if own + 1 < n {
                    edges.push(Edge { to: from + own + 1, ..*source });
                }
            }
        }
    }
}

/// The classes of cycles (Adya 1999, chapter 4; Elle, section 4.4 and its "nonadjacent").
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    G0,
    G1c,
    Single,
    Nonadjacent,
    G2,
}

const CLASSES: [(Class, &str); 5] = [
    (Class::G0, "G0"),
    (Class::G1c, "G1c"),
    (Class::Single, "G-single-item"),
    (Class::Nonadjacent, "G-nonadjacent-item"),
    (Class::G2, "G2-item"),
];

/// The shortest cycle of each class, by name. The `-process` form needs an edge of a session, the `-realtime` form one
/// of real time; they are searched for if the plain class has no cycle.
pub(super) fn cycles(graph: &Graph) -> Vec<(String, Vec<Step>)> {
    let mut found: Vec<(String, Vec<Step>)> = Vec::new();
    if !graph.components(WW | WR | RW | PROCESS | REALTIME, Walks::Any).any_cycle() {
        return found;
    }
    let mut plain: Vec<Class> = Vec::new();
    for (more, needed, suffix) in
        [(0, 0, ""), (PROCESS, PROCESS, "-process"), (PROCESS | REALTIME, REALTIME, "-realtime")]
    {
        for (class, name) in CLASSES {
            if plain.contains(&class) {
                continue;
            }
            if let Some(cycle) = shortest(graph, class, more, needed) {
                found.push((format!("{name}{suffix}"), cycle));
                if needed == 0 {
                    plain.push(class);
                }
            }
        }
    }
    found
}

// Flags of the state of a walk: the kinds of edges that it has.
const LAST_RW: u32 = 1;
const TWO_RW: u32 = 2;
const ADJACENT: u32 = 4;
const NEEDED: u32 = 8;

fn shortest(graph: &Graph, class: Class, more: u8, needed: u8) -> Option<Vec<Step>> {
    let (mask, walks, first) = match class {
        Class::G0 => (WW, Walks::Any, WW),
        Class::G1c => (WW | WR, Walks::Any, WR),
        Class::Single | Class::Nonadjacent => (WW | WR | RW, Walks::NoAdjacentRw, RW),
        Class::G2 => (WW | WR | RW, Walks::Any, RW),
    };
    let mask = mask | more;
    let components = graph.components(mask, walks);
    if !components.any_cycle() {
        return None;
    }
    let barrier = Dependency::Barrier.bit();
    let next = |state: u32, why: Dependency| {
        let bit = why.bit();
        if bit == barrier {
            return Some(state);
        }
        if bit & mask == 0 {
            return None;
        }
        let had = (state & !LAST_RW) | if bit == needed { NEEDED } else { 0 };
        if bit != RW {
            return Some(had);
        }
        let adjacent = state & LAST_RW != 0;
        match class {
            Class::Single => None,
            Class::Nonadjacent if adjacent => None,
            _ => Some(had | LAST_RW | TWO_RW | if adjacent { ADJACENT } else { 0 }),
        }
    };
    let accept = |state: u32| {
        (needed == 0 || state & NEEDED != 0)
            && match class {
                Class::G0 | Class::G1c | Class::Single => true,
                Class::Nonadjacent => state & TWO_RW != 0 && state & LAST_RW == 0,
                Class::G2 => state & TWO_RW != 0 && state & (ADJACENT | LAST_RW) != 0,
            }
    };
    let mut finder = Finder::new(graph, 16, BUDGET);
    let mut best: Option<Vec<Step>> = None;
    for place in 0..graph.edges.len() {
        let edge = graph.edges[place];
        if edge.why.bit() != first || !components.touches(edge.from) || !components.touches(edge.to) {
            continue;
        }
        let state = if first == RW { LAST_RW } else { 0 };
        let below = best.as_ref().map_or(u32::MAX, |best| best.len() as u32);
        let inside = |node: u32| components.touches(node);
        if let Some(cycle) = finder.back(place, state, below, inside, next, accept) {
            let steps = steps(graph, &cycle);
            // A walk that visits a transaction twice consists of two cycles, of other classes.
            let mut members: Vec<Member> = steps.iter().map(|step| step.from).collect();
            members.sort_unstable();
            if members.windows(2).all(|pair| pair[0] != pair[1]) {
                best = Some(steps);
            }
        }
    }
    best
}

/// The edges of a cycle, without barriers.
fn steps(graph: &Graph, cycle: &[usize]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for &place in cycle {
        let Edge { from, to, why, key, .. } = graph.edges[place];
        if from < graph.members {
            steps.push(Step { from, to, why, key, choice: None });
        } else {
            steps.last_mut().expect("a cycle starts at a transaction").to = to;
        }
    }
    steps
}

/// The class of a cycle.
pub(super) fn classify(cycle: &[Step]) -> String {
    let count = |why| cycle.iter().filter(|step| step.why == why).count();
    let adjacent =
        (0..cycle.len()).any(|i| cycle[i].why == Dependency::Rw && cycle[(i + 1) % cycle.len()].why == Dependency::Rw);
    let class = match count(Dependency::Rw) {
        0 if count(Dependency::Wr) == 0 => "G0",
        0 => "G1c",
        1 => "G-single-item",
        _ if adjacent => "G2-item",
        _ => "G-nonadjacent-item",
    };
    let suffix = match (count(Dependency::Realtime), count(Dependency::Process)) {
        (0, 0) => "",
        (0, _) => "-process",
        _ => "-realtime",
    };
    format!("{class}{suffix}")
}

/// Certain lost updates (Adya's G-cursor): two transactions read one version and overwrite it, or one overwrites a
/// later version than it read. Returns the key and the transactions.
pub(super) fn lost_updates(facts: &Facts) -> Option<(u32, Vec<Member>)> {
    let mut first: BTreeMap<(u32, u64), Member> = BTreeMap::new();
    // The last ordered version of each writer.
    let mut last: BTreeMap<(u32, Member), usize> = BTreeMap::new();
    for (key, versions) in facts.versions.iter().enumerate() {
        last.extend(versions.ordered.iter().enumerate().map(|(at, &member)| ((key as u32, member), at)));
    }
    for read in &facts.reads {
        let versions = &facts.versions[read.key as usize];
        let loose = versions.loose.binary_search(&read.member).is_ok();
        let at = last.get(&(read.key, read.member)).copied();
        if !loose && at.is_none() {
            continue;
        }
        let version = match read.source {
            Source::Prefix(seen) => {
                let end = if loose { versions.ordered.len() } else { at.expect("it is ordered") };
                let between = versions.ordered.get(seen as usize..end).unwrap_or(&[]);
                if let Some(&other) = between.iter().find(|&&other| other != read.member) {
                    return Some((read.key, vec![read.member, other]));
                }
                u64::from(seen)
            }
            Source::Loose(writer) => u64::from(writer) + (1 << 32),
        };
        let other = *first.entry((read.key, version)).or_insert(read.member);
        if other != read.member {
            return Some((read.key, vec![other, read.member]));
        }
    }
    None
}
