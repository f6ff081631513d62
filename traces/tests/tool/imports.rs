//! Files do not import each other in circles: whoever reads one file needs those below it and no others.
//!
//! What counts are paths that begin with `crate::` or `super::`, and imports from the modules of the same file. A name that a
//! file only passes on (`pub use`) is an import from where it is declared. Tests inside files count for nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[test]
fn files_do_not_import_each_other_in_circles() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
    for room in ["sim/src", "sim/tokio/src", "models/src", "traces/src"] {
        let circles = Room::read(&root.join(room)).circles();
        assert!(circles.is_empty(), "{room}: these files import each other in circles: {circles:?}");
    }
}

/// The path of a module: `["strategy", "pct"]`.
type Module = Vec<String>;

/// The files of a crate, by the modules that they are.
struct Room {
    texts: BTreeMap<Module, String>,
    /// What each passes on.
    passed_on: BTreeMap<Module, Vec<Module>>,
}

impl Room {
    fn read(root: &Path) -> Self {
        let mut texts = BTreeMap::new();
        for file in files(root) {
            let path = file.strip_prefix(root).expect("it lies below").with_extension("");
            let mut module: Module = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            match module.last().map(String::as_str) {
                Some("main") => continue,
                Some("mod" | "lib") => drop(module.pop()),
                _ => {}
            }
            texts.insert(module, code(&std::fs::read_to_string(&file).expect("a source can be read")));
        }
        assert!(texts.len() > 10, "{} has sources", root.display());
        let mut room = Room { texts, passed_on: BTreeMap::new() };
        for (module, text) in &room.texts {
            let public = uses(text).filter(|(is_public, _)| *is_public);
            let passed_on = public.filter_map(|(_, path)| room.absolute(module, &path)).collect();
            room.passed_on.insert(module.clone(), passed_on);
        }
        room
    }

    /// A path from the root of the crate, if it is of this crate.
    fn absolute(&self, module: &Module, path: &str) -> Option<Module> {
        let mut parts: Vec<String> = path.split("::").map(|part| part.trim().to_string()).collect();
        let mut from = module.clone();
        match parts[0].as_str() {
            "crate" => from.clear(),
            "self" => {}
            "super" => drop(from.pop()),
            first => {
                let child = [&module[..], &[first.to_string()]].concat();
                return self.texts.contains_key(&child).then(|| [&module[..], &parts].concat());
            }
        }
        parts.remove(0);
        while parts.first().is_some_and(|part| part == "super") {
            from.pop();
            parts.remove(0);
        }
        Some([from, parts].concat())
    }

    /// The file in which a path ends; through what others pass on.
    fn resolved(&self, path: &[String], depth: usize) -> Option<Module> {
        let module = (0..=path.len()).rev().map(|n| path[..n].to_vec()).find(|m| self.texts.contains_key(m))?;
        let name = path.get(module.len());
        let declared = self.passed_on[&module].iter().find(|passed| passed.last() == name);
        match declared.filter(|_| name.is_some() && depth < 8) {
            Some(declared) => self.resolved(&[&declared[..], &path[module.len() + 1..]].concat(), depth + 1),
            None => Some(module),
        }
    }

    /// Which files each file imports from.
    fn imports(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        let of = |(module, text): (&'_ Module, &'_ String)| -> BTreeSet<Module> {
            let private = uses(text).filter(|(is_public, _)| !is_public).map(|(_, path)| path);
            let paths = private.chain(inline(text)).filter_map(|path| self.absolute(module, &path));
            let mut files: BTreeSet<_> = paths.filter_map(|path| self.resolved(&path, 0)).collect();
            files.remove(module);
            files
        };
        self.texts.iter().map(|entry| (entry.0, of(entry))).collect()
    }

    /// The circles: files each of which can be reached from each other.
    fn circles(&self) -> Vec<Vec<Module>> {
        let imports = self.imports();
        let reach: BTreeMap<&Module, BTreeSet<Module>> = imports
            .keys()
            .map(|module| {
                let (mut seen, mut todo) = (BTreeSet::new(), vec![(*module).clone()]);
                while let Some(next) = todo.pop() {
                    todo.extend(imports[&next].iter().filter(|import| seen.insert((*import).clone())).cloned());
                }
                (*module, seen)
            })
            .collect();
        let circle = |module: &&Module| -> Vec<Module> {
            let back = |other: &&Module| reach[*other].contains(*module);
            reach[*module].iter().filter(back).cloned().collect()
        };
        let circles: BTreeSet<Vec<Module>> = reach.keys().map(circle).filter(|circle| circle.len() > 1).collect();
        circles.into_iter().collect()
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("it is there").map(|entry| entry.expect("it can be listed").path());
    let (folders, mut all): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    all.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    all.extend(folders.iter().flat_map(|folder| files(folder)));
    all
}

/// A file without comments and without its tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The paths that a file imports, each whole, and whether it passes them on.
fn uses(text: &str) -> impl Iterator<Item = (bool, String)> + '_ {
    let statements = text.match_indices("use ").filter_map(|(at, _)| {
        let before = text[..at].rsplit('\n').next().unwrap_or_default().trim();
        let is_use = before.is_empty() || before.starts_with("pub");
        let tree = text[at + 4..].split(';').next()?;
        is_use.then(|| (!before.is_empty(), leaves(tree.trim())))
    });
    statements.flat_map(|(is_public, leaves)| leaves.into_iter().map(move |leaf| (is_public, leaf)))
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn leaves(tree: &str) -> Vec<String> {
    let Some((before, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        return if path.is_empty() { Vec::new() } else { vec![path.to_string()] };
    };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut branches, mut depth) = (vec![String::new()], 0);
    for letter in inside.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match letter {
            ',' if depth == 0 => branches.push(String::new()),
            _ => branches.last_mut().expect("there is one").push(letter),
        }
    }
    branches.iter().flat_map(|branch| leaves(branch.trim())).map(|leaf| format!("{}{leaf}", before.trim())).collect()
}

/// The paths that a file names outside of its imports.
fn inline(text: &str) -> impl Iterator<Item = String> + '_ {
    let starts = ["crate::", "super::"].into_iter().flat_map(move |word| text.match_indices(word));
    starts.filter_map(|(at, _)| {
        let line = text[..at].rsplit(';').next().unwrap_or_default();
        let is_import = line.rsplit('\n').next().is_some_and(|line| line.contains("use "));
        let is_start = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        let path: String = text[at..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
        (is_start && !is_import).then(|| path.trim_end_matches(':').to_string())
    })
}

#[test]
fn trees_of_imports_are_taken_apart() {
    assert_eq!(
        leaves("crate::a::{self, b::{C, D as E}, F}"),
        ["crate::a::self", "crate::a::b::C", "crate::a::b::D", "crate::a::F"]
    );
    let found: Vec<_> = uses("use crate::a::B;\npub(crate) use c::{D, e};\nfn f() { let use_ = 1; }\n").collect();
    assert_eq!(found, [(false, "crate::a::B".into()), (true, "c::D".into()), (true, "c::e".into())]);
    assert_eq!(
        inline("use crate::a;\nlet b = crate::c::d(super::e::F);").collect::<Vec<_>>(),
        ["crate::c::d", "super::e::F"]
    );
}
