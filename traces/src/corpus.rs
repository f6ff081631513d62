//! The corpus of guided searches on disk: recorded cases, one trace per file, which replay like any other.
//!
//! Models and tolerances have separate folders, because a case inside one tolerance is outside another. Planted bugs
//! have no folders of their own, so a search for a bug can use the finds of any other search.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seedbed_sim::system::{AnyStory, AnyTrace};

use crate::component::{Component, Options, Prepared};
use crate::{files, tell};

/// The default folder.
pub const USUAL: &str = "traces/guided";

/// The folder of a model under these options.
fn folder(root: &Path, model: &str, options: &Options) -> PathBuf {
    let mut name = model.to_string();
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

/// Prepares runs of a component with these options, including their corpus for guided searches.
///
/// # Errors
/// If the options do not fit the model, or the corpus cannot be read.
pub fn prepare(component: &Component, options: &Options) -> anyhow::Result<Prepared> {
    let Some(root) = &options.corpus else { return component.prepare(options) };
    let (files, stories): (Vec<_>, Vec<_>) = read(root, component, options)?.into_iter().unzip();
    let (prepared, refused) = component.prepare_with(options, stories)?;
    for (place, problem) in refused {
        tell!("note: {} is of no use here: {problem}", files[place].display());
    }
    Ok(prepared)
}

/// Reads the corpus of a model, ordered by file name; empty if there is none.
fn read(root: &Path, component: &Component, options: &Options) -> anyhow::Result<Vec<(PathBuf, AnyStory)>> {
    let folder = folder(root, component.info().name, options);
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
        let text = files::TRACE.text_of(&file)?;
        let trace = component.parse(&text).with_context(|| format!("in {}", file.display()))?;
        Ok((file, AnyStory::of(&trace)))
    };
    files.into_iter().map(story).collect()
}

/// Writes the finds of a search, each under the fingerprint of its run, if the options name a corpus.
///
/// # Errors
/// If a file cannot be written.
pub fn write(component: &Component, options: &Options, finds: &[AnyTrace]) -> anyhow::Result<()> {
    let (Some(root), model) = (&options.corpus, component.info().name) else { return Ok(()) };
    let folder = folder(root, model, options);
    for find in finds {
        let file = folder.join(format!("{}.json", find.fingerprint));
        files::write(&file, &find.to_text(), &[])?;
    }
    tell!("{model}: {} cases that reached something new are in {}", finds.len(), folder.display());
    Ok(())
}
