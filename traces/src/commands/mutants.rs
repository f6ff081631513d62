//! `seedbed mutants`: the kill matrix. For each planted bug: is it caught, by the property that should catch it, and
//! after how many seeds?

use crate::say;
use std::collections::BTreeMap;

use comfy_table::{Table, presets};
use seedbed_sim::Bug;
use serde_json::{Value, json};

use crate::commands::Ended;
use crate::commands::progress::{bar, interrupted, mind_ctrl_c};
use crate::component::{Component, Options};
use crate::registry;
use crate::report::print_json;

/// How hard each bug is hunted.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// How many hunts a bug; the median and the longest are reported.
    pub attempts: u64,
    /// How many seeds a hunt has.
    pub seeds: u64,
}

impl Default for Effort {
    fn default() -> Self {
        Effort { attempts: 5, seeds: 20_000 }
    }
}

/// How the hunts for one bug ended.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The bug.
    pub bug: Bug,
    /// Whether every hunt ended with the property that should catch it.
    pub killed: bool,
    /// The properties that were violated first in any seed, with how often.
    pub killed_by: Vec<(String, u64)>,
    /// For each hunt that succeeded, how many seeds it took; ascending.
    pub seeds: Vec<u64>,
}

/// Hunts every bug of the models and prints the matrix.
///
/// # Errors
/// If there is no such model.
pub fn mutants(models: &[String], effort: Effort, as_json: bool) -> anyhow::Result<Ended> {
    let components: Vec<_> = match models {
        [] => registry::all(),
        models => models.iter().map(|model| registry::find(model)).collect::<Result<_, _>>()?,
    };
    mind_ctrl_c();
    let mut all_killed = true;
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["model", "bug", "", "by", "seeds (median)", "(most)"]);
    for component in components {
        let name = component.info().name;
        for bug in component.info().bugs {
            let kill = hunt(&*component, *bug, effort)?;
            all_killed &= kill.killed;
            match as_json {
                true => print_json(&json(name, &kill, effort)),
                false => drop(table.add_row(row(name, &kill))),
            }
            if interrupted() {
                break;
            }
        }
    }
    if !as_json {
        say!("{table}");
    }
    Ok(if all_killed { Ended::Held } else { Ended::Violated })
}

/// Hunts one bug. Each hunt has seeds of its own: hunt i begins where hunt i − 1 must have ended.
///
/// # Errors
/// If the model refuses the bug.
pub fn hunt(component: &dyn Component, bug: Bug, effort: Effort) -> anyhow::Result<Kill> {
    let options = Options { bug: Some(bug.name.to_string()), ..Options::default() };
    let progress = bar(effort.attempts, bug.name);
    let mut by: BTreeMap<String, u64> = BTreeMap::new();
    let mut seeds = Vec::new();
    for attempt in 0..effort.attempts {
        let first = attempt * effort.seeds;
        component.failing(&options, first..first + effort.seeds, &|| !interrupted(), &mut |seed, violation| {
            let found = violation.property == bug.caught_by;
            *by.entry(violation.property).or_insert(0) += 1;
            if found {
                seeds.push(seed - first + 1);
            }
            !found
        })?;
        progress.inc(1);
        if interrupted() {
            break;
        }
    }
    progress.finish_and_clear();
    seeds.sort_unstable();
    let mut killed_by: Vec<_> = by.into_iter().collect();
    killed_by.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    Ok(Kill { bug, killed: seeds.len() as u64 == effort.attempts, killed_by, seeds })
}

fn median(seeds: &[u64]) -> Option<u64> {
    seeds.get(seeds.len() / 2).copied()
}

fn json(model: &str, kill: &Kill, effort: Effort) -> Value {
    json!({
        "model": model,
        "bug": kill.bug.name,
        "expected_property": kill.bug.caught_by,
        "killed": kill.killed,
        "killed_by": if kill.seeds.is_empty() { Value::Null } else { json!(kill.bug.caught_by) },
        "first_violated": kill.killed_by.iter().map(|(name, count)| (name.clone(), json!(count))).collect::<serde_json::Map<_, _>>(),
        "seeds_median": median(&kill.seeds),
        "seeds_max": kill.seeds.last(),
        "attempts": effort.attempts,
    })
}

fn row(model: &str, kill: &Kill) -> Vec<String> {
    let number = |n: Option<u64>| n.map_or("-".into(), |n| n.to_string());
    let state = if kill.killed { "killed" } else { "SURVIVES" };
    vec![
        model.to_string(),
        kill.bug.name.to_string(),
        state.to_string(),
        kill.bug.caught_by.to_string(),
        number(median(&kill.seeds)),
        number(kill.seeds.last().copied()),
    ]
}
