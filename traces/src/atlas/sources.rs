//! The version of a component: a digest of the sources that its measurements depend on.
//!
//! Sources are divided into *modules*: a file or a folder in a family, such as `models/src/replication/raft`, and files
//! directly in a family or a crate. The dependencies of a component are found by names, as a conservative
//! approximation: a module is included if its name is a part of any path, or occurs in any `use`, in an included one.
//! Extra modules only cause unneeded measurements; a missing one would leave outdated results. The build script uses
//! this file too.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The sources that every measurement depends on: the simulator, the measurements, and the libraries.
const EVERYWHERE: [&str; 4] = ["sim/src", "traces/src/atlas/measure", "traces/src/component.rs", "Cargo.lock"];
/// The folders of component families.
const ROOTS: [&str; 2] = ["models/src", "properties/src"];

/// All folders and files that are read.
pub const WATCHED: [&str; 6] = [ROOTS[0], ROOTS[1], EVERYWHERE[0], EVERYWHERE[1], EVERYWHERE[2], EVERYWHERE[3]];

/// A module of a root folder: its family and name, such as `replication` and `raft`. Files directly in a root folder
/// have no family; the `mod.rs` of a family, on which all its modules may depend, has the name `mod`.
type Module = (usize, String, String);

/// All sources that measurements depend on, read from a workspace.
#[derive(Clone, Debug)]
pub struct Sources {
    /// By module: its digest, and the names in it that may refer to other modules.
    modules: BTreeMap<Module, (String, BTreeSet<String>)>,
    /// The digest of the sources that every measurement depends on.
    everywhere: String,
}

impl Sources {
    /// Reads the sources of a workspace.
    ///
    /// # Errors
    /// If some cannot be read.
    pub fn read(workspace: &Path) -> io::Result<Self> {
        let mut modules = BTreeMap::new();
        for (root, folder) in ROOTS.into_iter().enumerate() {
            for (family, path) in modules_in(&workspace.join(folder))? {
                let texts = texts(&path)?;
                let names = texts.iter().flat_map(|(_, text)| names(text)).map(String::from).collect();
                modules.insert((root, family, name_of(&path)), (digest(&texts, workspace), names));
            }
        }
        let mut everywhere = Vec::new();
        for path in EVERYWHERE {
            everywhere.extend(texts(&workspace.join(path))?);
        }
        Ok(Sources { modules, everywhere: digest(&everywhere, workspace) })
    }

    /// The modules of the first root folder, which may have components: `family/name`.
    pub fn components(&self) -> impl Iterator<Item = String> + '_ {
        let of_models = self.modules.keys().filter(|(root, family, _)| *root == 0 && !family.is_empty());
        of_models.map(|(_, family, name)| format!("{family}/{name}"))
    }

    /// The version of a component in `family/name`: the digest of all sources that it may depend on.
    pub fn version(&self, component: &str) -> String {
        let (family, name) = component.split_once('/').unwrap_or(("", component));
        let mut count: BTreeSet<Module> = [(0, family.to_string(), name.to_string())].into();
        // Its properties: modules of the second root folder that name it.
        let judges = self.modules.iter().filter(|((root, ..), (_, names))| *root == 1 && names.contains(name));
        count.extend(judges.map(|(module, _)| module.clone()));
        count.extend((0..ROOTS.len()).map(|root| (root, String::new(), "lib".to_string())));
        loop {
            let more = self.modules.keys().filter(|module| !count.contains(*module) && self.depends(&count, module));
            let more: Vec<Module> = more.cloned().collect();
            if more.is_empty() {
                break;
            }
            count.extend(more);
        }
        let digests = count.iter().filter_map(|module| Some(&self.modules.get(module)?.0[..]));
        joined(digests.chain([&self.everywhere[..]]))
    }

    /// Whether one of these modules may depend on another: if it names that, or that is the `mod.rs` of its family.
    fn depends(&self, count: &BTreeSet<Module>, (root, family, name): &Module) -> bool {
        let from = count.iter().filter(|module| module.0 >= *root && self.modules.contains_key(*module));
        from.into_iter().any(|module| match &name[..] {
            "mod" => module.0 == *root && module.1 == *family,
            // The list of modules names all of them, and depends on none.
            _ => module.2 != "lib" && self.modules[module].1.contains(name),
        })
    }

    /// The digest of all sources.
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

/// The modules of a root folder, each with its family.
fn modules_in(root: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut modules = Vec::new();
    for path in entries(root)? {
        if path.is_dir() {
            modules.extend(entries(&path)?.into_iter().map(|module| (name_of(&path), module)));
        } else {
            modules.push((String::new(), path));
        }
    }
    Ok(modules)
}

/// The name of a module that is a file or a folder.
fn name_of(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The entries of a folder, ordered by name.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// The files at or below a path, ordered by name, with their texts.
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
    digest_of_bytes(text.as_bytes())
}

/// The digest of some bytes, in hexadecimal digits.
pub fn digest_of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
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
    fn a_component_has_a_new_version_when_what_it_is_made_of_changes_and_only_then() {
        let workspace = std::env::temp_dir().join(format!("seedbed-atlas-sources-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let file = workspace.join(path);
            std::fs::create_dir_all(file.parent().expect("a folder")).expect("it can be made");
            std::fs::write(file, text).expect("it can be written");
        };
        for path in EVERYWHERE {
            write(&if path.contains('.') { path.to_string() } else { format!("{path}/lib.rs") }, "");
        }
        write("models/src/lib.rs", "pub mod caching; pub mod replication; pub mod parts;");
        write("models/src/caching/mod.rs", "pub mod lock; pub mod coherence;");
        write("models/src/caching/lock/mod.rs", "use crate::parts::wal;");
        write("models/src/caching/coherence.rs", "// a neighbour");
        write("models/src/replication/mod.rs", "pub mod crdt;");
        write("models/src/replication/crdt.rs", "// no wal");
        write("models/src/parts/wal.rs", "one");
        write("properties/src/lib.rs", "");
        write(
            "properties/src/caching/exclusion.rs",
            "fn of(lock: &seedbed_models::caching::lock::Lock) { crate::checkers::judge::go(lock) }",
        );
        write("properties/src/checkers/judge.rs", "one");
        let versions = || {
            let sources = Sources::read(&workspace).expect("it can be read");
            ["caching/lock", "caching/coherence", "replication/crdt"].map(|component| sources.version(component))
        };
        let changed = |path: &str| {
            let before = versions();
            write(path, "another");
            let after = versions();
            [0, 1, 2].map(|place| before[place] != after[place])
        };
        assert_eq!(changed("models/src/parts/wal.rs"), [true, false, false]);
        assert_eq!(changed("properties/src/checkers/judge.rs"), [true, false, false]);
        assert_eq!(changed("models/src/caching/coherence.rs"), [false, true, false]);
        assert_eq!(changed("models/src/caching/mod.rs"), [true, true, false]);
        assert_eq!(changed("models/src/replication/crdt.rs"), [false, false, true]);
        assert_eq!(changed("sim/src/lib.rs"), [true, true, true]);
        assert_eq!(changed("Cargo.lock"), [true, true, true]);
        std::fs::remove_dir_all(&workspace).expect("it is ours");
    }
}
