//! Puts into the tool the version of every component, which is the digest of the sources that it was built from, and
//! the kept traces.

#[allow(dead_code)]
#[path = "src/atlas/sources.rs"]
mod sources;

use std::path::Path;

fn main() {
    let here = std::env::var("CARGO_MANIFEST_DIR").expect("cargo says where the crate is");
    let workspace = Path::new(&here).join("..");
    let (versions, whole) = versions(&workspace);
    let text = format!(
        "/// The version of what each module of the models is made of.\nconst VERSIONS: &[(&str, &str)] = &{versions:?};\n\
         /// The digest of all sources.\nconst WHOLE: &str = {whole:?};\n",
    );
    let out = std::env::var("OUT_DIR").expect("cargo says where to write");
    std::fs::write(Path::new(&out).join("versions.rs"), text).expect("the build folder can be written");
    std::fs::write(Path::new(&out).join("corpus.rs"), corpus(&here)).expect("the build folder can be written");
    println!("cargo::rerun-if-changed=corpus");
    for path in sources::WATCHED.into_iter().filter(|path| workspace.join(path).exists()) {
        println!("cargo::rerun-if-changed=../{path}");
    }
}

/// The version of each component, and that of all sources. A package has no workspace around it: then no component has a
/// version of its own, and the package's stands for the sources.
fn versions(workspace: &Path) -> (Vec<(String, String)>, String) {
    if sources::WATCHED.iter().any(|path| !workspace.join(path).exists()) {
        return (Vec::new(), sources::digest_of(env!("CARGO_PKG_VERSION")));
    }
    let sources = sources::Sources::read(workspace).expect("the workspace's sources can be read");
    let versions = sources.components().map(|name| (name.clone(), sources.version(&name))).collect();
    (versions, sources.whole())
}

/// The kept traces, by name.
fn corpus(here: &str) -> String {
    let files = std::fs::read_dir(Path::new(here).join("corpus")).expect("the corpus is there");
    let mut files: Vec<_> = files.map(|file| file.expect("its files can be listed").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let entries = files.iter().map(|file| {
        let name = file.file_stem().expect("a name before the dot").to_string_lossy();
        format!("    ({name:?}, include_str!({:?})),\n", file.display().to_string())
    });
    let entries: String = entries.collect();
    format!("/// The kept traces, by name.\npub const KEPT: &[(&str, &str)] = &[\n{entries}];\n")
}
