//! `seedbed new`: creates a crate of your own, or a scaffold for a model or a property in this workspace.

use std::path::PathBuf;

use serde_json::json;

use crate::commands::Ended;
use crate::registry;
use crate::report::print_json;
use crate::say;
use crate::scaffold::{self, Name, Project, Source, USUAL_FAMILY, USUAL_MODEL, Workspace};

/// The kind of a new item.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum New {
    /// Creates a crate outside of this workspace, in a new folder of its name: a model with a planted bug, the property
    /// that catches it, tests, and this tool.
    Project {
        /// Its name, in snake case.
        name: String,
        /// Depend on the crates in this clone of seedbed; by default on those that this tool was built from.
        #[arg(long, value_name = "FOLDER", conflicts_with = "git")]
        path: Option<PathBuf>,
        /// Depend on the crates in this git repository.
        #[arg(long, value_name = "URL")]
        git: Option<String>,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
    /// Creates a model with a planted bug, the property that catches it, and a test, to be adapted.
    Model {
        /// Its name, in snake case.
        name: String,
        /// The family: its folder in models/src, properties/src and properties/tests.
        #[arg(long, default_value = USUAL_FAMILY)]
        family: String,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
    /// Creates a property that is checked after each event, and a test that it catches a bug.
    Property {
        /// Its name, in snake case.
        name: String,
        /// The model of the property: the tutorial, or one that `seedbed new model` made.
        #[arg(long = "for", default_value = USUAL_MODEL)]
        model: String,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
}

/// Writes a crate into the current directory, or the files of a scaffold into the workspace around it.
///
/// # Errors
/// If there is no workspace, the scaffold does not fit into it, or the name is taken; then nothing was written.
pub fn new(what: &New) -> anyhow::Result<Ended> {
    let here = std::env::current_dir()?;
    let workspace = || Workspace::around(&here);
    let (created, edited, next, as_json) = match what {
        New::Project { name, path, git, json } => {
            let name = Name::new(name)?;
            if registry::find(name.snake()).is_ok() {
                anyhow::bail!("there is a component {name} already; choose another name");
            }
            let source = match (path, git) {
                (_, Some(url)) => Source::Git(url.clone()),
                (Some(path), _) => Source::clone_in(path)?,
                (None, None) => Source::built_in()?,
            };
            let project = Project::new(name, &source)?;
            project.write(&here)?;
            let name = project.name.snake();
            let next = [
                format!("cd {name}"),
                "cargo test".into(),
                format!("cargo run -- sweep {name}"),
                format!("cargo run -- mutants {name}"),
            ];
            let created = project.files.iter().map(|(file, _)| format!("{name}/{}", file.display())).collect();
            (created, Vec::new(), next.to_vec(), *json)
        }
        New::Model { name, family, json } => {
            let name = Name::new(name)?;
            let workspace = workspace()?;
            let plan = scaffold::model(&workspace, &name, family)?;
            plan.write(&workspace)?;
            let next = [
                plan.test.clone(),
                format!("cargo run --release -- sweep {name}"),
                format!("cargo run --release -- mutants {name}"),
                "cargo run --release -- pages        # its page of the guide".to_string(),
            ];
            (names(&plan.created), names(&plan.edited), next.to_vec(), *json)
        }
        New::Property { name, model, json } => {
            let name = Name::new(name)?;
            let workspace = workspace()?;
            let plan = scaffold::property(&workspace, &name, model)?;
            plan.write(&workspace)?;
            (names(&plan.created), names(&plan.edited), vec![plan.test], *json)
        }
    };
    if as_json {
        print_json(&json!({"created": created, "edited": edited, "next": next}));
        return Ok(Ended::Held);
    }
    created.iter().for_each(|file| say!("new     {file}"));
    edited.iter().for_each(|file| say!("a line  {file}"));
    next.iter().for_each(|command| say!("next    {command}"));
    Ok(Ended::Held)
}

/// The names of files.
fn names(files: &[(PathBuf, String)]) -> Vec<String> {
    files.iter().map(|(file, _)| file.display().to_string()).collect()
}
