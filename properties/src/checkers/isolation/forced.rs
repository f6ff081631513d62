//! The levels that are decided in polynomial time, without a search for a version order.
//!
//! Biswas and Enea, "On the Complexity of Checking Transactional Consistency" (OOPSLA 2019, section 3): if the visibility
//! that a level needs does not depend on the order of versions, then each read forces part of that order. Of the versions
//! of a key whose writers are visible to a reader, the one that it read is the last. The level is satisfied if and only if
//! the forced orders, the certain ones and the read dependencies have no cycle: any linear extension of them is a version
//! order that the level admits. What the paper calls read committed is monotonic atomic view here, and read atomic and
//! causal are the same.
//!
//! Causal visibility is computed for all transactions at once, in blocks of versions: a bit for each transaction and
//! version. Only the latest writers of each past are ordered before the version that was read, because the others precede
//! those (after Plume, Liu et al., OOPSLA 2024, which takes the last writer of each session).

use super::{
    budget::Budget,
    facts::{Facts, Member, Read, Source},
    graph::{Dependency, Edge, Finder, Graph, PROCESS, WR, WW, Walks},
    levels::Level,
    model::{Choices, Step},
    solve::Decision,
};

/// The most edges that are visited in the search for a short cycle; then the shortest one so far is taken.
const BUDGET: u64 = 20_000_000;
/// The bytes of a block's table.
const TABLE: usize = 64 << 20;
/// The most words of a row of the table: the rows that are used often stay in the cache.
const WIDEST: usize = 16;
/// How many words are joined in the time in which the search visits an edge.
const WORDS_AN_EDGE: u64 = 8;

/// Two versions of a key whose order a read forces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Forced {
    /// The writer of the earlier version, which is visible to the reader.
    pub before: Member,
    /// The writer of the later version, which was read.
    pub after: Member,
    /// The index of the read.
    pub read: u32,
}

/// What reads say about the order of versions.
enum Orders {
    /// They force these orders.
    Forced(Vec<Forced>),
    /// One of them missed a version in every order: this cycle.
    Missed(Vec<Step>),
    /// The limit was reached.
    TooMany,
}

/// Which writers are visible to a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Visible {
    /// Those that it has read from before.
    Before,
    /// Those that it reads from.
    Directly,
    /// Those, and what is visible to them; in this sense also along the edges in the mask.
    Transitively(u8),
}

/// A history without an order of its versions.
pub(super) struct Known<'f> {
    pub facts: &'f Facts,
    pub choices: &'f Choices,
    /// Where each member's reads start.
    pub reads_of: &'f [u32],
    /// The edges of sessions and of real time.
    pub more: &'f [Edge],
    /// The number of nodes of those.
    pub nodes: u32,
    /// Whether causal includes the order of sessions.
    pub sessions: bool,
}

/// Whether a level is decided here.
pub(super) fn is_polynomial(level: Level) -> bool {
    matches!(
        level,
        Level::ReadUncommitted
            | Level::ReadCommitted
            | Level::StrongSessionReadCommitted
            | Level::MonotonicAtomicView
            | Level::ReadAtomic
            | Level::Causal
    )
}

/// Decides a level for which [`is_polynomial`], and takes from the budget what that costs.
pub(super) fn decide(level: Level, known: &Known<'_>, budget: &mut Budget) -> Decision {
    let session = if known.sessions { PROCESS } else { 0 };
    let (mask, visible) = match level {
        Level::ReadUncommitted => (WW, None),
        Level::ReadCommitted => (WW | WR, None),
        Level::StrongSessionReadCommitted => (WW | WR | PROCESS, None),
        Level::MonotonicAtomicView => (WW | WR, Some(Visible::Before)),
        Level::ReadAtomic => (WW | WR, Some(Visible::Directly)),
        Level::Causal => (WW | WR | session, Some(Visible::Transitively(WR | session))),
        _ => panic!("{level} is decided by the search"),
    };
    let graph = known.graph(&[]);
    let Some(place) = graph.topological(mask) else {
        return Decision::Violated(known.cycle(&graph, mask, &[]));
    };
    let Some(visible) = visible else {
        return Decision::Holds;
    };
    let writes = Writes::of(known.facts);
    let orders = match visible {
        Visible::Transitively(visible) => known.of_the_past(&writes, &graph, visible, &place, budget),
        _ => known.of_what_was_read(&writes, visible == Visible::Before),
    };
    let forced = match orders {
        Orders::Forced(forced) => forced,
        Orders::Missed(cycle) => return Decision::Violated(vec![cycle]),
        Orders::TooMany => return Decision::Unknown,
    };
    let graph = known.graph(&forced);
    if graph.topological(mask).is_some() {
        return Decision::Holds;
    }
    let mut cycles = known.cycle(&graph, mask, &forced);
    let assumed: Vec<Forced> = cycles[0].iter().filter_map(|step| known.force_of(step, &forced)).collect();
    cycles.extend(assumed.into_iter().map(|forced| known.reason(&graph, visible, forced)));
    Decision::Violated(cycles)
}

