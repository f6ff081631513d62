//! Failed configurations: Lowe's memoisation ("Testing for linearizability", 2017, section 4.2), only of failures, and
//! with dominance.

use std::hash::{Hash, Hasher};

use seedbed_sim::fingerprint::StableHasher;

const NONE: u32 = u32::MAX;

/// The bytes of a state for each word that is hashed of it: values are wider in memory than their contents, and have
/// allocations of their own.
const BYTES_A_WORD: usize = 20;

/// Hashes, and counts the words.
struct Measure {
    hasher: StableHasher,
    words: usize,
}

macro_rules! measured {
    ($($write:ident: $type:ty,)*) => {
        $(fn $write(&mut self, n: $type) {
            self.words += 1;
            self.hasher.$write(n);
        })*
    };
}

impl Hasher for Measure {
    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
    fn write(&mut self, bytes: &[u8]) {
        // Contents of texts are as wide in memory.
        self.words += 1 + bytes.len() / BYTES_A_WORD;
        self.hasher.write(bytes);
    }
    measured! {
        write_u8: u8,
        write_u16: u16,
        write_u32: u32,
        write_u64: u64,
        write_usize: usize,
        write_isize: isize,
    }
}

/// A hash, and the approximate size in memory of what was hashed.
pub(crate) fn measured_hash<T: Hash>(value: &T) -> (u64, usize) {
    let mut hasher = Measure { hasher: StableHasher::default(), words: 0 };
    value.hash(&mut hasher);
    (hasher.finish(), BYTES_A_WORD * hasher.words)
}

/// The number of words for each kind of bits of a configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words {
    /// Bits of operations that return and may change the state; equal in configurations that are compared.
    pub(super) mutators: usize,
    /// Bits of read-only operations; with more of them linearised, a configuration is better.
    pub(super) readers: usize,
    /// Bits of operations that never return; with fewer of them used, a configuration is better.
    pub(super) pending: usize,
}

impl Words {
    pub(super) fn total(self) -> usize {
        self.mutators + self.readers + self.pending
    }
}

/// What a configuration is found by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key {
    hash: u64,
    /// The approximate size of its state.
    pub(super) bytes: u32,
}

struct Entry<S> {
    key: Key,
    next: u32,
    front: u32,
    state: S,
}

/// A chained hash table without removal.
pub(super) struct Failed<S> {
    words: Words,
    /// The heads of the chains. The length is a power of two.
    heads: Vec<u32>,
    entries: Vec<Entry<S>>,
    /// The bits of entry n, from n × total.
    bits: Vec<u64>,
    limit: usize,
    /// The most bytes, and those that are taken.
    most: u64,
    taken: u64,
    /// Whether entries were discarded because the limit was reached.
    pub(super) overflowed: bool,
}

impl<S: Eq + Hash> Failed<S> {
    pub(super) fn new(words: Words, limit: usize, most: u64) -> Self {
        let limit = limit.clamp(2, NONE as usize - 1);
        let (heads, entries, bits) = (Vec::new(), Vec::new(), Vec::new());
        Failed { words, heads, entries, bits, limit, most, taken: 0, overflowed: false }
    }

    /// The hash of the parts that must be equal, without those that can be dominated; and the size.
    pub(super) fn key(&self, front: u32, bits: &[u64], state: &S) -> Key {
        let mut hasher = StableHasher::default();
        hasher.word(front.into());
        for &word in &bits[..self.words.mutators] {
            hasher.word(word);
        }
        let mut hasher = Measure { hasher, words: 0 };
        state.hash(&mut hasher);
        let own = size_of::<Entry<S>>() + 8 * self.words.total();
        let bytes = own + BYTES_A_WORD * hasher.words;
        Key { hash: hasher.finish(), bytes: u32::try_from(bytes).unwrap_or(u32::MAX) }
    }

