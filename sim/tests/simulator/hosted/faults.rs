//! Faults that do nothing, and names of hosts.

use std::time::Duration;

use seedbed_sim::host::{Deployment, Refused, deploy};
use seedbed_sim::{CutMode, Fault, FaultClass, NodeId, Span, Time, What};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::{Words, run, said, says};

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);

async fn waits(_: Words) {
    std::future::pending::<()>().await;
}

async fn exits(_: Words) {}

fn at(ms: u64, lasts: u64, what: What) -> Fault {
    Fault::new(Time::ms(ms), Span::ms(lasts), what)
}

#[test]
fn a_fault_without_effect_is_said() {
    let partition = |side: &[NodeId]| What::Partition { side: side.to_vec(), mode: CutMode::Drop };
    let cases = [
        (at(60_000, 50, What::Crash { node: A.into() }), Some("it would begin after the end of chaos")),
        (at(2_000, 50, What::Crash { node: A.into() }), Some("it would begin after the end of chaos")),
        (at(5, 0, What::Crash { node: A.into() }), Some("it would end as it begins")),
        (at(5, 5, partition(&[])), Some("it stops no link")),
        (at(5, 5, partition(&[A, B])), Some("it stops no link")),
        (at(5, 5, What::Cut { from: vec![], to: vec![A], mode: CutMode::Drop }), Some("it stops no link")),
        (
            at(5, 5, What::FullDisk { node: A.into() }),
            Some("nothing changed: it was so already, or nobody ran into it"),
        ),
        (
            at(5, 5, What::SlowDisk { node: A.into(), by: Span::ms(1) }),
            Some("nothing changed: it was so already, or nobody ran into it"),
        ),
        (at(5, 5, partition(&[A])), None),
        (at(5, 5, What::Crash { node: A.into() }), None),
        (at(5, 5, What::Wipe { node: A.into() }), None),
        (at(5, 5, What::Pause { node: A.into() }), None),
        (at(5, 5, What::PowerLoss { nodes: vec![A, B] }), None),
    ];
    for (fault, why) in cases {
        let mut deployment = Deployment::of(2);
        deployment.faults = vec![fault.clone()];
        let run = run(&deployment, 1, waits);
        let idle: Vec<_> = run.idle.iter().map(|idle| idle.why.as_str()).collect();
        assert_eq!(idle, Vec::from_iter(why), "{fault}");
        assert_eq!(run.struck.len(), usize::from(why.is_none()), "{fault}");
        assert_eq!(run.stats.fault(fault.what.class()), u64::from(why.is_none()), "{fault}");
    }
}

#[test]
fn a_pause_of_a_program_that_has_exited_is_without_effect_and_a_crash_is_not() {
    for (what, struck) in [(What::Pause { node: A.into() }, 0), (What::Crash { node: A.into() }, 1)] {
        let mut deployment = Deployment::of(1);
        deployment.faults = vec![at(5, 5, what.clone())];
        let run = run(&deployment, 1, exits);
        assert_eq!((run.struck.len(), run.idle.len()), (struck, 1 - struck), "{what}");
    }
}

#[test]
fn a_fault_inside_another_counts_if_it_ends_later() {
    for (lasts, struck) in [(20, 1), (200, 2)] {
        let mut deployment = Deployment::of(1);
        deployment.faults =
            vec![at(50, 100, What::Crash { node: A.into() }), at(80, lasts, What::Crash { node: A.into() })];
        let run = run(&deployment, 1, waits);
        assert_eq!(run.stats.fault(FaultClass::Crash), struck);
        assert_eq!(run.idle.len() as u64, 2 - struck);
    }
}

#[test]
fn nodes_have_host_names() {
    let deployment = Deployment::of(3).named(["server", "client.example"]);
    let run = run(&deployment, 1, |node| async move {
        if node.id() == A {
            let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(b"hello").await.unwrap();
            }
        }
        if node.id() == NodeId(2) {
            return;
        }
        sleep(Duration::from_millis(50)).await;
        for host in ["server:80", "n0:80", "10.0.0.1:80", "localhost:80", "nobody:80"] {
            let heard = timeout(Duration::from_millis(500), async {
                let mut stream = TcpStream::connect(host).await?;
                let mut heard = [0; 5];
                stream.read_exact(&mut heard).await?;
                Ok::<_, std::io::Error>(String::from_utf8_lossy(&heard).into_owned())
            });
            says(&node, host, heard.await.unwrap().map_err(|error| error.to_string()));
        }
    });
    assert_eq!(run.violation, None);
    assert_eq!(
        said(&run),
        [
            "server:80=Ok(\"hello\")",
            "n0:80=Ok(\"hello\")",
            "10.0.0.1:80=Ok(\"hello\")",
            "localhost:80=Err(\"connection refused\")",
            "nobody:80=Err(\"couldn't resolve host\")",
        ]
    );
}

#[test]
fn names_that_mean_something_else_are_refused() {
    for names in [&["a", "a"][..], &["localhost"], &["n1", "x"], &["10.0.0.1"], &["two words"], &[""], &["a", "b", "c"]]
    {
        let deployment = Deployment::of(2).named(names.iter().copied());
        match deploy(&deployment, 1, waits, &[]) {
            Err(Refused::Impossible(impossible)) => assert!(impossible.place.starts_with("names"), "{impossible}"),
            other => panic!("{names:?}: {other:?}"),
        }
    }
    assert_eq!(Deployment::of(2).named(["n0", "n1"]).validate(), Ok(()));
}
