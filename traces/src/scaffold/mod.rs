//! Scaffolds: the files of a new model or property, which compile and pass, with the lines that register them; and a
//! crate of one's own with all of that. Everything is planned before anything is written, and nothing is overwritten.
//!
//! A new model is the tutorial with other names. A new property is one of the templates in `traces/templates/`, which
//! are ordinary Rust files, compiled and run with this crate's tests.

mod edit;
mod name;
mod project;
mod workspace;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use seedbed_models::examples::TUTORIAL as MODEL;
use seedbed_properties::examples::{TUTORIAL as SUITE, TUTORIAL_TEST as MODEL_TEST};

pub use name::Name;
pub use project::{Project, Source};
pub use workspace::Workspace;

const PROPERTY: &str = include_str!("../../templates/property.rs");
const PROPERTY_TEST: &str = include_str!("../../templates/property_test.rs");

/// The default model of a property.
pub const USUAL_MODEL: &str = "tutorial";
/// The default family of a model.
pub const USUAL_FAMILY: &str = "examples";

/// The files to write, with paths relative to the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// New files with their contents.
    pub created: Vec<(PathBuf, String)>,
    /// Files that get one more line, with their new contents.
    pub edited: Vec<(PathBuf, String)>,
    /// The command that runs its tests.
    pub test: String,
}

/// Plans a model with a property, a planted bug and a test, in a family of `models/src` and `properties/src`.
///
/// # Errors
/// If the name or the family is taken or unknown, or a line has no place; the error says what to do by hand.
pub fn model(workspace: &Workspace, name: &Name, family: &str) -> anyhow::Result<Plan> {
    workspace.knows_family(family)?;
    if let Some(file) = workspace.source_of_model(name.snake()) {
        bail!("there is a model {name} already: {}", file.display());
    }
    name.must_not_be_a_word_of(MODEL)?;
    name.must_not_be_a_word_of(SUITE)?;
    let named = |template| {
        let words = [
            ("models::examples::", &format!("models::{family}::")[..]),
            ("properties::examples::", &format!("properties::{family}::")),
            ("\"examples\"", &format!("\"{family}\"")),
            ("tutorial", name.snake()),
            ("Tutorial", name.camel()),
        ];
        fill(template, &words)
    };
    let (models, properties) = (Path::new("models/src").join(family), Path::new("properties/src").join(family));
    let file = format!("{name}.rs");
    let line = format!("component(crate::{family}::{name}::suite),");
    let created = vec![
        (models.join(&file), named(MODEL)),
        (properties.join(&file), named(SUITE)),
        (tests(family).join(&file), named(MODEL_TEST)),
    ];
    workspace.has_none_of(&created)?;
    let edited = vec![
        workspace.edited(&models.join("mod.rs"), |text| edit::with_module(text, name.snake()))?,
        workspace.edited(&properties.join("mod.rs"), |text| edit::with_module(text, name.snake()))?,
        workspace.edited(&tests(family).join("main.rs"), |text| edit::with_private_module(text, name.snake()))?,
        workspace.edited(Path::new("properties/src/registry.rs"), |text| edit::with_component(text, &line))?,
        workspace.edited(Path::new("docs/SUMMARY.md"), |text| edit::with_page(text, name.snake()))?,
    ];
    Ok(Plan { created, edited, test: test(family, name) })
}

/// Plans a property of a model, with a test that it holds and that it catches the model's first bug.
///
/// # Errors
/// If the name is taken, the model is unknown or keeps no tally, or a line has no place; the error says what to do by
/// hand.
pub fn property(workspace: &Workspace, name: &Name, of: &str) -> anyhow::Result<Plan> {
    name.must_not_be_a_word_of(PROPERTY)?;
    name.must_not_be_a_word_of(PROPERTY_TEST)?;
    let model = Name::new(of)?;
    let Some(source) = workspace.source_of_model(of) else { bail!("there is no model {of} in models/src") };
    let text = workspace.read(&source)?;
    let family = source.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    if !text.contains("pub tally: u64") || !text.contains(&format!("pub struct {}", model.camel())) {
        bail!(
            "the scaffold of a property looks at a tally, such as {USUAL_MODEL} and what `seedbed new model` writes have, and {of} has none; take a neighbour in properties/src/{family}/ as the pattern, or scaffold one for {USUAL_MODEL} and change what it looks at"
        );
    }
    let named = |template| {
        let words = [
            ("models::examples::", &format!("models::{family}::")[..]),
            ("properties::examples::", &format!("properties::{family}::")),
            ("tutorial", model.snake()),
            ("Tutorial", model.camel()),
            ("leaflet", name.snake()),
            ("Leaflet", name.camel()),
        ];
        fill(template, &words)
    };
    let properties = Path::new("properties/src").join(&family);
    let file = format!("{name}.rs");
    let created = vec![(properties.join(&file), named(PROPERTY)), (tests(&family).join(&file), named(PROPERTY_TEST))];
    workspace.has_none_of(&created)?;
    let edited = vec![
        workspace.edited(&properties.join("mod.rs"), |text| edit::with_module(text, name.snake()))?,
        workspace.edited(&tests(&family).join("main.rs"), |text| edit::with_private_module(text, name.snake()))?,
    ];
    Ok(Plan { created, edited, test: test(&family, name) })
}

/// The folder of a family's tests, which are one test program.
fn tests(family: &str) -> PathBuf {
    Path::new("properties/tests").join(family)
}

/// The command that runs one file of a family's tests.
fn test(family: &str, name: &Name) -> String {
    format!("cargo test -p seedbed-properties --test {family} {name}::")
}

impl Plan {
    /// Writes the files.
    ///
    /// # Errors
    /// If a new file exists by now, or cannot be written; the error names it.
    pub fn write(&self, workspace: &Workspace) -> anyhow::Result<()> {
        create(workspace.root(), &self.created)?;
        for (path, text) in &self.edited {
            let path = workspace.root().join(path);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}

/// Writes new files below a folder.
///
/// # Errors
/// If one exists, or cannot be written; the error names it.
fn create(root: &Path, files: &[(PathBuf, String)]) -> anyhow::Result<()> {
    for (path, text) in files {
        let path = root.join(path);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&path);
        let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Replaces words of a template, all at once, so that replacements are not replaced again.
fn fill(template: &str, words: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(next) = rest.chars().next() {
        match words.iter().find(|(word, _)| rest.starts_with(word)) {
            Some((word, other)) => {
                filled.push_str(other);
                rest = &rest[word.len()..];
            }
            None => {
                filled.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    filled
}
