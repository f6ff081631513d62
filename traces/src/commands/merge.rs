//! `seedbed merge`: joins the JSON lines of shards into one result.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use seedbed_sim::Summary;
use serde_json::{Value, json};

use crate::commands::sweep::print_summary;
use crate::commands::{Ended, read};
use crate::report::print_json;

/// Joins files of JSON lines. A shard that is there twice counts once.
///
/// # Errors
/// If a file has no summary, or the files do not belong together.
pub fn merge(files: &[PathBuf], as_json: bool) -> anyhow::Result<Ended> {
    let mut shards: BTreeMap<(String, String), Summary> = BTreeMap::new();
    let mut failures = Vec::new();
    let mut sweeps: BTreeMap<String, u64> = BTreeMap::new();
    for file in files {
        let text = read(file)?;
        let mut found = false;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let place = || format!("{}, line {}", file.display(), number + 1);
            let value: Value = serde_json::from_str(line).with_context(|| format!("{} is not JSON", place()))?;
            let Some(summary) = value.get("summary") else {
                failures.push(value);
                continue;
            };
            found = true;
            let name = |field: &str| summary.get(field).and_then(Value::as_str).unwrap_or("").to_string();
            let shard = name("shard");
            let of = shard.split_once('/').and_then(|(_, of)| of.parse().ok()).unwrap_or(1);
            let sweep = format!("{} {}", summary["models"], name("seeds"));
            if *sweeps.entry(sweep.clone()).or_insert(of) != of {
                bail!("{}: shard {shard} does not belong to the others, which were cut into another number", place());
            }
            let parsed: Summary = serde_json::from_value(summary.clone())
                .with_context(|| format!("{}: the summary is damaged", place()))?;
            shards.insert((sweep, shard), parsed);
        }
        if !found {
            bail!("{} has no summary line: the sweep that wrote it did not end", file.display());
        }
    }
    for (sweep, of) in &sweeps {
        for index in 0..*of {
            if !shards.contains_key(&(sweep.clone(), format!("{index}/{of}"))) {
                eprintln!("note: shard {index}/{of} of {sweep} is missing");
            }
        }
    }
    let summary = shards.into_values().fold(Summary::default(), Summary::merged);
    if as_json {
        failures.sort_by_key(|line| (line["model"].to_string(), line["seed"].as_u64()));
        failures.dedup();
        failures.iter().for_each(print_json);
        print_json(&json!({"summary": summary}));
    } else {
        print_summary(&summary);
    }
    Ok(if summary.violations > 0 { Ended::Violated } else { Ended::Held })
}
