//! Isolation of transactions: the levels that a history satisfies, and its anomalies with explanations.
//!
//! ```
//! use seedbed_properties::checkers::isolation::{Level, Options, check, format};
//!
//! // Write skew: each missed the other's write.
//! let history = format::read_line(
//!     r#"{"kind": "list-append", "txns": [
//!         {"p": 0, "status": "ok", "mops": [["r", "x", []], ["append", "y", 1]]},
//!         {"p": 1, "status": "ok", "mops": [["r", "y", []], ["append", "x", 1]]}]}"#,
//! ).unwrap();
//! let report = check(&history, &Options::default()).unwrap();
//! assert_eq!(report.keeps(Level::SnapshotIsolation), Some(true));
//! assert_eq!(report.keeps(Level::Serializable), Some(false));
//! assert!(report.has("G2-item"));
//! ```
//!
//! A history satisfies a level if some order of each key's versions, in agreement with the reads, has none of the
//! cycles that the level forbids ([`Level`]). For lists the reads show nearly the whole order (Elle); for registers it
//! is searched for (after Cobra and PolySI), so anomalies that inference alone would miss are found.
//!
//! There are no predicates, so phantoms are not found. The search has a limit, beyond which a level is undecided.

mod anomalies;
mod budget;
mod conditions;
mod construct;
pub mod draw;
mod explain;
mod facts;
mod forced;
pub mod format;
mod graph;
mod history;
mod levels;
mod list_append;
mod model;
mod report;
mod rw_register;
mod saturate;
mod schedule;
mod sessions;
mod solve;

pub use crate::checkers::linearizability::Stop;
pub use graph::Dependency;
pub(crate) use history::visible;
pub use history::{History, Kind, Malformed, Mop, Name, Seen, Status, Transaction};
pub use levels::Level;
pub use report::{Anomaly, Because, Refusal, Report};

use budget::Budget;
use facts::{Facts, Member};
use forced::{Known, is_polynomial};
use model::{Choices, Step};
use solve::{Decision, Search};

/// The most choices: they are numbered in 31 bits, and more could not be searched.
const MOST_CHOICES: u64 = 1 << 26;

/// Options of a check.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether the order of each session is part of causal and of all levels above it, as in Cerone and Gotsman 2018 (axiom
    /// SESSION), Biswas and Enea 2019, and PolySI. Otherwise, as in Adya, Cerone et al. 2015 and Elle, only of the levels
    /// that say so in their name.
    pub sessions: bool,
    /// The most edges of dependency graphs that the search for a version order visits. A second is some 20 to 50 million.
    pub limit: u64,
    /// The levels that are judged.
    pub levels: Levels,
    /// Whether all levels are decided by the search, also those for which there is a polynomial algorithm.
    pub search_only: bool,
    /// The bytes that tables may take.
    pub bytes: u64,
    /// Asked now and then whether to give up, by who has limits in seconds.
    pub stop: Option<Stop>,
}

/// The levels that are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Levels {
    /// All.
    All,
    /// This one, and those that are decided in polynomial time, unless they are stronger. Of the others only what follows.
    Asked(Level),
}

impl Levels {
    fn include(self, level: Level) -> bool {
        match self {
            Levels::All => true,
            Levels::Asked(asked) => {
                level == asked || (is_polynomial(level) && (asked.implies(level) || !is_polynomial(asked)))
            }
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            sessions: false,
            limit: 1_000_000_000,
            levels: Levels::All,
            search_only: false,
            bytes: 1 << 30,
            stop: None,
        }
    }
}

/// Judges a history.
pub fn check(history: &History, options: &Options) -> Result<Report, Malformed> {
    check_and_tell(history, options, &mut |_| {})
}

/// The same, and tells what is known of the easy levels before a long search for the others begins.
pub fn check_and_tell(
    history: &History,
    options: &Options,
    tell: &mut dyn FnMut(&Report),
) -> Result<Report, Malformed> {
    let facts = match history.kind {
        Kind::ListAppend => list_append::infer(history)?,
        Kind::RwRegister => rw_register::infer(history)?,
    };
    let (more, nodes) = sessions::orders(history, &facts)?;
    let mut report = Report {
        violates: Vec::new(),
        holds: Vec::new(),
        unknown: Vec::new(),
        anomalies: Vec::new(),
        refusals: Vec::new(),
    };
    problems(&facts, &mut report);
    let refused = levels(&facts, (&more, nodes), options, &mut report, tell);
    name(history, &facts, (&more, nodes), refused, &mut report);
    Ok(report)
}

/// Adds the anomalies of every version order, one of each kind.
fn problems(facts: &Facts, report: &mut Report) {
    for problem in &facts.problems {
        for &level in Level::ALL {
            if problem.refuses.iter().any(|&weakest| level.implies(weakest)) && !report.violates.contains(&level) {
                report.violates.push(level);
            }
        }
        if !report.has(problem.name) {
            report.anomalies.push(Anomaly {
                name: problem.name.into(),
                transactions: problem.transactions.clone(),
                cycle: Vec::new(),
                words: problem.words.clone(),
            });
        }
    }
}

