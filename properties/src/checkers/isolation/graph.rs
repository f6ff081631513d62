//! Dependency graphs (Adya 1999, section 3.2; Elle, section 4.2), and cycles in them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// The reason why one transaction precedes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// The second overwrote what the first wrote (Adya: directly write-depends).
    Ww,
    /// The second read what the first wrote (directly read-depends).
    Wr,
    /// The second overwrote what the first read (directly anti-depends).
    Rw,
    /// The first came before the second in their session.
    Process,
    /// The first returned before the second was invoked.
    Realtime,
    /// The second part of an edge through a barrier, which keeps many-to-many edges linear in size. Never in a reported
    /// cycle.
    Barrier,
}

impl Dependency {
    pub(super) fn bit(self) -> u8 {
        1 << self as u8
    }
}

pub(super) const WW: u8 = 1;
pub(super) const WR: u8 = 2;
pub(super) const RW: u8 = 4;
pub(super) const PROCESS: u8 = 8;
pub(super) const REALTIME: u8 = 16;
const BARRIER: u8 = 32;

/// An edge. `at` is the read of a `Wr` or `Rw`, or the version of a `Ww`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub from: u32,
    pub to: u32,
    pub why: Dependency,
    pub key: u32,
    pub at: u32,
}

/// Edges, ordered by source. Nodes from `members` on are barriers.
#[derive(Clone, Debug, Default)]
pub(super) struct Graph {
    pub members: u32,
    pub nodes: u32,
    pub edges: Vec<Edge>,
    start: Vec<u32>,
}

/// A class of walks, as an automaton: each edge changes the state of the walk, or cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walks {
    /// All walks.
    Any,
    /// Without two consecutive anti-dependencies (Cerone and Gotsman 2018, theorem 10).
    NoAdjacentRw,
    /// An anti-dependency only right after a read dependency or a session edge: (WR ; RW?) ∪ WW.
    RwAfterWr,
}

impl Walks {
    fn states(self) -> u32 {
        if self == Walks::Any { 1 } else { 2 }
    }

    fn next(self, state: u32, why: Dependency) -> Option<u32> {
        match (self, why) {
            (Walks::Any, _) => Some(0),
            (_, Dependency::Barrier) => Some(state),
            (Walks::NoAdjacentRw, Dependency::Rw) => (state == 0).then_some(1),
            (Walks::NoAdjacentRw, _) => Some(0),
            (Walks::RwAfterWr, Dependency::Rw) => (state == 1).then_some(0),
            (Walks::RwAfterWr, Dependency::Wr | Dependency::Process) => Some(1),
            (Walks::RwAfterWr, _) => Some(0),
        }
    }
}

impl Graph {
    pub fn new(members: u32, nodes: u32, edges: Vec<Edge>) -> Graph {
        // Counting sort by source: linear, and stable, so that the graph is a function of the history.
        let mut start = vec![0u32; nodes as usize + 1];
        for edge in &edges {
            start[edge.from as usize + 1] += 1;
        }
        for i in 0..nodes as usize {
            start[i + 1] += start[i];
        }
        let mut next = start.clone();
        let mut sorted = edges.clone();
        for edge in edges {
            let place = &mut next[edge.from as usize];
            sorted[*place as usize] = edge;
            *place += 1;
        }
        Graph { members, nodes, edges: sorted, start }
    }

    /// The indices of a node's edges.
    pub fn out(&self, node: u32) -> std::ops::Range<usize> {
        self.start[node as usize] as usize..self.start[node as usize + 1] as usize
    }

    /// The edges of a node in `mask`, and those of barriers.
    pub fn along(&self, node: u32, mask: u8) -> impl Iterator<Item = &Edge> {
        self.edges[self.out(node)].iter().filter(move |edge| edge.why.bit() & (mask | BARRIER) != 0)
    }

