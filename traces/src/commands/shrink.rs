//! `seedbed shrink`: makes a recorded failure shorter.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::commands::progress::{ShrinkBudget, Stopwatch, keep_shrinking, spinner};
use crate::commands::{Ended, in_file, judged_here, read_trace, shown};
use crate::component::Changes;
use crate::report::{print_json, shrink_json, shrink_lines};
use crate::{files, program, say, signals, tell};

/// Shrinks a trace file, and writes the result to another file, by default beside it.
///
/// # Errors
/// If the file is no trace, its replay violates nothing, or it is to be written over.
pub fn shrink(
    file: &Path,
    out: Option<PathBuf>,
    events: Option<NonZeroU64>,
    budget: ShrinkBudget,
    as_json: bool,
) -> anyhow::Result<Ended> {
    let out = out.unwrap_or_else(|| file.with_extension("shrunk.json"));
    files::must_differ(&out, &[file])?;
    let (mut trace, component) = read_trace(file)?;
    if events.is_some() {
        trace = component.with(&trace, &Changes { events, ..Changes::default() }).with_context(|| in_file(file))?;
    }
    signals::handle();
    let watch = Stopwatch::start();
    let spinner = spinner("shrinking");
    let shrunk = component.shrink(&trace, &mut keep_shrinking(&spinner, budget));
    spinner.finish_and_clear();
    if let (true, Ok(replay)) = (shrunk.is_err(), component.replay(&trace, 0)) {
        judged_here(&component, &replay).with_context(|| in_file(file))?;
    }
    let shrunk = shrunk.with_context(|| format!("cannot shrink {}", file.display()))?;
    // The violation is told, whether its file can be written or not.
    let written = files::write(&out, &shrunk.text, &[file]).map(|()| shown(&out));
    if as_json {
        print_json(&shrink_json(&shrunk, watch.seconds(), written.as_deref().ok()));
    } else {
        say!("{}\n{}", shrunk.violation, shrink_lines(&shrunk, watch.seconds()));
    }
    match written {
        Ok(trace) if !as_json => say!("  trace   {trace}\n  replay  {}", program::replay(&trace)),
        Ok(_) => {}
        Err(problem) => tell!("{}: {problem:#}", program::name()),
    }
    Ok(Ended::Violated)
}
