//! `seedbed shrink`: makes a recorded failure shorter.

use crate::say;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seedbed_sim::check::write_trace;

use crate::commands::progress::{ShrinkBudget, Stopwatch, handle_ctrl_c, keep_shrinking, spinner};
use crate::commands::{Ended, in_file, judged_here, read_trace, shown};
use crate::program;
use crate::report::{print_json, shrink_json, shrink_lines};

/// Shrinks a trace file, and writes the result to another file, by default beside it.
///
/// # Errors
/// If the file is no trace, or its replay violates nothing.
pub fn shrink(file: &Path, out: Option<PathBuf>, budget: ShrinkBudget, as_json: bool) -> anyhow::Result<Ended> {
    let (trace, component) = read_trace(file)?;
    handle_ctrl_c();
    let watch = Stopwatch::start();
    let spinner = spinner("shrinking");
    let shrunk = component.shrink(&trace, &mut keep_shrinking(&spinner, budget));
    spinner.finish_and_clear();
    if let (true, Ok(replay)) = (shrunk.is_err(), component.replay(&trace, 0)) {
        judged_here(&component, &replay).with_context(|| in_file(file))?;
    }
    let shrunk = shrunk.with_context(|| format!("cannot shrink {}", file.display()))?;
    let out = out.unwrap_or_else(|| file.with_extension("shrunk.json"));
    write_trace(&out, &shrunk.text).with_context(|| format!("cannot write {}", out.display()))?;
    if as_json {
        print_json(&shrink_json(&shrunk, watch.seconds(), &shown(&out)));
    } else {
        say!("{}\n{}", shrunk.violation, shrink_lines(&shrunk, watch.seconds()));
        say!("  trace   {}\n  replay  {}", shown(&out), program::replay(&shown(&out)));
    }
    Ok(Ended::Violated)
}
