//! A RabbitMQ server, and the books of the model: the same commands, one after the other, and what comes of them. Classic queues and
//! quorum queues; sequences in which time passes are apart from the others. There is one server for all: it takes seconds to start.

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
use std::time::{Duration, Instant};

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use seedbed_models::communication::message_queue::Bug;
use seedbed_referees::sequences;

use broker::Broker;
use compare::{Outcome, compare};
use steps::{Kind, Names, sequence};
use theirs::Theirs;

/// The commands of a sequence.
const LENGTH: usize = 30;
/// The sequences that are under way at once: which share of their queues is quorum queues.
const WORKERS: [f64; 4] = [0.0, 0.3, 0.6, 1.0];
/// The same of those that mostly wait, of which there is one for ten others.
const WAITERS: [f64; 6] = [0.0, 0.0, 0.0, 0.4, 0.4, 1.0];
const WAITS_ONE_IN: u32 = 10;
/// How long the server may take to come to where the model is; and once a difference is known, and made smaller.
const PATIENCE: Duration = Duration::from_secs(5);
const LESS: Duration = Duration::from_millis(700);

/// How often a sequence with a difference is made smaller: each time, the server is waited for.
const SHRINKS: u32 = 40;

/// Mistakes that a comparison must see.
const SEEN: [Bug; 8] = [
    Bug::HashNeedsAWord,
    Bug::LimitOffByOne,
    Bug::MultipleAckOffByOne,
    Bug::RequeueToTail,
    Bug::PrefetchIgnored,
    Bug::SingleActiveIgnored,
    Bug::RedeliveredNotSaid,
    Bug::LimitIgnoresTheFirst,
];

/// What one worker does.
#[derive(Clone, Copy)]
struct Work {
    port: u16,
    worker: usize,
    like: Kind,
    cases: u32,
    bug: Option<Bug>,
}

/// How many sequences came to which end.
#[derive(Clone, Default)]
struct Ends {
    same: Cell<u32>,
    unordered: Cell<u32>,
    too_slow: Cell<u32>,
}

impl Ends {
    fn count(&self, outcome: Outcome) {
        let cell = match outcome {
            Outcome::Same => &self.same,
            Outcome::Unordered => &self.unordered,
            Outcome::TooSlow => &self.too_slow,
        };
        cell.set(cell.get() + 1);
    }

    fn add(&self, other: &Ends) {
        self.same.set(self.same.get() + other.same.get());
        self.unordered.set(self.unordered.get() + other.unordered.get());
        self.too_slow.set(self.too_slow.get() + other.too_slow.get());
    }
}

impl Work {
    /// Compares sequences until one is different.
    fn run(self) -> Result<Ends, String> {
        let Work { port, worker, like, cases, bug } = self;
        // What is planted is seen or not; how it is seen best does not matter.
        let max_shrink_iters = if bug.is_some() { 0 } else { SHRINKS };
        let config = Config { cases, failure_persistence: None, max_shrink_iters, ..Config::default() };
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[worker as u8 + 1; 32]);
        let names = Names::new(worker);
        let theirs = RefCell::new(Theirs::new(port));
        let patience = Cell::new(PATIENCE);
        let ends = Ends::default();
        let result = TestRunner::new_with_rng(config, rng).run(&sequence(&names, like, LENGTH), |sequence| {
            let outcome = compare(&mut theirs.borrow_mut(), &names, &sequence, bug, patience.get());
            outcome.map(|outcome| ends.count(outcome)).map_err(|difference| {
                if bug.is_none() && patience.replace(LESS) == PATIENCE {
                    eprintln!("a difference, which is made smaller now:\n{difference}\n");
                }
                TestCaseError::fail(difference)
            })
        });
        theirs.borrow_mut().clear(&names.exchanges(), &names.queues());
        result.map(|()| ends).map_err(|difference| difference.to_string())
    }
}

/// All at once.
fn all(works: Vec<Work>) -> Vec<Result<Ends, String>> {
    thread::scope(|scope| {
        let running: Vec<_> = works.into_iter().map(|work| scope.spawn(move || work.run())).collect();
        running.into_iter().map(|worker| worker.join().expect("a worker ends")).collect()
    })
}

fn is_the_same(port: u16) {
    let begin = Instant::now();
    let share = |of: u32, workers: usize| of.div_ceil(workers as u32);
    let cases = share(sequences(), WORKERS.len());
    let waiting = share(sequences() / WAITS_ONE_IN, WAITERS.len());
    let work = |worker, quorum, waits, cases| Work { port, worker, like: Kind { quorum, waits }, cases, bug: None };
    let workers = WORKERS.iter().enumerate().map(|(place, quorum)| work(place, *quorum, false, cases));
    let waiters = WAITERS.iter().enumerate().map(|(place, quorum)| work(WORKERS.len() + place, *quorum, true, waiting));
    let results = all(workers.chain(waiters).collect());
    let ends = Ends::default();
    let mut differences = Vec::new();
    for result in results {
        match result {
            Ok(of_worker) => ends.add(&of_worker),
            Err(difference) => differences.push(difference),
        }
    }
    assert!(differences.is_empty(), "{} differences:\n{}", differences.len(), differences.join("\n\n"));
    let (same, unordered, too_slow) = (ends.same.get(), ends.unordered.get(), ends.too_slow.get());
    println!("{same} the same, {unordered} until nobody can say, {too_slow} too slow, in {:?}", begin.elapsed());
    assert!(unordered + too_slow <= same / 5, "most sequences are compared to the end");
}

/// The comparison sees differences: those that are planted.
fn what_is_planted_is_seen(port: u16) {
    let work =
        |(worker, bug)| Work { port, worker, like: Kind { quorum: 0.5, waits: false }, cases: 1_000, bug: Some(bug) };
    let results = all(SEEN.into_iter().enumerate().map(work).collect());
    for (bug, result) in SEEN.iter().zip(results) {
        assert!(result.is_err(), "{bug:?} is not seen");
    }
}

#[test]
fn a_real_server_answers_the_same() {
    let Some(broker) = Broker::start() else { return };
    is_the_same(broker.port());
    what_is_planted_is_seen(broker.port());
}
