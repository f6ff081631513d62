//! The atlas as people read it: one HTML page, the same as Markdown, and beside them the traces with a drawing each.

use std::path::Path;

use anyhow::Context as _;
use seedbed_sim::check::write_trace;

use crate::atlas::Atlas;
use crate::atlas::story::{self, Story};
use crate::component::Component;

/// The name of the HTML page.
pub const HTML: &str = "index.html";
/// The name of the Markdown page.
pub const MARKDOWN: &str = "atlas.md";

/// The file of a story's trace, from the page.
pub fn trace_file(story: &Story) -> String {
    format!("traces/{}.json", story.name)
}

/// Writes everything into a folder. Each trace is written first, read again, and replayed: no page links to what does not
/// replay.
///
/// # Errors
/// If something cannot be written, or a trace does not replay.
pub fn write(atlas: &Atlas, components: &[Box<dyn Component>], folder: &Path) -> anyhow::Result<()> {
    for (model, story) in atlas.stories() {
        let component = components.iter().find(|component| component.info().name == model);
        let component = component.with_context(|| format!("there is a story of {model}, which was not measured"))?;
        let file = folder.join(trace_file(story));
        write_trace(&file, &story.text).with_context(|| format!("cannot write {}", file.display()))?;
        let text = std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        story::verify(&**component, &text).with_context(|| file.display().to_string())?;
    }
    Ok(())
}
