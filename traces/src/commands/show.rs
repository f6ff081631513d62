//! `seedbed show`: draws a trace.

use crate::say_all;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::commands::{Ended, at_most, in_file, read_trace};
use crate::draw::html::Limits;
use crate::draw::{Picture, dot, html, mermaid, otlp, perfetto, shiviz, text};
use crate::files;

/// The forms of drawings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A sequence diagram in plain text.
    #[default]
    Text,
    /// A Mermaid sequence diagram.
    Mermaid,
    /// Happens-before as a Graphviz digraph.
    Dot,
    /// A log with vector clocks for ShiViz, of the whole story.
    Shiviz,
    /// Chrome's trace events for Perfetto, of the whole story.
    Perfetto,
    /// OpenTelemetry traces as OTLP JSON, one per operation, of the whole story.
    Otlp,
    /// The viewer: one HTML page with the whole story and the nodes' states.
    Html,
}

/// Draws a trace file, to standard output or to a file.
///
/// # Errors
/// If the file is no trace that this version can run, or the drawing cannot be written.
pub fn show(file: &Path, form: Form, lines: usize, out: Option<PathBuf>) -> anyhow::Result<Ended> {
    if let Some(out) = &out {
        files::must_differ(out, &[file])?;
    }
    let drawing = draw(file, form, lines)?;
    match out {
        None => say_all!("{drawing}"),
        Some(out) => files::write(&out, &drawing, &[file])?,
    }
    Ok(Ended::Held)
}

/// The drawing of a trace file.
///
/// # Errors
/// If the file is no trace that this version can run, or the drawing cannot be written.
pub fn draw(file: &Path, form: Form, lines: usize) -> anyhow::Result<String> {
    let (trace, component) = read_trace(file)?;
    let limit = at_most(lines);
    let drawing: fn(&Picture<'_>) -> String = match form {
        Form::Text => text::draw,
        Form::Mermaid => mermaid::draw,
        Form::Dot => dot::draw,
        Form::Shiviz => shiviz::draw,
        Form::Perfetto => perfetto::draw,
        Form::Otlp => otlp::draw,
        Form::Html => {
            let title = file.file_stem().unwrap_or_default().to_string_lossy();
            return html::page(&title, &trace, &component, limit, Limits::default()).with_context(|| in_file(file));
        }
    };
    let replay = component.replay(&trace, 0).with_context(|| in_file(file))?;
    Ok(drawing(&replay.run.picture(limit)))
}
