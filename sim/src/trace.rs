//! The trace file: a case, its deviations, and the violation. A replay needs everything but `origin`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::choice::Deviation;
use crate::fault::Fault;
use crate::json_path::path_at;
use crate::model::{Model, Op};
use crate::property::Violation;
use crate::scenario::{Case, CaseOf, Impossible, Scenario};
use crate::workload::Operation;

/// The version of the format that this code writes, and the latest that it reads.
pub const VERSION: u32 = 1;

/// Where a trace came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The seed whose run it was recorded from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The version of seedbed that wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seedbed: String,
    /// Its sizes before it was shrunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrunk_from: Option<Sizes>,
    /// Whether the story was found again in another world than that of the seed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retold: bool,
    /// A remark for readers.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The number of items in a trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Client operations.
    pub operations: usize,
    /// Faults.
    pub faults: usize,
    /// Choices that are not the default.
    pub deviations: usize,
    /// Nodes.
    pub nodes: usize,
}

impl Sizes {
    /// The sizes of a case with its deviations.
    pub fn of<C, O>(case: &CaseOf<C, O>, deviations: &[Deviation]) -> Self {
        Sizes {
            operations: case.operations.len(),
            faults: case.faults.len(),
            deviations: deviations.len(),
            nodes: case.scenario.nodes.len(),
        }
    }

    /// The length of the story: operations, faults and deviations together.
    pub fn items(&self) -> usize {
        self.operations + self.faults + self.deviations
    }

    /// The reduction from here to `after`, in words.
    pub fn shrunk_to(&self, after: Sizes) -> String {
        format!(
            "{} → {} operations, {} → {} faults, {} → {} deviations, {} → {} nodes",
            self.operations,
            after.operations,
            self.faults,
            after.faults,
            self.deviations,
            after.deviations,
            self.nodes,
            after.nodes
        )
    }
}

/// A trace of a model.
pub type Trace<M> = TraceOf<M, Op<M>>;

/// A [`Trace`] by the types of its configuration and of its operations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    bound(serialize = "C: Serialize, O: Serialize", deserialize = "C: Deserialize<'de>, O: Deserialize<'de>")
)]
pub struct TraceOf<C, O> {
    /// The version of the format.
    pub version: u32,
    /// As [`crate::Info::name`].
    pub model: String,
    /// The initial world.
    pub scenario: Scenario<C>,
    /// The operations of clients, by [`OpId`](crate::OpId).
    pub operations: Vec<Operation<O>>,
    /// The fault plan.
    pub faults: Vec<Fault>,
    /// The choices that are not the default.
    pub deviations: Vec<Deviation>,
    /// The recorded violation, if any.
    pub violation: Option<Violation>,
    /// The fingerprint of the run up to the violation or the end, in hexadecimal.
    pub fingerprint: Fingerprint,
    /// For people; no replay needs it.
    #[serde(default)]
    pub origin: Origin,
}

/// A fingerprint as files and reports have it: sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u64);

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let digits = if text.len() == 16 { u64::from_str_radix(&text, 16).ok() } else { None };
        let problem = || serde::de::Error::custom(format!("'{text}' is not a fingerprint: sixteen hexadecimal digits"));
        digits.map(Fingerprint).ok_or_else(problem)
    }
}

/// Why a trace cannot be read.
#[derive(Debug)]
pub enum TraceError {
    /// It is no trace: damaged, truncated, or something else.
    Damaged {
        /// The path in the trace: `faults[2].at`.
        place: String,
        /// The line of the file, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong at this place.
        problem: String,
    },
    /// It was written by a later version of seedbed.
    Later {
        /// The version in the file.
        found: u64,
    },
    /// It belongs to another model.
    OtherModel {
        /// The model in the file.
        found: String,
        /// The model that was asked for.
        expected: &'static str,
    },
    /// No world can run it.
    Impossible(Impossible),
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::Damaged { place, line, column, problem } => {
                write!(f, "{problem} (at {place}, line {line}, column {column})")
            }
            TraceError::Later { found } => {
                write!(f, "the trace has version {found}, this seedbed reads up to {VERSION}: use a newer seedbed")
            }
            TraceError::OtherModel { found, expected } => {
                write!(f, "the trace is of model '{found}', not of '{expected}'")
            }
            TraceError::Impossible(why) => write!(f, "no world can run this trace: {why}"),
        }
    }
}

impl std::error::Error for TraceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TraceError::Impossible(why) => Some(why),
            _ => None,
        }
    }
}

impl From<Impossible> for TraceError {
    fn from(why: Impossible) -> Self {
        TraceError::Impossible(why)
    }
}