    /// The strongly connected components of the walks over edges in `mask` (Tarjan 1972): a number for each (node,
    /// state), successors first; and whether each component has a cycle.
    pub fn components(&self, mask: u8, walks: Walks) -> Components {
        const NEW: u32 = u32::MAX;
        let mask = mask | BARRIER;
        let states = walks.states();
        let size = (self.nodes * states) as usize;
        let mut low = vec![NEW; size];
        let mut component = vec![NEW; size];
        let mut cyclic = Vec::new();
        let (mut stack, mut calls): (Vec<u32>, Vec<(u32, usize)>) = (Vec::new(), Vec::new());
        let mut index = vec![NEW; size];
        let mut time = 0;
        for root in 0..size as u32 {
            if index[root as usize] != NEW {
                continue;
            }
            calls.push((root, self.out(root / states).start));
            index[root as usize] = time;
            low[root as usize] = time;
            time += 1;
            stack.push(root);
            while let Some(&mut (v, ref mut place)) = calls.last_mut() {
                if *place < self.out(v / states).end {
                    let edge = self.edges[*place];
                    *place += 1;
                    if edge.why.bit() & mask == 0 {
                        continue;
                    }
                    let Some(state) = walks.next(v % states, edge.why) else {
                        continue;
                    };
                    let w = edge.to * states + state;
                    if index[w as usize] == NEW {
                        index[w as usize] = time;
                        low[w as usize] = time;
                        time += 1;
                        stack.push(w);
                        calls.push((w, self.out(edge.to).start));
                    } else if component[w as usize] == NEW {
                        low[v as usize] = low[v as usize].min(index[w as usize]);
                    }
                    continue;
                }
                calls.pop();
                if let Some(&(parent, _)) = calls.last() {
                    low[parent as usize] = low[parent as usize].min(low[v as usize]);
                }
                if low[v as usize] == index[v as usize] {
                    let number = cyclic.len() as u32;
                    let mut members = 0;
                    loop {
                        let w = stack.pop().expect("a component's root is on the stack");
                        component[w as usize] = number;
                        members += 1;
                        if w == v {
                            break;
                        }
                    }
                    // There are no self-loops: no transaction depends on itself.
                    cyclic.push(members > 1);
                }
            }
        }
        Components { states, component, cyclic }
    }

    /// A position for each transaction such that edges in `mask` lead forward, as close to the order of the history as
    /// possible; `None` if they form a cycle.
    pub fn topological(&self, mask: u8) -> Option<Vec<u32>> {
        let mut incoming = vec![0u32; self.nodes as usize];
        let wanted = |edge: &&Edge| edge.why.bit() & (mask | BARRIER) != 0;
        for edge in self.edges.iter().filter(wanted) {
            incoming[edge.to as usize] += 1;
        }
        // Barriers first: they are no transactions, and delay others.
        let rank = |node: u32| if node >= self.members { (0, node) } else { (1, node) };
        let mut ready: BinaryHeap<Reverse<(u32, u32)>> =
            (0..self.nodes).filter(|&n| incoming[n as usize] == 0).map(|n| Reverse(rank(n))).collect();
        let mut place = vec![0; self.nodes as usize];
        let mut count = 0;
        while let Some(Reverse((_, node))) = ready.pop() {
            place[node as usize] = count;
            count += 1;
            for edge in self.edges[self.out(node)].iter().filter(wanted) {
                incoming[edge.to as usize] -= 1;
                if incoming[edge.to as usize] == 0 {
                    ready.push(Reverse(rank(edge.to)));
                }
            }
        }
        (count == self.nodes).then_some(place)
    }
}

/// The strongly connected components of walks.
pub(super) struct Components {
    states: u32,
    component: Vec<u32>,
    cyclic: Vec<bool>,
}

impl Components {
    /// Whether there is any cycle.
    pub fn any_cycle(&self) -> bool {
        self.cyclic.contains(&true)
    }

    /// The component of a node in a state, if it has a cycle.
    pub fn cyclic(&self, node: u32, state: u32) -> Option<u32> {
        let component = self.component[(node * self.states + state) as usize];
        self.cyclic[component as usize].then_some(component)
    }