/// The order that two consecutive versions have in the known part; an edge that is no [`Forced`] one.
const CERTAIN: u32 = u32::MAX;

impl Known<'_> {
    /// The dependencies without anti-dependencies. The `at` of an edge between versions is the index of its [`Forced`], or
    /// [`CERTAIN`].
    fn graph(&self, forced: &[Forced]) -> Graph {
        let mut edges = self.more.to_vec();
        for (key, versions) in (0..).zip(&self.facts.versions) {
            let ww = |from: Member, to: Member| Edge { from, to, why: Dependency::Ww, key, at: CERTAIN };
            let next = versions.ordered.iter().zip(versions.ordered.iter().skip(1));
            edges.extend(next.filter(|(a, b)| a != b).map(|(&a, &b)| ww(a, b)));
            if let Some(&last) = versions.ordered.last() {
                edges.extend(versions.loose.iter().filter(|&&loose| loose != last).map(|&loose| ww(last, loose)));
            }
        }
        for (at, read) in (0..).zip(&self.facts.reads) {
            if let Some(from) = self.writer(at) {
                edges.push(Edge { from, to: read.member, why: Dependency::Wr, key: read.key, at });
            }
        }
        edges.extend((0..).zip(forced).map(|(at, forced)| {
            let key = self.facts.reads[forced.read as usize].key;
            Edge { from: forced.before, to: forced.after, why: Dependency::Ww, key, at }
        }));
        Graph::new(self.facts.members.len() as u32, self.nodes, edges)
    }

    /// The member that wrote what was read; `None` for the initial version and the reader's own.
    fn writer(&self, read: u32) -> Option<Member> {
        let read = &self.facts.reads[read as usize];
        let writer = match read.source {
            Source::Loose(writer) => writer,
            Source::Prefix(seen) => self.facts.versions[read.key as usize].ordered[seen.checked_sub(1)? as usize],
        };
        (writer != read.member).then_some(writer)
    }

    fn reads(&self, member: Member) -> std::ops::Range<u32> {
        self.reads_of[member as usize]..self.reads_of[member as usize + 1]
    }

    /// The orders forced by reads of several versions of one writer: read atomic, or monotonic atomic view if only those
    /// `after` a read from the writer count. The smaller of what a transaction reads and what it reads from is gone
    /// through, so the time is at most the number of operations to the power of 3/2.
    fn of_what_was_read(&self, writes: &Writes, after: bool) -> Orders {
        let mut forced = Vec::new();
        for member in 0..self.facts.members.len() as Member {
            let mut by_writer: Vec<(Member, u32)> =
                self.reads(member).filter_map(|read| Some((self.writer(read)?, read))).collect();
            by_writer.sort_unstable();
            let mut by_key: Vec<(u32, u32)> =
                self.reads(member).map(|read| (self.facts.reads[read as usize].key, read)).collect();
            by_key.sort_unstable();
            for of_one in by_writer.chunk_by(|a, b| a.0 == b.0) {
                let (writer, first) = of_one[0];
                let is_later = |read: u32| {
                    if after { read > first } else { read != first || of_one.len() > 1 }
                };
                let own = writes.by(writer);
                let mut both: Vec<(u32, Place)> = Vec::new();
                if own.len() < by_key.len() {
                    for &(key, place) in own {
                        let from = by_key.partition_point(|&(other, _)| other < key);
                        let alike = by_key[from..].iter().take_while(|(other, _)| *other == key);
                        both.extend(alike.map(|&(_, read)| (read, place)));
                    }
                } else {
                    for &(key, read) in &by_key {
                        if let Ok(found) = own.binary_search_by_key(&key, |write| write.0) {
                            both.push((read, own[found].1));
                        }
                    }
                }
                for (read, place) in both.into_iter().filter(|(read, _)| is_later(*read)) {
                    match self.compare(writer, place, read) {
                        Compared::Fine => {}
                        Compared::Forced(order) => forced.push(order),
                        Compared::Missed => return Orders::Missed(vec![self.wr(first), self.rw(read, writer, None)]),
                    }
                }
            }
        }
        Orders::Forced(forced)
    }

    /// What it means that the reader to which `writer` is visible read another version of its key.
    fn compare(&self, writer: Member, place: Place, read: u32) -> Compared {
        match (self.facts.reads[read as usize].source, place) {
            (Source::Prefix(seen), Place::Ordered(at)) if at < seen => Compared::Fine,
            (Source::Prefix(_), _) => Compared::Missed,
            (Source::Loose(_), Place::Ordered(_)) => Compared::Fine,
            (Source::Loose(after), Place::Loose) if after == writer => Compared::Fine,
            (Source::Loose(after), Place::Loose) => Compared::Forced(Forced { before: writer, after, read }),
        }
    }

    /// The orders forced by all that is visible along edges in `visible`, which lead forward in `place`.
    fn of_the_past(&self, writes: &Writes, graph: &Graph, visible: u8, place: &[u32], budget: &mut Budget) -> Orders {
        let members = self.facts.members.len();
        let mut order: Vec<Member> = (0..members as Member).collect();
        order.sort_unstable_by_key(|&member| place[member as usize]);
        let most = TABLE.min(budget.bytes as usize / 2);
        let words = (most / 8 / members.max(1)).clamp(1, WIDEST);
        let mut table = Table::new(&order, words);
        let incoming = Incoming::of(graph, visible, &table.row_of);
        let columns = Columns::of(self, writes, place);
        let reads = columns.reads(self);
        let mut forced = Vec::new();
        for block in columns.blocks(64 * words) {
            if !budget.spend((incoming.from.len() * words) as u64 / WORDS_AN_EDGE) {
                return Orders::TooMany;
            }
            let row = |member: Member| table.row_of[member as usize];
            let mut written: Vec<(u32, usize)> =
                block.clone().map(|column| (row(columns.members[column]), column)).collect();
            written.sort_unstable();
            let mut read: Vec<(u32, u32)> = columns
                .keys_of(&block)
                .flat_map(|key| &reads[key])
                .map(|&(member, read)| (row(member), read))
                .collect();
            read.sort_unstable();
            let (mut written, mut read) = (written.into_iter().peekable(), read.into_iter().peekable());
            for row in 0..members as u32 {
                table.gather(row, incoming.of_row(row));
                while let Some((_, read)) = read.next_if(|&(of, _)| of == row) {
                    if let Some(missed) = self.past_of_read(read, &columns, &block, &table, &mut forced) {
                        let missed = Forced { before: missed, after: missed, read };
                        return Orders::Missed(self.reason(graph, Visible::Transitively(visible), missed));
                    }
                }
                while let Some((_, column)) = written.next_if(|&(of, _)| of == row) {
                    table.set(row, column - block.start);
                }
            }
        }
        forced.sort_unstable();
        forced.dedup_by_key(|forced: &mut Forced| {
            (forced.before, forced.after, self.facts.reads[forced.read as usize].key)
        });
        Orders::Forced(forced)
    }

    /// Adds the orders that one read forces on the versions of some columns. Returns a writer that it missed for certain.
    fn past_of_read(
        &self,
        read: u32,
        columns: &Columns,
        block: &std::ops::Range<usize>,
        table: &Table,
        forced: &mut Vec<Forced>,
    ) -> Option<Member> {
        let Read { member, key, source, .. } = self.facts.reads[read as usize];
        let from = match source {
            Source::Prefix(seen) => columns.after(key, seen),
            Source::Loose(_) => columns.loose(key),
        };
        let range = columns.within(key, block);
        let range = range.start.max(from)..range.end;
        if range.is_empty() {
            return None;
        }
        let mut seen = Slice::of(table, member, range.start - block.start..range.end - block.start);
        let Source::Loose(after) = source else {
            return seen.last().map(|column| columns.members[column + block.start]);
        };
        // What is visible to the writer of the version precedes that already.
        seen.without(table, after);
        while let Some(column) = seen.last() {
            seen.clear(column);
            let before = columns.members[column + block.start];
            if before == after {
                continue;
            }
            forced.push(Forced { before, after, read });
            seen.without(table, before);
        }
        None
    }

    /// A short cycle of the graph, as steps.
    fn cycle(&self, graph: &Graph, mask: u8, forced: &[Forced]) -> Vec<Vec<Step>> {
        let components = graph.components(mask, Walks::Any);
        let mut finder = Finder::new(graph, 1, BUDGET);
        let mut best: Option<Vec<usize>> = None;
        for place in 0..graph.edges.len() {
            let edge = graph.edges[place];
            if edge.from >= graph.members || edge.why.bit() & mask == 0 || !components.touches(edge.from) {
                continue;
            }
            if best.is_none() {
                finder.budget = finder.budget.max(BUDGET);
            }
            let below = best.as_ref().map_or(u32::MAX, |best| best.len() as u32);
            best = finder.walk(place, mask, Walks::Any, &components, below).or(best);
            if best.is_some() && (finder.budget == 0 || best.as_ref().is_some_and(|best| best.len() == 2)) {
                break;
            }
        }
        let best = best.expect("a graph without a topological order has a cycle");
        vec![best.iter().map(|&place| self.step(&graph.edges[place], forced)).collect()]
    }

    fn step(&self, edge: &Edge, forced: &[Forced]) -> Step {
        let Edge { from, to, why, key, at } = *edge;
        let assumed = why == Dependency::Ww && at != CERTAIN;
        let choice = assumed.then(|| self.choice(key, forced[at as usize].before, forced[at as usize].after));
        Step { from, to, why, key, choice }
    }

    /// The order that a step of a cycle assumes.
    fn force_of(&self, step: &Step, forced: &[Forced]) -> Option<Forced> {
        step.choice?;
        let is_it = |order: &&Forced| {
            (order.before, order.after) == (step.from, step.to) && self.facts.reads[order.read as usize].key == step.key
        };
        forced.iter().find(is_it).copied()
    }

    /// The choice that the first version precedes the second.
    fn choice(&self, key: u32, before: Member, after: Member) -> i32 {
        let loose = &self.facts.versions[key as usize].loose;
        let place = |member| loose.binary_search(&member).expect("only loose versions are ordered by force");
        self.choices.between(key, place(before), place(after))
    }

    /// Why an order is forced: in the other order, the reader missed a write of a transaction that is visible to it.
    fn reason(&self, graph: &Graph, visible: Visible, forced: Forced) -> Vec<Step> {
        let Forced { before, after, read } = forced;
        let reader = self.facts.reads[read as usize].member;
        let choice = (before != after).then(|| self.choice(self.facts.reads[read as usize].key, after, before));
        let mut cycle = vec![self.rw(read, before, choice)];
        if let Visible::Transitively(mask) = visible {
            cycle.extend(self.path(graph, before, reader, mask));
        } else {
            let first = self.reads(reader).find(|&read| self.writer(read) == Some(before));
            cycle.push(self.wr(first.expect("the reader read from it")));
        }
        cycle
    }

    /// A shortest path along edges in `mask`.
    fn path(&self, graph: &Graph, from: Member, to: Member, mask: u8) -> Vec<Step> {
        let mut parent: Vec<Option<Edge>> = vec![None; graph.members as usize];
        let mut open = std::collections::VecDeque::from([from]);
        while let Some(member) = open.pop_front() {
            if member == to {
                break;
            }
            for edge in &graph.edges[graph.out(member)] {
                if edge.why.bit() & mask != 0 && edge.to != from && parent[edge.to as usize].is_none() {
                    parent[edge.to as usize] = Some(*edge);
                    open.push_back(edge.to);
                }
            }
        }
        let mut steps = Vec::new();
        let mut at = to;
        while at != from {
            let edge = parent[at as usize].expect("it is visible along such a path");
            steps.push(self.step(&edge, &[]));
            at = edge.from;
        }
        steps.reverse();
        steps
    }

    fn wr(&self, read: u32) -> Step {
        let from = self.writer(read).expect("someone wrote it");
        let read = &self.facts.reads[read as usize];
        Step { from, to: read.member, why: Dependency::Wr, key: read.key, choice: None }
    }

    fn rw(&self, read: u32, to: Member, choice: Option<i32>) -> Step {
        let read = &self.facts.reads[read as usize];
        Step { from: read.member, to, why: Dependency::Rw, key: read.key, choice }
    }
}

