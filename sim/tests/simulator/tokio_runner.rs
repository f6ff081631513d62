//! Tokio programs under fault plans: repeatable runs, faults that have their effects, refusals of what cannot be done.
#![cfg(madsim)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use seedbed_sim::host::{Deployed, Deployment, Node, Refused, deploy};
use seedbed_sim::{
    CutMode, Direction, Fault, FaultClass, History, Latency, NetworkConfig, NodeId, Outcome, Span, Time, Verdict, What,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::{sleep, timeout};

#[allow(dead_code, unused_imports)]
#[path = "../../examples/tokio_service.rs"]
mod tokio_service;

use tokio_service::service;

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

/// Two nodes on a network of exactly one millisecond, with one fault.
fn deployment(at: u64, lasts: Option<u64>, what: What) -> Deployment {
    Deployment {
        network: NetworkConfig::reliable(Latency::Constant { base: Span::ms(1) }),
        faults: vec![Fault { at: Time::ms(at), lasts: lasts.map(Span::ms), within: None, after: None, what }],
        ..Deployment::of(2)
    }
}

/// n0 records an operation every 10 ms, and sends its number to n1 as a datagram; n1 records what comes.
async fn tick(node: Node<u32, u32>) {
    let here = node.address(node.id(), 1);
    let socket = UdpSocket::bind(here).await.unwrap();
    if node.id() == B {
        let mut buffer = [0; 4];
        loop {
            socket.recv_from(&mut buffer).await.unwrap();
            let number = u32::from_le_bytes(buffer);
            node.invoke(number).returned(number);
        }
    }
    for n in 1.. {
        sleep(Duration::from_millis(10)).await;
        node.invoke(n).returned(n);
        let _ = socket.send_to(&n.to_le_bytes(), node.address(B, 1)).await;
    }
}

fn ticks(deployment: &Deployment) -> Deployed<u32, u32> {
    let finished = deploy(deployment, 1, tick, &[]).unwrap();
    assert_eq!(finished.violation, None);
    finished
}

/// The milliseconds and numbers of the operations of one node.
fn of(finished: &Deployed<u32, u32>, node: NodeId) -> Vec<(u64, u32)> {
    let invocations = finished.history.invocations().iter().filter(|invocation| invocation.client == node);
    invocations.map(|invocation| (invocation.invoked.0 / 1_000_000, invocation.op)).collect()
}

#[test]
fn the_same_seed_is_the_same_run_and_another_is_another() {
    for seed in 0..10 {
        let (one, two) = (service::run(seed % 2 == 1, seed), service::run(seed % 2 == 1, seed));
        assert_eq!(one, two, "seed {seed}");
        assert_ne!(one.fingerprint, service::run(seed % 2 == 1, seed + 1000).fingerprint);
    }
}

#[test]
fn seeds_find_the_flaw_and_nothing_else() {
    for seed in 0..40 {
        let finished = service::run(false, seed);
        assert_eq!(finished.violation, None, "seed {seed}");
        let struck = [FaultClass::Pause, FaultClass::Partition].map(|class| finished.stats.fault(class));
        assert_eq!((struck, finished.struck.len()), ([1, 2], 3));
    }
    let violation = (0..40).find_map(|seed| service::run(true, seed).violation).expect("a seed shows the flaw");
    assert_eq!(violation.property, "counter/counts_are_exact");
}

#[test]
fn a_crash_ends_the_program_and_a_restart_begins_it_again() {
    let finished = ticks(&deployment(55, Some(40), What::Crash { node: A.into() }));
    let ticks = of(&finished, A);
    assert_eq!(finished.stats.fault(FaultClass::Crash), 1);
    assert!(ticks.iter().all(|(ms, _)| !(56..104).contains(ms)), "{ticks:?}");
    assert_eq!(ticks.iter().filter(|(_, n)| *n == 1).count(), 2, "its counter began again");
    let last_before = ticks.iter().rposition(|(ms, _)| *ms <= 55).unwrap();
    assert_eq!(ticks[last_before + 1].1, 1);
}

#[test]
fn two_crashes_that_overlap_end_with_the_later() {
    let mut deployment = deployment(50, Some(100), What::Crash { node: A.into() });
    deployment.faults.push(Fault {
        at: Time::ms(80),
        lasts: Some(Span::ms(20)),
        within: None,
        after: None,
        what: What::Crash { node: A.into() },
    });
    deployment.faults.push(Fault {
        at: Time::ms(140),
        lasts: Some(Span::ms(60)),
        within: None,
        after: None,
        what: What::Pause { node: A.into() },
    });
    let ticks = of(&ticks(&deployment), A);
    // Down from 50 to 150, paused from 140 to 200: it stands still although it was started again at 150.
    assert!(ticks.iter().all(|(ms, _)| !(51..200).contains(ms)), "{ticks:?}");
    assert!(ticks.iter().any(|(ms, _)| (200..225).contains(ms)), "{ticks:?}");
}

#[test]
fn a_paused_program_stands_still_and_goes_on() {
    let finished = ticks(&deployment(55, Some(100), What::Pause { node: A.into() }));
    let ticks = of(&finished, A);
    assert!(ticks.iter().all(|(ms, _)| !(56..155).contains(ms)), "{ticks:?}");
    let numbers: Vec<u32> = ticks.iter().map(|(_, n)| *n).collect();
    assert_eq!(numbers, (1..=numbers.len() as u32).collect::<Vec<_>>(), "nothing was lost");
    assert!(numbers.len() > 300);
}

#[test]
fn cuts_drop_datagrams_in_their_direction_only() {
    let isolate = |direction| What::Isolate { node: A.into(), direction, mode: CutMode::Drop };
    let cut = What::Cut { from: vec![A], to: vec![B], mode: CutMode::Drop };
    let reverse = What::Cut { from: vec![B], to: vec![A], mode: CutMode::Drop };
    let partition = What::Partition { side: vec![B], mode: CutMode::Drop };
    let stopping = [cut, partition, isolate(Direction::Out), isolate(Direction::Both)];
    for (what, stops) in
        stopping.map(|what| (what, true)).into_iter().chain([(reverse, false), (isolate(Direction::In), false)])
    {
        let finished = ticks(&deployment(100, Some(200), what.clone()));
        let heard = of(&finished, B).iter().filter(|(ms, _)| (105..300).contains(ms)).count();
        assert_eq!(heard == 0, stops, "{what}: {heard} datagrams arrived");
        assert!(of(&finished, B).iter().any(|(ms, _)| *ms > 310), "{what} has ended");
        assert_eq!(finished.stats.fault(FaultClass::Partition), 1);
    }
}

#[test]
fn a_fault_without_an_end_ends_when_the_deployment_heals() {
    let mut deployment = deployment(100, None, What::Partition { side: vec![A], mode: CutMode::Drop });
    deployment.phases.chaos = Span::ms(500);
    let heard = of(&ticks(&deployment), B);
    assert!(heard.iter().all(|(ms, _)| !(105..500).contains(ms)), "{heard:?}");
    assert!(heard.iter().any(|(ms, _)| (500..520).contains(ms)), "{heard:?}");
}

#[test]
fn loss_is_lost_until_it_heals() {
    let mut deployment = deployment(0, Some(1), What::Pause { node: B.into() });
    deployment.network.loss_ppm = 300_000;
    let finished = ticks(&deployment);
    let before = |node| of(&finished, node).iter().filter(|(ms, _)| *ms < 2_000).count() as f64;
    let share = before(B) / before(A);
    assert!((0.55..0.85).contains(&share), "{share} of the datagrams arrived");
    let after = |node| of(&finished, node).iter().filter(|(ms, _)| (2_010..3_980).contains(ms)).count() as i64;
    assert!((after(A) - after(B)).abs() <= 1, "{} of {}", after(B), after(A));
}

#[test]
fn a_stream_carries_on_after_a_cut_and_breaks_at_a_crash() {
    async fn program(node: Node<&'static str, usize>) {
        let server = node.address(A, 1);
        if node.id() == A {
            let listener = TcpListener::bind(server).await.unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut buffer = [0; 8];
                    while let Ok(n @ 1..) = stream.read(&mut buffer).await {
                        stream.write_all(&buffer[..n]).await.unwrap();
                        stream.flush().await.unwrap();
                    }
                });
            }
        }
        sleep(Duration::from_millis(20)).await;
        let mut stream = TcpStream::connect(server).await.unwrap();
        sleep(Duration::from_millis(80)).await;
        let mut buffer = [0; 8];
        let open = node.invoke("into the cut");
        stream.write_all(b"hello").await.unwrap();
        stream.flush().await.unwrap();
        open.returned(stream.read(&mut buffer).await.unwrap());
        let open = node.invoke("after the crash");
        sleep(Duration::from_secs(1)).await;
        open.returned(timeout(Duration::from_secs(1), stream.read(&mut buffer)).await.unwrap().unwrap());
    }
    let mut deployment = deployment(50, Some(250), What::Partition { side: vec![A], mode: CutMode::Drop });
    deployment.faults.push(Fault {
        at: Time::ms(1_000),
        lasts: Some(Span::ms(10)),
        within: None,
        after: None,
        what: What::Crash { node: A.into() },
    });
    let finished = deploy(&deployment, 7, program, &[]).unwrap();
    let [cut, crash] = finished.history.invocations() else { panic!("two operations: {:?}", finished.history) };
    assert_eq!((cut.returned(), crash.returned()), (Some(&5), Some(&0)), "five bytes, then the end of the stream");
    assert!(cut.ended().unwrap() >= Time::ms(300), "{:?}", cut.ended());
}

