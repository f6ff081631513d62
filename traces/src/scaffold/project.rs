//! A crate of one's own, outside of the workspace: a model, a property, a planted bug, tests, and the whole tool for
//! them.

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

/// Dependencies of the new crate, whose names it cannot have.
const DEPENDENCIES: [&str; 2] = ["proptest", "serde"];

/// The location of this workspace's crates for the new crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A clone of the repository.
    Path(PathBuf),
    /// A git repository.
    Git(String),
}

impl Source {
    /// The clone of the repository in this folder.
    ///
    /// # Errors
    /// If the folder has no clone.
    pub fn clone_in(folder: &Path) -> anyhow::Result<Self> {
        let of_ours = ["sim", "models", "properties", "traces"].map(|krate| folder.join(krate).join("Cargo.toml"));
        match of_ours.iter().find(|file| !file.exists()) {
            Some(missing) => bail!("{} is no clone of seedbed: there is no {}", folder.display(), missing.display()),
            None => Ok(Source::Path(folder.canonicalize()?)),
        }
    }

    /// The clone that this tool was built in.
    ///
    /// # Errors
    /// If it no longer exists.
    pub fn built_in() -> anyhow::Result<Self> {
        let clone = Source::clone_in(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
        clone.context("say where seedbed is: --path FOLDER for a clone of it, or --git URL")
    }

    /// The dependency on one of the crates, for a manifest.
    fn dependency(&self, krate: &str) -> String {
        // TOML strings have the syntax of Rust's for paths and addresses.
        match self {
            Source::Path(clone) => format!("path = {:?}", clone.join(krate).display().to_string()),
            Source::Git(url) => format!("git = {url:?}"),
        }
    }
}

/// The plan of a new crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The name of the crate and of its folder.
    pub name: Name,
    /// Its files, relative to its folder, with their contents.
    pub files: Vec<(PathBuf, String)>,
}

impl Project {
    /// Plans a crate of this name.
    ///
    /// # Errors
    /// If the name is not possible for a crate or a model.
    pub fn new(name: Name, source: &Source) -> anyhow::Result<Self> {
        name.must_not_be_a_word_of(MODEL)?;
        name.must_not_be_a_word_of(SUITE)?;
        if DEPENDENCIES.contains(&name.snake()) {
            bail!("'{name}' is a crate that the new one depends on; choose another name");
        }
        let [sim, models, properties, tool] =
            ["sim", "models", "properties", "traces"].map(|krate| source.dependency(krate));
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

    /// Writes the crate into a new folder of its name, in this folder.
    ///
    /// # Errors
    /// If the folder exists, or a file cannot be written.
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