/// A version that is visible to a reader, compared with the one that it read.
enum Compared {
    /// It is known to be earlier, or the same.
    Fine,
    /// It has to be earlier.
    Forced(Forced),
    /// It is known to be later.
    Missed,
}

/// Where a writer's last version of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// At this position of the known order, from 0.
    Ordered(u32),
    /// After all of those.
    Loose,
}

/// The keys that each member wrote, ascending.
struct Writes {
    start: Vec<u32>,
    writes: Vec<(u32, Place)>,
}

impl Writes {
    fn of(facts: &Facts) -> Writes {
        let mut all: Vec<(Member, u32, Place)> = Vec::new();
        for (key, versions) in (0..).zip(&facts.versions) {
            let ordered = (0..).zip(&versions.ordered).map(|(at, &member)| (member, key, Place::Ordered(at)));
            all.extend(ordered.chain(versions.loose.iter().map(|&member| (member, key, Place::Loose))));
        }
        // The last version of a key counts.
        all.sort_unstable_by_key(|&(member, key, place)| (member, key, std::cmp::Reverse(place)));
        all.dedup_by_key(|&mut (member, key, _)| (member, key));
        let mut start = vec![0; facts.members.len() + 1];
        for (member, ..) in &all {
            start[*member as usize + 1] += 1;
        }
        for i in 0..facts.members.len() {
            start[i + 1] += start[i];
        }
        Writes { start, writes: all.into_iter().map(|(_, key, place)| (key, place)).collect() }
    }