#[test]
fn operations_that_a_crash_interrupts_stay_unknown() {
    async fn program(node: Node<u8, ()>) {
        let open = node.invoke(1);
        sleep(Duration::from_millis(100)).await;
        open.failed("it was nothing");
    }
    let finished = deploy(&deployment(50, Some(10), What::Crash { node: A.into() }), 1, program, &[]).unwrap();
    let unknown = finished
        .history
        .invocations()
        .iter()
        .map(|i| (i.client, i.invoked > Time::ms(50), i.outcome == Outcome::Unknown));
    let mut unknown: Vec<_> = unknown.collect();
    unknown.sort();
    assert_eq!(unknown, [(A, false, true), (A, true, false), (B, false, false)]);
}

#[test]
fn a_panic_in_a_program_is_a_violation() {
    async fn program(node: Node<(), ()>) {
        sleep(Duration::from_millis(10)).await;
        assert!(node.id() != B, "no place for a node: {}", node.id());
    }
    let violation = deploy(&deployment(0, Some(1), What::Pause { node: A.into() }), 1, program, &[]).unwrap().violation;
    let violation = violation.expect("n1 panics");
    assert_eq!(violation.property, "assertion: tests/simulator/tokio_runner.rs: no place for a node: _");
    assert!((Time::ms(10)..Time::ms(11)).contains(&violation.at), "{}", violation.at);
}

