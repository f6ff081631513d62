//! `seedbed run MODEL --litmus PROGRAM`: the outcomes of a litmus program over many worlds, and the allowed ones.

use anyhow::bail;
use seedbed_sim::Observation;
use serde_json::json;

use crate::commands::Ended;
use crate::commands::sweep::parse_seeds;
use crate::component::{Options, Prepared};
use crate::report::print_json;
use crate::say;

/// The seeds to run: one world, or, for a litmus program, many.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seeds<'a> {
    /// A single seed.
    pub one: Option<u64>,
    /// A range of seeds, as A..B.
    pub many: Option<&'a str>,
}

/// The default limit of seeds: the rarest outcomes occur in one of a few thousand worlds.
const MOST_SEEDS: u64 = 60_000;

/// Runs the litmus program of the options, if they name one.
///
/// # Errors
/// If the options do not fit the model, or many seeds are given and there is no program.
pub fn litmus(
    prepared: &Prepared,
    options: &Options,
    seeds: Seeds<'_>,
    as_json: bool,
) -> anyhow::Result<Option<Ended>> {
    // A single seed is run as an ordinary world.
    if seeds.one.is_some() {
        return Ok(None);
    }
    let (range, until_all) = match seeds.many {
        Some(many) => (parse_seeds(many)?, false),
        None => (0..MOST_SEEDS, true),
    };
    let Some(seen) = prepared.observe(range, until_all) else {
        match seeds.many {
            Some(_) => bail!("--seeds goes with --litmus; for many worlds there is sweep"),
            None => return Ok(None),
        }
    };
    if as_json {
        print_json(&json(prepared.campaign().system.info().name, options, &seen));
    } else {
        print(&seen);
    }
    Ok(Some(if seen.exact { Ended::Held } else { Ended::Violated }))
}

fn json(model: &str, options: &Options, seen: &Observation) -> serde_json::Value {
    let beyond: Vec<_> = seen.observed.keys().filter(|outcome| !seen.allowed.contains(*outcome)).collect();
    let missing: Vec<_> = seen.allowed.iter().filter(|outcome| !seen.observed.contains_key(*outcome)).collect();
    let settings = options.settings.iter().map(|(name, value)| (name.clone(), json!(value)));
    json!({
        "model": model,
        "settings": settings.collect::<serde_json::Map<_, _>>(),
        "litmus": seen.name,
        "program": seen.text,
        "memory": seen.rule,
        "runs": seen.runs,
        "observed": seen.observed.keys().collect::<Vec<_>>(),
        "counts": seen.observed,
        "allowed": seen.allowed,
        "beyond": beyond,
        "missing": missing,
        "equal": beyond.is_empty() && missing.is_empty(),
        "verdict": if seen.exact { "held" } else { "violated" },
        "violation": seen.violation.as_ref().map(|(seed, violation)| json!({
            "seed": seed, "property": violation.property, "message": violation.message,
        })),
    })
}

fn print(seen: &Observation) {
    say!("{}: {}", seen.name, seen.text);
    for (outcome, count) in &seen.observed {
        let mark = if seen.allowed.contains(outcome) { " " } else { "!" };
        say!("  {mark} {outcome:<32} {count:>7}");
    }
    say!("{} worlds; {}: {}", seen.runs, seen.rule, seen.comparison);
    if let Some((seed, violation)) = &seen.violation {
        say!("{violation}\n  (seed {seed})");
    }
}