/// A level that the search refused, and cycles of which each version order has one.
type Refused = (Level, Vec<Vec<Step>>);

/// Decides the levels, and returns the weakest refused ones.
fn levels(
    facts: &Facts,
    (more, nodes): (&[graph::Edge], u32),
    options: &Options,
    report: &mut Report,
    tell: &mut dyn FnMut(&Report),
) -> Vec<Refused> {
    let choices = Choices::of(facts);
    let mut refused = Vec::new();
    let wanted: Vec<Level> = Level::ALL.iter().copied().filter(|&level| options.levels.include(level)).collect();
    let mut reads_of = vec![0u32; facts.members.len() + 1];
    for read in &facts.reads {
        reads_of[read.member as usize + 1] += 1;
    }
    for member in 0..facts.members.len() {
        reads_of[member + 1] += reads_of[member];
    }
    let is_easy = |level: Level| is_polynomial(level) && !options.search_only;
    let is_hard = wanted.iter().any(|&level| !is_easy(level));
    let mut budget = Budget { edges: options.limit, bytes: options.bytes, stop: options.stop };
    let mut search = (is_hard && choices.count <= MOST_CHOICES)
        .then(|| Search::new(facts, &choices, &reads_of, (more, nodes), (options.sessions, budget)));
    // In the common case the strongest level holds, which decides all levels.
    if report.violates.is_empty()
        && let Some(search) = &mut search
        && search.holds_now(Level::StrictSerializable)
    {
        report.holds = Level::ALL.to_vec();
        return refused;
    }
    let known = Known { facts, choices: &choices, reads_of: &reads_of, more, nodes, sessions: options.sessions };
    for &level in wanted.iter().filter(|level| is_easy(**level)) {
        if !report.violates.contains(&level) {
            report.decided(level, forced::decide(level, &known, &mut budget), &mut refused);
        }
    }
    report.follow();
    if wanted.iter().any(|&level| report.keeps(level).is_none()) {
        tell(report);
    }
    for &level in wanted.iter().filter(|level| !is_easy(**level)) {
        if !report.violates.contains(&level) {
            let decision = search.as_mut().map_or(Decision::Unknown, |search| search.decide(level));
            report.decided(level, decision, &mut refused);
        }
    }
    report.follow();
    refused
}

impl Report {
    fn decided(&mut self, level: Level, decision: Decision, refused: &mut Vec<Refused>) {
        match decision {
            Decision::Holds => self.holds.push(level),
            Decision::Unknown => self.unknown.push(level),
            Decision::Violated(cycles) => {
                self.violates.extend(Level::ALL.iter().filter(|stronger| stronger.implies(level)));
                refused.push((level, cycles));
            }
        }
    }

    /// Adds what follows: a history that satisfies a level satisfies the weaker ones, also those that the search gave up
    /// on.
    fn follow(&mut self) {
        let holds = self.holds.clone();
        let weaker = |level: &&Level| holds.iter().any(|stronger| stronger.implies(**level));
        self.holds.extend(Level::ALL.iter().filter(weaker));
        for levels in [&mut self.violates, &mut self.holds] {
            levels.sort_unstable();
            levels.dedup();
        }
        let (holds, violates) = (&self.holds, &self.violates);
        self.unknown.retain(|level| !holds.contains(level) && !violates.contains(level));
    }
}

/// Names the anomalies and explains the refusals.
fn name(
    history: &History,
    facts: &Facts,
    (more, nodes): (&[graph::Edge], u32),
    refused: Vec<Refused>,
    report: &mut Report,
) {
    report.violates.sort_unstable();
    if report.violates.is_empty() {
        return;
    }
    if report.violates.contains(&Level::CursorStability)
        && let Some((key, members)) = anomalies::lost_updates(facts)
    {
        let transactions: Vec<usize> = members.iter().map(|&m: &Member| facts.members[m as usize] as usize).collect();
        let (a, b, key) = (transactions[0], transactions[1], &facts.keys[key as usize]);
        let words = format!(
            "T{a} and T{b} both wrote to {key}, and one of them overwrote what the other wrote without having read it"
        );
        report.anomalies.push(Anomaly { name: "lost-update".into(), transactions, cycle: Vec::new(), words });
    }
    let graph = anomalies::certain(facts, more, nodes);
    for (name, steps) in anomalies::cycles(&graph) {
        if name == "G1c" && steps.iter().all(|step| step.why == Dependency::Wr && step.key == steps[0].key) {
            report.anomalies.push(explain::cycle(history, facts, "cyclic-versions".into(), &steps));
        }
        report.anomalies.push(explain::cycle(history, facts, name, &steps));
    }
    for (level, cycles) in refused {
        let explained: Vec<Anomaly> =
            cycles.iter().map(|steps| explain::cycle(history, facts, anomalies::classify(steps), steps)).collect();
        for anomaly in &explained {
            if !report.has(&anomaly.name) {
                report.anomalies.push(anomaly.clone());
            }
        }
        if explained.iter().any(Anomaly::assumed) {
            report.refusals.push(Refusal { level, cycles: explained });
        }
    }
}
