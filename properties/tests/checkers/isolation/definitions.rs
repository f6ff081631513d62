//! The levels by their definitions, tried out one by one: for a few transactions only.
//!
//! Nothing here is shared with the checker: no graphs, no search, only all version orders (Adya 1999), and all visibility
//! and arbitration relations (Cerone et al. 2015).

use seedbed_properties::checkers::isolation::{History, Kind, Level, Mop, Name, Seen, Status, Transaction};

/// A write: transaction and place in it.
pub type Id = (usize, usize);

/// An operation on a key; a read has seen the writes of a list, or the one of a register, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Write(usize),
    Read(usize, Vec<Id>),
}

/// A history of committed transactions.
#[derive(Clone, Debug)]
pub struct Small {
    pub kind: Kind,
    pub txns: Vec<Vec<Op>>,
    pub processes: Vec<u64>,
    /// Invocation and return.
    pub times: Vec<Option<(u64, u64)>>,
}

pub const KEYS: usize = 2;

impl Small {
    pub fn history(&self) -> History {
        let value = |id: &Id| Name::Integer((id.0 * 100 + id.1) as i64);
        let mop = |(t, m, op): (usize, usize, &Op)| match op {
            Op::Write(key) => Mop::Write((*key as i64).into(), value(&(t, m))),
            Op::Read(key, seen) => Mop::Read(
                (*key as i64).into(),
                match self.kind {
                    Kind::ListAppend => Seen::List(seen.iter().map(value).collect()),
                    Kind::RwRegister => seen.first().map_or(Seen::Nothing, |id| Seen::Value(value(id))),
                },
            ),
        };
        let transactions = self.txns.iter().enumerate().map(|(t, ops)| Transaction {
            process: self.processes[t],
            status: Status::Ok,
            mops: ops.iter().enumerate().map(|(m, op)| mop((t, m, op))).collect(),
            invoked: self.times[t].map(|(invoked, _)| invoked),
            returned: self.times[t].map(|(_, returned)| returned),
        });
        History { kind: self.kind, transactions: transactions.collect() }
    }

    fn writes(&self, t: usize, key: usize) -> Vec<Id> {
        let ops = self.txns[t].iter().enumerate();
        ops.filter(|(_, op)| **op == Op::Write(key)).map(|(m, _)| (t, m)).collect()
    }

    fn writers(&self, key: usize) -> Vec<usize> {
        (0..self.txns.len()).filter(|&t| !self.writes(t, key).is_empty()).collect()
    }

    /// What a key holds after these transactions wrote it, one after the other.
    fn state(&self, key: usize, writers: &[usize]) -> Vec<Id> {
        let all: Vec<Id> = writers.iter().flat_map(|&t| self.writes(t, key)).collect();
        match self.kind {
            Kind::ListAppend => all,
            Kind::RwRegister => all.last().copied().into_iter().collect(),
        }
    }

    /// Whether the reads of `t` are explained by starting from these states: INT and EXT.
    fn replays(&self, t: usize, start: &[Vec<Id>]) -> bool {
        let mut states = start.to_vec();
        self.txns[t].iter().enumerate().all(|(m, op)| match op {
            Op::Read(key, seen) => states[*key] == *seen,
            Op::Write(key) => {
                if self.kind == Kind::RwRegister {
                    states[*key].clear();
                }
                states[*key].push((t, m));
                true
            }
        })
    }

    /// INT alone: some start explains the reads of `t`.
    fn internally_sound(&self, t: usize) -> bool {
        let candidates = |key: usize| {
            let mut starts = vec![Vec::new()];
            for op in &self.txns[t] {
                if let Op::Read(k, seen) = op
                    && *k == key
                {
                    starts.extend((0..=seen.len()).map(|end| seen[..end].to_vec()));
                }
            }
            starts
        };
        // A start cannot hold what the transaction is yet to write.
        let foreign = |start: &Vec<Id>| start.iter().all(|id| id.0 != t);
        candidates(0)
            .iter()
            .filter(|s| foreign(s))
            .any(|x| candidates(1).iter().filter(|s| foreign(s)).any(|y| self.replays(t, &[x.clone(), y.clone()])))
    }

    fn session(&self, a: usize, b: usize) -> bool {
        a < b && self.processes[a] == self.processes[b]
    }

    fn real_time(&self, a: usize, b: usize) -> bool {
        matches!((self.times[a], self.times[b]), (Some((_, returned)), Some((invoked, _))) if returned < invoked)
    }

    /// Which levels hold, by definition. Nothing about a level: its definition does not say.
    pub fn levels(&self, sessions: bool) -> Vec<(Level, Option<bool>)> {
        let mut held = self.by_axioms(sessions);
        let orders = self.by_version_orders(sessions);
        held.extend(orders);
        Level::ALL
            .iter()
            .map(|level| (*level, held.iter().find(|(l, _)| l == level).expect("each level is defined").1))
            .collect()
    }

