//! What a component is made of: the digest of the sources that its measurements depend on.
//!
//! Which sources those are is found by names, generously: a top-level module counts if its name is a part of any path,
//! or stands in any `use`, in one that counts already. Too much only means to measure again what is as it was; too
//! little would show results of sources that are gone. The build script uses this file too.

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
    /// The digest of each module, and the names in it that may be those of others.
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
                let names = texts.iter().flat_map(|(_, text)| names(text)).map(String::from).collect();
                modules.insert((room, name), (digest(&texts, workspace), names));
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
        let judges = self.modules.iter().filter(|((room, _), (_, names))| *room == 1 && names.contains(family));
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

/// The names in paths and in `use` declarations.
fn names(text: &str) -> BTreeSet<&str> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let uses = text.split("use ").skip(1).filter_map(|rest| rest.split(';').next());
    let used = uses.flat_map(|declaration| declaration.split(|c| !part(c)));
    let before = text.match_indices("::").map(|(at, _)| text[..at].rsplit(|c| !part(c)).next().unwrap_or_default());
    let after = text.split("::").skip(1).map(|rest| rest.split(|c| !part(c)).next().unwrap_or_default());
    used.chain(before).chain(after).filter(|name| !name.is_empty()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_a_path_can_have_them() {
        let text = "use crate::{a, b::{c}};\n// the word lock alone is none\nfn f() { d::e(super::g::h) }";
        let found = names(text);
        for name in ["a", "b", "c", "d", "e", "g", "h"] {
            assert!(found.contains(name), "{name}");
        }
        assert!(!found.contains("lock"));
    }

    #[test]
    fn a_family_has_a_new_version_when_what_it_is_made_of_changes_and_only_then() {
        let workspace = std::env::temp_dir().join(format!("seedbed-atlas-sources-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let file = workspace.join(path);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
            std::fs::write(file, text).expect("it can be written");
        };
        for path in EVERYWHERE {
            write(&if path.contains('.') { path.to_string() } else { format!("{path}/lib.rs") }, "");
        }
        write("models/src/lib.rs", "pub mod lock; pub mod crdt; pub mod wal;");
        write("models/src/lock/mod.rs", "use crate::wal;");
        write("models/src/crdt.rs", "// no wal");
        write("models/src/wal.rs", "one");
        write("properties/src/lib.rs", "");
        write(
            "properties/src/exclusion.rs",
            "fn of(lock: &seedbed_models::caching::lock::Lock) { crate::judge::go(lock) }",
        );
        write("properties/src/judge.rs", "one");
        let versions = || {
            let sources = Sources::read(&workspace).expect("it can be read");
            ["lock", "crdt"].map(|family| sources.version(family))
        };
        let changed = |path: &str| {
            let before = versions();
            write(path, "another");
            let after = versions();
            [before[0] != after[0], before[1] != after[1]]
        };
        assert_eq!(changed("models/src/wal.rs"), [true, false]);
        assert_eq!(changed("properties/src/judge.rs"), [true, false]);
        assert_eq!(changed("models/src/crdt.rs"), [false, true]);
        assert_eq!(changed("sim/src/lib.rs"), [true, true]);
        assert_eq!(changed("Cargo.lock"), [true, true]);
        std::fs::remove_dir_all(&workspace).expect("it is ours");
    }
}
