//! The conditions of each level, given a complete version order.
//!
//! Some levels are the absence of cycles in a graph, found in linear time. The others forbid a short pattern around one
//! anti-dependency `T -rw-> W`: that `W` is visible to `T`. For these, let VIS be the least visibility that the level's
//! axioms allow: WR for read atomic, WR ∪ WW for update atomic, WR⁺ for causal, (WR ∪ WW)⁺ for consistent view; a
//! larger visibility only forbids more. Then the level is the absence of cycles in WR ∪ WW and of VIS ; RW from a
//! transaction to itself.

use super::{
    facts::Member,
    graph::{Dependency, Edge, Finder, Graph, PROCESS, REALTIME, RW, WR, WW, Walks},
    levels::Level,
    model::{Model, Step},
};

/// The most patterns that are returned; each becomes a clause of the search.
const AT_MOST: usize = 200;
/// The most edges that are visited in one search for short cycles.
const BUDGET: u64 = 20_000_000;

/// Forbidden cycles, if there are any; shortest first where that is known.
pub(super) fn violations(level: Level, model: &Model<'_>, graph: &Graph, sessions: bool) -> Vec<Vec<Step>> {
    let session = if sessions { PROCESS } else { 0 };
    let mut found = match level {
        Level::ReadUncommitted => cycles(model, graph, WW, Walks::Any),
        Level::ReadCommitted => cycles(model, graph, WW | WR, Walks::Any),
        Level::StrongSessionReadCommitted => cycles(model, graph, WW | WR | PROCESS, Walks::Any),
        Level::Prefix => cycles(model, graph, WW | WR | RW | session, Walks::RwAfterWr),
        Level::SnapshotIsolation => cycles(model, graph, WW | WR | RW | session, Walks::NoAdjacentRw),
        Level::StrongSessionSnapshotIsolation => cycles(model, graph, WW | WR | RW | PROCESS, Walks::NoAdjacentRw),
        Level::StrongSnapshotIsolation => cycles(model, graph, WW | WR | RW | PROCESS | REALTIME, Walks::NoAdjacentRw),
        Level::RepeatableRead | Level::Serializable => cycles(model, graph, WW | WR | RW | session, Walks::Any),
        Level::StrongSessionSerializable => cycles(model, graph, WW | WR | RW | PROCESS, Walks::Any),
        Level::StrictSerializable => cycles(model, graph, WW | WR | RW | PROCESS | REALTIME, Walks::Any),
        Level::CursorStability
        | Level::MonotonicAtomicView
        | Level::ReadAtomic
        | Level::UpdateAtomic
        | Level::Causal
        | Level::ConsistentView => {
            let visible = if sessions { WR | PROCESS } else { WR };
            let base = if sessions && matches!(level, Level::Causal | Level::ConsistentView) { PROCESS } else { 0 };
            let circular = cycles(model, graph, WW | WR | base, Walks::Any);
            if !circular.is_empty() {
                return circular;
            }
            match level {
                Level::CursorStability => lost_updates(model),
                Level::MonotonicAtomicView => torn(model, true),
                Level::ReadAtomic => torn(model, false),
                Level::UpdateAtomic => [torn(model, false), unseen_writers(model, graph)].concat(),
                Level::Causal => causal(model, graph, visible),
                _ => single(model, graph, WW | WR | base),
            }
        }
    };
    found.sort_by_key(|cycle| (cycle.iter().filter(|step| step.choice.is_some()).count(), cycle.len()));
    found.truncate(AT_MOST);
    found
}

/// Several short cycles through different edges, so that each round of the search adds many clauses.
fn cycles(model: &Model<'_>, graph: &Graph, mask: u8, walks: Walks) -> Vec<Vec<Step>> {
    let components = graph.components(mask, walks);
    let mut found: Vec<Vec<Step>> = Vec::new();
    if !components.any_cycle() {
        return found;
    }
    let mut finder = Finder::new(graph, 2, BUDGET);
    let mut covered = vec![false; graph.edges.len()];
    for place in 0..graph.edges.len() {
        let edge = graph.edges[place];
        let starts = edge.from < graph.members && edge.why.bit() & mask != 0 && components.touches(edge.from);
        if !starts || covered[place] {
            continue;
        }
        // At least one cycle is found, however small the remaining budget.
        if found.is_empty() {
            finder.budget = finder.budget.max(BUDGET);
        }
        if let Some(cycle) = finder.walk(place, mask, walks, &components, u32::MAX) {
            cycle.iter().for_each(|&place| covered[place] = true);
            found.push(model.steps(graph, &cycle));
        }
        if found.len() >= AT_MOST || (finder.budget == 0 && !found.is_empty()) {
            break;
        }
    }
    assert!(!found.is_empty(), "a component with a cycle has a cycle");
    found
}

/// G-cursor (Adya 4.3.1): a transaction overwrites a version later than the one it read.
fn lost_updates(model: &Model<'_>) -> Vec<Vec<Step>> {
    let mut found = Vec::new();
    for read in &model.facts.reads {
        let Some(write) = model.write(read.member, read.key) else {
            continue;
        };
        if let Some(between) = model.next(read).filter(|&between| between < write.last) {
            found.push(vec![model.rw(read, between), model.ww(read.key, between, write.last)]);
        }
        if found.len() >= AT_MOST {
            break;
        }
    }
    found
}

