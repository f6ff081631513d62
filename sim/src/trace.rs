//! The trace file: a case, its deviations, and what came of it. Nothing outside `origin` is needed to replay.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::choice::Deviation;
use crate::fault::Fault;
use crate::model::{Model, Op};
use crate::property::Violation;
use crate::scenario::{Case, Impossible, Scenario};
use crate::workload::Operation;

/// The version of the format that this code writes; it reads this one and no later one.
pub const VERSION: u32 = 1;

/// Where a trace came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    /// The seed that first showed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The version of seedbed that wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub seedbed: String,
    /// How large it was before it was shrunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shrunk_from: Option<Sizes>,
    /// Whether the story was found again in a smaller world than the seed's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub retold: bool,
    /// What a person has to say of it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// How large a trace is.
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
    pub fn of<M: Model>(case: &Case<M>, deviations: &[Deviation]) -> Self {
        Sizes {
            operations: case.operations.len(),
            faults: case.faults.len(),
            deviations: deviations.len(),
            nodes: case.scenario.nodes.len(),
        }
    }

    /// Operations, faults and deviations together: how long the story is.
    pub fn items(&self) -> usize {
        self.operations + self.faults + self.deviations
    }

    /// How much a shrink from here to `after` has saved, in words.
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(serialize = "M: Model", deserialize = "M: Model"))]
pub struct Trace<M: Model> {
    /// The version of the format.
    pub version: u32,
    /// The name of the model.
    pub model: String,
    /// The world before anything happens.
    pub scenario: Scenario<M>,
    /// What clients ask.
    pub operations: Vec<Operation<Op<M>>>,
    /// What breaks.
    pub faults: Vec<Fault>,
    /// The choices that are not the default.
    pub deviations: Vec<Deviation>,
    /// What was violated, if anything.
    pub violation: Option<Violation>,
    /// The fingerprint of the run up to the violation or the end, in hexadecimal.
    pub fingerprint: Fingerprint,
    /// Where it came from.
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

/// A trace that cannot be read, and why.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It is no trace: damaged, cut off, or something else altogether.
    #[error("{problem} (at {place}, line {line}, column {column})")]
    Damaged {
        /// The path to the place: `faults[2].at`.
        place: String,
        /// The line of the file, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// It is from a later version of seedbed.
    #[error("the trace has version {found}, this seedbed reads up to {VERSION}: use a newer seedbed")]
    Later {
        /// The version it has.
        found: u64,
    },
    /// It belongs to another model.
    #[error("the trace is of model '{found}', not of '{expected}'")]
    OtherModel {
        /// The model it has.
        found: String,
        /// The model that was asked for.
        expected: &'static str,
    },
    /// No world can run it.
    #[error("no world can run this trace: {0}")]
    Impossible(#[from] Impossible),
}

/// What has to be known of a trace before the rest of it can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The name of the model.
    pub model: String,
}

/// Reads which model a trace is of.
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
    let Version { version } = parse(text)?;
    if version > u64::from(VERSION) {
        return Err(TraceError::Later { found: version });
    }
    let Named { model } = parse(text)?;
    Ok(Head { model })
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, TraceError> {
    let mut from = serde_json::Deserializer::from_str(text);
    let parsed = serde_path_to_error::deserialize(&mut from).map_err(|error| {
        let place = error.path().to_string();
        let error = error.into_inner();
        let problem = error.to_string();
        // serde_json ends its messages with the position, which stands in the other fields.
        let problem = problem.split(" at line ").next().unwrap_or(&problem).to_string();
        let place = if place == "." { "the top".into() } else { place };
        TraceError::Damaged { place, line: error.line(), column: error.column(), problem }
    })?;
    let after = from.end();
    after.map(|()| parsed).map_err(|error| TraceError::Damaged {
        place: "the end".into(),
        line: error.line(),
        column: error.column(),
        problem: "there is something after the trace".into(),
    })
}

impl<M: Model> Trace<M> {
    /// A trace of a run.
    pub fn new(
        case: Case<M>,
        deviations: Vec<Deviation>,
        violation: Option<Violation>,
        fingerprint: u64,
        origin: Origin,
    ) -> Self {
        Trace {
            version: VERSION,
            model: M::INFO.name.to_string(),
            scenario: case.scenario,
            operations: case.operations,
            faults: case.faults,
            deviations,
            violation,
            fingerprint: Fingerprint(fingerprint),
            origin,
        }
    }

    /// Reads a trace and makes sure that a world can run it.
    ///
    /// # Errors
    /// If the text is no trace of this model, or one that no world can run; the error names the place.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let Head { model } = head(text)?;
        if model != M::INFO.name {
            return Err(TraceError::OtherModel { found: model, expected: M::INFO.name });
        }
        let trace: Trace<M> = parse(text)?;
        trace.case().validate()?;
        Ok(trace)
    }

    /// The text of the file, one item a line.
    pub fn to_text(&self) -> String {
        let value = serde_json::to_value(self).expect("traces have string keys and finite numbers");
        layout::trace(&value)
    }

    /// The case, without its deviations.
    pub fn case(&self) -> Case<M> {
        Case { scenario: self.scenario.clone(), operations: self.operations.clone(), faults: self.faults.clone() }
    }

    /// How large it is.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(&self.case(), &self.deviations)
    }
}

/// The layout of a trace file: as JSON goes, but each operation, fault and deviation on one line, for the eye and for
/// version control.
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
