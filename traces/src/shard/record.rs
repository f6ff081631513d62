//! The lines that a worker writes. Each is one JSON object:
//!
//! ```text
//! {"sweep": {"format": 2, "shard": "0/2", "models": ["raft"], "seeds": "0..1000", "options": {…}, "tool": "0.1.0", "probe": "…"}, "digest": "…"}
//! {"part": {"model": "raft", "seeds": "0..64", "summary": {…}, "failing": [{"model": "raft", "seed": 17, …}]}, "digest": "…"}
//! {"model": "raft", "seed": 17, "verdict": "violated", …, "trace": "traces/failing/…", "digest": "…"}
//! {"summary": {…}, "digest": "…"}
//! ```
//!
//! The first line describes the sweep, and results of other sweeps are not merged with it. A part's line is written
//! when all its seeds have been run, and contains the failing ones; so all complete lines of a truncated file are
//! valid. A shrunk failure has a later line of its own, with the trace.
//!
//! The digest of a line is of its text without the digest ([`sealed`]): disks and copies damage files, and a changed digit would
//! be a result. A line whose digest does not fit is as good as missing.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;
use std::str::FromStr;

use seedbed_sim::{Fingerprint, Strategy, Summary};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Shard;
use crate::component::Options;
use crate::escape;
use crate::program;

/// The version of the format that is written and read. Lines of the first had no digests.
pub const FORMAT: u64 = 2;

/// What comes before the digest, which is the last field of a line.
const SEAL: &str = ",\"digest\":\"";
/// How many characters a digest has: 64 bits, against damage and not against forgery.
const DIGITS: usize = 16;

/// The text of a line, with its digest. It has no control characters, so that it is the same on a terminal and in a file.
///
/// # Panics
/// If the line is no JSON object.
pub fn sealed(line: &Value) -> String {
    let text = line.to_string();
    let text = escape::text(&text);
    let body = text.strip_suffix('}').expect("a line is an object");
    format!("{body}{SEAL}{}\"}}", digest(&text))
}

/// The text of a line without its digest.
///
/// # Errors
/// If the digest is missing, or does not fit.
fn opened(line: &str) -> Result<String, Unread> {
    let none = || Unread::Damaged("it has no digest".to_string());
    let body = line.len().checked_sub(SEAL.len() + DIGITS + "\"}".len());
    let (body, seal) = body.and_then(|at| line.split_at_checked(at)).ok_or_else(none)?;
    let given = seal.strip_prefix(SEAL).and_then(|rest| rest.strip_suffix("\"}")).ok_or_else(none)?;
    let text = format!("{body}}}");
    if digest(&text) == given { Ok(text) } else { Err(Unread::Changed) }
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect()
}

/// A range of seeds without its end, in the form of files and of the command line: `0..1000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0.start, self.0.end)
    }
}

/// The most seeds of a sweep.
const MOST_SEEDS: u64 = 1_000_000_000_000;

impl FromStr for Seeds {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once("..").and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
        match numbers {
            Some((from, to)) if from >= to => Err(format!("{text}: there is no seed in it; B must be above A")),
            Some((from, to)) if to - from > MOST_SEEDS => {
                Err(format!("{text}: these are {} seeds; at most {MOST_SEEDS} go into one sweep", to - from))
            }
            Some((from, to)) => Ok(Seeds(from..to)),
            None => Err(format!("{text}: write two numbers, A..B, such as 0..1000")),
        }
    }
}

