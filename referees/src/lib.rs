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
const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// A real server on this machine, which ends when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    port: u16,
    // It is removed when the server has ended.
    _folder: TempDir,
}

impl Server {
    /// Starts a program on a free port, in an empty folder, with the arguments that `arguments` makes of both, and waits until it
    /// listens. `None` if it is not installed.
    ///
    /// # Panics
    /// If it does not listen in time, or is not installed where `SEEDBED_REFEREES=required` says that it must be.
    pub fn start(program: &str, arguments: impl FnOnce(u16, &Path) -> Vec<String>) -> Option<Server> {
        let folder = tempfile::tempdir().expect("a folder for the server");
        let port = free_port();
        let mut command = Command::new(program);
        command.args(arguments(port, folder.path())).current_dir(folder.path());
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
        let mut server = Server { process, port, _folder: folder };
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
        // It may have ended by itself; there is nothing to be done about it here.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its address").port()
}
