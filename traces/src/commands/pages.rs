//! `seedbed pages`: writes the guide's pages of all components.

use std::path::Path;

use anyhow::Context as _;

use crate::commands::Ended;
use crate::pages::{Kills, pages};
use crate::say;

/// Writes a page for each component, and the index, into a folder.
///
/// # Errors
/// If a page cannot be created or written, or the file of the kill matrix is invalid.
pub fn write(kills: &Path, out: &Path) -> anyhow::Result<Ended> {
    let pages = pages(&Kills::read(kills)?)?;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;
    for (name, text) in &pages {
        let file = out.join(name);
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    say!("{} pages in {}", pages.len(), out.display());
    Ok(Ended::Held)
}
