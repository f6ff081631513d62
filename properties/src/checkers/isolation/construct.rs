//! A serial order that is built one transaction after the other, with all that each step implies: that a transaction is
//! next puts its versions before those of all that are left, and of the pairs of versions that are open, those are decided
//! for which only one way remains. A transaction that leaves a pair without a way is not next, and another one is tried.
//!
//! This goes on only; if no transaction can be next, the search has to do it.

use super::{
    budget::Budget,
    facts::{Facts, Member},
    saturate::{Before, Pairs, Saturated},
};

/// How many words are joined, or pairs compared, in the time in which the search visits an edge.
const WORDS_AN_EDGE: u64 = 8;

/// A position for each member in a serial order that agrees with what is known; `None` if none is found within the budget.
pub(super) fn construct(known: &Saturated<'_>, budget: &mut Budget) -> Option<Vec<u32>> {
    let before = known.before(budget)?;
    let mut run = Run::new(known, before);
    let members = known.facts.members.len();
    let mut left: Vec<Member> = (0..members as Member).collect();
    left.sort_by_key(|&member| run.depth(known, member));
    let mut rank = vec![0; members];
    for next in 0..members as u32 {
        run.work = 0;
        let place = left.iter().position(|&member| run.is_first(member) && run.take(member).is_ok())?;
        let member = left.remove(place);
        rank[member as usize] = next;
        run.done[member as usize / 64] |= 1 << (member % 64);
        if !budget.spend(run.work / WORDS_AN_EDGE) {
            return None;
        }
    }
    Some(rank)
}

/// A pair of versions without a way to order them.
struct Contradiction;

struct Run<'k> {
    facts: &'k Facts,
    pairs: &'k Pairs,
    before: Before,
    /// By word of a row: the members that are placed.
    done: Vec<u64>,
    /// By member: the keys and places of its loose versions.
    writes: Vec<Vec<(u32, usize)>>,
    /// The open pairs: key, low, high.
    open: Vec<(u32, usize, usize)>,
    is_decided: Vec<bool>,
    /// By key: the first of its open pairs.
    first: Vec<usize>,
    /// The words of rows that the present step changed, with what they were.
    changed: Vec<(usize, u64)>,
    /// The pairs that it decided.
    decided: Vec<usize>,
    work: u64,
}

impl<'k> Run<'k> {
    fn new(known: &'k Saturated<'_>, before: Before) -> Self {
        let facts = known.facts;
        let mut writes = vec![Vec::new(); facts.members.len()];
        let (mut open, mut first) = (Vec::new(), vec![0]);
        for (key, versions) in (0..).zip(&facts.versions) {
            for (place, &member) in versions.loose.iter().enumerate() {
                writes[member as usize].push((key, place));
                let pairs = (0..place).map(|low| (key, low, place));
                open.extend(pairs.filter(|&(key, low, high)| !known.is_known(key, low, high)));
            }
            first.push(open.len());
        }
        let is_decided = vec![false; open.len()];
        let (done, pairs) = (vec![0; before.words], &known.pairs);
        let (changed, decided) = (Vec::new(), Vec::new());
        Run { facts, pairs, before, done, writes, open, is_decided, first, changed, decided, work: 0 }
    }

    /// How many transactions precede a member for certain: those with few come first.
    fn depth(&self, known: &Saturated<'_>, member: Member) -> (u32, u32) {
        let place = known.place.as_ref().map_or(0, |place| place[member as usize]);
        (self.before.row(member).iter().map(|word| word.count_ones()).sum(), place)
    }

    /// Whether all that precedes a member is placed.
    fn is_first(&self, member: Member) -> bool {
        self.before.row(member).iter().zip(&self.done).all(|(before, done)| before & !done == 0)
    }

    /// Places a member next. After an error nothing has changed.
    fn take(&mut self, member: Member) -> Result<(), Contradiction> {
        self.changed.clear();
        self.decided.clear();
        let taken = self.put_first(member).and_then(|()| self.propagate());
        if taken.is_err() {
            for &(word, old) in self.changed.iter().rev() {
                self.before.rows[word] = old;
            }
            self.decided.iter().for_each(|&pair| self.is_decided[pair] = false);
        }
        taken
    }

    /// Puts the versions of a member before all others that are open.
    fn put_first(&mut self, member: Member) -> Result<(), Contradiction> {
        for at in 0..self.writes[member as usize].len() {
            let (key, place) = self.writes[member as usize][at];
            for pair in self.first[key as usize]..self.first[key as usize + 1] {
                let (_, low, high) = self.open[pair];
                self.work += 1;
                if self.is_decided[pair] || (low != place && high != place) {
                    continue;
                }
                self.decide(pair, place, if low == place { high } else { low })?;
            }
        }
        Ok(())
    }

    /// Decides all pairs of which one way is impossible.
    fn propagate(&mut self) -> Result<(), Contradiction> {
        let mut seen = 0;
        while self.decided.len() > seen {
            seen = self.decided.len();
            for pair in 0..self.open.len() {
                if self.is_decided[pair] {
                    continue;
                }
                let (key, low, high) = self.open[pair];
                self.work += 8;
                match (self.must_precede(key, low, high), self.must_precede(key, high, low)) {
                    (true, true) => return Err(Contradiction),
                    (true, false) => self.decide(pair, low, high)?,
                    (false, true) => self.decide(pair, high, low)?,
                    (false, false) => {}
                }
            }
        }
        Ok(())
    }

    /// Whether a version precedes another because its writer precedes the other's writer or one of its readers.
    fn must_precede(&self, key: u32, first: usize, second: usize) -> bool {
        let loose = &self.facts.versions[key as usize].loose;
        let readers = self.pairs.readers(key, second).iter().map(|&read| self.facts.reads[read as usize].member);
        [loose[second]].into_iter().chain(readers).any(|other| self.before.has(loose[first], other))
    }

    fn decide(&mut self, pair: usize, first: usize, second: usize) -> Result<(), Contradiction> {
        self.is_decided[pair] = true;
        self.decided.push(pair);
        let key = self.open[pair].0;
        let loose = &self.facts.versions[key as usize].loose;
        let (from, to) = (loose[first], loose[second]);
        self.connect(from, to)?;
        let (facts, pairs) = (self.facts, self.pairs);
        let readers = pairs.readers(key, first).iter().map(|&read| facts.reads[read as usize].member);
        readers.filter(|&reader| reader != to).try_for_each(|reader| self.connect(reader, to))
    }

    /// Adds that one member precedes another, and all that follows.
    fn connect(&mut self, from: Member, to: Member) -> Result<(), Contradiction> {
        if self.before.has(from, to) {
            return Ok(());
        }
        if from == to || self.before.has(to, from) {
            return Err(Contradiction);
        }
        let mut more = self.before.row(from).to_vec();
        more[from as usize / 64] |= 1 << (from % 64);
        let words = self.before.words;
        let members = self.facts.members.len() as Member;
        self.work += u64::from(members);
        for member in 0..members {
            if member != to && !self.before.has(to, member) {
                continue;
            }
            self.work += words as u64;
            let row = member as usize * words;
            for (word, more) in more.iter().enumerate().filter(|(_, more)| **more != 0) {
                let old = self.before.rows[row + word];
                if old | more != old {
                    self.changed.push((row + word, old));
                    self.before.rows[row + word] = old | more;
                }
            }
        }
        Ok(())
    }
}
