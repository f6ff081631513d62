//! Relations on small sets, as rows of bits.

/// A relation on `0..len`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    len: usize,
    words: usize,
    rows: Vec<u64>,
}

impl Relation {
    pub(super) fn new(len: usize) -> Self {
        let words = len.div_ceil(64);
        Relation { len, words, rows: vec![0; len * words] }
    }

    pub(super) fn add(&mut self, a: usize, b: usize) {
        self.rows[a * self.words + b / 64] |= 1 << (b % 64);
    }

    pub(super) fn has(&self, a: usize, b: usize) -> bool {
        self.rows[a * self.words + b / 64] >> (b % 64) & 1 == 1
    }

    /// The elements that `a` is related to.
    pub(super) fn after(&self, a: usize) -> impl Iterator<Item = usize> {
        (0..self.len).filter(move |&b| self.has(a, b))
    }

    /// Closes it under transitivity (Warshall), in len³ / 64 steps.
    pub(super) fn close(&mut self) {
        for through in 0..self.len {
            for a in 0..self.len {
                if self.has(a, through) {
                    self.include(a, through);
                }
            }
        }
    }

    /// Adds a pair to a closed relation and closes it again. `true` if the pair is new.
    pub(super) fn add_closed(&mut self, a: usize, b: usize) -> bool {
        if self.has(a, b) {
            return false;
        }
        for before in 0..self.len {
            if before == a || self.has(before, a) {
                self.add(before, b);
                self.include(before, b);
            }
        }
        true
    }

    /// Relates `a` to everything that `through` is related to.
    pub(super) fn include(&mut self, a: usize, through: usize) {
        for word in 0..self.words {
            self.rows[a * self.words + word] |= self.rows[through * self.words + word];
        }
    }

    /// An element that a closed relation relates to itself, if there is one.
    pub(super) fn cycle(&self) -> Option<usize> {
        (0..self.len).find(|&a| self.has(a, a))
    }

    /// The other elements of the cycle of `a`.
    pub(super) fn cycle_of(&self, a: usize) -> Vec<usize> {
        (0..self.len).filter(|&b| self.has(a, b) && self.has(b, a)).collect()
    }
}
