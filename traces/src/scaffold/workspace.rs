//! The workspace of new files.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail, ensure};

use crate::files;

/// The workspace of models, properties and traces.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

/// Files by which the root of the workspace is recognised.
const SIGNS: [&str; 3] = ["Cargo.toml", "models/src", "properties/src/registry.rs"];

impl Workspace {
    /// The workspace around a directory.
    ///
    /// # Errors
    /// If there is none.
    pub fn around(directory: &Path) -> anyhow::Result<Self> {
        let is_root = |directory: &&Path| SIGNS.iter().all(|sign| directory.join(sign).exists());
        match directory.ancestors().find(is_root) {
            Some(root) => Ok(Workspace { root: root.to_path_buf() }),
            None => bail!(
                "{} is not inside the workspace of seedbed: no directory above it has {}; go to a clone of it",
                directory.display(),
                SIGNS.join(", ")
            ),
        }
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn read(&self, file: &Path) -> anyhow::Result<String> {
        files::SOURCE.text_of(&self.root.join(file))
    }

    /// A file with one more line.
    pub(super) fn edited(
        &self,
        file: &Path,
        edit: impl FnOnce(&str) -> Result<String, String>,
    ) -> anyhow::Result<(PathBuf, String)> {
        let text = edit(&self.read(file)?).map_err(|problem| anyhow!("{}: {problem}", file.display()))?;
        Ok((file.to_path_buf(), text))
    }

    /// The families: folders that exist for models, properties and tests.
    fn families(&self) -> Vec<String> {
        let roots = [("models/src", "mod.rs"), ("properties/src", "mod.rs"), ("properties/tests", "main.rs")];
        let is_in =
            |family: &str, (folder, file): (&str, &str)| self.root.join(folder).join(family).join(file).exists();
        let mut families = folders(&self.root.join("models/src"));
        families.retain(|family| roots.into_iter().all(|folder| is_in(family, folder)));
        families
    }

    /// Checks that a family exists.
    pub(super) fn knows_family(&self, family: &str) -> anyhow::Result<()> {
        let families = self.families();
        ensure!(
            families.iter().any(|known| known == family),
            "--family {family}: models, properties and their tests have {}",
            families.join(", ")
        );
        Ok(())
    }

    /// The sources of a model, if it exists: a file or a folder of a family, or the family itself.
    pub(super) fn source_of_model(&self, model: &str) -> Option<PathBuf> {
        let models = Path::new("models/src");
        let inside = folders(&self.root.join(models)).into_iter().map(|family| models.join(family));
        let places = std::iter::once(models.to_path_buf()).chain(inside);
        let forms = |place: PathBuf| [place.join(format!("{model}.rs")), place.join(model).join("mod.rs")];
        places.flat_map(forms).find(|file| self.root.join(file).exists())
    }

    /// Checks that no file would be overwritten.
    pub(super) fn has_none_of(&self, created: &[(PathBuf, String)]) -> anyhow::Result<()> {
        let taken = |file: &Path| {
            [file.to_path_buf(), file.with_extension("")].into_iter().find(|it| self.root.join(it).exists())
        };
        match created.iter().find_map(|(file, _)| taken(file)) {
            Some(file) => bail!("{} is there already; choose another name", file.display()),
            None => Ok(()),
        }
    }
}

/// The folders in a directory, by name.
fn folders(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