    fn by_axioms(&self, sessions: bool) -> Vec<(Level, Option<bool>)> {
        use Level::*;
        let n = self.txns.len();
        let levels = [
            ReadAtomic,
            UpdateAtomic,
            Causal,
            Prefix,
            SnapshotIsolation,
            StrongSessionSnapshotIsolation,
            StrongSnapshotIsolation,
            Serializable,
            StrongSessionSerializable,
            StrictSerializable,
        ];
        let mut held = levels.map(|level| (level, false));
        let pairs: Vec<(usize, usize)> = (0..n).flat_map(|b| (0..b).map(move |a| (a, b))).collect();
        for order in permutations(&(0..n).collect::<Vec<_>>()) {
            for visible in 0..1u32 << pairs.len() {
                // By places in the order: whether the one at `a` is visible to the one at `b`.
                let mut vis = vec![vec![false; n]; n];
                for (bit, &(a, b)) in pairs.iter().enumerate() {
                    vis[a][b] = visible >> bit & 1 == 1;
                }
                let explained = (0..n).all(|b| {
                    let start: Vec<Vec<Id>> = (0..KEYS)
                        .map(|key| {
                            let writes = |&a: &usize| !self.writes(order[a], key).is_empty();
                            let last = (0..b).filter(|&a| vis[a][b]).filter(writes).max();
                            let writers: Vec<usize> =
                                last.map_or(Vec::new(), |last| (0..=last).filter(writes).map(|a| order[a]).collect());
                            self.state(key, &writers)
                        })
                        .collect();
                    self.replays(order[b], &start)
                });
                // What a list holds is a version of it: also what a transaction reads after it appended.
                let versions = self.kind == Kind::RwRegister
                    || self.txns.iter().flatten().all(|op| match op {
                        Op::Write(_) => true,
                        Op::Read(key, seen) => {
                            let writers = order.iter().copied().filter(|&t| !self.writes(t, *key).is_empty());
                            self.state(*key, &writers.collect::<Vec<_>>()).starts_with(seen)
                        }
                    });
                if !explained || !versions {
                    continue;
                }
                let all = |test: &dyn Fn(usize, usize) -> bool| pairs.iter().all(|&(a, b)| test(a, b));
                let transitive = all(&|a, b| (a..b).all(|c| !(vis[a][c] && vis[c][b]) || vis[a][b]));
                let prefix = all(&|a, b| (a + 1..b).all(|c| !vis[c][b] || vis[a][b]));
                let conflict = |a: usize, b: usize| {
                    (0..KEYS).any(|k| !self.writes(order[a], k).is_empty() && !self.writes(order[b], k).is_empty())
                };
                let no_conflict = all(&|a, b| !conflict(a, b) || vis[a][b]);
                let total = all(&|a, b| vis[a][b]);
                let contains = |relation: &dyn Fn(usize, usize) -> bool| {
                    all(&|a, b| !relation(order[b], order[a]) && (!relation(order[a], order[b]) || vis[a][b]))
                };
                let session = contains(&|a, b| self.session(a, b));
                let real_time = session && contains(&|a, b| self.real_time(a, b));
                let base = session || !sessions;
                for (level, held) in &mut held {
                    *held |= match level {
                        ReadAtomic => true,
                        UpdateAtomic => no_conflict,
                        Causal => base && transitive,
                        Prefix => base && prefix,
                        SnapshotIsolation => base && prefix && no_conflict,
                        StrongSessionSnapshotIsolation => session && prefix && no_conflict,
                        StrongSnapshotIsolation => real_time && prefix && no_conflict,
                        Serializable => base && total,
                        StrongSessionSerializable => session && total,
                        _ => real_time && total,
                    };
                }
            }
        }
        held.iter().map(|&(level, held)| (level, Some(held))).collect()
    }

    fn by_version_orders(&self, sessions: bool) -> Vec<(Level, Option<bool>)> {
        use Level::*;
        let levels = [
            ReadUncommitted,
            ReadCommitted,
            StrongSessionReadCommitted,
            CursorStability,
            MonotonicAtomicView,
            ConsistentView,
            RepeatableRead,
        ];
        let mut held = levels.map(|level| (level, false));
        let mut some_order = false;
        for x in permutations(&self.writers(0)) {
            for y in permutations(&self.writers(1)) {
                let Some(adya) = Adya::of(self, &[x.clone(), y.clone()]) else {
                    continue;
                };
                some_order = true;
                for (level, held) in &mut held {
                    *held |= adya.holds(self, *level, sessions);
                }
            }
        }
        held.iter()
            .map(|&(level, held)| {
                // Reads of lists that fit no version order are no histories in Adya's sense.
                let undefined = level == ReadUncommitted && !some_order;
                (level, (!undefined).then_some(held))
            })
            .collect()
    }
}

type Relation = Vec<Vec<bool>>;

/// One version order: the dependencies.
struct Adya {
    ww: Relation,
    wr: Relation,
    rw: Relation,
    /// G1b, or a read of what is not yet written.
    uncommitted: bool,
    lost_update: bool,
    vanished: bool,
}

