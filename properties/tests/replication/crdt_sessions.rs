//! Recorded sessions of people who write one text at the same time end in what the record says, at every replica and in
//! every order of delivery that causality allows. Skipped where `SEEDBED_ORACLES` is unset.

use std::fs::File;
use std::path::Path;

use crate::oracles::oracle;
use flate2::read::GzDecoder;
use proptest::prelude::Rng;
use proptest::test_runner::{RngAlgorithm, TestRng};
use seedbed_properties::replication::crdt::session::{Session, Writer};

/// How many readers there are beside those who write.
const READERS: u8 = 3;

/// A source of small random numbers, the same in every run.
fn random(seed: u8) -> impl FnMut(usize) -> usize {
    let mut words = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    move |below| (words.next_u64() % below as u64) as usize
}

fn session_ends_as_recorded(file: &Path) {
    let session = Session::read(GzDecoder::new(File::open(file).expect("a recorded session"))).expect("of its format");
    let count = session.txns.len();
    let (writers, effects) = session.write();
    let all: Vec<usize> = (0..count).collect();
    for (n, mut writer) in writers.into_iter().enumerate() {
        writer.catch_up(&all, &session, &effects);
        assert!(writer.reads() == session.end_content, "writer {n} ends in another text than recorded");
    }
    // Readers who hear of it in other orders than the recorded one.
    for seed in 0..READERS {
        let order = session.causal_order(&mut random(seed));
        assert_eq!(order.len(), count);
        assert!(order.windows(2).any(|pair| pair[1] != pair[0] + 1), "order {seed} is the recorded one");
        let mut reader = Writer::new(session.num_agents + usize::from(seed), count);
        order.into_iter().for_each(|n| reader.take(n, &effects[n]));
        assert!(reader.reads() == session.end_content, "order {seed} ends in another text than recorded");
    }
}

#[test]
fn recorded_sessions_end_as_recorded() {
    for session in ["crdt-traces/friendsforever.json.gz", "crdt-traces/clownschool.json.gz"] {
        let Some(file) = oracle(session) else { return };
        session_ends_as_recorded(&file);
    }
}
