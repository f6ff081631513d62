//! The balanced assignments that move the least, exactly.
//!
//! Balanced is what no transfer, nor chain of transfers, can make more equal: the sum of the squares of the members' shares is the
//! least (KIP-54 asks for single transfers only, which this implies). Of those assignments one is taken in which most partitions stay
//! with their owners.
//!
//! That is a flow of least cost, with convex costs of shares, and it is reached as such flows are: from any assignment by *cancelling
//! negative cycles* (Klein 1967; Ahuja, Magnanti, Orlin, *Network Flows*, §9.6 and §14.5). Vertices are the members, and one more for
//! the beginning and the end of a chain; an edge moves one partition. When no cycle makes the cost less, it is the least.

use std::collections::{BTreeMap, BTreeSet};

use crate::communication::log_broker::groups::assignors::{Assignment, Member};
use crate::communication::log_broker::names::TopicPartition;

/// What one more partition that is not with its owner costs, in units of which a square of a share costs [`SHARE`].
const MOVED: i64 = 1;
/// More than all partitions together can cost by being moved.
const SHARE: i64 = 1 << 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    from: usize,
    to: usize,
    cost: i64,
    /// What moves; nothing on the edges to and from the beginning of chains.
    moves: Option<TopicPartition>,
}

/// An assignment that is made better.
#[derive(Debug)]
pub(super) struct Balance<'a> {
    members: &'a [&'a Member],
    shares: Vec<BTreeSet<TopicPartition>>,
    owners: BTreeMap<TopicPartition, usize>,
}

impl<'a> Balance<'a> {
    /// Nothing is assigned yet. Members come earlier or later where that decides.
    pub(super) fn among(members: &'a [&'a Member]) -> Self {
        Balance { members, shares: vec![BTreeSet::new(); members.len()], owners: BTreeMap::new() }
    }

    /// A partition is assigned: to its owner, if that wants it still, or to the member with the least that does.
    pub(super) fn add(&mut self, partition: TopicPartition, owner: Option<usize>) {
        let wants = |place: &usize| self.members[*place].subscription.wants(partition);
        let owner = owner.filter(wants);
        let least = || (0..self.members.len()).filter(wants).min_by_key(|place| self.shares[*place].len());
        let Some(place) = owner.or_else(least) else { return };
        self.shares[place].insert(partition);
        if let Some(owner) = owner {
            self.owners.insert(partition, owner);
        }
    }

    /// Moves partitions until no chain of moves makes the assignment better.
    pub(super) fn settle(&mut self) {
        let mut before = self.cost();
        while let Some(cycle) = self.negative_cycle() {
            for edge in cycle {
                let Some(partition) = edge.moves else { continue };
                assert!(self.shares[edge.from].remove(&partition), "what moves is where it moves from");
                self.shares[edge.to].insert(partition);
            }
            let cost = self.cost();
            assert!(cost < before, "every cancelled cycle makes an assignment better");
            before = cost;
        }
    }

    /// The assignment.
    pub(super) fn into_assignment(self) -> Assignment {
        self.members.iter().map(|member| member.id).zip(self.shares).collect()
    }

    fn cost(&self) -> i64 {
        let share = |share: &BTreeSet<_>| SHARE * (share.len() * share.len()) as i64;
        let moved = |(place, share): (usize, &BTreeSet<_>)| share.iter().map(|p| self.moved(*p, place)).sum::<i64>();
        self.shares.iter().map(share).sum::<i64>() + self.shares.iter().enumerate().map(moved).sum::<i64>()
    }

    /// What it costs that a partition is here.
    fn moved(&self, partition: TopicPartition, place: usize) -> i64 {
        match self.owners.get(&partition) {
            Some(owner) if *owner != place => MOVED,
            _ => 0,
        }
    }

    /// The cheapest move between each two members, and what it costs a chain to begin and to end.
    fn edges(&self) -> Vec<Edge> {
        let ends = self.members.len();
        let mut edges = Vec::new();
        for (from, share) in self.shares.iter().enumerate() {
            let length = share.len() as i64;
            edges.push(Edge { from: ends, to: from, cost: SHARE * (1 - 2 * length), moves: None });
            edges.push(Edge { from, to: ends, cost: SHARE * (2 * length + 1), moves: None });
            for to in (0..ends).filter(|to| *to != from) {
                let wanted = share.iter().filter(|partition| self.members[to].subscription.wants(**partition));
                let cost = |partition| self.moved(partition, to) - self.moved(partition, from);
                if let Some((cost, partition)) = wanted.map(|partition| (cost(*partition), *partition)).min() {
                    edges.push(Edge { from, to, cost, moves: Some(partition) });
                }
            }
        }
        // A chain that begins at a member without partitions has nothing to move; its edges are there, and lead nowhere.
        edges
    }

    /// A cycle whose edges cost less than nothing together, if there is one (Bellman and Ford).
    fn negative_cycle(&self) -> Option<Vec<Edge>> {
        let vertices = self.members.len() + 1;
        let edges = self.edges();
        let mut cost = vec![0_i64; vertices];
        let mut by: Vec<Option<Edge>> = vec![None; vertices];
        let mut last = None;
        for _ in 0..vertices {
            last = None;
            for edge in &edges {
                if cost[edge.from] + edge.cost < cost[edge.to] {
                    cost[edge.to] = cost[edge.from] + edge.cost;
                    by[edge.to] = Some(*edge);
                    last = Some(edge.to);
                }
            }
            last?;
        }
        // What is still made cheaper after so many rounds hangs on a cycle: going back as often leads onto it.
        let back = |vertex: usize| by[vertex].expect("what was made cheaper was reached by an edge");
        let on_cycle = (0..vertices).fold(last?, |vertex, _| back(vertex).from);
        let mut cycle = vec![back(on_cycle)];
        while cycle[cycle.len() - 1].from != on_cycle {
            cycle.push(back(cycle[cycle.len() - 1].from));
        }
        Some(cycle)
    }
}
