//! The consistency models on reads and writes.

use seedbed_properties::checkers::consistency::{Anomaly, Outcome, causal, eventual, pram, registers, session};
use seedbed_properties::formats::accesses::{Accesses, accesses};
use seedbed_properties::formats::{LineError, Operations, Reading};

use super::chain::Chain;
use crate::commands::check::How;
use crate::commands::check::judged::{Drawing, Judged, Result, Verdict};
use crate::commands::check::level::Weak;

/// The number of relations on all events that exist at once.
const RELATIONS: u64 = 5;
/// The approximate number of words of a relation that are joined per second.
const WORDS_A_SECOND: f64 = 1e9;

pub fn judge(operations: &Operations, reading: &Reading, level: &'static str, weak: Weak, how: &How) -> Result {
    let accesses = accesses(operations, reading)?;
    if let Some(why) = too_much(&accesses, weak, how) {
        return Ok(Judged::unknown(level, accesses.events.len(), why));
    }
    // These models depend only on values, so the initial one may be written again.
    let accesses = if let Weak::Regular | Weak::Safe = weak { accesses.with_initial_writes() } else { accesses };
    let count = accesses.places.len();
    let judged = judgement(operations, &accesses, level, outcome(&accesses, weak));
    Ok(Judged { operations: count, ..judged })
}

fn outcome(accesses: &Accesses, weak: Weak) -> Outcome {
    let events = accesses.events.as_slice();
    match weak {
        Weak::Regular => return registers::regular(events),
        Weak::Safe => return registers::safe(events),
        _ => {}
    }
    if let Some(key) = &accesses.ambiguous {
        let initial = &accesses.initial;
        return Outcome::Unknown(format!(
            "{key} is {initial:?} at first, and {initial:?} was written to it too: a read of it may be of either; let \
             writes be unique, or say --init"
        ));
    }
    match weak {
        Weak::Causal => causal::causal(events),
        Weak::CausalConvergence => causal::causal_convergence(events),
        Weak::CausalMemory => causal::causal_memory(events),
        Weak::Pram => pram::pram(events),
        Weak::ReadYourWrites => session::read_your_writes(events),
        Weak::MonotonicReads => session::monotonic_reads(events),
        Weak::MonotonicWrites => session::monotonic_writes(events),
        Weak::WritesFollowReads => session::writes_follow_reads(events),
        Weak::Regular | Weak::Safe => unreachable!("judged above"),
    }
}

/// The algorithms are polynomial, but of a high degree: returns why one is not started, if it would take too much.
fn too_much(accesses: &Accesses, weak: Weak, how: &How) -> Option<String> {
    if let Weak::Regular | Weak::Safe = weak {
        return None;
    }
    let count = accesses.events.len() as u64;
    let bytes = RELATIONS * count * count / 8;
    if bytes > how.spend.bytes() {
        let megabytes = bytes / 1_000_000;
        return Some(format!(
            "undecided: {count} operations need about {megabytes} MB; allow them with --memory {megabytes}"
        ));
    }
    let rounds = match weak {
        Weak::CausalMemory | Weak::Pram => {
            1 + accesses.events.iter().map(|event| event.session).max().unwrap_or(0).min(64)
        }
        _ => 1,
    };
    let seconds = (count as f64).powi(3) / 64.0 * rounds as f64 / WORDS_A_SECOND;
    let limit = how.spend.seconds?;
    (seconds > limit).then(|| {
        format!("undecided: {count} operations would take about {seconds:.0} s; allow them with --seconds {seconds:.0}")
    })
}

fn judgement(operations: &Operations, accesses: &Accesses, level: &'static str, outcome: Outcome) -> Judged {
    let count = accesses.events.len();
    match outcome {
        Outcome::Holds => Judged::new(level, Verdict::Ok, count),
        Outcome::Unknown(why) => Judged::unknown(level, count, why),
        Outcome::Violation(anomaly) => {
            let judged = Judged::new(level, Verdict::Violation, count);
            explain(judged, operations, accesses, &anomaly)
        }
    }
}

fn explain(judged: Judged, operations: &Operations, accesses: &Accesses, anomaly: &Anomaly) -> Judged {
    let chain = Chain::new(anomaly, &accesses.events, operations, &accesses.places);
    Judged {
        anomalies: vec![anomaly.pattern.into()],
        explanation: chain.text(),
        counterexample: chain.json(),
        drawings: vec![chain.drawing()],
        ..judged
    }
}

/// All four session guarantees, separately and together.
pub fn sessions(operations: &Operations, reading: &Reading, level: &'static str, how: &How) -> Result {
    let accesses = accesses(operations, reading)?;
    let count = accesses.events.len();
    if let Some(why) = too_much(&accesses, Weak::Causal, how) {
        return Ok(Judged::unknown(level, count, why));
    }
    let guarantees = [
        ("read-your-writes", Weak::ReadYourWrites),
        ("monotonic-reads", Weak::MonotonicReads),
        ("monotonic-writes", Weak::MonotonicWrites),
        ("writes-follow-reads", Weak::WritesFollowReads),
    ];
    let mut all = Judged::new(level, Verdict::Ok, count);
    all.holds.clear();
    let mut judged = guarantees.map(|(name, weak)| (name, outcome(&accesses, weak))).to_vec();
    if judged.iter().all(|(_, outcome)| outcome.holds()) {
        let together = session::Guarantees {
            read_your_writes: true,
            monotonic_reads: true,
            monotonic_writes: true,
            writes_follow_reads: true,
        };
        judged.push((level, session::guarantees(&accesses.events, together)));
    }
    // Several guarantees may be violated for the same reason.
    let mut texts: Vec<(Vec<&str>, String)> = Vec::new();
    for (name, outcome) in judged {
        let one = judgement(operations, &accesses, name, outcome);
        if one.verdict != Verdict::Ok {
            let name = if name == level { "all four at once" } else { name };
            match texts.iter_mut().find(|(_, text)| *text == one.explanation) {
                Some((names, _)) => names.push(name),
                None => texts.push((vec![name], one.explanation)),
            }
        }
        if all.verdict != Verdict::Violation && one.verdict != Verdict::Ok {
            all.verdict = one.verdict;
            all.counterexample = one.counterexample;
        }
        all.violates.extend(one.violates);
        all.holds.extend(one.holds);
        all.unknown.extend(one.unknown);
        all.anomalies.extend(one.anomalies);
        let new = |drawing: &Drawing| all.drawings.iter().all(|other| other.text != drawing.text);
        let drawings: Vec<Drawing> = one.drawings.into_iter().filter(new).collect();
        all.drawings.extend(drawings);
    }
    let texts = texts.into_iter().map(|(names, text)| format!("{}: {text}", names.join(", ")));
    all.explanation = texts.collect::<Vec<_>>().join("\n");
    Ok(all)
}

/// Agreement after an instant.
pub fn eventual(operations: &Operations, reading: &Reading, level: &'static str, how: &How) -> Result {
    let Some(quiet) = how.quiet else {
        let line = operations.calls.first().map_or(1, |call| call.place.line);
        let what = format!(
            "eventual consistency asks what is read once all is delivered: say from when on with --quiet T, in {}",
            operations.unit
        );
        return Err(LineError { line, what });
    };
    let accesses = accesses(operations, reading)?;
    if let Some(key) = &accesses.ambiguous {
        let why = format!("{key} was written its initial value: a read of it may be of either; let writes be unique");
        return Ok(Judged::unknown(level, accesses.events.len(), why));
    }
    Ok(judgement(operations, &accesses, level, eventual::eventual(&accesses.events, quiet)))
}