/// The fields of a trace that are read first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// As [`crate::Info::name`].
    pub model: String,
}

/// Reads the first fields of a trace.
///
/// # Errors
/// If the text is no trace, or one of a later version.
pub fn head(text: &str) -> Result<Head, TraceError> {
    #[derive(Deserialize)]
    struct Version {
        version: u64,
    }
    #[derive(Deserialize)]
    struct Named {
        model: String,
    }
    let Version { version } = parse::<Version>(text)?;
    if version > u64::from(VERSION) {
        return Err(TraceError::Later { found: version });
    }
    let Named { model } = parse::<Named>(text)?;
    Ok(Head { model })
}

/// A trace whose configuration and operations are still text.
type Unread<'t> = TraceOf<&'t RawValue, &'t RawValue>;

/// Reads the whole of a text.
pub(crate) fn parse<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, TraceError> {
    let mut from = serde_json::Deserializer::from_str(text);
    let parsed = T::deserialize(&mut from).map_err(|error| damaged(text, &error))?;
    let after = from.end();
    after.map(|()| parsed).map_err(|error| TraceError::Damaged {
        place: "the end".into(),
        line: error.line(),
        column: error.column(),
        problem: "there is something after the trace".into(),
    })
}

/// Reads a part of a trace, without the rest.
pub(crate) fn read_part<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    parse(text).map_err(|error| match error {
        TraceError::Damaged { problem, .. } => problem,
        other => other.to_string(),
    })
}

fn damaged(text: &str, error: &serde_json::Error) -> TraceError {
    let problem = error.to_string();
    // serde_json ends its messages with the position, which has fields of its own here.
    let problem = problem.split(" at line ").next().unwrap_or(&problem).to_string();
    let place = Some(path_at(text, error.line(), error.column())).filter(|path| !path.is_empty());
    let place = place.unwrap_or_else(|| "the top".into());
    TraceError::Damaged { place, line: error.line(), column: error.column(), problem }
}

/// How a part of a trace is read.
type Reader<'a, T> = &'a dyn Fn(&str) -> Result<T, TraceError>;

/// Reads a part of a text. An error has its position in the whole text.
fn part<T>(whole: &str, part: &RawValue, read: Reader<'_, T>, at: &dyn Fn() -> String) -> Result<T, TraceError> {
    read(part.get()).map_err(|error| within(whole, part, at(), error))
}

/// Converts the position of an error in a part to that in the whole text.
fn within(whole: &str, part: &RawValue, at: String, error: TraceError) -> TraceError {
    let TraceError::Damaged { place, line, column, problem } = error else { return error };
    let begin = part.get().as_ptr() as usize - whole.as_ptr() as usize;
    let before = &whole[..begin];
    let (lines, last) = (before.matches('\n').count(), before.rsplit('\n').next().unwrap_or_default().len());
    let place = match place.as_str() {
        "the top" => at,
        inside if inside.starts_with('[') => format!("{at}{inside}"),
        inside => format!("{at}.{inside}"),
    };
    let column = if line <= 1 { last + column } else { column };
    TraceError::Damaged { place, line: lines + line, column, problem }
}

impl<C, O> TraceOf<C, O> {
    /// A trace of a run of this model.
    pub fn of(
        model: &str,
        case: CaseOf<C, O>,
        deviations: Vec<Deviation>,
        violation: Option<Violation>,
        fingerprint: u64,
        origin: Origin,
    ) -> Self {
        TraceOf {
            version: VERSION,
            model: model.to_string(),
            scenario: case.scenario,
            operations: case.operations,
            faults: case.faults,
            deviations,
            violation,
            fingerprint: Fingerprint(fingerprint),
            origin,
        }
    }
}

impl<C: Clone, O: Clone> TraceOf<C, O> {
    /// The case, without its deviations.
    pub fn case(&self) -> CaseOf<C, O> {
        CaseOf { scenario: self.scenario.clone(), operations: self.operations.clone(), faults: self.faults.clone() }
    }

    /// Its numbers of items.
    pub fn sizes(&self) -> Sizes {
        Sizes {
            operations: self.operations.len(),
            faults: self.faults.len(),
            deviations: self.deviations.len(),
            nodes: self.scenario.nodes.len(),
        }
    }
}

impl<C: Serialize, O: Serialize> TraceOf<C, O> {
    /// The text of the file, with one line for each item.
    pub fn to_text(&self) -> String {
        let value = serde_json::to_value(self).expect("traces have string keys and finite numbers");
        layout::trace(&value)
    }
}

