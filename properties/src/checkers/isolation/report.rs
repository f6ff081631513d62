//! The report of the checker.

use std::fmt;

use super::{
    graph::Dependency,
    history::{Name, Seen},
    levels::Level,
};

/// An edge of a cycle, with its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// The index of the earlier transaction in the history.
    pub from: usize,
    /// The index of the later transaction.
    pub to: usize,
    /// The kind of dependency.
    pub why: Dependency,
    /// The key; `None` for sessions and real time.
    pub key: Option<Name>,
    /// Whether it holds only in some version orders: those in which the second's version follows the one that the first
    /// wrote or read.
    pub assumed: bool,
    /// The reason in words.
    pub words: String,
}

/// An anomaly, by its name in Elle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Such as `G-single` or `lost-update`.
    pub name: String,
    /// The transactions, by index in the history.
    pub transactions: Vec<usize>,
    /// Its cycle, if it has one: each edge leads to the beginning of the next, and the last to that of the first.
    pub cycle: Vec<Because>,
    /// An explanation in words.
    pub words: String,
}

impl Anomaly {
    /// Whether it occurs only in some version orders, while the others have other anomalies.
    pub fn assumed(&self) -> bool {
        self.cycle.iter().any(|edge| edge.assumed)
    }
}

/// Why a level is refused without a certain cycle: every version order has one of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The refused level.
    pub level: Level,
    /// Cycles of which every version order has one.
    pub cycles: Vec<Anomaly>,
}

/// The verdicts on a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The violated levels.
    pub violates: Vec<Level>,
    /// The satisfied levels.
    pub holds: Vec<Level>,
    /// The levels that could not be decided within the limit.
    pub unknown: Vec<Level>,
    /// The anomalies: of each kind one of the shortest.
    pub anomalies: Vec<Anomaly>,
    /// The weakest levels that only the search over version orders could refuse, with the reasons.
    pub refusals: Vec<Refusal>,
}

impl Report {
    /// Whether the history satisfies the level; `None` if that is unknown.
    pub fn keeps(&self, level: Level) -> Option<bool> {
        if self.holds.contains(&level) { Some(true) } else { self.violates.contains(&level).then_some(false) }
    }

    /// Whether an anomaly of this name was found.
    pub fn has(&self, name: &str) -> bool {
        self.anomalies.iter().any(|anomaly| anomaly.name == name)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |levels: &[Level]| levels.iter().map(|level| level.name()).collect::<Vec<_>>().join(" ");
        for (word, levels) in [("violates", &self.violates), ("keeps", &self.holds), ("undecided", &self.unknown)] {
            if !levels.is_empty() {
                writeln!(f, "{word}: {}", names(levels))?;
            }
        }
        for anomaly in &self.anomalies {
            write!(f, "{anomaly}")?;
        }
        for refusal in &self.refusals {
            writeln!(f, "no order of the versions keeps {}; each has one of these:", refusal.level)?;
            for cycle in &refusal.cycles {
                write!(f, "{cycle}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.name, self.words)?;
        for edge in &self.cycle {
            writeln!(f, "  T{} -> T{}: {}", edge.from, edge.to, edge.words)?;
        }
        Ok(())
    }
}

/// An anomaly without a cycle, and the weakest levels that forbid it.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub name: &'static str,
    pub transactions: Vec<usize>,
    pub words: String,
    pub refuses: &'static [Level],
}

/// Anomalies that every level forbids, because the values are no versions.
const ALWAYS: &[Level] = &[Level::ReadUncommitted];
/// Anomalies that G1 covers (Adya 4.2.2).
const COMMITTED: &[Level] = &[Level::ReadCommitted];
/// INT (Cerone et al. 2015) is part of read atomic. Adya (section 4.1) asks it of every history, so the levels that are
/// not below read atomic and speak of repeated reads ask it too; these are all above read atomic here.
const INTERNAL: &[Level] = &[Level::ReadAtomic];

impl Problem {
    fn new(name: &'static str, transactions: Vec<usize>, refuses: &'static [Level], words: String) -> Problem {
        Problem { name, transactions, words, refuses }
    }

    pub fn garbage(t: usize, key: &Name, value: &Name) -> Problem {
        Problem::new("garbage-read", vec![t], ALWAYS, format!("T{t} read {value} from {key}, which nobody wrote"))
    }

    pub fn two_initial(first: usize, t: usize, key: &Name, one: &Seen, other: &Seen) -> Problem {
        let show = |seen: &Seen| match seen {
            Seen::Value(value) => value.to_string(),
            _ => "nothing".into(),
        };
        let (one, other) = (show(one), show(other));
        let words = format!(
            "T{first} read {one} from {key} and T{t} read {other}; nobody wrote either, and only one can be initial"
        );
        Problem::new("garbage-read", vec![first, t], ALWAYS, words)
    }

    pub fn duplicate(t: usize, key: &Name, value: &Name) -> Problem {
        Problem::new("duplicate-elements", vec![t], ALWAYS, format!("T{t} read {value} in {key} more than once"))
    }

    pub fn incompatible(t: usize, other: usize, key: &Name) -> Problem {
        let words = format!("T{t} and T{other} read versions of {key} of which neither begins with the other");
        Problem::new("incompatible-order", vec![t, other], COMMITTED, words)
    }

    pub fn out_of_order(t: usize, writer: usize, key: &Name, value: &Name, missed: &Name) -> Problem {
        let words = format!("T{t} read {value} from {key} without {missed} before it, which T{writer} appended first");
        Problem::new("incompatible-order", vec![t, writer], COMMITTED, words)
    }

    pub fn dirty_update(fail: usize, writer: usize, key: &Name, lost: &Name, value: &Name) -> Problem {
        let words = format!("T{fail} aborted, but T{writer} wrote {value} to {key} on top of its {lost}");
        Problem::new("dirty-update", vec![fail, writer], COMMITTED, words)
    }

    pub fn g1a(writer: usize, t: usize, key: &Name, value: &Name) -> Problem {
        let words = format!("T{t} read {value} from {key}, which T{writer} wrote and aborted");
        Problem::new("G1a", vec![writer, t], COMMITTED, words)
    }

    pub fn g1b(writer: usize, t: usize, key: &Name, value: &Name) -> Problem {
        let words = format!("T{t} read {value} from {key}, which T{writer} wrote but did not leave there");
        Problem::new("G1b", vec![writer, t], COMMITTED, words)
    }

    pub fn future_read(t: usize, key: &Name, value: &Name) -> Problem {
        Problem::new(
            "future-read",
            vec![t],
            COMMITTED,
            format!("T{t} read {value} from {key} before it wrote it itself"),
        )
    }

    pub fn internal(t: usize, key: &Name, mop: usize) -> Problem {
        let words = format!("T{t}, operation {mop}, read from {key} what is not its own last read or write of it");
        Problem::new("internal", vec![t], INTERNAL, words)
    }
}
