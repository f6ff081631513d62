//! The guide's table of what works of tokio in a simulation: each row is tried here, and the table is made of the rows.
//! `INSTA_UPDATE=always` writes it again.

use std::future::Future;
use std::io::ErrorKind;
use std::pin::Pin;
use std::time::Duration;

use seedbed_sim::NodeId;
use seedbed_sim::host::Deployment;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout, timeout_at};

use super::{Words, run, said, says};

/// What becomes of a program that uses a part of tokio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Works,
    /// It works, and not quite as in tokio.
    Differs,
    /// It compiles, and is a violation when it runs.
    Panics,
    /// It does not compile.
    Missing,
}

impl Outcome {
    fn words(self) -> &'static str {
        match self {
            Outcome::Works => "works",
            Outcome::Differs => "differs",
            Outcome::Panics => "panics",
            Outcome::Missing => "does not compile",
        }
    }
}

type Try = fn(Words) -> Pin<Box<dyn Future<Output = ()>>>;

struct Row {
    part: &'static str,
    outcome: Outcome,
    remark: &'static str,
    /// What is tried on a node beside one that echoes. Where something is missing, it is tried by the compiler, below.
    tries: Try,
}

macro_rules! row {
    ($outcome:ident: $part:literal, $remark:literal, $tries:block) => {
        Row {
            part: $part,
            outcome: Outcome::$outcome,
            remark: $remark,
            tries: |node: Words| {
                Box::pin(async move {
                    $tries
                    says(&node, "done", ());
                })
            },
        }
    };
}

