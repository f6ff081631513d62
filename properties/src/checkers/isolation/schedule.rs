//! A guess at a serial order: the transactions one after the other, each as soon as what must precede it is done and no
//! version that it overwrites has readers left. Where that is possible to the end, the order is serial.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::{
    facts::{Facts, Member, Source},
    graph::Graph,
};

/// A position for each member; `mask` are the edges that lead forward, and must have no cycle.
pub(super) fn schedule(facts: &Facts, reads_of: &[u32], graph: &Graph, mask: u8) -> Option<Vec<u32>> {
    let place = graph.topological(mask)?;
    let mut run = Run::new(facts, reads_of, graph, mask, &place);
    while let Some(node) = run.next() {
        run.take(node);
    }
    Some(run.rank)
}

struct Run<'a> {
    facts: &'a Facts,
    reads_of: &'a [u32],
    graph: &'a Graph,
    mask: u8,
    /// By node: how far it is from the beginning.
    depth: Vec<u32>,
    incoming: Vec<u32>,
    /// By member: the keys of its loose versions, and how many others read them.
    writes: Vec<Vec<(u32, u32)>>,
    /// By key: the present version, and how many of its readers are left.
    present: Vec<(Option<Member>, u32)>,
    ready: BinaryHeap<Reverse<(bool, u32, u32)>>,
    /// By key: the members that wait for the readers of its present version.
    waiting: Vec<Vec<Member>>,
    held: u32,
    rank: Vec<u32>,
    count: u32,
}

impl<'a> Run<'a> {
    fn new(facts: &'a Facts, reads_of: &'a [u32], graph: &'a Graph, mask: u8, place: &[u32]) -> Self {
        let members = facts.members.len();
        let mut readers: BTreeMap<(u32, Member), u32> = BTreeMap::new();
        for read in &facts.reads {
            if let Source::Loose(writer) = read.source {
                *readers.entry((read.key, writer)).or_default() += 1;
            }
        }
        let mut writes = vec![Vec::new(); members];
        for (key, versions) in (0..).zip(&facts.versions) {
            for &member in &versions.loose {
                let left = readers.get(&(key, member)).copied().unwrap_or(0);
                writes[member as usize].push((key, left));
            }
        }
        let mut order: Vec<u32> = (0..graph.nodes).collect();
        order.sort_unstable_by_key(|&node| place[node as usize]);
        let (mut depth, mut incoming) = (vec![0u32; graph.nodes as usize], vec![0u32; graph.nodes as usize]);
        for node in order {
            for edge in graph.along(node, mask) {
                incoming[edge.to as usize] += 1;
                let far = depth[node as usize] + u32::from(edge.to < graph.members);
                depth[edge.to as usize] = depth[edge.to as usize].max(far);
            }
        }
        let mut run = Run {
            facts,
            reads_of,
            graph,
            mask,
            depth,
            incoming,
            writes,
            present: vec![(None, 0); facts.versions.len()],
            ready: BinaryHeap::new(),
            waiting: vec![Vec::new(); facts.versions.len()],
            held: 0,
            rank: vec![0; members],
            count: 0,
        };
        let first: Vec<u32> = (0..graph.nodes).filter(|&node| run.incoming[node as usize] == 0).collect();
        first.into_iter().for_each(|node| run.enable(node));
        run
    }

    /// Transactions whose writes nobody reads come first, because they block nobody; then the earliest.
    fn enable(&mut self, node: u32) {
        let opens = node < self.graph.members && self.writes[node as usize].iter().any(|&(_, readers)| readers > 0);
        self.ready.push(Reverse((opens, self.depth[node as usize], node)));
    }

    fn next(&mut self) -> Option<u32> {
        while let Some(Reverse((.., node))) = self.ready.pop() {
            if node >= self.graph.members {
                return Some(node);
            }
            let Some(key) = self.blocked(node) else {
                return Some(node);
            };
            self.waiting[key as usize].push(node);
            self.held += 1;
        }
        self.give_up()
    }

    /// The key of a version that others have yet to read, and that this transaction would overwrite.
    fn blocked(&self, member: Member) -> Option<u32> {
        let writes = self.writes[member as usize].iter().map(|&(key, _)| key);
        writes.into_iter().find(|&key| {
            let (present, left) = self.present[key as usize];
            left > u32::from(present.is_some_and(|writer| self.reads_from(member, key, writer)))
        })
    }

    fn reads_from(&self, member: Member, key: u32, writer: Member) -> bool {
        self.reads(member).any(|read| (read.key, read.source) == (key, Source::Loose(writer)))
    }

    fn reads(&self, member: Member) -> impl Iterator<Item = &'a super::facts::Read> + use<'a> {
        let facts = self.facts;
        (self.reads_of[member as usize]..self.reads_of[member as usize + 1]).map(|read| &facts.reads[read as usize])
    }

    /// If all wait for each other, one of those goes first for which the fewest readers are left.
    fn give_up(&mut self) -> Option<u32> {
        if self.held == 0 {
            return None;
        }
        let left = |key: usize| self.present[key].1;
        let key = (0..self.waiting.len()).filter(|&key| !self.waiting[key].is_empty()).min_by_key(|&key| left(key))?;
        self.held -= 1;
        self.waiting[key].pop()
    }

    fn take(&mut self, node: u32) {
        if node < self.graph.members {
            self.rank[node as usize] = self.count;
            self.count += 1;
            for read in self.reads(node) {
                let Source::Loose(writer) = read.source else { continue };
                let (present, left) = &mut self.present[read.key as usize];
                if *present == Some(writer) {
                    *left -= 1;
                    if *left <= 1 {
                        self.release(read.key);
                    }
                }
            }
            for at in 0..self.writes[node as usize].len() {
                let (key, readers) = self.writes[node as usize][at];
                self.present[key as usize] = (Some(node), readers);
                self.release(key);
            }
        }
        let graph = self.graph;
        for edge in graph.along(node, self.mask) {
            self.incoming[edge.to as usize] -= 1;
            if self.incoming[edge.to as usize] == 0 {
                self.enable(edge.to);
            }
        }
    }

    fn release(&mut self, key: u32) {
        for member in std::mem::take(&mut self.waiting[key as usize]) {
            self.held -= 1;
            self.enable(member);
        }
    }
}
