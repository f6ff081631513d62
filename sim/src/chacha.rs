//! ChaCha with eight rounds, eight blocks at a time, each of any stream and at any place: the same words as
//! `rand_chacha::ChaCha8Rng` gives, which makes blocks of one stream only, four at a time.
//!
//! The roughly two hundred operations of a block depend on each other one by one, so a processor takes as long for one
//! block as for eight that are computed side by side.

use ppv_lite86::{ArithOps, BitOps32, LaneWords4, Machine, MultiLane, Vec4Ext, Vector, dispatch};

/// The words of one block.
pub(crate) type Block = [u32; 16];

/// A stream and the number of a block in it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) stream: u64,
    pub(crate) block: u64,
}

/// How many blocks are made at a time.
pub(crate) const BLOCKS: usize = 8;

const DOUBLE_ROUNDS: usize = 4;
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// A key, for any number of streams.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key([[u32; 4]; 2]);

impl Key {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let word = |at: usize| u32::from_le_bytes(words[at]);
        Key([std::array::from_fn(word), std::array::from_fn(|at| word(4 + at))])
    }

    /// The blocks at these places.
    pub(crate) fn blocks(&self, places: &[Place; BLOCKS]) -> [Block; BLOCKS] {
        let mut blocks = [Block::default(); BLOCKS];
        let halves = |n: u64| [n as u32, (n >> 32) as u32];
        let nonces = places.map(|Place { stream, block }| {
            let ([a, b], [c, d]) = (halves(block), halves(stream));
            [a, b, c, d]
        });
        eight_blocks(&self.0, &nonces, &mut blocks);
        blocks
    }
}

/// Four rows of four words, of several blocks side by side.
#[derive(Clone, Copy)]
struct State<V> {
    a: V,
    b: V,
    c: V,
    d: V,
}

impl<V: ArithOps + BitOps32 + LaneWords4> State<V> {
    /// A quarter round on each column.
    #[inline(always)]
    fn round(mut self) -> Self {
        self.a += self.b;
        self.d = (self.d ^ self.a).rotate_each_word_right16();
        self.c += self.d;
        self.b = (self.b ^ self.c).rotate_each_word_right20();
        self.a += self.b;
        self.d = (self.d ^ self.a).rotate_each_word_right24();
        self.c += self.d;
        self.b = (self.b ^ self.c).rotate_each_word_right25();
        self
    }

    /// Makes columns of diagonals.
    #[inline(always)]
    fn diagonals(mut self) -> Self {
        self.b = self.b.shuffle_lane_words3012();
        self.c = self.c.shuffle_lane_words2301();
        self.d = self.d.shuffle_lane_words1230();
        self
    }

    /// Makes diagonals of columns again.
    #[inline(always)]
    fn columns(mut self) -> Self {
        self.b = self.b.shuffle_lane_words1230();
        self.c = self.c.shuffle_lane_words2301();
        self.d = self.d.shuffle_lane_words3012();
        self
    }

    #[inline(always)]
    fn plus(mut self, other: Self) -> Self {
        self.a += other.a;
        self.b += other.b;
        self.c += other.c;
        self.d += other.d;
        self
    }
}

#[inline(always)]
fn begin<M: Machine>(m: M, key: &[[u32; 4]; 2], nonces: &[[u32; 4]]) -> State<M::u32x4x4> {
    let four = |row: [u32; 4]| {
        let row: M::u32x4 = m.vec(row);
        M::u32x4x4::from_lanes([row; 4])
    };
    let d = M::u32x4x4::from_lanes([m.vec(nonces[0]), m.vec(nonces[1]), m.vec(nonces[2]), m.vec(nonces[3])]);
    State { a: four(CONSTANTS), b: four(key[0]), c: four(key[1]), d }
}

#[inline(always)]
fn write<M: Machine>(state: State<M::u32x4x4>, into: &mut [Block]) {
    let (first, second, third, fourth) = M::u32x4x4::transpose4(state.a, state.b, state.c, state.d);
    into[0] = first.to_scalars();
    into[1] = second.to_scalars();
    into[2] = third.to_scalars();
    into[3] = fourth.to_scalars();
}

dispatch!(m, Mach, {
    fn eight_blocks(key: &[[u32; 4]; 2], nonces: &[[u32; 4]; BLOCKS], into: &mut [Block; BLOCKS]) {
        let begun: [State<Mach::u32x4x4>; 2] = [begin(m, key, &nonces[..4]), begin(m, key, &nonces[4..])];
        let [mut one, mut two] = begun;
        for _ in 0..DOUBLE_ROUNDS {
            (one, two) = (one.round(), two.round());
            (one, two) = (one.diagonals().round().columns(), two.diagonals().round().columns());
        }
        write::<Mach>(one.plus(begun[0]), &mut into[..4]);
        write::<Mach>(two.plus(begun[1]), &mut into[4..]);
    }
});

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::{Rng, SeedableRng};

    #[test]
    fn the_words_are_those_of_rand_chacha() {
        let bytes = std::array::from_fn(|at| at as u8 * 7 + 1);
        let places: [Place; BLOCKS] =
            [(0, 0), (0, 1), (7, 0), (1 << 40, 3), (u64::MAX, 0), (9, u64::from(u32::MAX)), (9, 1 << 32), (3, 77)]
                .map(|(stream, block)| Place { stream, block });
        let blocks = Key::new(bytes).blocks(&places);
        for (place, block) in places.iter().zip(blocks) {
            let mut words = ChaCha8Rng::from_seed(bytes);
            words.set_stream(place.stream);
            words.set_word_pos(u128::from(place.block) * 16);
            assert_eq!(block, std::array::from_fn(|_| words.next_u32()), "{place:?}");
        }
    }
}
