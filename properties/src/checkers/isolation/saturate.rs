//! The order of versions that serializability forces, before anything is guessed.
//!
//! Of two versions of a key, either all readers of the first precede the second's writer, or the other way round. Where one
//! of the two ways closes a cycle with what is known, the other one is known too (the pruning of Cobra, Tan et al., OSDI
//! 2020, section 4.3, repeated until nothing new is known). What remains is rarely hard, and the search begins with it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{
    anomalies,
    budget::Budget,
    facts::{Facts, Member, Source},
    graph::{Dependency, Edge, Graph, PROCESS, REALTIME, RW, WR, WW, Walks},
    model::{Choices, Step},
};

/// The most bytes of the table of what precedes what; larger histories are searched without it.
const TABLE: u64 = 256 << 20;
/// How many words are joined, or pairs compared, in the time in which the search visits an edge.
const WORDS_AN_EDGE: u64 = 8;

const ALL: u8 = WW | WR | RW | PROCESS | REALTIME;

/// Two versions of a key in the order that they must have.
#[derive(Clone, Copy, Debug)]
struct Order {
    key: u32,
    before: Member,
    after: Member,
    /// The reader of `after` whom `before` precedes; `None` if `before` precedes `after`.
    reader: Option<u32>,
}

/// What is known of a history about its order in time.
pub(super) struct Saturated<'f> {
    pub facts: &'f Facts,
    choices: &'f Choices,
    certain: Graph,
    pub pairs: Pairs,
    orders: Vec<Order>,
    /// The edges that the orders add; `at` is the index of the order.
    added: Vec<Edge>,
    /// All of them.
    pub graph: Graph,
    /// A position for each node; `None` if there is a cycle.
    pub place: Option<Vec<u32>>,
}