impl<M: Model> TraceOf<M, Op<M>> {
    /// A trace of a run.
    pub fn new(
        case: Case<M>,
        deviations: Vec<Deviation>,
        violation: Option<Violation>,
        fingerprint: u64,
        origin: Origin,
    ) -> Self {
        Trace::of(M::INFO.name, case, deviations, violation, fingerprint, origin)
    }

    /// Reads a trace and checks that a world can run it.
    ///
    /// # Errors
    /// If the text is no trace of this model, or one that no world can run; the error names the place.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let trace = Self::read(text)?;
        trace.case().validate()?;
        Ok(trace)
    }

    /// Reads a trace, whether a world can run it or not.
    pub(crate) fn read(text: &str) -> Result<Self, TraceError> {
        Self::read_by(text, M::INFO.name, &|text| parse(text), &|text| parse(text))
    }
}

impl<C, O> TraceOf<C, O> {
    /// Reads a trace of the model `expected`, whose configurations and operations are read so.
    pub(crate) fn read_by(
        text: &str,
        expected: &'static str,
        config: Reader<'_, C>,
        op: Reader<'_, O>,
    ) -> Result<Self, TraceError> {
        let unread = unread(text, expected)?;
        let old = unread.scenario.bug.is_none().then(|| bug_in_config(unread.scenario.config)).flatten();
        let mut scenario = unread.scenario.configured(());
        let config = match old {
            Some((bug, rest)) => {
                scenario.bug = Some(bug);
                config(&rest)?
            }
            None => part(text, unread.scenario.config, config, &|| "scenario.config".into())?,
        };
        let operation = |(i, operation): (usize, &Operation<&RawValue>)| {
            let op = part(text, operation.op, op, &|| format!("operations[{i}].op"))?;
            Ok(Operation { at: operation.at, client: operation.client, op })
        };
        let operations = unread.operations.iter().enumerate().map(operation).collect::<Result<_, TraceError>>()?;
        Ok(TraceOf {
            version: unread.version,
            model: unread.model,
            scenario: scenario.configured(config),
            operations,
            faults: unread.faults,
            deviations: unread.deviations,
            violation: unread.violation,
            fingerprint: unread.fingerprint,
            origin: unread.origin,
        })
    }
}

/// The planted bug of a trace that has it among the fields of its configuration, as the first ones had, and the other fields.
fn bug_in_config(config: &RawValue) -> Option<(String, String)> {
    let mut fields: serde_json::Map<String, serde_json::Value> = serde_json::from_str(config.get()).ok()?;
    let bug = fields.shift_remove("bug")?.as_str()?.to_string();
    Some((bug, serde_json::Value::Object(fields).to_string()))
}

/// Reads a trace, and leaves its configuration and its operations as text.
fn unread<'t>(text: &'t str, expected: &'static str) -> Result<Unread<'t>, TraceError> {
    let Head { model } = head(text)?;
    if model != expected {
        return Err(TraceError::OtherModel { found: model, expected });
    }
    parse(text)
}

/// The layout of a trace file: JSON with one line for each operation, fault and deviation, for readers and for version
/// control.
mod layout {
    use serde_json::Value;

    const ORDER: [&str; 9] =
        ["version", "model", "scenario", "operations", "faults", "deviations", "violation", "fingerprint", "origin"];

    pub(super) fn trace(value: &Value) -> String {
        let fields = ORDER.iter().filter_map(|name| Some((name, value.get(*name)?)));
        let fields: Vec<String> = fields.map(|(name, value)| format!("  \"{name}\": {}", field(value))).collect();
        format!("{{\n{}\n}}\n", fields.join(",\n"))
    }

    fn field(value: &Value) -> String {
        match value {
            Value::Array(items) if items.is_empty() => "[]".into(),
            Value::Array(items) => {
                format!("[\n    {}\n  ]", items.iter().map(line).collect::<Vec<_>>().join(",\n    "))
            }
            Value::Object(fields) if !fields.is_empty() => {
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| format!("    \"{name}\": {}", line(value))).collect();
                format!("{{\n{}\n  }}", fields.join(",\n"))
            }
            other => line(other),
        }
    }

    fn line(value: &Value) -> String {
        match value {
            Value::Array(items) => format!("[{}]", items.iter().map(line).collect::<Vec<_>>().join(", ")),
            Value::Object(fields) => {
                let fields: Vec<_> =
                    fields.iter().map(|(name, value)| format!("\"{name}\": {}", line(value))).collect();
                format!("{{{}}}", fields.join(", "))
            }
            other => other.to_string(),
        }
    }
}