/// Fractured reads: a reader that saw one write of a transaction and missed another: anywhere (read atomic), or only
/// `later`.
fn torn(model: &Model<'_>, later: bool) -> Vec<Vec<Step>> {
    let reads = &model.facts.reads;
    let mut found = Vec::new();
    for member in 0..model.facts.members.len() as Member {
        for i in model.reads(member) {
            let Some(writer) = model.writer(&reads[i]) else {
                continue;
            };
            for j in model.reads(member) {
                if i == j || (later && reads[j].mop < reads[i].mop) {
                    continue;
                }
                let Some(write) = model.write(writer, reads[j].key) else {
                    continue;
                };
                if write.last >= model.seen(&reads[j]) {
                    found.push(vec![model.wr(&reads[i]), model.rw(&reads[j], write.last)]);
                }
            }
        }
        if found.len() >= AT_MOST {
            break;
        }
    }
    found
}

/// The anti-dependencies that can be part of a G-single cycle, by index of their edge. Also an order in which ww, wr
/// and the edges in `mask` lead forward.
fn backward(graph: &Graph, mask: u8) -> (Vec<usize>, Vec<u32>) {
    let place = graph.topological(mask).expect("cycles of writes and reads were looked for before");
    let components = graph.components(mask | RW, Walks::NoAdjacentRw);
    if !components.any_cycle() {
        return (Vec::new(), place);
    }
    let backward = (0..graph.edges.len()).filter(|&i| {
        let edge = &graph.edges[i];
        edge.why == Dependency::Rw
            && place[edge.to as usize] < place[edge.from as usize]
            && components.touches(edge.from)
            && components.touches(edge.to)
    });
    (backward.collect(), place)
}

/// G-single (Adya 4.3.2): exactly one anti-dependency.
fn single(model: &Model<'_>, graph: &Graph, mask: u8) -> Vec<Vec<Step>> {
    let (candidates, place) = backward(graph, mask);
    let mut finder = Finder::new(graph, 1, u64::MAX);
    let mut found = Vec::new();
    for first in candidates {
        // A path back cannot lead past the reader in the order.
        let end = place[graph.edges[first].from as usize];
        let next = |_, why: Dependency| (why.bit() & mask != 0).then_some(0);
        let inside = |node: u32| place[node as usize] <= end;
        if let Some(cycle) = finder.back(first, 0, u32::MAX, inside, next, |_| true) {
            found.push(model.steps(graph, &cycle));
        }
        if found.len() >= AT_MOST {
            break;
        }
    }
    found
}

/// A reader that missed a version, with a chain of reads from that version's writer to it.
fn causal(model: &Model<'_>, graph: &Graph, visible: u8) -> Vec<Vec<Step>> {
    // Sessions are part of the visibility only if they are for all edges, so the order has to agree with them too.
    let (candidates, place) = backward(graph, WW | visible);
    if candidates.is_empty() {
        return Vec::new();
    }
    let mut incoming: Vec<Vec<Edge>> = vec![Vec::new(); graph.members as usize];
    for edge in graph.edges.iter().filter(|edge| edge.why.bit() & visible != 0) {
        incoming[edge.to as usize].push(*edge);
    }
    let mut found = Vec::new();
    let mut mark = vec![usize::MAX; graph.members as usize];
    let mut parent: Vec<Option<Edge>> = vec![None; graph.members as usize];
    for first in candidates {
        let read = &model.facts.reads[graph.edges[first].at as usize];
        let seen = model.seen(read);
        let begin = place[graph.edges[first].to as usize];
        let mut open = std::collections::VecDeque::from([read.member]);
        mark[read.member as usize] = first;
        'past: while let Some(member) = open.pop_front() {
            for edge in &incoming[member as usize] {
                if mark[edge.from as usize] == first || place[edge.from as usize] < begin {
                    continue;
                }
                mark[edge.from as usize] = first;
                parent[edge.from as usize] = Some(*edge);
                open.push_back(edge.from);
                let Some(write) = model.write(edge.from, read.key).filter(|write| write.last >= seen) else {
                    continue;
                };
                let mut cycle = vec![model.rw(read, write.last)];
                let mut at = edge.from;
                while at != read.member {
                    let edge = parent[at as usize].expect("the way is marked");
                    cycle.push(match edge.why {
                        Dependency::Wr => model.wr(&model.facts.reads[edge.at as usize]),
                        why => Step { from: edge.from, to: edge.to, why, key: 0, choice: None },
                    });
                    at = edge.to;
                }
                found.push(cycle);
                break 'past;
            }
        }
        if found.len() >= AT_MOST {
            break;
        }
    }
    found
}

/// NOCONFLICT (Cerone et al. 2015): a reader that missed a version whose writer it overwrote elsewhere.
fn unseen_writers(model: &Model<'_>, graph: &Graph) -> Vec<Vec<Step>> {
    let (candidates, place) = backward(graph, WW | WR);
    let mut found = Vec::new();
    for first in candidates {
        let read = &model.facts.reads[graph.edges[first].at as usize];
        let end = place[read.member as usize];
        let slots = &model.slots[read.key as usize];
        for (at, &writer) in slots.iter().enumerate().skip(model.seen(read) as usize) {
            if place[writer as usize] > end {
                break;
            }
            if writer == read.member {
                continue;
            }
            for own in model.writes(read.member) {
                if let Some(theirs) = model.write(writer, own.key).filter(|theirs| theirs.first < own.last) {
                    found.push(vec![model.rw(read, at as u32), model.ww(own.key, theirs.first, own.last)]);
                }
            }
        }
        if found.len() >= AT_MOST {
            break;
        }
    }
    found
}
