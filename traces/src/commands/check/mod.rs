//! `seedbed check`: judges recorded histories.

mod expect;
mod input;
mod judged;
mod judges;
mod level;
mod limits;

use std::path::{Path, PathBuf};

use anyhow::bail;
use seedbed_properties::formats::{FailedCas, Model, NullRead, Recorded, whole_numbers};
use serde_json::{Value, json};

use crate::commands::progress::{Stopwatch, spinner};
use crate::commands::{Ended, counts};
use crate::escape;
use crate::program;
use crate::report::print_json;
use crate::{files, say, say_all, tell};

use judged::{Drawing, Judged, Verdict};

pub use input::Format;
pub use level::Level;
pub use limits::Spend;

/// The options of `seedbed check`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Check {
    /// The level of consistency: linearizability, sequential, causal, …, serializable, snapshot-isolation, ….
    pub level: String,
    /// The files with histories; `-` is standard input.
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The format of the files; by default it is detected.
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The object of the operations; by default the one that the file declares, or that the functions imply.
    #[arg(long)]
    pub model: Option<String>,
    /// The initial value as JSON (any other word is a text). The number of permits for a semaphore.
    #[arg(long, value_name = "VALUE")]
    pub init: Option<String>,
    /// The meaning of a failed compare-and-set (or try).
    #[arg(long, value_enum)]
    pub failed_cas: Option<FailedCasFlag>,
    /// The meaning of a read of null.
    #[arg(long, value_enum)]
    pub null_read: Option<NullReadFlag>,
    /// Whether snapshot isolation, and all levels from causal up, include the order of each session (the axiom SESSION,
    /// as in PolySI); by default as the file declares, or not.
    #[arg(long, value_name = "YES", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub sessions: Option<bool>,
    /// Judge all levels of transactions, not only the asked one and those that are easy.
    #[arg(long)]
    pub all_levels: bool,
    /// For eventual: the time from which on every write is delivered. Sets and counters are judged without it by their
    /// last reads: those that the recorder calls final, or the last one of each process after all changes had ended.
    #[arg(long, value_name = "T")]
    pub quiet: Option<u64>,
    /// For staleness: a read may return one of the last K writes.
    #[arg(long, value_name = "K", value_parser = counts::writes())]
    pub stale_writes: Option<usize>,
    /// For staleness: a read may be stale by at most this time.
    #[arg(long, value_name = "T")]
    pub stale_time: Option<u64>,
    #[command(flatten)]
    /// Beyond the limits a verdict is unknown.
    pub spend: Spend,
    /// Draw the counterexample in this form, instead of the report.
    #[arg(long = "as", value_enum)]
    pub form: Option<Form>,
    /// The file for the drawing; further drawings get numbers.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Print a JSON line for each history.
    #[arg(long)]
    pub json: bool,
}

const HELP: &str = "\
Levels of operations: linearizability, sequential, causal, causal-convergence, causal-memory, pram, sessions,
read-your-writes, monotonic-reads, monotonic-writes, writes-follow-reads, regular, safe, staleness, eventual.
Promises of workloads: constant-total (bank), unique-ids, kafka.
Levels of transactions (the asked one is judged, and those that are easy): read-uncommitted, read-committed,
strong-session-read-committed, cursor-stability, monotonic-atomic-view, read-atomic, update-atomic, causal,
consistent-view, prefix, snapshot-isolation, repeatable-read, serializable, strong-session-snapshot-isolation,
strong-snapshot-isolation, strong-session-serializable, strict-serializable.

Exit codes: 0 all histories keep the level; 1 one does not, or not as its file expects; 2 the call is wrong, or a
history makes no sense; 3 none violates the level, but one is undecided.";

/// The forms of a drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// Plain text.
    Text,
    /// Mermaid.
    Mermaid,
    /// Graphviz DOT.
    Dot,
}

/// [`FailedCas`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FailedCasFlag {
    /// It never happened (knossos).
    Nothing,
    /// It saw another value (porcupine).
    Definite,
}

/// [`NullRead`] on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum NullReadFlag {
    /// It says nothing (knossos).
    Nothing,
    /// Nothing was there (porcupine).
    Absent,
}

/// The command line's options on how to judge.
#[derive(Clone, Debug)]
pub struct How {
    model: Option<Model>,
    init: Option<Value>,
    failed_cas: Option<FailedCas>,
    null_read: Option<NullRead>,
    sessions: Option<bool>,
    all_levels: bool,
    quiet: Option<u64>,
    stale_writes: Option<usize>,
    stale_time: Option<u64>,
    spend: Spend,
}