fn rows() -> Vec<Row> {
    vec![
        row!(Works: "`select!`, `join!`, `try_join!`, `pin!`, `task_local!`", "the seed makes the random choices", {
            let taken = tokio::select! { x = async { 1 } => x, _ = std::future::pending::<()>() => 2 };
            let joined = tokio::join!(async { 1 }, async { 2 });
            let tried = tokio::try_join!(async { Ok::<_, ()>(1) }, async { Ok(2) });
            assert_eq!((taken, joined, tried), (1, (1, 2), Ok((1, 2))));
            tokio::task_local! { static NAME: u8; }
            assert_eq!(NAME.scope(7, async { NAME.get() }).await, 7);
        }),
        row!(Works: "`spawn`, `task::spawn_local`, `JoinHandle`, `AbortHandle`, `yield_now`", "", {
            let task = tokio::spawn(async { tokio::task::yield_now().await; 1 });
            assert_eq!(task.await.unwrap() + tokio::task::spawn_local(async { 2 }).await.unwrap(), 3);
            let task = tokio::spawn(std::future::pending::<()>());
            task.abort_handle().abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }),
        row!(Works: "`JoinError` of a panic", "joined, the panic is no violation; not joined, it is", {
            assert!(tokio::spawn(async { panic!("a worker fails") }).await.unwrap_err().is_panic());
        }),
        row!(Works: "`task::JoinSet`", "", {
            let mut set: JoinSet<u64> = JoinSet::new();
            for n in [3, 1, 2] {
                set.spawn(async move { sleep(Duration::from_millis(n)).await; n });
            }
            let mut ended = Vec::new();
            while let Some(n) = set.join_next().await {
                ended.push(n.unwrap());
            }
            assert_eq!(ended, [1, 2, 3]);
        }),
        row!(Differs: "`task::LocalSet`", "its tasks run at once, whether somebody awaits the set or not", {
            let set = LocalSet::new();
            let task = set.spawn_local(async { sleep(Duration::from_millis(5)).await; std::rc::Rc::new(1) });
            assert_eq!(set.run_until(async { 2 }).await, 2);
            set.await;
            assert!(task.is_finished());
        }),
        row!(Differs: "`task::spawn_blocking`, `task::block_in_place`", "they take no virtual time, and nothing runs beside them", {
            assert_eq!(tokio::task::spawn_blocking(|| 1).await.unwrap() + tokio::task::block_in_place(|| 2), 3);
        }),
        row!(Differs: "`runtime::Handle`, `Runtime`, `Builder`", "they are names for the one runtime that runs already", {
            assert_eq!(tokio::runtime::Handle::current().spawn(async { 1 }).await.unwrap(), 1);
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
            assert_eq!(runtime.spawn(async { 1 }).await.unwrap(), 1);
        }),
        row!(Missing: "`Runtime::block_on`, `Handle::block_on`", "the task that would block is the one that runs the rest", {}),
        row!(Works: "`time`: `sleep`, `sleep_until`, `timeout`, `timeout_at`, `interval`", "`sleep` takes a millisecond at least; `Instant` is the standard library's", {
            let begin = Instant::now();
            sleep(Duration::from_millis(5)).await;
            sleep_until(begin + Duration::from_millis(7)).await;
            let mut ticks = interval(Duration::from_millis(10));
            ticks.tick().await;
            ticks.tick().await;
            assert!(timeout(Duration::from_millis(5), std::future::pending::<()>()).await.is_err());
            assert!(timeout_at(begin + Duration::from_millis(40), std::future::pending::<()>()).await.is_err());
            assert_eq!(timeout_at(Instant::now() + Duration::from_secs(1), async { 1 }).await, Ok(1));
            assert!((40..45).contains(&begin.elapsed().as_millis()));
        }),
        row!(Missing: "`time::pause`, `time::resume`", "time is virtual anyway", {}),
        row!(Works: "`sync`: all of it", "", {
            let (send, mut receive) = mpsc::channel(1);
            let (tell, told) = oneshot::channel();
            let (shout, mut heard) = broadcast::channel(4);
            let (set, mut changes) = watch::channel(0);
            send.send(1).await.unwrap();
            tell.send(2).unwrap();
            shout.send(3).unwrap();
            set.send(4).unwrap();
            changes.changed().await.unwrap();
            assert_eq!((receive.recv().await, told.await, heard.recv().await), (Some(1), Ok(2), Ok(3)));
            let (mutex, lock, permits, notify) = (Mutex::new(1), RwLock::new(2), Semaphore::new(1), Notify::new());
            notify.notify_one();
            notify.notified().await;
            let _permit = permits.acquire().await.unwrap();
            assert_eq!(*mutex.lock().await + *lock.read().await + *OnceCell::new_with(Some(3)).get().unwrap(), 6);
            Barrier::new(1).wait().await;
        }),
        row!(Works: "`net::TcpListener`, `TcpStream`", "host names are the nodes' names; what is written is sent, with or without a flush", {
            let mut stream = TcpStream::connect("server:80").await.unwrap();
            stream.set_nodelay(true).unwrap();
            stream.write_all(b"ping").await.unwrap();
            let mut heard = [0; 4];
            stream.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"ping");
            assert_eq!(stream.peer_addr().unwrap(), "10.0.0.1:80".parse().unwrap());
        }),
        row!(Works: "`TcpStream::split`, `into_split`, `io::split`", "", {
            let mut stream = TcpStream::connect("server:80").await.unwrap();
            let (mut reads, mut writes) = stream.split();
            let mut heard = [0; 1];
            writes.write_all(b"a").await.unwrap();
            reads.read_exact(&mut heard).await.unwrap();
            let (mut reads, mut writes) = stream.into_split();
            let task = tokio::spawn(async move { reads.read_exact(&mut heard).await.unwrap(); reads });
            writes.write_all(b"b").await.unwrap();
            let stream = writes.reunite(task.await.unwrap()).unwrap();
            let (mut reads, mut writes) = tokio::io::split(stream);
            writes.write_all(b"c").await.unwrap();
            reads.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"c");
        }),
        row!(Differs: "`shutdown` of a stream, and a half that is dropped", "the other side reads the end when the whole stream is dropped", {
            let (mut reads, mut writes) = TcpStream::connect("server:80").await.unwrap().into_split();
            writes.shutdown().await.unwrap();
            drop(writes);
            let mut heard = [0; 1];
            assert!(timeout(Duration::from_secs(1), reads.read(&mut heard)).await.is_err());
        }),
        row!(Differs: "`TcpStream::connect` to a node that is down or cut off", "it is refused after some milliseconds, where a real one waits", {
            let begin = Instant::now();
            let error = TcpStream::connect("nobody-home:80").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            assert!(begin.elapsed() < Duration::from_millis(20));
        }),
        row!(Missing: "`TcpStream::readable`, `try_read`, `peek`, `into_std`", "", {}),
        row!(Differs: "`net::TcpSocket`", "options have no effect; it listens when somebody first waits for a stream", {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            socket.bind("0.0.0.0:90".parse().unwrap()).unwrap();
            let listener = socket.listen(128).unwrap();
            let accepted = tokio::spawn(async move { listener.accept().await.map(|(_, peer)| peer.ip()) });
            sleep(Duration::from_millis(20)).await;
            let here = "10.0.0.2:90".parse().unwrap();
            let _stream = TcpSocket::new_v4().unwrap().connect(here).await.unwrap();
            assert_eq!(accepted.await.unwrap().unwrap(), here.ip());
        }),
        row!(Works: "`net::UdpSocket`, `net::lookup_host`", "", {
            let server = tokio::net::lookup_host("server:81").await.unwrap().next().unwrap();
            let socket = UdpSocket::bind("0.0.0.0:81").await.unwrap();
            assert_eq!(socket.send_to(b"ping", server).await.unwrap(), 4);
            let mut heard = [0; 8];
            assert_eq!(socket.recv_from(&mut heard).await.unwrap(), (4, server));
        }),
        row!(Panics: "`net::UnixStream`, `UnixListener`, `UnixDatagram`", "", {
            let _ = tokio::net::UnixListener::bind("/tmp/socket");
        }),
        row!(Works: "`io`: the traits, `BufReader`, `BufWriter`, `copy`, `duplex`", "", {
            let (here, there) = tokio::io::duplex(64);
            let mut writer = BufWriter::new(here);
            writer.write_all(b"one\ntwo\n").await.unwrap();
            writer.shutdown().await.unwrap();
            drop(writer);
            let mut lines = BufReader::new(there).lines();
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("one"));
            let mut copied = Vec::new();
            assert_eq!(tokio::io::copy(&mut &b"three"[..], &mut copied).await.unwrap(), 5);
        }),
        row!(Panics: "`io::stdin`, `io::stdout`, `io::stderr`", "they need threads; `println!` works", {
            let _ = tokio::io::stdout().write_all(b"text").await;
            let _ = tokio::io::stdout().flush().await;
        }),
        row!(Works: "`fs`: `File`, `OpenOptions`, `read`, `write`, `rename`, folders, …", "on the node's own disk, which survives its crashes as far as it was synced", {
            tokio::fs::create_dir_all("/data").await.unwrap();
            let mut file = tokio::fs::File::create("/data/file").await.unwrap();
            file.write_all(b"text").await.unwrap();
            file.sync_all().await.unwrap();
            tokio::fs::File::open("/data").await.unwrap().sync_all().await.unwrap();
            assert_eq!(tokio::fs::read_to_string("/data/file").await.unwrap(), "text");
        }),
        row!(Missing: "`fs`: links, permissions, times", "", {}),
        row!(Differs: "`signal::ctrl_c`", "nobody sends it: no fault of a deployment is a signal", {
            assert!(timeout(Duration::from_secs(1), tokio::signal::ctrl_c()).await.is_err());
        }),
        row!(Missing: "`process`", "", {}),
    ]
}

