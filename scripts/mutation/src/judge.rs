//! Whether a mutant is killed: by a sweep of the components that use it, or by a test.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::compile::Test;
use crate::units::COMPONENTS;

/// What mutants are tried with.
pub struct Judge {
    tool: PathBuf,
    tests: Vec<Test>,
    seeds: u64,
    root: PathBuf,
    /// What no mutant is needed for: marks that are not reached in so few seeds.
    unreached: Vec<BTreeSet<String>>,
    /// How long a sweep of each component takes, and each test program.
    sweep_seconds: Vec<f64>,
    test_seconds: Vec<f64>,
}

/// How a command ended.
enum End {
    /// By what the caller looked for.
    Seen(String),
    Exited(Option<i32>, String),
    TimedOut,
}

/// How much longer than without a mutant something may take, and how much in any case.
const SLOWER: f64 = 8.0;
const AT_LEAST: f64 = 60.0;

fn limit(seconds: f64) -> Duration {
    Duration::from_secs_f64((seconds * SLOWER).max(AT_LEAST))
}

impl Judge {
    /// Nothing is built yet.
    pub fn new(seeds: u64, root: &Path) -> Self {
        let components = COMPONENTS.len();
        let (unreached, sweep_seconds) = (vec![BTreeSet::new(); components], vec![0.0; components]);
        let (root, tests, test_seconds) = (root.to_path_buf(), Vec::new(), Vec::new());
        let tool = PathBuf::new();
        Judge { tool, tests, seeds, root, unreached, sweep_seconds, test_seconds }
    }

    /// Sweeps these components without a mutant, by a tool that holds all: they must be clean.
    pub fn ready_to_sweep(&mut self, tool: PathBuf, components: &BTreeSet<usize>) -> anyhow::Result<()> {
        self.tool = tool;
        for component in components {
            self.baseline(*component)?;
            eprintln!("{}: {:.1} s", COMPONENTS[*component].1, self.sweep_seconds[*component]);
        }
        Ok(())
    }

    /// Runs the tests that belong to models without a mutant: they must pass.
    pub fn ready_to_test(&mut self, tests: Vec<Test>) -> anyhow::Result<()> {
        let families: BTreeSet<&str> = COMPONENTS.iter().map(|(.., family)| *family).collect();
        let relevant = |test: &Test| match test.package.as_str() {
            "models" => true,
            "properties" => families.contains(test.target.as_str()),
            "traces" => test.target == "tool",
            _ => false,
        };
        self.tests = tests.into_iter().filter(relevant).collect();
        self.test_seconds = vec![0.0; self.tests.len()];
        for index in 0..self.tests.len() {
            let begin = Instant::now();
            if let Some(how) = self.tested(0, index, Duration::from_secs(3600)) {
                anyhow::bail!("without any mutant: {how}");
            }
            self.test_seconds[index] = begin.elapsed().as_secs_f64();
            let (Test { package, target, .. }, seconds) = (&self.tests[index], self.test_seconds[index]);
            eprintln!("{package}/{target}: {seconds:.1} s");
        }
        Ok(())
    }

    /// Whether a sweep of these components kills this mutant.
    pub fn swept_away(&self, mutant: usize, components: &[usize]) -> Option<String> {
        components.iter().find_map(|component| self.sweep(mutant, *component))
    }

    fn sweep(&self, mutant: usize, component: usize) -> Option<String> {
        let name = COMPONENTS[component].1;
        match self.swept(mutant, component, limit(self.sweep_seconds[component])) {
            Sweep::Broke(how) => Some(format!("sweep {name}: {how}")),
            Sweep::Held { unreached, .. } => {
                let lost = unreached.difference(&self.unreached[component]).next()?;
                Some(format!("sweep {name}: '{lost}' was never reached"))
            }
        }
    }

    /// Sweeps a component without a mutant, whose number is 0.
    fn baseline(&mut self, component: usize) -> anyhow::Result<()> {
        let begin = Instant::now();
        match self.swept(0, component, Duration::from_secs(3600)) {
            Sweep::Held { unreached } => self.unreached[component] = unreached,
            Sweep::Broke(how) => anyhow::bail!("{} without any mutant: {how}", COMPONENTS[component].1),
        }
        self.sweep_seconds[component] = begin.elapsed().as_secs_f64();
        Ok(())
    }

