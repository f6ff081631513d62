//! The lines that a worker writes. Each is one JSON object:
//!
//! ```text
//! {"sweep": {"format": 1, "shard": "0/2", "models": ["raft"], "seeds": "0..1000", "options": {…}, "tool": "0.1.0", "probe": "…"}}
//! {"part": {"model": "raft", "seeds": "0..64", "summary": {…}, "failing": [{"model": "raft", "seed": 17, …}]}}
//! {"model": "raft", "seed": 17, "verdict": "violated", …, "trace": "traces/failing/…"}
//! {"summary": {…}}
//! ```
//!
//! The first line says what is swept, and a merge joins nothing else with it. A part's line is written when all of its
//! seeds have been run, and holds the failing ones among them; so a file is worth its whole lines, wherever it was cut
//! off. What was shrunk has a line of its own, later, with the trace.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use seedbed_sim::{Fingerprint, Strategy, Summary};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Shard;
use crate::component::Options;
use crate::program;

/// The format that this version writes, and the latest that it reads.
pub const FORMAT: u64 = 1;

/// Seeds from one up to and without another, as files and the command line have them: `0..1000`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.0.start, self.0.end)
    }
}

/// More than anybody sweeps.
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

/// How the models are run: the options of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    /// The planted bug.
    pub bug: Option<String>,
    /// The fault classes that are drawn, instead of those that each model tolerates.
    pub faults: Option<Vec<String>>,
    /// How many nodes, instead of the usual number.
    pub nodes: Option<usize>,
    /// The boundary that is stepped over.
    pub boundary: Option<String>,
    /// What else is set, by name.
    pub settings: BTreeMap<String, String>,
    /// Whether all of the classes are drawn in every world.
    #[serde(default)]
    pub every: bool,
    /// The fields of the configuration that are replaced.
    #[serde(default)]
    pub with: Vec<(String, String)>,
    /// How seeds are made into worlds.
    #[serde(default)]
    pub strategy: Option<String>,
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
            strategy: (options.strategy != Strategy::default()).then(|| options.strategy.to_string()),
        }
    }
}

impl fmt::Display for Planned {
    /// As one would type it.
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
        ];
        let with = self.with.iter().filter_map(|(field, value)| one("with", Some(format!("{field}={value}"))));
        let settings = self.settings.iter().filter_map(|(name, value)| one(name, Some(value.clone())));
        flags.into_iter().flatten().chain(settings).chain(with).try_for_each(|flag| f.write_str(&flag))
    }
}

/// What is swept, by all workers together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swept {
    /// The models, in the order in which they are swept.
    pub models: Vec<String>,
    /// The seeds of all shards together.
    pub seeds: Seeds,
    /// How the models are run. Here and below, nothing where a file does not say it.
    pub options: Option<Planned>,
    /// The version of this tool.
    pub tool: Option<String>,
    /// The fingerprint of the first few of all seeds: workers whose code or platform makes other runs show it here.
    pub probe: Option<Fingerprint>,
}

impl Swept {
    /// How another sweep differs from this one, in words; nothing if what both say is the same.
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

    /// Says what this one does not say and the other does.
    pub fn complete(&mut self, other: Swept) {
        self.options = self.options.take().or(other.options);
        self.tool = self.tool.take().or(other.tool);
        self.probe = self.probe.or(other.probe);
    }

    /// What one types to sweep a shard of it.
    pub fn call(&self, shard: Shard) -> String {
        let options = self.options.clone().unwrap_or_default();
        let (program, models) = (program::name(), self.models.join(" "));
        format!("{program} sweep {models} --seeds {}{options} --shard {shard}", self.seeds)
    }
}

/// The first line: what is swept, and which shard of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of this format.
    pub format: u64,
    /// Which shard.
    pub shard: Shard,
    /// What is swept.
    #[serde(flatten)]
    pub swept: Swept,
}

/// A part: some seeds of one model, all of them run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The model.
    pub model: String,
    /// The seeds.
    pub seeds: Seeds,
    /// What they came to. Its seconds are those since the worker began.
    pub summary: Summary,
    /// The lines of those that failed.
    pub failing: Vec<Value>,
}

/// A summary as a file's last line, which says by itself what was swept.
#[derive(Clone, Debug, Deserialize)]
pub struct Closing {
    /// What the worker's seeds came to.
    #[serde(flatten)]
    pub summary: Summary,
    /// The seeds of all shards together.
    pub seeds: Seeds,
    /// Which shard this is.
    pub shard: Shard,
    /// How the models were run.
    pub options: Option<Planned>,
    /// The version of the tool.
    pub tool: Option<String>,
    /// See [`Swept::probe`].
    pub probe: Option<Fingerprint>,
    /// Whether the worker was stopped before it had run all.
    #[serde(default)]
    pub interrupted: bool,
}

/// A line.
#[derive(Clone, Debug)]
pub enum Line {
    /// What is swept.
    Header(Header),
    /// A finished part.
    Part(Part),
    /// A failing seed: the model, the seed, and all of the line.
    Failing(String, u64, Value),
    /// A summary.
    Closing(Box<Closing>),
}

/// Why a line cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// Something is wrong with it, or it is something else altogether.
    Damaged(String),
    /// A later version wrote it, in this format.
    Later(u64),
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Line, Unread> {
        let value: Value = serde_json::from_str(text).map_err(|_| Unread::Damaged("it is not JSON".to_string()))?;
        match value["sweep"]["format"].as_u64() {
            Some(format) if format > FORMAT => Err(Unread::Later(format)),
            _ => Line::of(value).map_err(Unread::Damaged),
        }
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