/// What is missing: if it is there one day, this does not compile, and its row has to go.
mod missing {
    /// Stands for what is missing.
    #[derive(Debug, PartialEq)]
    pub(crate) struct Missing;

    mod stand_ins {
        pub(super) mod process {
            pub(crate) use super::super::Missing as IsMissing;
        }
        pub(super) use super::Missing as hard_link;
        pub(super) use super::Missing as set_permissions;
        pub(super) use super::Missing as symlink;
    }

    /// A name that both globs have would be ambiguous.
    #[allow(unused_imports)]
    mod root {
        use super::stand_ins::*;
        pub(super) use process::IsMissing;
        use tokio::*;
    }

    #[allow(unused_imports)]
    mod fs {
        use super::stand_ins::*;
        use tokio::fs::*;
        pub(super) const ALL: [super::Missing; 3] = [hard_link, set_permissions, symlink];
    }

    /// A method that the type has would be taken before one of the trait.
    trait StandIn: Sized {
        fn readable(&self) -> Missing {
            Missing
        }
        fn try_read(&self) -> Missing {
            Missing
        }
        fn peek(&self) -> Missing {
            Missing
        }
        #[allow(clippy::wrong_self_convention, reason = "a method of the type would have this name")]
        fn into_std(&self) -> Missing {
            Missing
        }
        fn block_on(&self) -> Missing {
            Missing
        }
        fn modified(&self) -> Missing {
            Missing
        }
    }

