//! A small TCP service as an ordinary tokio program, under faults.
//!
//! `cargo run -p seedbed-sim --example tokio_service` runs a counter that clients add to, one line a request, while
//! connections break and the counter's host crashes, stands still and is cut off. The counter knows which requests it
//! has counted; with the flaw it does not, and a client that asks again is counted twice. Seeds find that.

/// The service, its clients and what must be true of them.
#[cfg(madsim)]
pub mod service {
    use std::collections::BTreeMap;
    use std::io;
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use seedbed_sim::host::{Deployed, Deployment, Judge, Node, deploy};
    use seedbed_sim::{Fault, History, NodeId, Span, Time, Verdict, What};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::{sleep, timeout};

    // ---------------------------------------------------------------------------------------------------------------
    // An ordinary tokio program: nothing in it knows of the simulation.

    /// Which requests were counted, each with the answer it got, and how many these are.
    #[derive(Debug, Default)]
    struct Counter {
        count: u64,
        answered: BTreeMap<String, u64>,
    }

    impl Counter {
        fn add(&mut self, request: &str, flawed: bool) -> u64 {
            if let Some(count) = self.answered.get(request)
                && !flawed
            {
                return *count;
            }
            self.count += 1;
            self.answered.insert(request.to_string(), self.count);
            self.count
        }
    }

    /// Serves `add NAME` lines with `count N` lines, to as many clients as come.
    async fn serve(at: SocketAddr, flawed: bool) -> io::Result<()> {
        let counter = Arc::new(Mutex::new(Counter::default()));
        let listener = TcpListener::bind(at).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(answer(stream, counter.clone(), flawed));
        }
    }

    async fn answer(stream: TcpStream, counter: Arc<Mutex<Counter>>, flawed: bool) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 {
            let request = line.trim_end().strip_prefix("add ").unwrap_or_default();
            let count = counter.lock().expect("no holder panics").add(request, flawed);
            stream.write_all(format!("count {count}\n").as_bytes()).await?;
            stream.flush().await?;
            line.clear();
        }
        Ok(())
    }

    /// Adds one, under this name, over a connection of its own; asks again until it is answered.
    async fn add(server: SocketAddr, name: &str) -> u64 {
        loop {
            match timeout(Duration::from_millis(100), try_add(server, name)).await {
                Ok(Ok(count)) => return count,
                _ => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    async fn try_add(server: SocketAddr, name: &str) -> io::Result<u64> {
        let mut stream = BufReader::new(TcpStream::connect(server).await?);
        stream.write_all(format!("add {name}\n").as_bytes()).await?;
        stream.flush().await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let count = line.trim_end().strip_prefix("count ").and_then(|count| count.parse().ok());
        count.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Its deployment.

    const SERVER: NodeId = NodeId(0);
    const PORT: u16 = 7000;

    /// How often each client adds.
    pub const ADDITIONS: u64 = 30;

    /// One server, three clients.
    pub fn deployment() -> Deployment {
        let fault = |at: u64, lasts: u64, what| Fault {
            at: Time::ms(at),
            lasts: Some(Span::ms(lasts)),
            within: None,
            after: None,
            what,
        };
        let mut deployment = Deployment::of(4);
        deployment.network.loss_ppm = 20_000;
        deployment.faults = vec![
            fault(150, 180, What::Pause { node: SERVER.into() }),
            fault(400, 150, What::Partition { side: vec![SERVER, NodeId(1)], mode: Default::default() }),
            fault(700, 90, What::Cut { from: vec![SERVER], to: vec![NodeId(1)], mode: Default::default() }),
        ];
        deployment
    }

    /// What runs on each node.
    pub async fn program(node: Node<(), u64>, flawed: bool) {
        let server = node.address(SERVER, PORT);
        if node.id() == SERVER {
            return serve(server, flawed).await.expect("the port is free");
        }
        for n in 0..ADDITIONS {
            let open = node.invoke(());
            open.returned(add(server, &format!("{}/{n}", node.id())).await);
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// No two additions are answered alike, and none is answered with more than were asked for by then.
    pub fn counts_are_exact(history: &History<(), u64>) -> Verdict {
        let mut seen = BTreeMap::new();
        for invocation in history.invocations() {
            let (Some(count), Some(ended)) = (invocation.returned(), invocation.ended()) else {
                continue;
            };
            let asked = history.invocations().iter().filter(|other| other.invoked <= ended).count() as u64;
            if *count > asked {
                return Err(format!(
                    "{} was told {count} when {asked} additions had been asked for",
                    invocation.client
                )
                .into());
            }
            if let Some(other) = seen.insert(count, invocation.client) {
                return Err(format!("{} and {other} were both told {count}", invocation.client).into());
            }
        }
        Ok(())
    }

    /// When all faults have ended, every addition is answered in the end.
    pub fn all_are_answered(history: &History<(), u64>) -> Verdict {
        let answered = history.returned().count() as u64;
        if answered == 3 * ADDITIONS {
            Ok(())
        } else {
            Err(format!("{answered} of {} additions were answered", 3 * ADDITIONS).into())
        }
    }

    /// Both.
    pub const JUDGES: [Judge<'static, (), u64>; 2] =
        [("counter/counts_are_exact", &counts_are_exact), ("counter/all_are_answered", &all_are_answered)];

    /// One run.
    pub fn run(flawed: bool, seed: u64) -> Deployed<(), u64> {
        deploy(&deployment(), seed, move |node| program(node, flawed), &JUDGES)
            .expect("NetSim can do all that is asked")
    }

    /// Sound first, then flawed.
    pub fn main() {
        let seeds = 0..50;
        for seed in seeds.clone() {
            assert_eq!(run(false, seed).violation, None, "seed {seed}");
        }
        println!("{} seeds: every addition was counted once", seeds.end);
        for seed in seeds {
            let Some(violation) = run(true, seed).violation else {
                continue;
            };
            println!("flawed, seed {seed}: {violation}");
            assert_eq!(run(true, seed).violation, Some(violation));
            println!("run again: the same violation");
            return;
        }
        panic!("no seed shows the flaw");
    }
}

#[cfg(madsim)]
use service::main;

#[cfg(not(madsim))]
fn main() {
    eprintln!("tokio programs are simulated by madsim: build with RUSTFLAGS='--cfg madsim'");
    std::process::exit(2);
}