impl Serialize for Seeds {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seeds {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The options with which the models are run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The planted bug, by name.
    pub bug: Option<String>,
    /// The fault classes that are drawn, in place of those that each model tolerates.
    pub faults: Option<Vec<String>>,
    /// The number of nodes, in place of the default.
    pub nodes: Option<usize>,
    /// The boundary at which the models are run.
    pub boundary: Option<String>,
    /// Settings of the configuration, by name.
    pub settings: BTreeMap<String, String>,
    /// Whether every world has all of the classes.
    #[serde(default)]
    pub every: bool,
    /// Fields of the configuration that are replaced: path and value.
    #[serde(default)]
    pub with: Vec<(String, String)>,
    /// The strategy that draws worlds.
    #[serde(default)]
    pub strategy: Option<String>,
    /// The shares of operations: kind and share.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workload: Vec<(String, u32)>,
    /// The bound on the events of a world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<NonZeroU64>,
}

impl From<&Options> for Planned {
    fn from(options: &Options) -> Self {
        let names =
            options.faults.as_ref().map(|classes| classes.iter().map(|class| class.name().to_string()).collect());
        Planned {
            bug: options.bug.clone(),
            faults: names,
            nodes: options.nodes,
            boundary: options.boundary.clone(),
            settings: options.settings.iter().cloned().collect(),
            every: options.every,
            with: options.with.clone(),
            workload: options.workload.clone(),
            strategy: (options.strategy != Strategy::default()).then(|| options.strategy.to_string()),
            events: options.events,
        }
    }
}

impl fmt::Display for Planned {
    /// In the form of the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = |name: &str, value: Option<String>| value.map(|value| format!(" --{name} {value}"));
        let faults = self.faults.as_ref().map(|names| match names[..] {
            [] => "none".to_string(),
            _ => names.join(","),
        });
        let flags = [
            one("bug", self.bug.clone()),
            one("faults", faults),
            one("nodes", self.nodes.map(|nodes| nodes.to_string())),
            one("boundary", self.boundary.clone()),
            self.every.then(|| " --every".to_string()),
            one("strategy", self.strategy.clone()),
            one("events", self.events.map(|events| events.to_string())),
        ];
        let with = self.with.iter().filter_map(|(field, value)| one("with", Some(format!("{field}={value}"))));
        let shares = self.workload.iter().filter_map(|(kind, share)| one("workload", Some(format!("{kind}={share}"))));
        let settings = self.settings.iter().filter_map(|(name, value)| one(name, Some(value.clone())));
        flags.into_iter().flatten().chain(settings).chain(with).chain(shares).try_for_each(|flag| f.write_str(&flag))
    }
}

/// The sweep of all workers together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// The models, in the order of the command line.
    pub models: Vec<String>,
    /// The seeds of all shards together.
    pub seeds: Seeds,
    /// The options of the sweep. Here and below, `None` if a file does not declare it.
    pub options: Option<Planned>,
    /// The version of this tool.
    pub tool: Option<String>,
    /// The fingerprint of the first seeds, which differs between workers with different code or platforms.
    pub probe: Option<Fingerprint>,
}

impl Swept {
    /// The difference of another sweep from this one, in words; `None` if all declared fields agree.
    pub fn differs(&self, other: &Swept) -> Option<String> {
        fn said<T: PartialEq>(a: &Option<T>, b: &Option<T>, words: impl Fn(&T) -> String) -> Option<String> {
            let (a, b) = a.as_ref().zip(b.as_ref()).filter(|(a, b)| a != b)?;
            Some(format!("{}, not {}", words(b), words(a)))
        }
        let models = |models: &Vec<String>| format!("of {}", models.join(", "));
        let seeds = |seeds: &Seeds| format!("over seeds {seeds}");
        let options = |planned: &Planned| match planned.to_string() {
            none if none.is_empty() => "with the usual options".to_string(),
            some => format!("with{some}"),
        };
        let probe = |probe: &Fingerprint| format!("with code whose first seeds give the fingerprint {probe}");
        said(&Some(self.models.clone()), &Some(other.models.clone()), models)
            .or_else(|| said(&Some(self.seeds.clone()), &Some(other.seeds.clone()), seeds))
            .or_else(|| said(&self.options, &other.options, options))
            .or_else(|| said(&self.tool, &other.tool, |version| format!("by version {version}")))
            .or_else(|| said(&self.probe, &other.probe, probe))
    }