/// A judgement, with the reading of the history.
#[derive(Clone, Debug)]
pub struct Said {
    judged: Judged,
    model: Option<Model>,
    sessions: Option<bool>,
}

/// Judges all histories of all files.
///
/// # Errors
/// If the options are inconsistent, or a file cannot be read. Invalid histories are reported on standard error, with
/// their lines, and the others are judged.
pub fn check(call: &Check) -> anyhow::Result<Ended> {
    let level: Level = call.level.parse().map_err(anyhow::Error::msg)?;
    let how = how(call)?;
    let mut tally = Tally::default();
    for file in &call.files {
        let text = input::read(file)?;
        let histories = input::histories(&text, call.format);
        let is_only = histories.len() == 1;
        let spinner = spinner(&format!("judging {}", input::name(file)));
        for recorded in histories {
            let watch = Stopwatch::start();
            let said = recorded.and_then(|recorded| {
                // What a file expects of other levels has to be judged too.
                let how = How { all_levels: how.all_levels || recorded.expect.is_some(), ..how.clone() };
                let note = |words: &str| {
                    let place = format!("{}:{}", input::name(file), recorded.line);
                    spinner.suspend(|| tell!("note: {}: {words}", escape::line(&place)));
                };
                how.spend.begin();
                let said = judges::judge(&recorded, &level, &how, &note)?;
                Ok((recorded, said))
            });
            match said {
                Ok((recorded, said)) => {
                    let report = Report { file, is_only, recorded: &recorded, said: &said, seconds: watch.seconds() };
                    tally.count(&said.judged, &report.differences(&level));
                    spinner.suspend(|| report.print(call, &level, &mut tally))?;
                }
                Err(error) => {
                    let place = format!("{}:{}", input::name(file), error.line);
                    let what = escape::line(&format!("{place}: {}", error.what)).into_owned();
                    spinner.suspend(|| tell!("{}: {what}", program::name()));
                    tally.refused += 1;
                }
            }
        }
        spinner.finish_and_clear();
    }
    if !call.json && call.form.is_none() {
        tally.sum_up(&level);
    }
    Ok(tally.ended())
}

fn how(call: &Check) -> anyhow::Result<How> {
    let model = call.model.as_deref().map(str::parse).transpose()?;
    if let Some(init) = &call.init {
        whole_numbers(init).map_err(|what| anyhow::anyhow!("--init: {what}"))?;
    }
    let init =
        call.init.as_ref().map(|text| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone())));
    if call.spend.seconds.is_some_and(|seconds| seconds.is_nan() || seconds <= 0.0) {
        bail!("--seconds must be more than 0");
    }
    if call.out.is_some() && call.form.is_none() {
        bail!("--out says where to draw; say in which form, with --as text, mermaid or dot");
    }
    Ok(How {
        model,
        init,
        failed_cas: call.failed_cas.map(|flag| match flag {
            FailedCasFlag::Nothing => FailedCas::Nothing,
            FailedCasFlag::Definite => FailedCas::Definite,
        }),
        null_read: call.null_read.map(|flag| match flag {
            NullReadFlag::Nothing => NullRead::Nothing,
            NullReadFlag::Absent => NullRead::Absent,
        }),
        sessions: call.sessions,
        all_levels: call.all_levels,
        quiet: call.quiet,
        stale_writes: call.stale_writes,
        stale_time: call.stale_time,
        spend: call.spend,
    })
}

/// The numbers of histories by verdict.
#[derive(Clone, Debug, Default)]
struct Tally {
    ok: usize,
    violations: usize,
    unknown: usize,
    refused: usize,
    unexpected: usize,
    drawn: usize,
}

impl Tally {
    fn count(&mut self, judged: &Judged, differences: &[String]) {
        match judged.verdict {
            Verdict::Ok => self.ok += 1,
            Verdict::Violation => self.violations += 1,
            Verdict::Unknown => self.unknown += 1,
        }
        self.unexpected += usize::from(!differences.is_empty());
    }

    fn ended(&self) -> Ended {
        match self {
            Tally { refused: 1.., .. } => Ended::Refused,
            Tally { violations: 1.., .. } | Tally { unexpected: 1.., .. } => Ended::Violated,
            Tally { unknown: 1.., .. } => Ended::Undecided,
            _ => Ended::Held,
        }
    }

    fn sum_up(&self, level: &Level) {
        let all = self.ok + self.violations + self.unknown + self.refused;
        if all < 2 {
            return;
        }
        let counts = [
            (self.ok, "ok"),
            (self.violations, "violations"),
            (self.unknown, "undecided"),
            (self.refused, "refused as malformed"),
            (self.unexpected, "not as expected"),
        ];
        let counts: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        say!("{all} histories, {}: {}", level.name, counts.join(", "));
    }
}

