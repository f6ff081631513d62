//! The random words of messages: a ChaCha stream for each link, four words for each message.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

/// The words of one message.
pub(crate) type Words = [u32; 4];

/// Words for sixteen messages: what the generator makes at once.
type Batch = [[u8; 16]; MESSAGES as usize];

const MESSAGES: u32 = 16;

/// How many messages share a block of the cipher.
const BLOCK: u32 = 4;

/// Where a link's batch is, once it has one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place(Option<std::num::NonZeroU32>);

/// One generator for all links. A stream has random access, so nothing is kept of a link but a batch of its words.
#[derive(Clone, Debug)]
pub(crate) struct LinkWords {
    generator: ChaCha8Rng,
    batches: Vec<Batch>,
}

impl LinkWords {
    pub(crate) fn new(generator: ChaCha8Rng) -> Self {
        LinkWords { generator, batches: Vec::new() }
    }

    /// The words of the n-th message of a stream, for a link that asks for one message after the other.
    #[inline]
    pub(crate) fn next(&mut self, stream: u64, n: u32, place: &mut Place) -> Words {
        if n.is_multiple_of(MESSAGES) {
            self.refill(stream, n, place);
        }
        let place = place.0.expect("a link has words from its first message on").get() - 1;
        let bytes = self.batches[place as usize][(n % MESSAGES) as usize];
        from_bytes(bytes)
    }

    /// The same without keeping anything, for links that are too many to keep their words.
    pub(crate) fn seek(&mut self, stream: u64, n: u32) -> Words {
        let mut block = [[0; 16]; BLOCK as usize];
        self.read(stream, n / BLOCK * BLOCK, block.as_flattened_mut());
        from_bytes(block[(n % BLOCK) as usize])
    }

    #[cold]
    fn refill(&mut self, stream: u64, n: u32, place: &mut Place) {
        let place = *place.0.get_or_insert_with(|| {
            self.batches.push(Batch::default());
            std::num::NonZeroU32::new(self.batches.len() as u32).expect("there is one now")
        });
        let mut batch = Batch::default();
        self.read(stream, n, batch.as_flattened_mut());
        self.batches[place.get() as usize - 1] = batch;
    }

    /// Reads from the n-th message on, which must be the first of a block, for only there a stream is changed for nothing.
    fn read(&mut self, stream: u64, n: u32, into: &mut [u8]) {
        self.generator.set_word_pos(u128::from(n) * 4);
        self.generator.set_stream(stream);
        self.generator.fill_bytes(into);
    }
}

#[inline]
fn from_bytes(bytes: [u8; 16]) -> Words {
    let (words, _) = bytes.as_chunks::<4>();
    [words[0], words[1], words[2], words[3]].map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    #[test]
    fn in_turn_and_by_seeking_the_words_are_those_of_the_stream() {
        let base = ChaCha8Rng::seed_from_u64(7);
        let mut words = LinkWords::new(base.clone());
        let mut streams = [5, 9].map(|stream| {
            let mut one = base.clone();
            one.set_stream(stream);
            (stream, one, Place::default())
        });
        for n in 0..100 {
            for (stream, one, place) in &mut streams {
                let expect: Words = std::array::from_fn(|_| one.next_u32());
                assert_eq!(words.next(*stream, n, place), expect);
                assert_eq!(words.seek(*stream, n), expect);
            }
        }
    }
}
