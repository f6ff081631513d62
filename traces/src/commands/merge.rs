//! `seedbed merge`: merges the results of a sweep's workers.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::commands::Ended;
use crate::commands::sweep::print_summary;
use crate::escape;
use crate::files;
use crate::report::print_json;
use crate::shard::collect::{Collected, Joined, Missing};
use crate::{say, tell};

/// Merges files of JSON lines. Duplicate parts count once; missing parts are named, and then the result is undecided
/// unless a property was violated.
///
/// # Errors
/// If a file cannot be read or has no results of a sweep, or the files are of different sweeps.
pub fn merge(files: &[PathBuf], as_json: bool) -> anyhow::Result<Ended> {
    let mut collected = Collected::default();
    for file in files {
        let bytes = files::HISTORIES.bytes_of(file)?;
        // A truncated file may end in the middle of a character.
        collected.read(&file.display().to_string(), &String::from_utf8_lossy(&bytes))?;
    }
    let joined = collected.join()?;
    for note in &joined.notes {
        tell!("note: {}", escape::line(note));
    }
    for missing in &joined.missing {
        let (missing, call) = (missing.to_string(), joined.swept.call(missing.shard).to_string());
        tell!("note: {}\n  to run it: {} --results FILE", escape::line(&missing), escape::line(&call));
    }
    if as_json {
        joined.failing.iter().for_each(print_json);
        print_json(&json!({"summary": summary_json(&joined)}));
    } else {
        print_summary(&joined.summary);
        if !joined.missing.is_empty() {
            say!("INCOMPLETE: the fingerprint is not that of the whole sweep");
        }
    }
    // A seed may have failed although its part is missing.
    let all_decided = joined.missing.is_empty() && joined.summary.undecided == 0;
    Ok(match (joined.failing.is_empty() && joined.summary.violations == 0, all_decided) {
        (false, _) => Ended::Violated,
        (true, true) => Ended::Held,
        (true, false) => Ended::Undecided,
    })
}

fn summary_json(joined: &Joined) -> Value {
    let Joined { swept, of, summary, missing, .. } = joined;
    let mut value = serde_json::to_value(summary).expect("summaries have string keys and finite numbers");
    value["seeds"] = json!(swept.seeds);
    value["options"] = json!(swept.options);
    value["tool"] = json!(swept.tool);
    value["shards"] = json!(of);
    value["complete"] = json!(missing.is_empty());
    value["missing"] = missing.iter().map(missing_json).collect();
    value
}

fn missing_json(missing: &Missing) -> Value {
    let seeds: serde_json::Map<_, _> =
        missing.seeds.iter().map(|(model, seeds)| (model.clone(), json!(seeds))).collect();
    json!({"shard": missing.shard, "seeds": seeds})
}
