//! The same seed, the same run: alone, and after others; and where that cannot be, a refusal.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seedbed_sim::host::{Deployed, Deployment, Diverged, Node, Refused, deploy};
use seedbed_sim::{History, NodeId, Verdict};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::{Words, run, said, says};

/// Runs a program of two nodes in several seeds, one after the other, and each again after all others.
fn is_determined<F: Future<Output = ()> + 'static>(
    program: impl Fn(Words) -> F + Clone + Send + Sync + 'static,
) -> BTreeSet<Vec<String>> {
    let runs = || (1..7).map(|seed| run(&Deployment::of(2), seed, program.clone())).collect::<Vec<_>>();
    let first = runs();
    assert_eq!(first, runs());
    assert!(first.iter().all(|run| run.violation.is_none()), "{first:?}");
    first.iter().map(said).collect()
}

/// A program that says one thing, which depends on the seed.
fn is_seeded<T: Debug + 'static>(value: impl Fn() -> T + Clone + Send + Sync + 'static) {
    let different = is_determined(move |node| {
        let value = value();
        async move { says(&node, "value", value) }
    });
    assert_eq!(different.len(), 6, "each seed has another value");
}

fn refusal<F: Future<Output = ()> + 'static>(
    program: impl Fn(Words) -> F + Clone + Send + Sync + 'static,
) -> Box<Diverged> {
    match deploy(&Deployment::of(1), 1, program, &[]) {
        Err(Refused::Diverged(diverged)) => diverged,
        other => panic!("it is not determined: {other:?}"),
    }
}

#[test]
fn hash_maps_have_an_order_of_the_seed() {
    is_seeded(|| {
        (0..20).map(|i| (i, i)).collect::<std::collections::HashMap<u32, u32>>().into_keys().collect::<Vec<_>>()
    });
}

