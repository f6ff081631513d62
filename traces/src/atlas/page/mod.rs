//! The pages of an atlas: one HTML page, the same as Markdown, and the traces with a drawing of each.

pub mod html;
pub mod markdown;
pub mod plot;
pub mod words;

use std::path::Path;

use anyhow::Context as _;

use crate::atlas::Atlas;
use crate::atlas::story::{self, Story};
use crate::component::Component;
use crate::draw::html as viewer;
use crate::files;

/// The name of the HTML page.
pub const HTML: &str = "index.html";
/// The name of the Markdown page.
pub const MARKDOWN: &str = "atlas.md";

/// The guides that are based on an atlas: the choice they help with, and their file relative to the page.
const GUIDES: [(&str, &str, &str); 3] = [
    (
        "Which way to move money over several nodes",
        "choosing-transactions.md",
        include_str!("../../../../docs/choosing-transactions.md"),
    ),
    (
        "Which replicated data type, in which style",
        "choosing-replicated-types.md",
        include_str!("../../../../docs/choosing-replicated-types.md"),
    ),
    ("Which lock", "choosing-locks.md", include_str!("../../../../docs/choosing-locks.md")),
];

/// The guides: the choice they help with, and their file relative to the page.
pub fn guides() -> impl Iterator<Item = (&'static str, &'static str)> {
    GUIDES.into_iter().map(|(title, file, _)| (title, file))
}

/// The file of a story's trace, relative to the page.
pub fn trace_file(story: &Story) -> String {
    format!("traces/{}.json", story.name)
}

/// The file of a story's drawing, relative to the page.
pub fn drawing_file(story: &Story) -> String {
    format!("traces/{}.html", story.name)
}

/// The page of a story: the viewer's.
fn drawing(component: &Component, story: &Story) -> anyhow::Result<String> {
    viewer::page(&story.name, &story.text, component, None, viewer::Limits::default())
}

/// Writes an atlas into a folder. Each trace is written first, read again and replayed, so that all links lead to
/// traces that replay.
///
/// # Errors
/// If a file cannot be written, or a trace does not replay.
pub fn write(atlas: &Atlas, components: &[Component], folder: &Path) -> anyhow::Result<()> {
    let put = |file: String, text: &str| files::write(&folder.join(file), text, &[]);
    for (model, story) in atlas.stories() {
        let component = components.iter().find(|component| component.info().name == model);
        let component = component.with_context(|| format!("there is a story of {model}, which was not measured"))?;
        put(trace_file(story), &story.text)?;
        let file = folder.join(trace_file(story));
        let text = files::TRACE.text_of(&file)?;
        story::verify(component, &text).with_context(|| file.display().to_string())?;
        put(drawing_file(story), &drawing(component, story)?)?;
    }
    for (_, file, text) in GUIDES {
        put(file.to_string(), text)?;
    }
    put(MARKDOWN.to_string(), &markdown::page(atlas))?;
    put(HTML.to_string(), &html::page(atlas))
}
