//! A tokio program under faults, in one file: a server that says every line again. The guide's page on services of one's own
//! goes through it.
#![cfg(madsim)]

use seedbed_sim::host::{Deployed, Deployment, Node, deploy};
use seedbed_sim::{Fault, History, NodeId, Span, Time, Verdict, What};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, sleep, timeout};

const SERVER: NodeId = NodeId(0);
const LINES: u64 = 10;

/// The program: a server that says every line again, and clients that ask until they are answered.
async fn program(node: Node<u64, u64>) {
    let server = node.address(SERVER, 7000);
    if node.id() == SERVER {
        let listener = TcpListener::bind(server).await.expect("the port is free");
        loop {
            let (stream, _) = listener.accept().await.expect("the listener is ours");
            tokio::spawn(serve(BufReader::new(stream)));
        }
    }
    for n in 0..LINES {
        let open = node.invoke(n);
        let heard = loop {
            match timeout(Duration::from_millis(100), ask(server, n)).await {
                Ok(Ok(heard)) => break heard,
                _ => sleep(Duration::from_millis(20)).await,
            }
        };
        open.returned(heard);
    }
}

async fn serve(mut stream: BufReader<TcpStream>) -> std::io::Result<()> {
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        stream.write_all(line.as_bytes()).await?;
        stream.flush().await?;
        line.clear();
    }
    Ok(())
}

async fn ask(server: std::net::SocketAddr, n: u64) -> std::io::Result<u64> {
    let mut stream = BufReader::new(TcpStream::connect(server).await?);
    stream.write_all(format!("{n}\n").as_bytes()).await?;
    stream.flush().await?;
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    line.trim().parse().map_err(|_| std::io::ErrorKind::UnexpectedEof.into())
}

/// What must be true of what clients asked and heard.
fn hears_what_was_said(history: &History<u64, u64>) -> Verdict {
    let wrong = history.invocations().iter().find(|asked| asked.returned().is_some_and(|heard| *heard != asked.op));
    match wrong {
        None => Ok(()),
        Some(asked) => Err(format!("{} said {} and heard something else", asked.client, asked.op).into()),
    }
}

/// Three nodes; the server stands still for a while, and crashes later.
fn run(seed: u64) -> Deployed<u64, u64> {
    let mut deployment = Deployment::of(3);
    deployment.faults = vec![
        Fault::new(Time::ms(5), Span::ms(150), What::Pause { node: SERVER.into() }),
        Fault::new(Time::ms(170), Span::ms(50), What::Crash { node: SERVER.into() }),
    ];
    let run = deploy(&deployment, seed, program, &[("echo/hears_what_was_said", &hears_what_was_said)]);
    run.expect("the deployment is possible")
}

#[test]
fn everybody_hears_what_was_said() {
    for seed in 0..20 {
        let run = run(seed);
        assert_eq!(run.violation, None, "seed {seed}");
        let answered = run.history.returned().count();
        assert_eq!(answered as u64, 2 * LINES, "seed {seed}: every line is answered in the end");
    }
}

#[test]
fn a_seed_is_a_run() {
    assert_eq!(run(7).fingerprint, run(7).fingerprint);
    assert_ne!(run(7).fingerprint, run(8).fingerprint);
}
