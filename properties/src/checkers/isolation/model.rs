//! A complete version order: the known part, and choices for the rest.

use super::{
    facts::{Facts, Member, Read, Source},
    graph::{Dependency, Edge, Graph},
};

/// A choice that was made: one loose version of a key precedes another. Negative: it follows. Never zero.
pub(super) type Literal = i32;

/// The numbers of choices: one for each pair of loose versions of one key.
#[derive(Debug)]
pub(super) struct Choices {
    base: Vec<u64>,
    pub count: u64,
}

impl Choices {
    pub fn of(facts: &Facts) -> Choices {
        let mut count = 0u64;
        let base = facts.versions.iter().map(|versions| {
            let base = count;
            let n = versions.loose.len() as u64;
            count += n * n.saturating_sub(1) / 2;
            base
        });
        Choices { base: base.collect(), count }
    }

    /// The key and the pair of loose versions of a choice, by index: `high (high - 1) / 2 + low` is its number among those
    /// of the key.
    pub fn of_number(&self, number: u32) -> (u32, usize, usize) {
        let number = u64::from(number) - 1;
        let key = self.base.partition_point(|&base| base <= number) - 1;
        let number = number - self.base[key];
        let mut high = (8 * number + 1).isqrt().div_ceil(2);
        while high * (high - 1) / 2 > number {
            high -= 1;
        }
        while (high + 1) * high / 2 <= number {
            high += 1;
        }
        (key as u32, (number - high * (high - 1) / 2) as usize, high as usize)
    }

    /// The choice for a pair of loose versions of a key, by index.
    pub fn between(&self, key: u32, first: usize, second: usize) -> Literal {
        assert_ne!(first, second, "a version does not come before itself");
        let (low, high) = (first.min(second) as u64, first.max(second) as u64);
        let number = (self.base[key as usize] + high * (high - 1) / 2 + low + 1) as i32;
        if first < second { number } else { -number }
    }
}

/// An edge of a cycle, and the choice that it depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Step {
    pub from: Member,
    pub to: Member,
    pub why: Dependency,
    pub key: u32,
    pub choice: Option<Literal>,
}

/// The positions of a transaction's versions of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Write {
    pub key: u32,
    pub first: u32,
    pub last: u32,
}

/// A complete version order.
pub(super) struct Model<'f> {
    pub facts: &'f Facts,
    pub choices: &'f Choices,
    /// By key: the writers of the versions after the initial one.
    pub slots: Vec<Vec<Member>>,
    writes: Vec<Write>,
    start: Vec<u32>,
    pub reads_of: &'f [u32],
}