impl<'f> Saturated<'f> {
    /// Finds what follows from the facts and the edges of sessions and real time, within the budget.
    pub fn of(
        facts: &'f Facts,
        choices: &'f Choices,
        (more, nodes): (&[Edge], u32),
        budget: &mut Budget,
    ) -> Saturated<'f> {
        let certain = anomalies::certain(facts, more, nodes);
        let graph = certain.clone();
        let place = graph.topological(ALL);
        let pairs = Pairs::of(facts, choices);
        let (orders, added) = (Vec::new(), Vec::new());
        let mut known = Saturated { facts, choices, certain, pairs, orders, added, graph, place };
        while known.pass(budget) {}
        known
    }

    /// One pass over the pairs of versions whose order is not known; returns whether it found any.
    fn pass(&mut self, budget: &mut Budget) -> bool {
        if self.pairs.left == 0 || !budget.spend(self.pairs.left / WORDS_AN_EDGE) {
            return false;
        }
        let Some(before) = self.before(budget) else {
            return false;
        };
        let found = self.orders.len();
        for key in 0..self.facts.versions.len() {
            self.compare(key as u32, &before);
        }
        if self.orders.len() == found {
            return false;
        }
        let edges = [&self.certain.edges[..], &self.added].concat();
        self.graph = Graph::new(self.certain.members, self.certain.nodes, edges);
        self.place = self.graph.topological(ALL);
        true
    }

    /// What precedes what; `None` if there is a cycle, or the budget is too small.
    pub fn before(&self, budget: &mut Budget) -> Option<Before> {
        let place = self.place.as_ref()?;
        let words = self.graph.members.div_ceil(64) as usize;
        let bytes = words as u64 * u64::from(self.graph.nodes) * 8;
        let cost = (self.graph.edges.len() * words) as u64 / WORDS_AN_EDGE;
        (bytes <= TABLE.min(budget.bytes / 2) && budget.spend(cost)).then(|| Before::of(&self.graph, place, words))
    }

    /// Whether the order of two loose versions of a key is known.
    pub fn is_known(&self, key: u32, low: usize, high: usize) -> bool {
        self.pairs.is_known(self.choices.between(key, low, high).unsigned_abs())
    }

    fn compare(&mut self, key: u32, before: &Before) {
        let loose = &self.facts.versions[key as usize].loose;
        for high in 1..loose.len() {
            for low in 0..high {
                let choice = self.choices.between(key, low, high).unsigned_abs();
                if self.pairs.is_known(choice) {
                    continue;
                }
                let Some((first, second, reader)) = self.order(key, (low, high), before) else {
                    continue;
                };
                self.pairs.know(choice);
                let (from, to) = (loose[first], loose[second]);
                let at = self.orders.len() as u32;
                self.orders.push(Order { key, before: from, after: to, reader });
                if !before.has(from, to) {
                    self.added.push(Edge { from, to, why: Dependency::Ww, key, at });
                }
                for &read in self.pairs.readers(key, first) {
                    let from = self.facts.reads[read as usize].member;
                    if from != to && !before.has(from, to) {
                        self.added.push(Edge { from, to, why: Dependency::Rw, key, at });
                    }
                }
            }
        }
    }

    /// The order of two loose versions, if it follows from what precedes what.
    fn order(&self, key: u32, (low, high): (usize, usize), before: &Before) -> Option<(usize, usize, Option<u32>)> {
        let loose = &self.facts.versions[key as usize].loose;
        let ways = [(low, high), (high, low)];
        if let Some(&(a, b)) = ways.iter().find(|(a, b)| before.has(loose[*a], loose[*b])) {
            return Some((a, b, None));
        }
        ways.into_iter().find_map(|(a, b)| {
            let follows = |read: &&u32| before.has(loose[a], self.facts.reads[**read as usize].member);
            self.pairs.readers(key, b).iter().find(follows).map(|&read| (a, b, Some(read)))
        })
    }

    /// All that is known, and what follows at once from these choices.
    pub fn along(&self, taken: &BTreeMap<u32, bool>) -> Graph {
        let mut edges = self.graph.edges.clone();
        for (&choice, &yes) in taken.iter().filter(|(choice, _)| !self.pairs.is_known(**choice)) {
            let (key, low, high) = self.choices.of_number(choice);
            let (first, second) = if yes { (low, high) } else { (high, low) };
            let loose = &self.facts.versions[key as usize].loose;
            let (from, to) = (loose[first], loose[second]);
            edges.push(Edge { from, to, why: Dependency::Ww, key, at: 0 });
            let readers = self.pairs.readers(key, first).iter().map(|&read| self.facts.reads[read as usize].member);
            let readers = readers.filter(|&reader| reader != to);
            edges.extend(readers.map(|from| Edge { from, to, why: Dependency::Rw, key, at: 0 }));
        }
        Graph::new(self.graph.members, self.graph.nodes, edges)
    }

    /// The orders as choices.
    pub fn literals(&self) -> impl Iterator<Item = i32> {
        self.orders.iter().map(|order| self.literal(order))
    }

    fn literal(&self, order: &Order) -> i32 {
        let loose = &self.facts.versions[order.key as usize].loose;
        let place = |member| loose.binary_search(&member).expect("it is one of them");
        self.choices.between(order.key, place(order.before), place(order.after))
    }

    /// The cycle that the n-th order avoids.
    pub fn reason(&self, n: usize) -> Vec<Step> {
        let Order { key, before, after, reader } = self.orders[n];
        let choice = Some(-self.literal(&self.orders[n]));
        let closing = |from, to, why| Step { from, to, why, key, choice };
        match reader {
            Some(read) => {
                let reader = self.facts.reads[read as usize].member;
                let mut cycle = vec![closing(reader, before, Dependency::Rw)];
                cycle.extend(self.path(before, reader, n));
                cycle
            }
            None => {
                let mut cycle = vec![closing(after, before, Dependency::Ww)];
                cycle.extend(self.path(before, after, n));
                cycle
            }
        }
    }

    /// The number of orders.
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// These cycles, and the reasons of all orders that they assume.
    pub fn unfold(&self, mut cycles: Vec<Vec<Step>>) -> Vec<Vec<Step>> {
        let orders: BTreeMap<i32, usize> = self.literals().zip(0..).collect();
        let mut unfolded = BTreeSet::new();
        let mut at = 0;
        while at < cycles.len() {
            let assumed = cycles[at].iter().filter_map(|step| orders.get(&step.choice?)).copied();
            let new: Vec<usize> = assumed.filter(|&order| unfolded.insert(order)).collect();
            cycles.extend(new.into_iter().map(|order| self.reason(order)));
            at += 1;
        }
        cycles
    }

    /// A cycle of what is known, if there is one.
    pub fn cycle(&self) -> Option<Vec<Step>> {
        if self.place.is_some() {
            return None;
        }
        let components = self.graph.components(ALL, Walks::Any);
        let edges = self.graph.edges.iter().filter(|edge| edge.from < self.graph.members);
        let shortest = edges.filter(|edge| components.touches(edge.from)).take(CYCLES).filter_map(|edge| {
            let back = self.shortest(edge.to, edge.from, usize::MAX)?;
            Some(self.steps(&[&[*edge], &back[..]].concat()))
        });
        shortest.min_by_key(|cycle| (cycle.iter().filter(|step| step.choice.is_some()).count(), cycle.len()))
    }

    fn path(&self, from: Member, to: Member, known: usize) -> Vec<Step> {
        self.steps(&self.shortest(from, to, known).expect("one precedes the other"))
    }

    /// A shortest path along certain edges and those of the first orders.
    fn shortest(&self, from: Member, to: Member, known: usize) -> Option<Vec<Edge>> {
        let mut parent: Vec<Option<Edge>> = vec![None; self.graph.nodes as usize];
        let mut open = VecDeque::from([from]);
        while let Some(node) = open.pop_front() {
            for edge in &self.graph.edges[self.graph.out(node)] {
                let is_known = self.order_of(edge).is_none_or(|order| order < known);
                if is_known && parent[edge.to as usize].is_none() {
                    parent[edge.to as usize] = Some(*edge);
                    open.push_back(edge.to);
                }
            }
            if parent[to as usize].is_some() {
                break;
            }
        }
        let mut edges = vec![parent[to as usize]?];
        while edges[edges.len() - 1].from != from {
            edges.push(parent[edges[edges.len() - 1].from as usize].expect("it was reached"));
        }
        edges.reverse();
        Some(edges)
    }

    /// The order that an edge comes from.
    fn order_of(&self, edge: &Edge) -> Option<usize> {
        let is_added = self.added.binary_search_by_key(&edge.at, |added| added.at).is_ok();
        let same =
            |added: &Edge| (added.from, added.to, added.why, added.key) == (edge.from, edge.to, edge.why, edge.key);
        let from = self.added.partition_point(|added| added.at < edge.at);
        let is_it = is_added && self.added[from..].iter().take_while(|added| added.at == edge.at).any(same);
        is_it.then_some(edge.at as usize)
    }

    fn steps(&self, edges: &[Edge]) -> Vec<Step> {
        let mut steps: Vec<Step> = Vec::new();
        for edge in edges {
            if edge.from >= self.graph.members {
                steps.last_mut().expect("a path starts at a transaction").to = edge.to;
                continue;
            }
            let choice = self.order_of(edge).map(|order| self.literal(&self.orders[order]));
            steps.push(Step { from: edge.from, to: edge.to, why: edge.why, key: edge.key, choice });
        }
        steps
    }
}