    fn by(&self, member: Member) -> &[(u32, Place)] {
        &self.writes[self.start[member as usize] as usize..self.start[member as usize + 1] as usize]
    }
}

/// By row: the rows of the members before it.
struct Incoming {
    start: Vec<u32>,
    from: Vec<u32>,
}

impl Incoming {
    fn of(graph: &Graph, mask: u8, row_of: &[u32]) -> Incoming {
        let edges = graph.edges.iter().filter(|edge| edge.why.bit() & mask != 0);
        let mut pairs: Vec<(u32, u32)> =
            edges.map(|edge| (row_of[edge.to as usize], row_of[edge.from as usize])).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut start = vec![0; graph.members as usize + 1];
        pairs.iter().for_each(|(to, _)| start[*to as usize + 1] += 1);
        for i in 0..graph.members as usize {
            start[i + 1] += start[i];
        }
        Incoming { start, from: pairs.into_iter().map(|(_, from)| from).collect() }
    }

    fn of_row(&self, row: u32) -> &[u32] {
        &self.from[self.start[row as usize] as usize..self.start[row as usize + 1] as usize]
    }
}

/// Numbers of versions, those of a key in a row: the ordered ones by position, then the loose ones by the time at which
/// their writers come in a given order.
struct Columns {
    /// By key: its first column.
    start: Vec<usize>,
    /// By key: its first loose column.
    loose: Vec<usize>,
    /// By column: the writer.
    members: Vec<Member>,
    /// By ordered column: the position of the version. Empty for the loose ones.
    positions: Vec<u32>,
}