impl<'f> Model<'f> {
    /// The known versions, then the loose ones in the given order, by key. `reads_of` is where each member's reads
    /// start.
    pub fn new(facts: &'f Facts, choices: &'f Choices, reads_of: &'f [u32], loose: &[Vec<Member>]) -> Model<'f> {
        let slots: Vec<Vec<Member>> =
            facts.versions.iter().zip(loose).map(|(known, loose)| [&known.ordered[..], &loose[..]].concat()).collect();
        let mut all: Vec<(Member, u32, u32)> = Vec::new();
        for (key, slots) in slots.iter().enumerate() {
            all.extend(slots.iter().enumerate().map(|(at, &member)| (member, key as u32, at as u32)));
        }
        all.sort_unstable();
        let mut writes: Vec<Write> = Vec::new();
        let mut start = vec![0; facts.members.len() + 1];
        let mut previous = None;
        for (member, key, at) in all {
            if previous == Some((member, key)) {
                writes.last_mut().expect("there was one before").last = at;
            } else {
                writes.push(Write { key, first: at, last: at });
                start[member as usize + 1] += 1;
                previous = Some((member, key));
            }
        }
        for i in 0..facts.members.len() {
            start[i + 1] += start[i];
        }
        Model { facts, choices, slots, writes, start, reads_of }
    }

    pub fn writes(&self, member: Member) -> &[Write] {
        &self.writes[self.start[member as usize] as usize..self.start[member as usize + 1] as usize]
    }

    pub fn write(&self, member: Member, key: u32) -> Option<Write> {
        self.writes(member).iter().copied().find(|write| write.key == key)
    }

    /// The indices of a member's reads.
    pub fn reads(&self, member: Member) -> std::ops::Range<usize> {
        self.reads_of[member as usize] as usize..self.reads_of[member as usize + 1] as usize
    }

    /// The number of versions that the reader saw.
    pub fn seen(&self, read: &Read) -> u32 {
        match read.source {
            Source::Prefix(seen) => seen,
            Source::Loose(writer) => self.write(writer, read.key).expect("a loose version has a place").last + 1,
        }
    }

    /// The member that wrote the version; `None` for the initial version and the reader's own.
    pub fn writer(&self, read: &Read) -> Option<Member> {
        let seen = self.seen(read);
        let writer = self.slots[read.key as usize][seen.checked_sub(1)? as usize];
        (writer != read.member).then_some(writer)
    }

    /// The first version after the one that was read, by another transaction.
    pub fn next(&self, read: &Read) -> Option<u32> {
        let seen = self.seen(read) as usize;
        let slots = &self.slots[read.key as usize];
        slots[seen..].iter().position(|&member| member != read.member).map(|skip| (seen + skip) as u32)
    }

    /// The choice on which the order of two versions depends; `None` if it is certain.
    pub fn before(&self, key: u32, first: u32, second: u32) -> Option<Literal> {
        assert!(first < second, "versions are compared in their order");
        let known = &self.facts.versions[key as usize];
        if (first as usize) < known.ordered.len() {
            return None;
        }
        let place = |at: u32| {
            let member = self.slots[key as usize][at as usize];
            known.loose.binary_search(&member).expect("versions past the known ones are loose")
        };
        Some(self.choices.between(key, place(first), place(second)))
    }

    /// The step from the writer of a version to the writer of a later one.
    pub fn ww(&self, key: u32, first: u32, second: u32) -> Step {
        let slots = &self.slots[key as usize];
        let (from, to) = (slots[first as usize], slots[second as usize]);
        Step { from, to, why: Dependency::Ww, key, choice: self.before(key, first, second) }
    }

    /// The step from the writer of a version to its reader.
    pub fn wr(&self, read: &Read) -> Step {
        let from = self.writer(read).expect("someone wrote it");
        Step { from, to: read.member, why: Dependency::Wr, key: read.key, choice: None }
    }

    /// The step from a reader to the writer of a later version than it read.
    pub fn rw(&self, read: &Read, at: u32) -> Step {
        let to = self.slots[read.key as usize][at as usize];
        let choice = match read.source {
            Source::Prefix(_) => None,
            Source::Loose(_) => self.before(read.key, self.seen(read) - 1, at),
        };
        Step { from: read.member, to, why: Dependency::Rw, key: read.key, choice }
    }

    /// The dependency graph, with ww and rw edges only to the next version; `more` are the edges of sessions and of
    /// real time.
    pub fn graph(&self, more: &[Edge], nodes: u32) -> Graph {
        let mut edges = more.to_vec();
        for (key, slots) in self.slots.iter().enumerate() {
            for (at, (from, to)) in slots.iter().zip(slots.iter().skip(1)).enumerate().filter(|(_, (a, b))| a != b) {
                edges.push(Edge { from: *from, to: *to, why: Dependency::Ww, key: key as u32, at: at as u32 });
            }
        }
        for (at, read) in self.facts.reads.iter().enumerate() {
            let (key, at) = (read.key, at as u32);
            if let Some(from) = self.writer(read) {
                edges.push(Edge { from, to: read.member, why: Dependency::Wr, key, at });
            }
            if let Some(next) = self.next(read) {
                let to = self.slots[key as usize][next as usize];
                edges.push(Edge { from: read.member, to, why: Dependency::Rw, key, at });
            }
        }
        Graph::new(self.facts.members.len() as u32, nodes, edges)
    }

    /// The steps of a cycle, without barriers. Consecutive steps along the versions of one key are joined if the cycle
    /// stays one of the same class, because fewer steps depend on fewer choices.
    pub fn steps(&self, graph: &Graph, cycle: &[usize]) -> Vec<Step> {
        // (edge, position of the version it leads to)
        let mut edges: Vec<(Edge, u32)> = Vec::new();
        for &place in cycle {
            let edge = graph.edges[place];
            let end = match edge.why {
                Dependency::Ww => edge.at + 1,
                Dependency::Rw => self.next(&self.facts.reads[edge.at as usize]).expect("the edge leads there"),
                _ => 0,
            };
            edges.push((edge, end));
        }
        // The cycle starts at a transaction; steps into barriers are joined with the following step.
        if let Some(start) = edges.iter().position(|(edge, _)| edge.from < graph.members) {
            edges.rotate_left(start);
        }
        let mut joined: Vec<(Edge, u32)> = Vec::new();
        for (i, &(edge, end)) in edges.iter().enumerate() {
            if edge.from >= graph.members {
                joined.last_mut().expect("a walk starts at a transaction").0.to = edge.to;
                continue;
            }
            let after = edges[(i + 1) % edges.len()].0.why;
            if let Some((last, at)) = joined.last_mut()
                && edge.why == Dependency::Ww
                && last.key == edge.key
                && edge.at >= *at
                && last.from != edge.to
                && (last.why == Dependency::Ww || (last.why == Dependency::Rw && after != Dependency::Rw))
            {
                (last.to, *at) = (edge.to, end);
                continue;
            }
            joined.push((edge, end));
        }
        joined.iter().map(|(edge, end)| self.step(edge, *end)).collect()
    }

    fn step(&self, edge: &Edge, end: u32) -> Step {
        match edge.why {
            Dependency::Ww => self.ww(edge.key, edge.at, end),
            Dependency::Wr => self.wr(&self.facts.reads[edge.at as usize]),
            Dependency::Rw => self.rw(&self.facts.reads[edge.at as usize], end),
            why => Step { from: edge.from, to: edge.to, why, key: 0, choice: None },
        }
    }
}
