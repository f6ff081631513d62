//! `seedbed pages`: writes the guide's pages of all components.

use std::path::Path;

use crate::commands::Ended;
use crate::pages::{Kills, pages};
use crate::{files, say};

/// Writes a page for each component, and the index, into a folder.
///
/// # Errors
/// If a page cannot be created or written, or the file of the kill matrix is invalid.
pub fn write(kills: &Path, out: &Path) -> anyhow::Result<Ended> {
    let pages = pages(&Kills::read(kills)?)?;
    for (name, text) in &pages {
        files::write(&out.join(name), text, &[kills])?;
    }
    say!("{} pages in {}", pages.len(), out.display());
    Ok(Ended::Held)
}