impl Columns {
    /// Only keys that were read have columns.
    fn of(known: &Known<'_>, writes: &Writes, place: &[u32]) -> Columns {
        let keys = known.facts.versions.len();
        let mut is_read = vec![false; keys];
        known.facts.reads.iter().for_each(|read| is_read[read.key as usize] = true);
        let mut by_key: Vec<Vec<(Place, u32, Member)>> = vec![Vec::new(); keys];
        for member in 0..known.facts.members.len() as Member {
            for &(key, at) in writes.by(member).iter().filter(|(key, _)| is_read[*key as usize]) {
                by_key[key as usize].push((at, place[member as usize], member));
            }
        }
        let mut columns = Columns { start: vec![0], loose: Vec::new(), members: Vec::new(), positions: Vec::new() };
        for mut versions in by_key {
            versions.sort_unstable();
            let begin = columns.members.len();
            let ordered = versions.iter().take_while(|(at, ..)| *at != Place::Loose).count();
            columns.loose.push(begin + ordered);
            columns.positions.extend(versions.iter().map(|(at, ..)| match at {
                Place::Ordered(at) => *at,
                Place::Loose => u32::MAX,
            }));
            columns.members.extend(versions.iter().map(|(.., member)| *member));
            columns.start.push(columns.members.len());
        }
        columns
    }

