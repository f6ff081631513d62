//! A key-value store as ordinary async code, on the world's network and disks.
//!
//! `cargo run -p seedbed-sim --example async_kv` runs the store under crashes, cuts and losses and finds that every
//! acknowledged write survives; then it runs one that acknowledges before its disk has the write, finds the seed that
//! shows it, and replays that run without the seed.

/// The store, its clients and what must be true of them.
#[cfg(madsim)]
pub mod store {
    use std::collections::BTreeMap;

    use seedbed_sim::host::{Handle, Hosted, Input, Program, run};
    use seedbed_sim::{
        AtEnd, Case, DiskConfig, Fault, File, Info, Invocation, Kinded, Latency, Maker, Model, NetworkConfig, NodeId,
        OpId, Operation, Outcome, Record, Source, Span, Stored, Time, Verdict, What, World, maker,
    };
    use serde::{Deserialize, Serialize};

    seedbed_sim::marks! {
        RECOVERED = "recovered",
        ASKED_AGAIN = "asked again",
    }

    /// Node 0 is the server, the others are clients.
    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    pub struct AsyncKv {
        /// The bug: the server acknowledges without waiting for its disk.
        pub hasty: bool,
    }

    /// What the nodes say, write, are asked and answer.
    #[derive(Debug)]
    pub struct Kv;

    /// A write and its acknowledgement, under the operation's name: asking again is not asking twice.
    #[derive(Clone, Debug, Hash, Kinded)]
    pub enum Message {
        /// Store this.
        Put(OpId, Put),
        /// It is stored.
        Done(OpId),
    }

    /// Store this.
    #[derive(Clone, Debug, Hash, PartialEq, Serialize, Deserialize)]
    pub struct Put {
        /// Where.
        pub key: u8,
        /// What.
        pub value: u64,
    }

    impl Program for Kv {
        type Message = Message;
        type Record = (OpId, Put);
        type Op = Put;
        type Ret = ();
    }

    /// The server.
    pub const SERVER: NodeId = NodeId(0);
    /// The server's log.
    pub const LOG: File = File(0);

    async fn serve(node: Handle<Kv>, hasty: bool) {
        let good = node.read(LOG).into_iter().filter_map(Stored::good);
        let mut done: BTreeMap<OpId, Put> = good.collect();
        if !done.is_empty() {
            node.mark(RECOVERED);
        }
        loop {
            let (from, message) = node.recv().await;
            let Message::Put(id, put) = message else { panic!("async_kv: the server is asked, not answered") };
            if done.insert(id, put.clone()).is_none() {
                node.append(LOG, (id, put));
            }
            if hasty {
                node.send_early(from, Message::Done(id));
            } else {
                node.send(from, Message::Done(id));
            }
        }
    }

    async fn ask(node: Handle<Kv>) {
        loop {
            let Input::Op { id, op } = node.next().await else {
                continue;
            };
            loop {
                node.send(SERVER, Message::Put(id, op.clone()));
                let timeout = Span::us(node.draw("patience", 40_000..=60_000));
                let answered = node.timeout(timeout, async {
                    while !matches!(node.recv().await, (_, Message::Done(done)) if done == id) {}
                });
                if answered.await.is_some() {
                    break;
                }
                node.mark(ASKED_AGAIN);
            }
            node.complete(id, ());
        }
    }

    impl Model for AsyncKv {
        type Process = Hosted<Kv>;
        const INFO: Info = Info::named("async_kv", "", "examples", "A key-value store in async code.");

        fn size(&self) -> usize {
            4
        }

        fn spawn(&self, node: NodeId, _: &[NodeId]) -> Hosted<Kv> {
            let hasty = self.hasty;
            if node == SERVER { Hosted::new(move |handle| serve(handle, hasty)) } else { Hosted::new(ask) }
        }

        fn network(&self) -> NetworkConfig {
            let latency = Latency::Uniform { min: Span::ms(1), max: Span::ms(10) };
            NetworkConfig { fifo: false, loss_ppm: 50_000, dup_ppm: 50_000, ..NetworkConfig::reliable(latency) }
        }
    }