#[test]
fn judges_judge_in_their_order() {
    fn fine(_: &History<u32, u32>) -> Verdict {
        Ok(())
    }
    fn broken(history: &History<u32, u32>) -> Verdict {
        Err(format!("{} operations", history.invocations().len()).into())
    }
    let deployment = deployment(0, Some(1), What::Pause { node: A.into() });
    let finished = deploy(&deployment, 1, tick, &[("fine", &fine), ("broken", &broken), ("other", &broken)]).unwrap();
    assert_eq!(finished.violation.unwrap().property, "broken");
}

fn place(refused: Result<Deployed<u32, u32>, Refused>) -> String {
    match refused {
        Err(Refused::Impossible(impossible)) => impossible.place,
        other => panic!("it is possible: {other:?}"),
    }
}

#[test]
fn what_netsim_cannot_do_is_refused() {
    let what = |what| deployment(10, None, what).validate().map_err(|impossible| impossible.place);
    assert_eq!(what(What::Crash { node: A.into() }), Ok(()));
    let refused = [
        What::Corrupt { node: A.into(), file: seedbed_sim::File(0), back: 0 },
        What::Delay { from: vec![A], to: vec![B], by: Span::ms(1) },
        What::Skew { node: A.into(), offset_ns: 1, drift_ppm: 0 },
        What::Byzantine { node: A.into() },
        What::Cut { from: vec![A], to: vec![B], mode: CutMode::Hold },
        What::Crash { node: NodeId(9).into() },
        What::Crash { node: seedbed_sim::Target::Role("leader".into()) },
    ];
    for fault in refused {
        assert_eq!(what(fault.clone()), Err("faults[0]".into()), "{fault}");
    }
    let network = |change: fn(&mut NetworkConfig)| {
        let mut deployment = Deployment::of(2);
        change(&mut deployment.network);
        place(deploy(&deployment, 1, tick, &[]))
    };
    assert_eq!(network(|network| network.dup_ppm = 1), "network.dup_ppm");
    assert_eq!(network(|network| network.bandwidth = Some(1)), "network.bandwidth");
    let tail = Latency::HeavyTail { min: Span::ms(1), alpha_milli: 1000, max: Span::ms(9) };
    assert_eq!(
        place(deploy(&Deployment { network: NetworkConfig::reliable(tail), ..Deployment::of(2) }, 1, tick, &[])),
        "network.latency"
    );
}

#[test]
fn nothing_of_a_run_outlives_it() {
    let alive = Arc::new(Mutex::new(()));
    let held = alive.clone();
    let program = move |_: Node<(), ()>| {
        let held = held.clone();
        async move {
            let _held = held;
            tokio::spawn(std::future::pending::<()>());
            std::future::pending::<()>().await;
        }
    };
    deploy(&deployment(10, Some(10), What::Crash { node: A.into() }), 1, program, &[]).unwrap();
    assert_eq!(Arc::strong_count(&alive), 1);
}