    /// Ranges of so many columns, which cover all.
    fn blocks(&self, width: usize) -> impl Iterator<Item = std::ops::Range<usize>> + use<> {
        let all = self.members.len();
        (0..all).step_by(width).map(move |begin| begin..all.min(begin + width))
    }

    /// The columns of a key in a block.
    fn within(&self, key: u32, block: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let (start, end) = (self.start[key as usize], self.start[key as usize + 1]);
        start.max(block.start)..end.min(block.end).max(start.max(block.start))
    }

    fn loose(&self, key: u32) -> usize {
        self.loose[key as usize]
    }

    /// The first column of a version after the first `seen` ones.
    fn after(&self, key: u32, seen: u32) -> usize {
        let (start, loose) = (self.start[key as usize], self.loose[key as usize]);
        start + self.positions[start..loose].partition_point(|&at| at < seen)
    }

    /// The keys that have columns in a block.
    fn keys_of(&self, block: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let first = self.start.partition_point(|&start| start <= block.start) - 1;
        first..self.start.partition_point(|&start| start < block.end)
    }

    /// By key: its readers and their reads.
    fn reads(&self, known: &Known<'_>) -> Vec<Vec<(Member, u32)>> {
        let mut reads = vec![Vec::new(); self.loose.len()];
        for (at, read) in (0..).zip(&known.facts.reads) {
            reads[read.key as usize].push((read.member, at));
        }
        reads
    }
}

/// By member and column of a block: whether the version is visible to the member, or its own. The rows are in an order in
/// which what is visible comes first.
struct Table {
    words: usize,
    /// By member.
    row_of: Vec<u32>,
    rows: Vec<u64>,
}

impl Table {
    fn new(order: &[Member], words: usize) -> Table {
        let mut row_of = vec![0; order.len()];
        (0..).zip(order).for_each(|(row, &member)| row_of[member as usize] = row);
        Table { words, row_of, rows: vec![0; order.len() * words] }
    }

    fn row(&self, member: Member) -> &[u64] {
        &self.rows[self.row_of[member as usize] as usize * self.words..][..self.words]
    }

    /// A row becomes the union of earlier ones.
    fn gather(&mut self, row: u32, before: &[u32]) {
        let (earlier, later) = self.rows.split_at_mut(row as usize * self.words);
        let own = &mut later[..self.words];
        own.fill(0);
        for &other in before {
            let other = &earlier[other as usize * self.words..][..self.words];
            own.iter_mut().zip(other).for_each(|(own, other)| *own |= other);
        }
    }

    fn set(&mut self, row: u32, column: usize) {
        self.rows[row as usize * self.words + column / 64] |= 1 << (column % 64);
    }
}

/// Some columns of a row.
struct Slice {
    /// The first word.
    begin: usize,
    words: Vec<u64>,
}

impl Slice {
    fn of(table: &Table, member: Member, columns: std::ops::Range<usize>) -> Slice {
        let (begin, end) = (columns.start / 64, columns.end.div_ceil(64));
        let mut words = table.row(member)[begin..end].to_vec();
        words[0] &= u64::MAX << (columns.start % 64);
        if !columns.end.is_multiple_of(64) {
            *words.last_mut().expect("a slice is not empty") &= !(u64::MAX << (columns.end % 64));
        }
        Slice { begin, words }
    }

    /// The last column.
    fn last(&self) -> Option<usize> {
        let word = self.words.iter().rposition(|word| *word != 0)?;
        Some((self.begin + word) * 64 + self.words[word].ilog2() as usize)
    }

    fn clear(&mut self, column: usize) {
        self.words[column / 64 - self.begin] &= !(1 << (column % 64));
    }

    /// Leaves out what is in the row of a member.
    fn without(&mut self, table: &Table, member: Member) {
        let row = &table.row(member)[self.begin..];
        self.words.iter_mut().zip(row).for_each(|(word, other)| *word &= !other);
    }
}