/// A judged history, to be printed.
struct Report<'a> {
    file: &'a Path,
    /// Whether it is the only one of its file.
    is_only: bool,
    recorded: &'a Recorded,
    said: &'a Said,
    seconds: f64,
}

impl Report<'_> {
    fn differences(&self, level: &Level) -> Vec<String> {
        let expect = self.recorded.expect.as_ref();
        expect.map_or(Vec::new(), |expect| expect::differences(expect, &self.said.judged, level.name))
    }

    fn print(&self, call: &Check, level: &Level, tally: &mut Tally) -> anyhow::Result<()> {
        if call.json {
            print_json(&self.json(call, level));
        }
        match (call.form, &call.out) {
            (None, _) if !call.json => self.report(level),
            (Some(form), Some(out)) => {
                for drawing in &self.said.judged.drawings {
                    let to = input::numbered(out, tally.drawn);
                    let inputs: Vec<&Path> = call.files.iter().map(PathBuf::as_path).collect();
                    files::write(&to, drawn(drawing, form), &inputs)?;
                    tally.drawn += 1;
                }
            }
            (Some(form), None) if !call.json => {
                for drawing in &self.said.judged.drawings {
                    let gap = if tally.drawn > 0 { "\n" } else { "" };
                    say_all!("{gap}{}\n", drawn(drawing, form).trim_end());
                    tally.drawn += 1;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Prints the report.
    fn report(&self, level: &Level) {
        let Said { judged, model, .. } = self.said;
        let id = self.recorded.id.as_deref().map_or(String::new(), |id| format!(" {id}"));
        let place = format!("{}:{}", input::name(self.file), self.recorded.line);
        let what = match (judged.verdict, judged.operations, model) {
            (_, count, Some(model)) => format!("{count} operations on a {model}"),
            (_, count, None) => format!("{count} transactions"),
        };
        let word = match judged.verdict {
            Verdict::Ok => "ok",
            Verdict::Violation => "VIOLATION",
            Verdict::Unknown => "unknown",
        };
        let place = escape::line(&format!("{place}{id}")).into_owned();
        say!("{place}: {word}, {} ({what}, {:.1} ms)", level.name, 1e3 * self.seconds);
        let several = judged.violates.len() + judged.holds.len() + judged.unknown.len() > 1;
        for (word, names) in [("violates", &judged.violates), ("holds", &judged.holds), ("unknown", &judged.unknown)] {
            if several && !names.is_empty() && judged.verdict != Verdict::Ok {
                say!("  {word}: {}", names.join(" "));
            }
        }
        for line in judged.explanation.lines() {
            say!("  {}", escape::line(line));
        }
        for difference in self.differences(level) {
            say!("  NOT AS EXPECTED: {}", escape::line(&difference));
        }
    }

    /// The JSON line.
    fn json(&self, call: &Check, level: &Level) -> Value {
        let Said { judged, model, sessions } = self.said;
        let stem = || self.file.file_stem().map_or("-".into(), |stem| stem.to_string_lossy().into_owned());
        let id = self.recorded.id.clone().or_else(|| self.is_only.then(stem));
        let differences = self.differences(level);
        let as_expected = self.recorded.expect.as_ref().map(|_| differences.is_empty());
        let drawings: Option<Vec<String>> =
            call.form.map(|form| judged.drawings.iter().map(|drawing| drawn(drawing, form).to_string()).collect());
        json!({
            "id": id,
            "file": input::name(self.file),
            "line": self.recorded.line,
            "level": level.name,
            "model": model.map(Model::name),
            "sessions": sessions,
            "verdict": judged.verdict.word(),
            "violates": judged.violates,
            "holds": judged.holds,
            "unknown": judged.unknown,
            "anomalies": judged.anomalies,
            "operations": judged.operations,
            "seconds": self.seconds,
            "explanation": judged.explanation,
            "counterexample": judged.counterexample,
            "statistics": judged.statistics,
            "as_expected": as_expected,
            "differences": differences,
            "drawings": drawings,
        })
    }
}

fn drawn(drawing: &Drawing, form: Form) -> &str {
    match form {
        Form::Text => &drawing.text,
        Form::Mermaid => &drawing.mermaid,
        Form::Dot => &drawing.dot,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_all_levels() {
        for name in Level::names() {
            assert!(HELP.contains(name), "{name} is missing");
        }
    }
}
