//! What guided searches have found, on disk: recorded cases, one trace a file, which replay like any other.
//!
//! Cases of different models, and of different tolerances, lie in folders of their own, for what is inside one is beyond
//! another. Planted bugs make no difference: a search for one begins with what a search without any has found.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seedbed_sim::check::write_trace;
use seedbed_sim::{Model, Story, Trace};

use crate::component::Options;

/// The folder where nobody names one.
pub const USUAL: &str = "traces/guided";

/// The folder of a model under these options.
fn folder<M: Model>(root: &Path, options: &Options) -> PathBuf {
    let mut name = M::INFO.name.to_string();
    let mut add = |sign: &str, what: &str| name.extend([sign, what]);
    if let Some(boundary) = &options.boundary {
        add("@", boundary);
    }
    for (setting, value) in &options.settings {
        add("+", &format!("{setting}={value}"));
    }
    for (field, value) in &options.with {
        add("+", &format!("{field}={value}"));
    }
    if let Some(nodes) = options.nodes {
        add("+", &format!("nodes={nodes}"));
    }
    if let Some(classes) = &options.faults {
        let sign = if options.every { "+every=" } else { "+faults=" };
        add(sign, &classes.iter().map(|class| class.name()).collect::<Vec<_>>().join(","));
    }
    root.join(name.replace(['/', '\\'], "_"))
}

/// Reads the corpus of a model, in the order of the files' names; nothing, if there is none.
///
/// # Errors
/// If a file cannot be read, or is no trace of the model.
pub fn read<M: Model>(root: &Path, options: &Options) -> anyhow::Result<Vec<(PathBuf, Story<M>)>> {
    let folder = folder::<M>(root, options);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let cannot = || format!("cannot read the corpus in {}", folder.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).with_context(cannot)? {
        files.push(entry.with_context(cannot)?.path());
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let story = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).with_context(cannot)?;
        let trace = Trace::<M>::parse(&text).with_context(|| format!("in {}", file.display()))?;
        Ok((file, Story::of(&trace)))
    };
    files.into_iter().map(story).collect()
}

/// Writes cases down, each under the fingerprint of its run.
///
/// # Errors
/// If a file cannot be written.
pub fn write<M: Model>(root: &Path, options: &Options, finds: &[Trace<M>]) -> anyhow::Result<()> {
    let folder = folder::<M>(root, options);
    for find in finds {
        let file = folder.join(format!("{}.json", find.fingerprint));
        write_trace(&file, &find.to_text()).with_context(|| format!("cannot write {}", file.display()))?;
    }
    eprintln!("{}: {} cases that reached something new are in {}", M::INFO.name, finds.len(), folder.display());
    Ok(())
}
