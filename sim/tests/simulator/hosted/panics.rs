//! Panics and endless loops in programs.

use std::time::Duration;

use seedbed_sim::Time;
use seedbed_sim::host::{Deployed, Deployment};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{Words, run, said, says};

const PROPERTY: &str = "assertion: tests/simulator/hosted/panics.rs: no configuration";

fn violated(run: &Deployed<String, String>) -> (&str, Time) {
    let violation = run.violation.as_ref().expect("it panics");
    (&violation.property, violation.at)
}

fn fail() {
    panic!("no configuration");
}

#[test]
fn a_panic_is_a_violation_from_the_first_statement_on() {
    async fn at_once(_: Words) {
        fail();
    }
    async fn later(_: Words) {
        sleep(Duration::from_millis(7)).await;
        fail();
    }
    let before = |_: Words| {
        fail();
        std::future::ready(())
    };
    let deployment = Deployment::of(2);
    for run in [run(&deployment, 1, at_once), run(&deployment, 1, before)] {
        let (property, at) = violated(&run);
        assert_eq!(property, PROPERTY);
        assert!(at < Time::ms(1), "{at}");
    }
    let run = run(&deployment, 1, later);
    let (property, at) = violated(&run);
    assert_eq!(property, PROPERTY);
    assert!((Time::ms(7)..Time::ms(8)).contains(&at), "{at}");
}

#[test]
fn a_panic_at_a_restart_is_a_violation() {
    let mut deployment = Deployment::of(1);
    let crash = seedbed_sim::What::Crash { node: seedbed_sim::NodeId(0).into() };
    deployment.faults = vec![seedbed_sim::Fault::new(Time::ms(5), seedbed_sim::Span::ms(5), crash)];
    let run = run(&deployment, 1, |_| async {
        if tokio::fs::try_exists("/started").await.unwrap() {
            fail();
        }
        let file = tokio::fs::File::create("/started").await.unwrap();
        file.sync_all().await.unwrap();
        std::future::pending::<()>().await;
    });
    let (property, at) = violated(&run);
    assert_eq!(property, PROPERTY);
    assert!((Time::ms(10)..Time::ms(11)).contains(&at), "{at}");
}

#[test]
fn a_panic_that_the_program_joins_is_none() {
    let run = run(&Deployment::of(1), 1, |node| async move {
        let awaited = tokio::spawn(async {
            sleep(Duration::from_millis(5)).await;
            fail();
        });
        let later = tokio::spawn(async { fail() });
        let error = awaited.await.unwrap_err();
        says(&node, "awaited", (error.is_panic(), error.is_cancelled(), error.to_string()));
        let error = later.await.unwrap_err();
        says(&node, "later", error.into_panic().downcast_ref::<&str>());
        says(&node, "blocking", tokio::task::spawn_blocking(fail).await);
        let mut set: JoinSet<()> = [1, 2].into_iter().map(|n| async move { assert_eq!(n, 1) }).collect();
        let mut panics = 0;
        while let Some(ended) = set.join_next().await {
            panics += usize::from(ended.is_err());
        }
        says(&node, "set", panics);
        let aborted = tokio::spawn(std::future::pending::<()>());
        aborted.abort();
        says(&node, "aborted", aborted.await);
    });
    assert_eq!(run.violation, None);
    let said = said(&run);
    assert_eq!(said[0], "awaited=(true, false, \"task panicked with message \\\"no configuration\\\"\")");
    assert_eq!(
        said[1..],
        [
            "later=Some(\"no configuration\")",
            "blocking=Err(JoinError::Panic(\"no configuration\"))",
            "set=1",
            "aborted=Err(JoinError::Cancelled)"
        ]
    );
    assert_eq!(run.joined_panics.len(), 4);
    assert_eq!(run.joined_panics[0].property, PROPERTY);
}

#[test]
fn a_panic_that_nobody_joins_is_a_violation() {
    let detached = run(&Deployment::of(1), 1, |_| async {
        tokio::spawn(async {
            sleep(Duration::from_millis(5)).await;
            fail();
        });
        sleep(Duration::from_secs(1)).await;
    });
    let kept = run(&Deployment::of(1), 1, |_| async {
        let _kept = tokio::spawn(async {
            sleep(Duration::from_millis(5)).await;
            fail();
        });
        sleep(Duration::from_secs(1)).await;
    });
    let unwrapped = run(&Deployment::of(1), 1, |_| async {
        sleep(Duration::from_millis(5)).await;
        tokio::spawn(async { fail() }).await.unwrap();
    });
    for run in [&detached, &kept] {
        let (property, at) = violated(run);
        assert_eq!(property, PROPERTY);
        assert!((Time::ms(5)..Time::ms(7)).contains(&at), "{at}");
    }
    assert!(violated(&unwrapped).0.contains("Result::unwrap()"), "{:?}", unwrapped.violation);
}

