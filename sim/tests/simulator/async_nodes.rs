//! Async nodes in a world: exact time, repeatable runs, and faults that reach tasks.
#![cfg(madsim)]

use std::cell::Cell;
use std::time::Duration;

use seedbed_sim::Finished as Run;
use seedbed_sim::host::{Handle, Hosted, Input, Program, run};
use seedbed_sim::timeline::{Entry, Happening};
use seedbed_sim::{
    AtEnd, Case, CutMode, Deviation, Direction, Fault, FaultClass, Info, Kinded, Latency, Maker, Model, NetworkConfig,
    NoDisk, NodeId, Operation, Record, Source, Span, Time, Verdict, What, World, maker,
};
use serde::{Deserialize, Serialize};

#[allow(dead_code, unused_imports)]
#[path = "../../examples/async_kv.rs"]
mod async_kv;

use async_kv::store;

seedbed_sim::marks! {
    GAVE_UP = "gave up",
    WAS_ANSWERED = "was answered",
    OUTLIVED_ITS_MAIN = "outlived its main",
    HEARD = "heard",
}

/// Two nodes on a network of exactly one millisecond, with one of several programs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Lab {
    /// n0 sleeps odd lengths, with many other tasks about, and says so to n1.
    Sleeper,
    /// n0 sleeps by madsim's clock, where the world has no event.
    Stranger,
    /// n0 sends a number every 10 ms from a task of its own; it counts from one in each life.
    Ticker,
    /// n1 asserts that no number is above three.
    Wary,
    /// n0 waits for an answer that comes too late.
    Impatient,
    /// n0 answers operations with a number that it draws.
    Drawer,
    /// n0's first task ends, and another of its tasks should with it.
    Brief,
}

#[derive(Debug)]
struct Numbers;

#[derive(Clone, Debug, Hash, Kinded)]
struct Number(u64);

impl Program for Numbers {
    type Message = Number;
    type Record = NoDisk;
    type Op = ();
    type Ret = u64;
}

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

thread_local! {
    static ALIVE: Cell<i64> = const { Cell::new(0) };
}

/// Counts the tasks that are alive.
struct Alive;

impl Alive {
    fn new() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Alive
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

async fn sleeper(node: Handle<Numbers>) {
    for _ in 0..20 {
        let node = node.clone();
        madsim::task::spawn_local(async move {
            let _alive = Alive::new();
            loop {
                node.sleep(Span(1_234_567)).await;
                // Polls cost madsim's clock 50 to 100 ns each, and the world's nothing.
                for _ in 0..50 {
                    madsim::task::yield_now().await;
                }
            }
        });
    }
    for n in 1.. {
        node.sleep(Span(1_234_567)).await;
        madsim::task::yield_now().await;
        node.send(B, Number(n));
    }
}

async fn stranger(node: Handle<Numbers>) {
    for n in 1.. {
        madsim::time::sleep(Duration::from_millis(5)).await;
        node.send(B, Number(n));
    }
}

async fn ticker(node: Handle<Numbers>) {
    let ticking = node.clone();
    madsim::task::spawn_local(async move {
        let _alive = Alive::new();
        for n in 1.. {
            ticking.sleep(Span::ms(10)).await;
            ticking.send(B, Number(n));
        }
    });
    std::future::pending::<()>().await;
}

async fn impatient(node: Handle<Numbers>) {
    node.send(B, Number(7));
    assert_eq!(node.timeout(Span(1_999_999), node.recv()).await.map(|(_, n)| n.0), None, "too early: an answer");
    node.mark(GAVE_UP);
    // At one instant timers go before messages, so it takes two.
    let (from, Number(n)) = node.timeout(Span(2), node.recv()).await.expect("the answer comes a nanosecond later");
    assert_eq!((from, n, node.now()), (B, 8, Time(2_000_000)));
    node.mark(WAS_ANSWERED);
}

async fn drawer(node: Handle<Numbers>) {
    loop {
        let (op, ()) = node.next_op().await;
        node.complete(op, node.draw("number", 0..=999));
    }
}

async fn brief(node: Handle<Numbers>) {
    let other = node.clone();
    madsim::task::spawn_local(async move {
        let _alive = Alive::new();
        other.sleep(Span::ms(5)).await;
        other.mark(OUTLIVED_ITS_MAIN);
    });
    node.sleep(Span::ms(1)).await;
}

async fn listen(node: Handle<Numbers>, lab: Lab) {
    loop {
        let Input::Message { from, message: Number(n) } = node.next().await else {
            continue;
        };
        match lab {
            Lab::Wary => assert!(n <= 3, "a number is too great: {n}"),
            Lab::Impatient => node.send(from, Number(n + 1)),
            _ => node.mark(HEARD),
        }
    }
}

impl Model for Lab {
    type Process = Hosted<Numbers>;
    const INFO: Info = Info::named("lab", "", "tests", "Small async programs.");