    /// Whether this configuration must fail, because one that is at least as good has failed.
    pub(super) fn dominates(&self, Key { hash, .. }: Key, front: u32, bits: &[u64], state: &S) -> bool {
        if self.heads.is_empty() {
            return false;
        }
        let (readers, pending) = (self.words.mutators, self.words.mutators + self.words.readers);
        let mut at = self.heads[hash as usize & (self.heads.len() - 1)];
        while at != NONE {
            let entry = &self.entries[at as usize];
            if entry.key.hash == hash && entry.front == front {
                let total = self.words.total();
                let old = &self.bits[at as usize * total..][..total];
                let better = old[..readers] == bits[..readers]
                    && old[readers..pending].iter().zip(&bits[readers..pending]).all(|(old, new)| new & !old == 0)
                    && old[pending..].iter().zip(&bits[pending..]).all(|(old, new)| old & !new == 0);
                if better && entry.state == *state {
                    return true;
                }
            }
            at = entry.next;
        }
        false
    }

    /// Stores a failed configuration. At the limit, the configurations furthest ahead are discarded, because the search
    /// is returning from there. That may repeat work, but changes no verdict.
    pub(super) fn insert(&mut self, key: Key, front: u32, bits: &[u64], state: S) {
        let is_full = |own: &Self| own.entries.len() >= own.limit || own.taken + u64::from(key.bytes) > own.most;
        while is_full(self) && self.entries.len() >= 2 {
            self.forget();
        }
        if self.entries.len() >= self.heads.len() {
            self.grow();
        }
        let head = key.hash as usize & (self.heads.len() - 1);
        self.taken += u64::from(key.bytes);
        self.entries.push(Entry { key, next: self.heads[head], front, state });
        self.bits.extend_from_slice(bits);
        self.heads[head] = (self.entries.len() - 1) as u32;
    }

    fn grow(&mut self) {
        let size = (self.heads.len() * 2).max(64);
        self.heads = vec![NONE; size];
        self.relink();
    }

    fn relink(&mut self) {
        self.heads.fill(NONE);
        let mask = self.heads.len() - 1;
        for (n, entry) in (0..).zip(&mut self.entries) {
            let head = entry.key.hash as usize & mask;
            entry.next = self.heads[head];
            self.heads[head] = n;
        }
    }

    /// Discards the half with the latest fronts.
    fn forget(&mut self) {
        self.overflowed = true;
        let mut fronts: Vec<u32> = self.entries.iter().map(|entry| entry.front).collect();
        let half = fronts.len() / 2;
        let (_, &mut median, _) = fronts.select_nth_unstable(half);
        let total = self.words.total();
        let mut kept = 0;
        // If most entries have the median front, an arbitrary part of them is kept.
        let mut room = half - self.entries.iter().filter(|entry| entry.front < median).count();
        for n in 0..self.entries.len() {
            let front = self.entries[n].front;
            if front > median || (front == median && room == 0) {
                continue;
            }
            room -= usize::from(front == median);
            self.entries.swap(kept, n);
            self.bits.copy_within(n * total..(n + 1) * total, kept * total);
            kept += 1;
        }
        self.entries.truncate(kept);
        self.taken = self.entries.iter().map(|entry| u64::from(entry.key.bytes)).sum();
        self.bits.truncate(kept * total);
        self.relink();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_by_their_size() {
        let words = Words { mutators: 1, readers: 0, pending: 0 };
        for length in [1, 10, 1_000] {
            let mut failed: Failed<Vec<u64>> = Failed::new(words, usize::MAX, 1 << 20);
            for n in 0..20_000u64 {
                let state = vec![n; length];
                let key = failed.key(n as u32, &[n], &state);
                assert!(key.bytes as usize >= 8 * length, "{length} words are {} bytes", key.bytes);
                failed.insert(key, n as u32, &[n], state);
                assert!(failed.taken <= 1 << 20, "{} bytes", failed.taken);
            }
            let taken: u64 = failed.entries.iter().map(|entry| u64::from(entry.key.bytes)).sum();
            assert_eq!((failed.taken, failed.overflowed), (taken, true));
            assert!(failed.entries.len() > 10, "of {length} words only {} states are kept", failed.entries.len());
        }
    }
}
