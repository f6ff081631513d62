//! A RabbitMQ server, and the books of the model: the same commands, one after the other, and what comes of them. Classic queues and
//! quorum queues; sequences in which time passes are apart from the others.

// A real server has a real clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod broker;
mod compare;
mod methods;
mod mine;
mod said;
mod steps;
mod theirs;
mod versions;
mod words;

use std::cell::{Cell, RefCell};
use std::thread;
use std::time::Duration;

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use seedbed_models::communication::message_queue::Bug;
use seedbed_referees::sequences;

use broker::Broker;
use compare::{Outcome, compare};
use steps::{Kind, Names, sequence};
use theirs::Theirs;

/// The commands of a sequence.
const LENGTH: usize = 30;
/// How many sequences are under way at once, and how many of those that mostly wait.
const WORKERS: usize = 4;
const WAITERS: usize = 8;
/// How long the server may take to come to where the model is.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same once a difference is known, and made smaller.
const LESS: Duration = Duration::from_millis(700);

/// What came of the sequences of one worker.
#[derive(Default)]
struct Counts {
    same: Cell<u32>,
    unordered: Cell<u32>,
    too_slow: Cell<u32>,
}

/// The sequences of one worker: whether all are the same.
fn work(port: u16, worker: usize, like: Kind, cases: u32, bug: Option<Bug>) -> Result<Counts, String> {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let seed = [worker as u8 + 1; 32];
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let names = Names::new(worker);
    let theirs = RefCell::new(Theirs::new(port));
    let patience = Cell::new(PATIENCE);
    let counts = Counts::default();
    let result = runner.run(&sequence(&names, like, LENGTH), |sequence| {
        let outcome = compare(&mut theirs.borrow_mut(), &names, &sequence, bug, patience.get());
        let outcome = outcome.map_err(|difference| {
            patience.set(LESS);
            TestCaseError::fail(difference)
        })?;
        let count = match outcome {
            Outcome::Same => &counts.same,
            Outcome::Unordered => &counts.unordered,
            Outcome::TooSlow => &counts.too_slow,
        };
        count.set(count.get() + 1);
        Ok(())
    });
    theirs.borrow_mut().clear(&names.exchanges(), &names.queues());
    result.map(|()| counts).map_err(|difference| difference.to_string())
}

#[test]
fn a_real_server_answers_the_same() {
    let Some(broker) = Broker::start() else { return };
    let port = broker.port();
    let cases = sequences().div_ceil(WORKERS as u32);
    let failed: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let quorum = [0.0, 0.3, 0.5, 1.0][worker % 4];
                scope.spawn(move || work(port, worker, Kind { quorum, waits: false }, cases, None))
            })
            .collect();
        let results = workers.into_iter().map(|worker| worker.join().expect("no panic"));
        results.filter_map(|result| match result {
            Ok(counts) => { eprintln!("{} {} {}", counts.same.get(), counts.unordered.get(), counts.too_slow.get()); None }
            Err(e) => Some(e)
        }).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
