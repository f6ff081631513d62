//! The commands of Redis, by the model's server and by a real one (7.0 is what the model is made after): streams, and the commands
//! that locks use. One client; so nothing waits.

// A real server has a real clock, and the model's is set by it.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod answers;
mod commands;
mod words;

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use redis::Connection;
use seedbed_models::communication::stream::{Command, Engine, Id, NewId, Reply};
use seedbed_referees::{Server, sequences};
use seedbed_sim::Time;

use answers::Answer;

/// `stream-node-max-entries`: few, so that trimming by whole nodes has something to do.
const NODE_ENTRIES: u64 = 3;
/// The commands of a sequence.
const LENGTH: usize = 40;

fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set");
    Time(since.as_nanos() as u64)
}

fn start() -> Option<(Server, Connection)> {
    let server = Server::start("redis-server", |port, folder| {
        let port = port.to_string();
        let folder = folder.display().to_string();
        let nodes = NODE_ENTRIES.to_string();
        ["--port", &port, "--bind", "127.0.0.1", "--dir", &folder, "--save", "", "--appendonly", "no"]
            .into_iter()
            .chain(["--stream-node-max-entries", &nodes])
            .map(String::from)
            .collect()
    })?;
    let client = redis::Client::open(("127.0.0.1", server.port())).expect("an address");
    let connection = client.get_connection().expect("it listens");
    Some((server, connection))
}

/// What the server answers to a command.
fn ask(connection: &mut Connection, command: &Command) -> Answer {
    let mut words = words::of(command).into_iter();
    let mut call = redis::cmd(&words.next().expect("a command has a name"));
    for word in words {
        call.arg(word);
    }
    answers::of_server(command, call.query(connection))
}

/// The same by the model's server. It is told the identifier that the real one has drawn from its clock.
fn ask_model(engine: &mut Engine, command: &Command, answer: &Answer) -> Answer {
    let command = match (command, answer) {
        (Command::XAdd { key, id: NewId::Auto, fields, no_make, trim }, Answer::Text(id)) => {
            let id = NewId::Exactly(parsed(id));
            Command::XAdd { key: *key, id, fields: fields.clone(), no_make: *no_make, trim: *trim }
        }
        _ => command.clone(),
    };
    let reply: Reply = engine.call(now(), &command);
    answers::of_model(&command, &reply)
}

fn parsed(id: &str) -> Id {
    let (ms, seq) = id.split_once('-').expect("an identifier has two parts");
    Id::new(ms.parse().expect("a number"), seq.parse().expect("a number"))
}

fn compare(connection: &mut Connection, commands: &[Command]) -> Result<(), TestCaseError> {
    redis::cmd("FLUSHALL").exec(connection).expect("it empties itself");
    let mut engine = Engine::new(NODE_ENTRIES);
    let mut before = Vec::new();
    for command in commands {
        let theirs = ask(connection, command);
        let ours = ask_model(&mut engine, command, &theirs);
        before.push(format!("{} -> {theirs:?}", words::of(command).join(" ")));
        prop_assert_eq!(&ours, &theirs, "after\n{}", before.join("\n"));
    }
    Ok(())
}

#[test]
fn a_real_server_answers_the_same() {
    let Some((_server, mut connection)) = start() else { return };
    let config = Config { cases: sequences(), failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let sequence = prop::collection::vec(commands::command(now()), LENGTH);
    // The connection is one for all sequences, which run one after the other.
    let connection = RefCell::new(&mut connection);
    let result = runner.run(&sequence, |commands| compare(&mut connection.borrow_mut(), &commands));
    if let Err(difference) = result {
        panic!("{difference}");
    }
}

/// The comparison sees a difference: a model whose nodes are larger trims otherwise.
#[test]
fn another_setting_is_seen() {
    let Some((_server, mut connection)) = start() else { return };
    redis::cmd("CONFIG").arg("SET").arg("stream-node-max-entries").arg(100).exec(&mut connection).expect("a setting");
    let config = Config { cases: 2_000, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let sequence = prop::collection::vec(commands::command(now()), LENGTH);
    let connection = RefCell::new(&mut connection);
    runner.run(&sequence, |commands| compare(&mut connection.borrow_mut(), &commands)).expect_err("they differ");
}
