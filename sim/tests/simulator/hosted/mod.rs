//! Tokio programs that `deploy` runs: what is determined and what is refused, panics, endless loops, files, and the table of what
//! works.
#![cfg(madsim)]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "these programs use what services use")]

mod determinism;
mod faults;
mod files;
mod panics;
mod table;

use std::fmt::Debug;
use std::future::Future;

use seedbed_sim::host::{Deployed, Deployment, Node, deploy};

/// What is recorded: questions and answers in words.
type Words = Node<String, String>;

/// Records something that the program knows.
fn says(node: &Words, what: &str, value: impl Debug) {
    node.invoke(what.into()).returned(format!("{value:?}"));
}

/// Runs a program without judges.
fn run<F: Future<Output = ()> + 'static>(
    deployment: &Deployment,
    seed: u64,
    program: impl Fn(Words) -> F + Clone + Send + Sync + 'static,
) -> Deployed<String, String> {
    deploy(deployment, seed, program, &[]).unwrap_or_else(|refused| panic!("{refused}"))
}

/// What was recorded, as `question=answer`.
fn said(run: &Deployed<String, String>) -> Vec<String> {
    let said = run.history.invocations().iter();
    said.map(|said| format!("{}={}", said.op, said.returned().map_or("?", String::as_str))).collect()
}