    fn size(&self) -> usize {
        2
    }

    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Hosted<Numbers> {
        let lab = *self;
        match (node, lab) {
            (B, _) => Hosted::new(move |node| listen(node, lab)),
            (_, Lab::Sleeper) => Hosted::new(sleeper),
            (_, Lab::Stranger) => Hosted::new(stranger),
            (_, Lab::Ticker | Lab::Wary) => Hosted::new(ticker),
            (_, Lab::Impatient) => Hosted::new(impatient),
            (_, Lab::Drawer) => Hosted::new(drawer),
            (_, Lab::Brief) => Hosted::new(brief),
        }
    }

    fn network(&self) -> NetworkConfig {
        NetworkConfig::reliable(Latency::Constant { base: Span::ms(1) })
    }
}

fn case(lab: Lab) -> Case<Lab> {
    let mut case = Case::quiet(lab);
    (case.scenario.phases.chaos, case.scenario.phases.settle) = (Span::ms(100), Span::ms(20));
    case
}

fn recorded(case: &Case<Lab>) -> Run<Lab> {
    let outcome = run(case, &Source::Seed(3), &[], Record::Yes).unwrap();
    assert_eq!(ALIVE.get(), 0, "a task outlived its run");
    outcome
}

fn with_fault(lab: Lab, from: u64, lasts: u64, what: What) -> Run<Lab> {
    let mut case = case(lab);
    case.faults = vec![Fault { at: Time(from * 1000), lasts: Some(Span::us(lasts)), within: None, after: None, what }];
    recorded(&case)
}

/// When numbers were sent, and which.
fn sent(timeline: &[Entry]) -> Vec<(u64, String)> {
    let sent = timeline.iter().filter_map(|entry| match &entry.what {
        Happening::Sent { text, .. } => Some((entry.at.0, text.clone())),
        _ => None,
    });
    sent.collect()
}

fn times(timeline: &[Entry], wanted: impl Fn(&Happening) -> bool) -> Vec<u64> {
    timeline.iter().filter(|entry| wanted(&entry.what)).map(|entry| entry.at.0).collect()
}

fn ticks(at: impl IntoIterator<Item = (u64, u64)>) -> Vec<(u64, String)> {
    at.into_iter().map(|(us, n)| (us * 1000, format!("Number({n})"))).collect()
}

#[test]
fn sleeps_end_at_the_exact_nanosecond_however_busy_the_executor_is() {
    let outcome = recorded(&case(Lab::Sleeper));
    let exact: Vec<u64> = (1..=120_000_000 / 1_234_567).map(|n| n * 1_234_567).collect();
    assert_eq!(sent(&outcome.timeline).into_iter().map(|(at, _)| at).collect::<Vec<_>>(), exact);
    let heard = times(&outcome.timeline, |what| matches!(what, Happening::Delivered { .. }));
    assert_eq!(heard[0], 1_234_567 + 1_000_000);
}

#[test]
fn a_timeout_and_an_answer_are_a_nanosecond_apart() {
    let outcome = recorded(&case(Lab::Impatient));
    assert_eq!(outcome.violation, None);
    assert_eq!(outcome.marks, [(GAVE_UP.name, 1), (WAS_ANSWERED.name, 1)]);
}

#[test]
fn a_sleep_runs_on_the_nodes_own_clock() {
    let skew = What::Skew { node: A.into(), offset_ns: 0, drift_ppm: 1_000_000 };
    let outcome = with_fault(Lab::Ticker, 0, 50_000, skew);
    // Twice as fast until 50 ms, when the clock jumps back to the true time and with it the sleep that goes on.
    let first: Vec<_> = sent(&outcome.timeline).into_iter().take(3).collect();
    assert_eq!(first, ticks([(5_000, 1), (10_000, 2), (15_000, 3)]));
    assert!(outcome.stats.fault(FaultClass::Skew) > 0);
}

#[test]
fn tasks_that_sleep_by_madsims_clock_act_between_events() {
    let outcome = recorded(&case(Lab::Stranger));
    let sent = sent(&outcome.timeline);
    assert!(sent.len() >= 23, "{sent:?}");
    for (i, (at, _)) in sent.iter().enumerate() {
        // The executor's own time adds up: a microsecond in all is far more than it takes for one sleep.
        let due = (i as u64 + 1) * 5_000_000;
        assert!((due..due + 1_000 * (i as u64 + 1)).contains(at), "{i}: {at}");
    }
    // The world waited for heal at 100 ms; it noticed the message that was due before.
    let heard = times(&outcome.timeline, |what| matches!(what, Happening::Delivered { .. }));
    assert_eq!(heard[0], sent[0].0 + 1_000_000);
}

#[test]
fn the_same_case_and_seed_are_the_same_run() {
    for lab in [Lab::Sleeper, Lab::Stranger, Lab::Ticker, Lab::Impatient] {
        let (one, two) = (recorded(&case(lab)), recorded(&case(lab)));
        assert_eq!(one.fingerprint, two.fingerprint, "{lab:?}");
        assert_eq!(one.timeline, two.timeline, "{lab:?}");
    }
    for seed in 0..20 {
        let [one, two] =
            [(); 2].map(|()| run(&store::case(seed % 2 == 1), &Source::Seed(seed), &[], Record::Yes).unwrap());
        assert_eq!(one.fingerprint, two.fingerprint, "seed {seed}");
        assert_eq!(one.timeline, two.timeline, "seed {seed}");
        assert_eq!(one.recorded, two.recorded, "seed {seed}");
    }
}

#[test]
fn recording_changes_nothing_and_a_recorded_run_replays_without_its_seed() {
    let mut violated = 0;
    for seed in 0..20 {
        let case = store::case(seed % 2 == 1);
        let plain = run(&case, &Source::Seed(seed), &store::properties(), Record::No).unwrap();
        let outcome = run(&case, &Source::Seed(seed), &store::properties(), Record::Yes).unwrap();
        assert_eq!(plain.fingerprint, outcome.fingerprint);
        assert!(
            outcome
                .recorded
                .iter()
                .any(|choice| matches!(choice, Deviation::Draw { label, .. } if label == "host/schedule"))
        );
        let replayed = run(&case, &Source::Fixed(outcome.recorded), &store::properties(), Record::Yes).unwrap();
        assert_eq!(replayed.fingerprint, outcome.fingerprint, "seed {seed}");
        assert_eq!(replayed.timeline, outcome.timeline, "seed {seed}");
        assert_eq!(replayed.history, outcome.history, "seed {seed}");
        assert_eq!(replayed.violation, outcome.violation, "seed {seed}");
        assert!(replayed.used.iter().all(|used| *used), "seed {seed}");
        violated += usize::from(outcome.violation.is_some());
    }
    assert!(violated > 0, "no run was violated");
}

#[test]
fn acknowledged_writes_survive_and_the_hasty_server_loses_some() {
    let mut fired = [0; FaultClass::ALL.len()];
    let mut marks = std::collections::BTreeMap::new();
    for seed in 0..60 {
        let outcome = run(&store::case(false), &Source::Seed(seed), &store::properties(), Record::No).unwrap();
        assert_eq!(outcome.violation, None, "seed {seed}");
        assert_eq!(outcome.struck.len(), 3);
        fired.iter_mut().zip(outcome.stats.faults).for_each(|(all, one)| *all += one);
        outcome.marks.into_iter().for_each(|(name, count)| *marks.entry(name).or_insert(0) += count);
    }
    for class in [FaultClass::Crash, FaultClass::Partition, FaultClass::Loss, FaultClass::Dup, FaultClass::Disk] {
        assert!(fired[class as usize] > 0, "{class} never fired");
    }
    assert!(marks[store::RECOVERED.name] > 0 && marks[store::ASKED_AGAIN.name] > 0, "{marks:?}");
    let hasty = |seed| run(&store::case(true), &Source::Seed(seed), &store::properties(), Record::No).unwrap();
    let violation = (0..60).find_map(|seed| hasty(seed).violation).expect("some seed shows the bug");
    assert_eq!(violation.property, "async_kv/acknowledged_writes_survive");
}

#[test]
fn a_crash_ends_all_tasks_and_a_restart_begins_anew() {
    let outcome = with_fault(Lab::Ticker, 35_000, 12_345, What::Crash { node: A.into() });
    let mut expect = vec![(10_000, 1), (20_000, 2), (30_000, 3)];
    expect.extend((1..=7).map(|n| (47_345 + n * 10_000, n)));
    assert_eq!(sent(&outcome.timeline), ticks(expect));
    assert_eq!(outcome.stats.fault(FaultClass::Crash), 1);
}

#[test]
fn a_crash_ends_tasks_that_sleep_by_madsims_clock() {
    let outcome = with_fault(Lab::Stranger, 12_000, 30_000, What::Crash { node: A.into() });
    let early = sent(&outcome.timeline).iter().filter(|(at, _)| (12_000_000..47_000_000).contains(at)).count();
    assert_eq!((early, outcome.stats.fault(FaultClass::Crash)), (0, 1));
    assert!(sent(&outcome.timeline).iter().filter(|(_, text)| text == "Number(1)").count() == 2);
}

#[test]
fn a_paused_node_stands_still_with_all_its_tasks() {
    for lab in [Lab::Ticker, Lab::Stranger] {
        let outcome = with_fault(lab, 22_000, 33_000, What::Pause { node: A.into() });
        let times: Vec<u64> = sent(&outcome.timeline).iter().map(|(at, _)| at / 1_000_000).collect();
        assert!(times.iter().all(|ms| !(22..55).contains(ms)), "{lab:?}: {times:?}");
        assert!(times.contains(&20) && times.contains(&55), "{lab:?}: {times:?}");
        assert_eq!(outcome.stats.fault(FaultClass::Pause), 1);
    }
    // The receiver stands still: what was sent to it meanwhile is handled when it goes on, and in order.
    let outcome = with_fault(Lab::Ticker, 5_000, 50_000, What::Pause { node: B.into() });
    let heard = times(&outcome.timeline, |what| matches!(what, Happening::Marked { .. }));
    assert_eq!(heard.iter().filter(|at| **at == 55_000_000).count(), 5, "{heard:?}");
    assert!(heard.iter().all(|at| *at >= 55_000_000));
}

#[test]
fn a_cut_stops_what_tasks_send() {
    let cut = What::Isolate { node: A.into(), direction: Direction::Out, mode: CutMode::Drop };
    let outcome = with_fault(Lab::Ticker, 15_000, 30_000, cut);
    assert_eq!((outcome.stats.cut, outcome.stats.fault(FaultClass::Partition)), (3, 3));
    let hold = What::Cut { from: vec![A], to: vec![B], mode: CutMode::Hold };
    let outcome = with_fault(Lab::Ticker, 15_000, 30_000, hold);
    let heard = times(&outcome.timeline, |what| matches!(what, Happening::Delivered { .. }));
    assert_eq!(heard[..5], [11_000_000, 45_000_000, 45_000_000, 45_000_000, 51_000_000]);
}

#[test]
fn an_assertion_in_a_task_is_a_violation() {
    let outcome = recorded(&case(Lab::Wary));
    let violation = outcome.violation.expect("the fourth number is too great");
    assert_eq!(violation.property, "assertion: tests/simulator/async_nodes.rs: a number is too great: _");
    assert_eq!((violation.at, violation.nodes), (Time(41_000_000), vec![B]));
    assert!(violation.message.starts_with("a number is too great: 4"), "{}", violation.message);
}

#[test]
fn draws_of_tasks_are_named_choices() {
    let mut case = case(Lab::Drawer);
    case.operations = (0..3).map(|n| Operation { at: Time::ms(n), client: A, op: () }).collect();
    let answers = |source| {
        let outcome = run(&case, &source, &[], Record::No).unwrap();
        outcome.history.invocations().iter().map(|i| *i.returned().unwrap()).collect::<Vec<_>>()
    };
    assert_ne!(answers(Source::Seed(1)), answers(Source::Seed(2)));
    let second = Deviation::Draw { node: A, label: "number".into(), n: 1, billionths: 500_000_000 };
    assert_eq!(answers(Source::Fixed(vec![second])), [618, 500, 618]);
}

#[test]
fn the_tasks_of_a_node_end_with_its_first() {
    assert_eq!(recorded(&case(Lab::Brief)).marks, []);
}

#[test]
fn properties_are_judged_as_in_any_world() {
    fn never(world: &World<Lab>) -> Verdict {
        Err(format!("{} events", world.stats().events).into())
    }
    let properties: Vec<Maker<Lab>> = vec![maker(AtEnd::new("lab/never", never))];
    let outcome = run(&case(Lab::Ticker), &Source::Seed(1), &properties, Record::No).unwrap();
    assert_eq!(outcome.violation.unwrap().property, "lab/never");
}

#[test]
#[should_panic(expected = "a world with async nodes cannot be forked")]
fn a_world_with_async_nodes_cannot_be_forked() {
    let mut world = World::new(&case(Lab::Ticker), &Source::Seed(1)).unwrap();
    while world.process(B).is_none() {
        world.step();
    }
    let _ = world.clone();
}