    fn swept(&self, mutant: usize, component: usize, limit: Duration) -> Sweep {
        let mut command = Command::new(&self.tool);
        let seeds = format!("0..{}", self.seeds);
        command.args(["sweep", COMPONENTS[component].1, "--seeds", &seeds, "--no-shrink", "--json", "--threads", "1"]);
        let fails = |line: &str| {
            let value: Value = serde_json::from_str(line).ok()?;
            let (property, seed) = (value["property"].as_str()?, value["seed"].as_u64()?);
            Some(format!("{property}, seed {seed}"))
        };
        let mut summary = Value::Null;
        let mut look = |line: &str| {
            let found = fails(line);
            if found.is_none()
                && let Ok(value) = serde_json::from_str::<Value>(line)
                && !value["summary"].is_null()
            {
                summary = value["summary"].clone();
            }
            found
        };
        match self.run(command, mutant, limit, &mut look) {
            End::Seen(how) => Sweep::Broke(how),
            End::TimedOut => Sweep::Broke("timed out".into()),
            End::Exited(Some(0), _) => {
                let marks = summary["unreached"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .chain(summary["unfired"].as_array().into_iter().flatten());
                Sweep::Held { unreached: marks.filter_map(|mark| Some(mark.as_str()?.to_string())).collect() }
            }
            End::Exited(Some(3), text) => {
                let first = text.lines().find(|line| line.contains("no verdict")).unwrap_or("no verdict");
                Sweep::Broke(first.trim().to_string())
            }
            End::Exited(code, text) => {
                let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
                Sweep::Broke(format!("ended with {code:?}: {}", last.trim()))
            }
        }
    }

    /// Whether a test kills this mutant.
    pub fn test(&self, mutant: usize, components: &[usize]) -> Option<String> {
        let relevant = |test: &&Test| {
            let Test { package, target, .. } = test;
            match package.as_str() {
                "models" => true,
                "properties" => components.iter().any(|component| COMPONENTS[*component].2 == target),
                _ => target == "tool",
            }
        };
        let indices = (0..self.tests.len()).filter(|index| relevant(&&self.tests[*index]));
        indices.into_iter().find_map(|index| self.tested(mutant, index, limit(self.test_seconds[index])))
    }

    fn tested(&self, mutant: usize, index: usize, limit: Duration) -> Option<String> {
        let Test { package, target, program, .. } = &self.tests[index];
        let mut command = Command::new(program);
        command.current_dir(self.root.join(package)).args(["--test-threads", "1"]).env("INSTA_UPDATE", "no");
        if package == "traces" {
            // Of the tool's own tests, those that run models.
            command.args(["corpus", "still", "extremes"]);
        }
        let mut look = |line: &str| {
            let failed = line.strip_prefix("test ")?.split_once(" ... FAILED")?.0;
            Some(failed.to_string())
        };
        match self.run(command, mutant, limit, &mut look) {
            End::Seen(test) => Some(format!("test {package}/{target} {test}")),
            End::TimedOut => Some(format!("test {package}/{target} timed out")),
            End::Exited(Some(0), _) => None,
            End::Exited(code, _) => Some(format!("test {package}/{target} ended with {code:?}")),
        }
    }

    /// Runs a command, until a line of its output is what is looked for.
    fn run(
        &self,
        mut command: Command,
        mutant: usize,
        limit: Duration,
        look: &mut dyn FnMut(&str) -> Option<String>,
    ) -> End {
        command.env("SEEDBED_MUTANT", mutant.to_string()).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it was built");
        let (lines, receiver) = mpsc::channel();
        let output = child.stdout.take().expect("it is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    break;
                }
            }
        });
        let mut errors = child.stderr.take().expect("it is piped");
        let errors = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = errors.read_to_end(&mut text);
            String::from_utf8_lossy(&text).to_string()
        });
        let end = Instant::now() + limit;
        loop {
            match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(found) = look(&line) {
                        stop(&mut child);
                        return End::Seen(found);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    stop(&mut child);
                    return End::TimedOut;
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    let code = child.wait().ok().and_then(|status| status.code());
                    return End::Exited(code, errors.join().unwrap_or_default());
                }
            }
        }
    }
}

fn stop(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

enum Sweep {
    Broke(String),
    Held { unreached: BTreeSet<String> },
}
