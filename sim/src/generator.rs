//! Generators of random words: each domain of a seed has one of its own.

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// The ChaCha key of a domain: the seed, and the domain's name.
pub(crate) fn domain_key(seed: u64, domain: &str) -> [u8; 32] {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..8 + domain.len()].copy_from_slice(domain.as_bytes());
    key
}

/// The generator of a domain.
pub(crate) fn generator(seed: u64, domain: &str) -> ChaCha8Rng {
    ChaCha8Rng::from_seed(domain_key(seed, domain))
}

/// One of the streams of a domain.
pub(crate) fn stream(seed: u64, domain: &str, stream: u64) -> ChaCha8Rng {
    let mut words = generator(seed, domain);
    words.set_stream(stream);
    words
}

/// The generator that scenarios, operations and fault plans are made from: a stream apart from all choices.
pub(crate) fn plan_key(seed: u64) -> [u8; 32] {
    let mut key = [0u8; 32];
    generator(seed, "plan").fill_bytes(&mut key);
    key
}