impl Adya {
    fn of(small: &Small, orders: &[Vec<usize>; KEYS]) -> Option<Adya> {
        let n = small.txns.len();
        let none = vec![vec![false; n]; n];
        let mut adya = Adya {
            ww: none.clone(),
            wr: none.clone(),
            rw: none,
            uncommitted: false,
            lost_update: false,
            vanished: false,
        };
        for order in orders {
            for (j, &b) in order.iter().enumerate() {
                order[..j].iter().for_each(|&a| adya.ww[a][b] = true);
            }
        }
        for t in 0..n {
            // (operation, key, versions seen, writer)
            let mut reads: Vec<(usize, usize, usize, Option<usize>)> = Vec::new();
            for (m, op) in small.txns[t].iter().enumerate() {
                let Op::Read(key, seen) = op else { continue };
                adya.uncommitted |= seen.iter().any(|&(writer, at)| writer == t && at > m);
                let order = &orders[*key];
                let end = seen.iter().rposition(|id| id.0 != t).map_or(0, |last| last + 1);
                if end == 0 && !seen.is_empty() && small.kind == Kind::RwRegister {
                    continue;
                }
                // A list shows all that came before, also before the reader's own appends.
                let whole: Vec<Id> = order.iter().flat_map(|&w| small.writes(w, *key)).collect();
                if small.kind == Kind::ListAppend && !whole.starts_with(seen) {
                    return None;
                }
                let seen = &seen[..end];
                let versions = match (small.kind, seen.last()) {
                    (_, None) => 0,
                    (_, Some(last)) => order.iter().position(|&w| w == last.0).expect("it wrote") + 1,
                };
                let after: Vec<Id> = order[..versions].iter().flat_map(|&w| small.writes(w, *key)).collect();
                adya.uncommitted |= after.last() != seen.last();
                let writer = versions.checked_sub(1).map(|last| order[last]).filter(|&w| w != t);
                if let Some(writer) = writer {
                    adya.wr[writer][t] = true;
                }
                let missed: Vec<usize> = order[versions..].iter().copied().filter(|&w| w != t).collect();
                missed.iter().for_each(|&w| adya.rw[t][w] = true);
                let own = order.iter().position(|&w| w == t);
                adya.lost_update |= own.is_some_and(|own| (versions..own).any(|q| order[q] != t));
                reads.push((m, *key, versions, writer));
            }
            for &(m, _, _, writer) in &reads {
                let Some(writer) = writer else { continue };
                for &(later, key, versions, _) in reads.iter().filter(|read| read.0 > m) {
                    assert!(later > m, "reads are in order");
                    adya.vanished |= orders[key][versions..].contains(&writer);
                }
            }
        }
        Some(adya)
    }

    fn holds(&self, small: &Small, level: Level, sessions: bool) -> bool {
        use Level::*;
        let n = self.ww.len();
        let join = |relations: &[&Relation]| -> Relation {
            (0..n).map(|a| (0..n).map(|b| relations.iter().any(|r| r[a][b])).collect()).collect()
        };
        let so: Relation = (0..n).map(|a| (0..n).map(|b| small.session(a, b)).collect()).collect();
        let acyclic = |relation: Relation| (0..n).all(|t| !closure(&relation)[t][t]);
        let committed = !self.uncommitted && acyclic(join(&[&self.ww, &self.wr]));
        let internal = (0..n).all(|t| small.internally_sound(t));
        let none = vec![vec![false; n]; n];
        let base = if sessions { &so } else { &none };
        match level {
            ReadUncommitted => acyclic(self.ww.clone()),
            ReadCommitted => committed,
            StrongSessionReadCommitted => committed && acyclic(join(&[&self.ww, &self.wr, &so])),
            CursorStability => committed && !self.lost_update,
            MonotonicAtomicView => committed && !self.vanished,
            ConsistentView => {
                let visible = closure(&join(&[&self.ww, &self.wr, base]));
                let single = (0..n).any(|a| (0..n).any(|b| visible[a][b] && self.rw[b][a]));
                committed && internal && !single && acyclic(visible)
            }
            RepeatableRead => committed && internal && acyclic(join(&[&self.ww, &self.wr, &self.rw, base])),
            _ => unreachable!("defined by axioms"),
        }
    }
}

fn closure(relation: &Relation) -> Relation {
    let n = relation.len();
    let mut closed = relation.clone();
    for via in 0..n {
        for a in 0..n {
            for b in 0..n {
                closed[a][b] |= closed[a][via] && closed[via][b];
            }
        }
    }
    closed
}

/// All orders.
pub fn permutations<T: Copy>(items: &[T]) -> Vec<Vec<T>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for i in 0..items.len() {
        let mut rest = items.to_vec();
        let first = rest.remove(i);
        all.extend(permutations(&rest).into_iter().map(|mut order| {
            order.insert(0, first);
            order
        }));
    }
    all
}