    /// Whether the node is in a cycle, in any state.
    pub fn touches(&self, node: u32) -> bool {
        (0..self.states).any(|state| self.cyclic(node, state).is_some())
    }
}

/// A search for short cycles, which reuses its tables.
pub(super) struct Finder<'g> {
    graph: &'g Graph,
    states: u32,
    distance: Vec<u32>,
    parent: Vec<(u32, u32)>,
    touched: Vec<u32>,
    /// The number of edges that may still be visited; then the shortest cycles so far are taken.
    pub budget: u64,
}

impl<'g> Finder<'g> {
    pub fn new(graph: &'g Graph, states: u32, budget: u64) -> Finder<'g> {
        let size = (graph.nodes * states) as usize;
        Finder {
            graph,
            states,
            distance: vec![u32::MAX; size],
            parent: vec![(0, 0); size],
            touched: Vec::new(),
            budget,
        }
    }

    /// The shortest walk that starts with the edge at index `first` in state `state` after it, continues by `next`, and
    /// returns to the source of the first edge in a state that `accept` takes; shorter than `below` transactions. Only
    /// nodes that `inside` admits are visited. Returns the indices of its edges.
    pub fn back(
        &mut self,
        first: usize,
        state: u32,
        below: u32,
        inside: impl Fn(u32) -> bool,
        next: impl Fn(u32, Dependency) -> Option<u32>,
        accept: impl Fn(u32) -> bool,
    ) -> Option<Vec<usize>> {
        for &touched in &self.touched {
            self.distance[touched as usize] = u32::MAX;
        }
        self.touched.clear();
        let graph = self.graph;
        let (home, begin) = (graph.edges[first].from, graph.edges[first].to);
        let length = |node: u32| u32::from(node < graph.members);
        let mut queue = VecDeque::new();
        let root = begin * self.states + state;
        self.distance[root as usize] = length(begin);
        self.touched.push(root);
        queue.push_back((root, length(begin)));
        while let Some((at, distance)) = queue.pop_front() {
            if distance > self.distance[at as usize] || distance >= below || self.budget == 0 {
                continue;
            }
            let (node, state) = (at / self.states, at % self.states);
            if node == home && accept(state) {
                let mut path = Vec::new();
                let mut at = at;
                while at != root {
                    let (before, edge) = self.parent[at as usize];
                    path.push(edge as usize);
                    at = before;
                }
                path.push(first);
                path.reverse();
                return Some(path);
            }
            for place in graph.out(node) {
                self.budget = self.budget.saturating_sub(1);
                let edge = graph.edges[place];
                if !inside(edge.to) {
                    continue;
                }
                let Some(state) = next(state, edge.why) else { continue };
                let to = edge.to * self.states + state;
                let far = distance + length(edge.to);
                if far < self.distance[to as usize] {
                    if self.distance[to as usize] == u32::MAX {
                        self.touched.push(to);
                    }
                    self.distance[to as usize] = far;
                    self.parent[to as usize] = (at, place as u32);
                    if length(edge.to) == 0 { queue.push_front((to, far)) } else { queue.push_back((to, far)) }
                }
            }
        }
        None
    }

    /// The shortest cycle of the walks that starts with this edge.
    pub fn walk(
        &mut self,
        first: usize,
        mask: u8,
        walks: Walks,
        components: &Components,
        below: u32,
    ) -> Option<Vec<usize>> {
        let mask = mask | BARRIER;
        let mut best: Option<Vec<usize>> = None;
        for before in 0..walks.states() {
            let edge = self.graph.edges[first];
            let Some(component) = components.cyclic(edge.from, before) else {
                continue;
            };
            let Some(state) = walks.next(before, edge.why) else {
                continue;
            };
            if components.cyclic(edge.to, state) != Some(component) {
                continue;
            }
            let below = best.as_ref().map_or(below, |best| best.len() as u32);
            let found = self.back(
                first,
                state,
                below,
                |node| components.touches(node),
                |state, why| {
                    if why.bit() & mask == 0 { None } else { walks.next(state, why) }
                },
                |state| state == before,
            );
            best = found.or(best);
        }
        best
    }
}
