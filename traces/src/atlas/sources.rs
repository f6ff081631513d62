//! What a component is made of: the digest of the sources that its measurements depend on.
//!
//! Which sources those are is found by names, generously: a top-level module counts if its name stands as a word anywhere in
//! one that counts already. Too much only means to measure again what is as it was; too little would show results of
//! sources that are gone. The build script uses this file too.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What every measurement depends on: the simulator, what is measured and how, and the libraries.
const EVERYWHERE: [&str; 4] = ["sim/src", "traces/src/atlas/measure", "traces/src/component.rs", "Cargo.lock"];
/// The rooms of components: a top-level module is a file or a folder there.
const ROOMS: [&str; 2] = ["models/src", "properties/src"];

/// Where all of that lies.
pub const WATCHED: [&str; 6] = [ROOMS[0], ROOMS[1], EVERYWHERE[0], EVERYWHERE[1], EVERYWHERE[2], EVERYWHERE[3]];

/// A top-level module of a room, such as `models/src/lock`.
type Module = (usize, String);

/// All sources that measurements depend on, read from a workspace.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The digest of each module, and the words in it.
    modules: BTreeMap<Module, (String, BTreeSet<String>)>,
    /// The digest of what every measurement depends on.
    everywhere: String,
}

impl Sources {
    /// Reads the sources of a workspace.
    ///
    /// # Errors
    /// If some cannot be read.
    pub fn read(workspace: &Path) -> io::Result<Self> {
        let mut modules = BTreeMap::new();
        for (room, folder) in ROOMS.into_iter().enumerate() {
            for path in entries(&workspace.join(folder))? {
                let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let texts = texts(&path)?;
                let words = texts.iter().flat_map(|(_, text)| words(text)).map(String::from).collect();
                modules.insert((room, name), (digest(&texts, workspace), words));
            }
        }
        let mut everywhere = Vec::new();
        for path in EVERYWHERE {
            everywhere.extend(texts(&workspace.join(path))?);
        }
        Ok(Sources { modules, everywhere: digest(&everywhere, workspace) })
    }

    /// The families of models: the modules of the first room.
    pub fn families(&self) -> impl Iterator<Item = &str> {
        self.modules.keys().filter(|(room, _)| *room == 0).map(|(_, name)| &name[..])
    }

    /// The version of what is in a family: the digest of all that it may depend on.
    pub fn version(&self, family: &str) -> String {
        let mut count: BTreeSet<Module> = [(0, family.to_string())].into();
        // What must be true of it: whoever names the family among the properties.
        let judges = self.modules.iter().filter(|((room, _), (_, words))| *room == 1 && words.contains(family));
        count.extend(judges.map(|(module, _)| module.clone()));
        count.extend((0..ROOMS.len()).map(|room| (room, "lib".to_string())));
        loop {
            let named = self.modules.keys().filter(|(room, name)| {
                // The list of modules names them all, and depends on none.
                let named_by = |module: &Module| module.1 != "lib" && self.modules[module].1.contains(name);
                let may = |module: &&Module| module.0 >= *room;
                count.iter().filter(|module| self.modules.contains_key(*module)).filter(may).any(named_by)
            });
            let more: Vec<Module> = named.filter(|module| !count.contains(*module)).cloned().collect();
            if more.is_empty() {
                break;
            }
            count.extend(more);
        }
        let digests = count.iter().filter_map(|module| Some(&self.modules.get(module)?.0[..]));
        joined(digests.chain([&self.everywhere[..]]))
    }

    /// The digest of everything.
    pub fn whole(&self) -> String {
        let digests = self.modules.values().map(|(digest, _)| &digest[..]);
        joined(digests.chain([&self.everywhere[..]]))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// What is directly in a folder, in the order of names.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// Every file at or below a path, in the order of names, with its text.
fn texts(path: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    if path.is_dir() {
        let below = entries(path)?.iter().map(|path| texts(path)).collect::<io::Result<Vec<_>>>()?;
        return Ok(below.concat());
    }
    Ok(vec![(path.to_path_buf(), String::from_utf8_lossy(&std::fs::read(path)?).into_owned())])
}

fn digest(texts: &[(PathBuf, String)], workspace: &Path) -> String {
    let mut hasher = Sha256::new();
    for (path, text) in texts {
        let path = path.strip_prefix(workspace).unwrap_or(path).to_string_lossy().replace('\\', "/");
        hasher.update(format!("{path}\n{}\n", text.len()));
        hasher.update(text);
    }
    hex(&hasher.finalize())
}

fn joined<'a>(digests: impl Iterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    digests.for_each(|digest| hasher.update(digest));
    hex(&hasher.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of a text, in hexadecimal digits.
pub fn digest_of(text: &str) -> String {
    hex(&Sha256::digest(text))
}
