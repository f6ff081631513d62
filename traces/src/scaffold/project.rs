//! A crate of one's own, outside of the workspace: a model, a property, a planted bug, tests, and the whole tool for them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use seedbed_models::examples::TUTORIAL as MODEL;
use seedbed_properties::examples::{TUTORIAL as SUITE, TUTORIAL_TEST as TEST};

use super::{Name, create, fill};

const MANIFEST: &str = include_str!("../../templates/project/manifest.toml");
const CARGO_CONFIG: &str = include_str!("../../templates/project/cargo_config.toml");
const RUSTFMT: &str = include_str!("../../templates/project/rustfmt.toml");
const IGNORED: &str = include_str!("../../templates/project/ignored.txt");
const README: &str = include_str!("../../templates/project/readme.md");
const LIB: &str = include_str!("../../templates/project/lib.rs");
const MAIN: &str = include_str!("../../templates/project/main.rs");

/// Crates that the new one depends on: it cannot have their names.
const DEPENDENCIES: [&str; 2] = ["proptest", "serde"];

/// Where the new crate finds the crates of this workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In a clone of the repository.
    Path(PathBuf),
    /// In a repository that cargo fetches.
    Git(String),
}

impl Source {
    /// A clone of the repository in this folder.
    ///
    /// # Errors
    /// If it is none.
    pub fn clone_in(folder: &Path) -> anyhow::Result<Self> {
        let of_ours = ["sim", "models", "properties", "traces"].map(|room| folder.join(room).join("Cargo.toml"));
        match of_ours.iter().find(|file| !file.exists()) {
            Some(missing) => bail!("{} is no clone of seedbed: there is no {}", folder.display(), missing.display()),
            None => Ok(Source::Path(folder.canonicalize()?)),
        }
    }

    /// The clone that this tool was built in.
    ///
    /// # Errors
    /// If it is not there any more.
    pub fn built_in() -> anyhow::Result<Self> {
        let clone = Source::clone_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
        clone.context("say where seedbed is: --path FOLDER for a clone of it, or --git URL")
    }

    /// What a manifest says of one of its crates.
    fn of_room(&self, room: &str) -> String {
        // A string of TOML reads as one of Rust does, for what paths and addresses have.
        match self {
            Source::Path(clone) => format!("path = {:?}", clone.join(room).display().to_string()),
            Source::Git(url) => format!("git = {url:?}"),
        }
    }
}

/// A crate to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name, and that of its folder.
    pub name: Name,
    /// Its files, below its folder, with what they hold.
    pub files: Vec<(PathBuf, String)>,
}

impl Project {
    /// Plans a crate of this name.
    ///
    /// # Errors
    /// If a crate or a model cannot have the name.
    pub fn new(name: Name, source: &Source) -> anyhow::Result<Self> {
        name.must_not_be_a_word_of(MODEL)?;
        name.must_not_be_a_word_of(SUITE)?;
        if DEPENDENCIES.contains(&name.snake()) {
            bail!("'{name}' is a crate that the new one depends on; choose another name");
        }
        let [sim, models, properties, tool] =
            ["sim", "models", "properties", "traces"].map(|room| source.of_room(room));
        let named = |template| {
            let words = [
                ("crate::parts::", "seedbed_models::parts::"),
                ("seedbed_models::examples::tutorial::", "crate::model::"),
                ("seedbed_properties::examples::tutorial::suite", &format!("{name}::suite")[..]),
                ("@sim@", &sim),
                ("@models@", &models),
                ("@properties@", &properties),
                ("@tool@", &tool),
                ("tutorial", name.snake()),
                ("Tutorial", name.camel()),
            ];
            fill(template, &words)
        };
        let files = [
            ("Cargo.toml", MANIFEST),
            (".cargo/config.toml", CARGO_CONFIG),
            (".gitignore", IGNORED),
            ("README.md", README),
            ("rustfmt.toml", RUSTFMT),
            ("src/lib.rs", LIB),
            ("src/main.rs", MAIN),
            ("src/model.rs", MODEL),
            ("src/property.rs", SUITE),
            ("tests/properties.rs", TEST),
        ];
        let as_it_is = |path| [".cargo/config.toml", ".gitignore", "rustfmt.toml"].contains(&path);
        let files = files
            .map(|(path, text)| (PathBuf::from(path), if as_it_is(path) { text.to_string() } else { named(text) }));
        Ok(Project { name, files: files.into() })
    }

    /// Writes it into a new folder of its name, in this one.
    ///
    /// # Errors
    /// If something of this name is there, or a file cannot be written.
    pub fn write(&self, parent: &Path) -> anyhow::Result<()> {
        let folder = parent.join(self.name.snake());
        std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        for directory in [".cargo", "src", "tests"] {
            let directory = folder.join(directory);
            std::fs::create_dir(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        create(&folder, &self.files)
    }
}