/// From how many edges a short cycle is looked for.
const CYCLES: usize = 200;

/// Pairs of versions, and the readers of each version.
pub(super) struct Pairs {
    known: Vec<u64>,
    left: u64,
    /// By key: the first of its versions.
    start: Vec<usize>,
    /// By version: its first reader.
    first: Vec<u32>,
    readers: Vec<u32>,
}

impl Pairs {
    fn of(facts: &Facts, choices: &Choices) -> Pairs {
        let mut start = vec![0];
        for versions in &facts.versions {
            start.push(start[start.len() - 1] + versions.loose.len());
        }
        let version = |key: u32, writer: Member| {
            let place = facts.versions[key as usize].loose.binary_search(&writer);
            start[key as usize] + place.expect("it is read as one of them")
        };
        let mut readers: Vec<(usize, u32)> = Vec::new();
        for (at, read) in (0..).zip(&facts.reads) {
            if let Source::Loose(writer) = read.source {
                readers.push((version(read.key, writer), at));
            }
        }
        readers.sort_unstable();
        let mut first = vec![0; start[start.len() - 1] + 1];
        readers.iter().for_each(|(version, _)| first[*version + 1] += 1);
        for i in 1..first.len() {
            first[i] += first[i - 1];
        }
        let readers = readers.into_iter().map(|(_, read)| read).collect();
        Pairs { known: vec![0; choices.count as usize / 64 + 1], left: choices.count, start, first, readers }
    }

    /// The reads of a loose version.
    pub fn readers(&self, key: u32, place: usize) -> &[u32] {
        let version = self.start[key as usize] + place;
        &self.readers[self.first[version] as usize..self.first[version + 1] as usize]
    }

    fn is_known(&self, choice: u32) -> bool {
        self.known[choice as usize / 64] >> (choice % 64) & 1 == 1
    }

    fn know(&mut self, choice: u32) {
        self.known[choice as usize / 64] |= 1 << (choice % 64);
        self.left -= 1;
    }
}

/// By node: the transactions before it.
pub(super) struct Before {
    pub words: usize,
    pub rows: Vec<u64>,
}

impl Before {
    fn of(graph: &Graph, place: &[u32], words: usize) -> Before {
        let mut order: Vec<u32> = (0..graph.nodes).collect();
        order.sort_unstable_by_key(|&node| place[node as usize]);
        let mut before = Before { words, rows: vec![0; graph.nodes as usize * words] };
        let mut row = vec![0; words];
        for node in order {
            let own = node as usize * words;
            row.copy_from_slice(&before.rows[own..own + words]);
            if node < graph.members {
                row[node as usize / 64] |= 1 << (node % 64);
            }
            for edge in &graph.edges[graph.out(node)] {
                let to = edge.to as usize * words;
                before.rows[to..to + words].iter_mut().zip(&row).for_each(|(to, from)| *to |= from);
            }
        }
        before
    }

    /// The transactions before a node.
    pub fn row(&self, node: u32) -> &[u64] {
        &self.rows[node as usize * self.words..][..self.words]
    }

    /// Whether a transaction precedes another one.
    pub fn has(&self, first: Member, second: Member) -> bool {
        self.rows[second as usize * self.words + first as usize / 64] >> (first % 64) & 1 == 1
    }
}