    impl StandIn for tokio::net::TcpStream {}
    impl StandIn for tokio::runtime::Handle {}
    impl StandIn for tokio::runtime::Runtime {}
    impl StandIn for tokio::fs::Metadata {}

    #[allow(dead_code)]
    fn methods(
        stream: &tokio::net::TcpStream,
        handle: &tokio::runtime::Handle,
        runtime: &tokio::runtime::Runtime,
        metadata: &tokio::fs::Metadata,
    ) -> [Missing; 7] {
        [
            stream.readable(),
            stream.try_read(),
            stream.peek(),
            stream.into_std(),
            handle.block_on(),
            runtime.block_on(),
            metadata.modified(),
        ]
    }

    mod time_stand_ins {
        pub(super) use super::Missing as pause;
        pub(super) use super::Missing as resume;
    }

    #[allow(unused_imports)]
    mod time {
        use super::time_stand_ins::*;
        use tokio::time::*;
        pub(super) const ALL: [super::Missing; 2] = [pause, resume];
    }

    #[test]
    fn stand_ins_stand_for_what_is_missing() {
        assert_eq!(fs::ALL.len() + time::ALL.len(), 5);
        assert_eq!(root::IsMissing, Missing);
    }
}

/// The first node echoes streams and datagrams; the second tries.
async fn beside_an_echo(node: Words, tries: Try) {
    match node.id() {
        NodeId(0) => {
            let socket = UdpSocket::bind("0.0.0.0:81").await.unwrap();
            tokio::spawn(async move {
                let mut buffer = [0; 64];
                loop {
                    let (len, from) = socket.recv_from(&mut buffer).await.unwrap();
                    socket.send_to(&buffer[..len], from).await.unwrap();
                }
            });
            let listener = TcpListener::bind("0.0.0.0:80").await.unwrap();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                tokio::spawn(async move {
                    let mut buffer = [0; 64];
                    while let Ok(len @ 1..) = stream.read(&mut buffer).await {
                        stream.write_all(&buffer[..len]).await.unwrap();
                    }
                });
            }
        }
        NodeId(1) => {
            sleep(Duration::from_millis(50)).await;
            tries(node).await;
        }
        _ => {}
    }
}

#[test]
fn every_row_is_true() {
    let deployment = Deployment::of(3).named(["server", "client", "nobody-home"]);
    for row in rows() {
        let tries = row.tries;
        let run = run(&deployment, 1, move |node| beside_an_echo(node, tries));
        match row.outcome {
            Outcome::Works | Outcome::Differs | Outcome::Missing => {
                assert_eq!(run.violation, None, "{}", row.part);
                assert_eq!(said(&run), ["done=()"], "{}", row.part);
            }
            Outcome::Panics => assert!(run.violation.is_some(), "{} works", row.part),
        }
    }
}

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/your-own-service.md");
const BEGIN: &str = "<!-- made by sim/tests/simulator/hosted/table.rs -->\n";
const END: &str = "<!-- end of the table -->\n";

#[test]
fn the_guide_has_this_table() {
    let mut table = String::from("| of tokio | in a simulation | |\n|---|---|---|\n");
    for row in rows() {
        table += &format!("| {} | {} | {} |\n", row.part, row.outcome.words(), row.remark).replace("|  |", "| |");
    }
    let guide = std::fs::read_to_string(GUIDE).unwrap();
    let (before, rest) = guide.split_once(BEGIN).expect("the guide has the table");
    let (written, after) = rest.split_once(END).expect("the table ends");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(GUIDE, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        written, table,
        "write it again: INSTA_UPDATE=always cargo test -p seedbed-sim --test simulator the_guide"
    );
}
