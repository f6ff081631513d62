//! The tool as a program: a place to run it in, and what it said.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A directory of a test's own, with a lock file so that failing traces are written below it.
pub fn place(name: &str) -> PathBuf {
    let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).expect("the target directory is ours");
    std::fs::write(place.join("Cargo.lock"), "").expect("the target directory is ours");
    place
}

/// The tool about to be run there, with these words. No engine of array jobs is around it, whoever runs the tests.
pub fn command(place: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_seedbed"));
    for name in ["SLURM_JOB_ID", "SLURM_ARRAY_TASK_ID", "BUILDKITE_JOB_ID", "GITHUB_ACTIONS", "AWS_BATCH_JOB_ID"] {
        command.env_remove(name);
    }
    command.current_dir(place).args(words.split_whitespace());
    command
}

/// Runs the tool there.
pub fn seedbed(place: &Path, words: &str) -> Output {
    command(place, words).output().expect("the tool can be started")
}

/// Its exit code.
pub fn code(output: &Output) -> i32 {
    output.status.code().expect("nobody killed it")
}

/// What it printed.
pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it said beside.
pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it printed, as JSON lines.
pub fn lines(output: &Output) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
    out(output).lines().map(line).collect()
}
