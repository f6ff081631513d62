//! `seedbed new`: a scaffold for a model or a property.

use serde_json::json;

use crate::commands::Ended;
use crate::report::print_json;
use crate::say;
use crate::scaffold::{self, Name, Plan, USUAL_FAMILY, USUAL_MODEL, Workspace};

/// What is to be new.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum New {
    /// A model with a planted bug, the property that catches it, and a test: ready to be turned into yours.
    Model {
        /// Its name, in snake case.
        name: String,
        /// The folder that it is put into, of those in models/src, properties/src and properties/tests.
        #[arg(long, default_value = USUAL_FAMILY)]
        family: String,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
    /// A property that is checked after each event, and a test that it catches a bug.
    Property {
        /// Its name, in snake case.
        name: String,
        /// The model that it is about: the tutorial, or one that `seedbed new model` made.
        #[arg(long = "for", default_value = USUAL_MODEL)]
        model: String,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
}

/// Writes the files of a scaffold into the workspace around the current directory.
///
/// # Errors
/// If there is no workspace, or the scaffold does not fit into it; then nothing was written.
pub fn new(what: &New) -> anyhow::Result<Ended> {
    let workspace = Workspace::around(&std::env::current_dir()?)?;
    let (plan, next, as_json) = match what {
        New::Model { name, family, json } => {
            let name = Name::new(name)?;
            let plan = scaffold::model(&workspace, &name, family)?;
            let next = [
                plan.test.clone(),
                format!("cargo run --release -- sweep {name}"),
                format!("cargo run --release -- mutants {name}"),
                "cargo run --release -- pages        # its page of the guide".to_string(),
            ];
            (plan, next.to_vec(), *json)
        }
        New::Property { name, model, json } => {
            let name = Name::new(name)?;
            let plan = scaffold::property(&workspace, &name, model)?;
            let next = vec![plan.test.clone()];
            (plan, next, *json)
        }
    };
    plan.write(&workspace)?;
    let Plan { created, edited, .. } = &plan;
    let names = |files: &[(std::path::PathBuf, String)]| -> Vec<String> {
        files.iter().map(|(file, _)| file.display().to_string()).collect()
    };
    if as_json {
        print_json(&json!({"created": names(created), "edited": names(edited), "next": next}));
        return Ok(Ended::Held);
    }
    names(created).iter().for_each(|file| say!("new     {file}"));
    names(edited).iter().for_each(|file| say!("a line  {file}"));
    next.iter().for_each(|command| say!("next    {command}"));
    Ok(Ended::Held)
}