#[test]
fn rand_of_two_generations_is_seeded() {
    is_seeded(|| rand08::Rng::r#gen::<u64>(&mut rand08::thread_rng()));
    is_seeded(|| rand09::Rng::random::<u64>(&mut rand09::rng()));
}

#[test]
fn select_takes_its_branches_by_the_seed() {
    let different = is_determined(|node| async move {
        let mut taken = Vec::new();
        for _ in 0..30 {
            tokio::select! { _ = async {} => taken.push(0), _ = async {} => taken.push(1), _ = async {} => taken.push(2) }
        }
        says(&node, "branches", taken);
    });
    assert_eq!(different.len(), 6, "each seed takes others");
}

#[test]
fn select_of_madsim_tokio_is_the_same_macro() {
    is_determined(|node| async move {
        let mut taken = Vec::new();
        for _ in 0..30 {
            madsim_tokio::select! { _ = async {} => taken.push(0), _ = async {} => taken.push(1) }
        }
        says(&node, "branches", taken);
    });
}

#[test]
fn receivers_of_a_watch_wake_in_an_order_of_the_seed() {
    is_determined(|node| async move {
        let (stop, stopped) = watch::channel(false);
        let (ended, mut ends) = mpsc::unbounded_channel();
        for n in 0..20 {
            let (mut stopped, ended) = (stopped.clone(), ended.clone());
            tokio::spawn(async move {
                stopped.changed().await.unwrap();
                ended.send(n).unwrap();
            });
        }
        sleep(Duration::from_millis(5)).await;
        stop.send(true).unwrap();
        drop(ended);
        let mut order: Vec<u32> = Vec::new();
        while let Some(n) = ends.recv().await {
            order.push(n);
        }
        assert_eq!(order.len(), 20);
        says(&node, "order", order);
    });
}

#[test]
fn clocks_are_virtual() {
    is_determined(|node| async move {
        let began = std::time::Instant::now();
        sleep(Duration::from_millis(250)).await;
        says(&node, "elapsed", began.elapsed());
        says(&node, "now", std::time::SystemTime::now());
        says(&node, "blocking", tokio::task::spawn_blocking(|| 41 + 1).await.ok());
    });
}

/// A service with `select!`: what it answers depends on which branch is taken.
async fn two_queues(node: Node<u32, u32>) {
    let (high, mut highs) = mpsc::channel(64);
    let (low, mut lows) = mpsc::channel(64);
    for i in 0..6 {
        high.send(100 + i).await.unwrap();
        low.send(i).await.unwrap();
    }
    drop((high, low));
    sleep(Duration::from_millis(5)).await;
    loop {
        tokio::select! {
            Some(x) = highs.recv() => node.invoke(x).returned(x),
            Some(x) = lows.recv() => node.invoke(x).returned(x),
            else => break,
        }
    }
}

/// Wrong on purpose: the first three are never all high.
fn no_three_high(history: &History<u32, u32>) -> Verdict {
    if history.invocations().iter().take(3).all(|asked| asked.op >= 100) {
        return Err("three of the high ones in a row".into());
    }
    Ok(())
}

fn queues(seed: u64) -> Deployed<u32, u32> {
    deploy(&Deployment::of(1), seed, two_queues, &[("order", &no_three_high)]).unwrap()
}

#[test]
fn a_failing_seed_fails_again_alone_and_after_others() {
    let failing: Vec<u64> = (0..40).filter(|seed| queues(*seed).violation.is_some()).collect();
    assert!((2..20).contains(&failing.len()), "an eighth of the seeds or so: {failing:?}");
    let others: Vec<u64> = (0..40).rev().filter(|seed| queues(*seed).violation.is_some()).collect();
    assert_eq!(others, failing.iter().copied().rev().collect::<Vec<_>>());
    // Alone means in a process that ran nothing before: this is what that says.
    let orders = |seed| queues(seed).history.invocations().iter().map(|asked| asked.op).collect::<Vec<_>>();
    assert_eq!(orders(3), orders(3));
    assert_eq!(queues(3).fingerprint, SEED_3);
}

/// The fingerprint of seed 3 of [`two_queues`], as a process that ran nothing else has it. It is another one with another
/// version of tokio or madsim, or of what a history is made of.
const SEED_3: u64 = 14_865_605_951_774_386_367;

#[test]
fn a_counter_of_the_process_is_refused_by_its_first_event() {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    let diverged = refusal(|node| async move {
        says(&node, "before", "the same");
        sleep(Duration::from_millis(5)).await;
        says(&node, "count", COUNTER.fetch_add(1, Ordering::Relaxed));
        says(&node, "after", "the same");
    });
    let (first, second) = (diverged.first.clone().unwrap(), diverged.second.clone().unwrap());
    assert_eq!((first.node, first.what.as_str()), (Some(NodeId(0)), "operation 1 returns \"1\""));
    assert_eq!((second.node, second.what.as_str()), (Some(NodeId(0)), "operation 1 returns \"2\""));
    assert_eq!(first.at, second.at);
    let text = format!("{:?}", Refused::Diverged(diverged));
    assert!(text.starts_with("the program is not determined: two runs of seed 1 differ after "), "{text}");
    assert!(text.contains("first run") && text.contains("n0 operation 1 returns \"2\""), "{text}");
    assert!(text.contains("state that outlives a run"), "{text}");
}

#[test]
fn a_difference_that_nobody_records_shows_in_who_runs() {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let diverged = refusal(|_| async move {
        for _ in 0..COUNTER.fetch_add(1, Ordering::Relaxed) + 1 {
            tokio::spawn(async {}).await.unwrap();
        }
    });
    assert!(diverged.same > 0);
    assert_ne!(diverged.first, diverged.second);
}

#[test]
fn identifiers_of_threads_and_addresses_are_refused_if_they_are_recorded() {
    let diverged = refusal(|node| async move { says(&node, "thread", std::thread::current().id()) });
    assert!(diverged.first.unwrap().what.contains("ThreadId"));
}

#[test]
fn threads_are_a_violation() {
    let run = run(&Deployment::of(1), 1, |_| async {
        let _ = std::thread::spawn(|| {}).join();
    });
    let violation = run.violation.expect("there are no threads in a simulation");
    assert!(violation.message.contains("uses a thread"), "{violation}");
}
