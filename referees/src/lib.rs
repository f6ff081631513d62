//! Real servers as referees. A test draws sequences of commands, gives each to a real server and to the model of it, and compares the
//! answers, but for what cannot be equal (times that have passed). Servers are those of the distribution; each has a port and a
//! folder of its own, and ends with its test.
//!
//! Where a server is not installed, a test says so and compares nothing; with `SEEDBED_REFEREES=required` it fails instead.
//! `SEEDBED_SEQUENCES` is the number of sequences, 200 without it.

// Real servers have real clocks.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

use std::env;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How many sequences a test compares: `SEEDBED_SEQUENCES`, or 200.
///
/// # Panics
/// If the variable is not a number.
pub fn sequences() -> u32 {
    let number =
        |text: String| text.parse().unwrap_or_else(|_| panic!("SEEDBED_SEQUENCES is a number, and not '{text}'"));
    env::var("SEEDBED_SEQUENCES").map_or(200, number)
}

/// For how long a server may take to listen.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A real server on this machine, which ends when this is dropped, and also when the test ends otherwise.
#[derive(Debug)]
pub struct Server {
    process: Child,
    guard: Child,
    port: u16,
    // It is removed when the server has ended.
    _folder: TempDir,
}

impl Server {
    /// Starts a program on a free port, in an empty folder, as `prepare` says with both, and waits until it listens. `None` if it is
    /// not installed.
    ///
    /// # Panics
    /// If it does not listen in time, or is not installed where `SEEDBED_REFEREES=required` says that it must be.
    pub fn start(program: &str, prepare: impl FnOnce(&mut Command, u16, &Path)) -> Option<Server> {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let port = free_port();
        let mut command = Command::new(program);
        prepare(&mut command, port, folder.path());
        command.current_dir(folder.path()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = match command.spawn() {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let required = env::var("SEEDBED_REFEREES").is_ok_and(|value| value == "required");
                assert!(!required, "{program} is required, and not installed");
                eprintln!("{program} is not installed: nothing is compared");
                return None;
            }
            Err(error) => panic!("{program} does not start: {error}"),
        };
        let guard = guard(&process, folder.path());
        let mut server = Server { process, guard, port, _folder: folder };
        server.wait(program);
        Some(server)
    }

    /// The port on which it listens, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn wait(&mut self, program: &str) {
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("{program} has ended before it listened: {status}");
            }
            assert!(begin.elapsed() < STARTS_WITHIN, "{program} does not listen after {STARTS_WITHIN:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The guard ends the server. Both may have ended by themselves; there is nothing to be done about it here.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A shell that waits until its input ends, which it does when the test does, however that ends: by a signal too. Then it ends the
/// server with all processes that this has started, and removes its folder. Signals from the terminal, which come to the test as well,
/// do not end it.
fn guard(server: &Child, folder: &Path) -> Child {
    let waits = "trap '' HUP INT TERM; read -r _; kill -s KILL -- \"-$1\"; rm -rf -- \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", waits, "guard", &server.id().to_string()]).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("a shell can be started")
}

/// A port that nobody listens on now.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}