    /// Forty writes, while the server crashes twice and is cut off once.
    pub fn case(hasty: bool) -> Case<AsyncKv> {
        let mut case = Case::quiet(AsyncKv { hasty });
        case.scenario.disk =
            DiskConfig { sync: Span::ms(2), sync_jitter: Span::ms(3), lost_ppm: 400_000, torn_ppm: 200_000 };
        case.operations = (0..40)
            .map(|n| Operation {
                at: Time::ms(n * 40),
                client: NodeId(1 + (n % 3) as u16),
                op: Put { key: (n % 5) as u8, value: n },
            })
            .collect();
        let crash = |ms| Fault {
            at: Time::ms(ms),
            lasts: Some(Span::ms(60)),
            within: None,
            after: None,
            what: What::Crash { node: SERVER.into() },
        };
        let isolate = What::Isolate { node: SERVER.into(), direction: Default::default(), mode: Default::default() };
        let isolate = Fault { at: Time::ms(900), lasts: Some(Span::ms(120)), within: None, after: None, what: isolate };
        case.faults = vec![crash(405), isolate, crash(1287)];
        case
    }

    /// Every write that a client was told of is on the server's disk.
    pub fn acknowledged_writes_survive(world: &World<AsyncKv>) -> Verdict {
        let stored = |invocation: &Invocation<Put, ()>| {
            let records = world.disk(SERVER, LOG).iter();
            records
                .filter_map(|record| record.clone().good())
                .any(|(id, put)| id == invocation.id && put == invocation.op)
        };
        let mut acknowledged = world.history().invocations().iter().filter(|put| put.returned().is_some());
        match acknowledged.find(|put| !stored(put)) {
            None => Ok(()),
            Some(lost) => {
                Err(format!("{:?} was acknowledged to {} and is not on the disk", lost.op, lost.client).into())
            }
        }
    }

    /// When all faults have ended, every write is acknowledged in the end.
    pub fn writes_are_acknowledged(world: &World<AsyncKv>) -> Verdict {
        let mut open = world.history().invocations().iter().filter(|put| put.outcome == Outcome::Unknown);
        match open.next() {
            None => Ok(()),
            Some(put) => Err(format!("{:?} of {} was never acknowledged", put.op, put.client).into()),
        }
    }

    /// Both.
    pub fn properties() -> Vec<Maker<AsyncKv>> {
        vec![
            maker(AtEnd::new("async_kv/acknowledged_writes_survive", acknowledged_writes_survive)),
            maker(AtEnd::new("async_kv/writes_are_acknowledged", writes_are_acknowledged)),
        ]
    }

    /// Sound first, then hasty.
    pub fn main() {
        let seeds = 0..200;
        for seed in seeds.clone() {
            let outcome =
                run(&case(false), &Source::Seed(seed), &properties(), Record::No).expect("the case is possible");
            assert_eq!(outcome.violation, None, "seed {seed}");
        }
        println!("{} seeds: every acknowledged write survived", seeds.end);
        for seed in seeds {
            let outcome =
                run(&case(true), &Source::Seed(seed), &properties(), Record::Yes).expect("the case is possible");
            let Some(violation) = outcome.violation else { continue };
            println!("hasty, seed {seed}: {violation}");
            let source = Source::Fixed(outcome.recorded);
            let replayed = run(&case(true), &source, &properties(), Record::No).expect("the case is possible");
            assert_eq!((replayed.fingerprint, replayed.violation), (outcome.fingerprint, Some(violation)));
            println!("replayed without the seed: the same run");
            return;
        }
        panic!("no seed shows the bug");
    }
}

#[cfg(madsim)]
use store::main;

#[cfg(not(madsim))]
fn main() {
    eprintln!("async nodes run on madsim: build with RUSTFLAGS='--cfg madsim'");
    std::process::exit(2);
}