    /// Fills undeclared fields from another description.
    pub fn complete(&mut self, other: Swept) {
        self.options = self.options.take().or(other.options);
        self.tool = self.tool.take().or(other.tool);
        self.probe = self.probe.or(other.probe);
    }

    /// The command that sweeps one of its shards.
    pub fn call(&self, shard: Shard) -> String {
        let options = self.options.clone().unwrap_or_default();
        let (program, models) = (program::name(), self.models.join(" "));
        format!("{program} sweep {models} --seeds {}{options} --shard {shard}", self.seeds)
    }
}

/// The first line: the sweep, and the shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format.
    pub format: u64,
    /// The shard of the file.
    pub shard: Shard,
    /// The sweep of all shards.
    #[serde(flatten)]
    pub swept: Swept,
}

/// A finished part: some seeds of one model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The model.
    pub model: String,
    /// The seeds.
    pub seeds: Seeds,
    /// Their result. Its seconds are those since the worker began.
    pub summary: Summary,
    /// The lines of failing seeds.
    pub failing: Vec<Value>,
}

/// The last line of a file: a summary that describes its sweep.
#[derive(Clone, Debug, Deserialize)]
pub struct Closing {
    /// The result of the worker's seeds.
    #[serde(flatten)]
    pub summary: Summary,
    /// The seeds of all shards together.
    pub seeds: Seeds,
    /// The shard of the worker.
    pub shard: Shard,
    /// The options of the sweep.
    pub options: Option<Planned>,
    /// The version of the tool.
    pub tool: Option<String>,
    /// See [`Swept::probe`].
    pub probe: Option<Fingerprint>,
    /// Whether the worker was interrupted.
    #[serde(default)]
    pub interrupted: bool,
}

/// A line of a results file.
#[derive(Clone, Debug)]
pub enum Line {
    /// The first line of a file.
    Header(Header),
    /// A finished part.
    Part(Part),
    /// A failing seed: model, seed, and the whole line.
    Failing(String, u64, Value),
    /// A summary.
    Closing(Box<Closing>),
}

/// Why a line is not valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is damaged, or something else; says how.
    Damaged(String),
    /// It is the line of a sweep, and its digest does not fit.
    Changed,
    /// It was written by another version, in this format.
    OtherFormat(u64),
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// Why the line is not valid.
    pub fn read(text: &str) -> Result<Line, Unread> {
        let damaged = |problem: &str| Unread::Damaged(problem.to_string());
        let value: Value = serde_json::from_str(text).map_err(|_| damaged("it is not JSON"))?;
        match value["sweep"]["format"].as_u64() {
            Some(format) if format != FORMAT => return Err(Unread::OtherFormat(format)),
            _ => {}
        }
        let text = opened(text)?;
        let value = serde_json::from_str(&text).map_err(|_| damaged("it is not JSON"))?;
        Line::of(value).map_err(Unread::Damaged)
    }

    fn of(mut value: Value) -> Result<Line, String> {
        let mut take = |field: &str| value.get_mut(field).map(Value::take);
        if let Some(header) = take("sweep") {
            return serde_json::from_value(header).map(Line::Header).map_err(|problem| problem.to_string());
        }
        if let Some(part) = take("part") {
            let part: Part = serde_json::from_value(part).map_err(|problem| problem.to_string())?;
            let Range { start, end } = part.seeds.0;
            return if part.summary.runs == end - start {
                Ok(Line::Part(part))
            } else {
                Err(format!("{} runs for the seeds {}", part.summary.runs, part.seeds))
            };
        }
        if let Some(summary) = take("summary") {
            let closing = serde_json::from_value(summary).map(|closing| Line::Closing(Box::new(closing)));
            return closing.map_err(|problem| problem.to_string());
        }
        failing(value).ok_or_else(|| "it is no line of a sweep".to_string())
    }
}

fn failing(value: Value) -> Option<Line> {
    value.get("verdict")?;
    let model = value.get("model")?.as_str()?.to_string();
    let seed = value.get("seed")?.as_u64()?;
    Some(Line::Failing(model, seed, value))
}