#[test]
fn whoever_waits_at_a_channel_is_not_told() {
    let run = run(&Deployment::of(1), 1, |node| async move {
        let (send, mut receive) = tokio::sync::mpsc::channel::<u8>(1);
        // The first is joined; both wake the receiver as they fall.
        let other = send.clone();
        let joined = tokio::spawn(async move {
            let _other = other;
            fail();
        });
        assert!(joined.await.is_err());
        tokio::spawn(async move {
            sleep(Duration::from_millis(5)).await;
            let _send = send;
            fail();
        });
        says(&node, "received", receive.recv().await);
    });
    assert_eq!(violated(&run).0, PROPERTY);
    assert_eq!(run.joined_panics.len(), 1);
}

#[test]
fn madsims_own_handles_tell_the_first_task_that_waits() {
    let told = run(&Deployment::of(1), 1, |node| async move {
        let task = madsim_tokio::spawn(async {
            sleep(Duration::from_millis(5)).await;
            fail();
        });
        says(&node, "error", task.await.is_err());
        sleep(Duration::from_millis(5)).await;
        says(&node, "and on", "it goes");
    });
    assert_eq!(told.violation, None);
    assert_eq!(said(&told), ["error=true", "and on=\"it goes\""]);
    assert_eq!(told.joined_panics.len(), 1);
    let detached = run(&Deployment::of(1), 1, |_| async {
        madsim_tokio::spawn(async { fail() });
        sleep(Duration::from_secs(1)).await;
    });
    assert_eq!(violated(&detached).0, PROPERTY);
}

#[test]
fn tasks_that_yield_for_ever_make_no_progress() {
    async fn spin(node: Words) {
        sleep(Duration::from_millis(3)).await;
        let open = node.invoke("spin".into());
        loop {
            tokio::task::yield_now().await;
            if node.id() != seedbed_sim::NodeId(0) {
                return open.returned("done".into());
            }
        }
    }
    let mut deployment = Deployment::of(2);
    deployment.most_polls = 100_000;
    let run = run(&deployment, 1, spin);
    let violation = run.violation.expect("it spins");
    assert_eq!(violation.property, "progress: tasks wait now and then");
    assert!(violation.message.starts_with("no progress at 0.0"), "{violation}");
    assert!(violation.message.contains("polled 100000 times in a row"), "{violation}");
    assert!((Time::ms(8)..Time::ms(14)).contains(&violation.at), "{violation}");
    assert_eq!(said(&Deployed { violation: None, ..run }), ["spin=?", "spin=done"]);
}

#[test]
fn a_long_burst_of_work_is_progress() {
    let run = run(&Deployment::of(1), 1, |node| async move {
        let (send, mut receive) = tokio::sync::mpsc::channel(1);
        let task = tokio::spawn(async move {
            for n in 0..20_000u32 {
                send.send(n).await.unwrap();
            }
        });
        let mut sum = 0;
        while let Some(n) = receive.recv().await {
            sum += u64::from(n);
        }
        task.await.unwrap();
        says(&node, "sum", sum);
    });
    assert_eq!(run.violation, None);
    assert_eq!(said(&run), ["sum=199990000"]);
}

#[test]
fn a_task_that_waits_for_ever_is_no_endless_loop() {
    let run = run(&Deployment::of(1), 1, |node| async move {
        let open = node.invoke("never".into());
        std::future::pending::<()>().await;
        open.returned(String::new());
    });
    assert_eq!(run.violation, None);
    assert_eq!(said(&run), ["never=?"]);
}

#[test]
fn a_part_of_tokio_that_is_not_simulated_says_what_to_do() {
    let run = run(&Deployment::of(1), 1, |_| async {
        let _ = madsim_tokio::fs::read("/state").await;
    });
    let violation = run.violation.expect("there is no disk of madsim-tokio");
    assert!(violation.message.contains("seedbed-tokio"), "{violation}");
}
