//! From what an atlas was made.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::atlas::sources::{Sources, digest_of_bytes};

include!(concat!(env!("OUT_DIR"), "/versions.rs"));

/// The folder of the workspace that the tool was built in, if it is still there.
const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The version of a model: what its results are cached by. `path` is that of its type. A model whose sources this tool does
/// not know, which is one of another crate, has that of the program that is running: it changes whenever the model does.
pub fn version(path: &str) -> &'static str {
    let of_library = path.strip_prefix("seedbed_models::");
    let module = of_library.map(|path| path.split("::").take(2).collect::<Vec<_>>().join("/"));
    let known = VERSIONS.iter().find(|(name, _)| module.as_deref() == Some(*name));
    known.map_or_else(version_of_the_program, |(_, version)| version)
}

/// The digest of the program that is running. Where it cannot be read, the number of the process: what other processes have
/// kept is measured again then.
fn version_of_the_program() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        let program = std::env::current_exe().and_then(std::fs::read);
        program.map_or_else(|_| format!("process {}", std::process::id()), |bytes| digest_of_bytes(&bytes))
    })
}

/// The sources that the tool was built from, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// The commit, if the sources beside the tool are still those it was built from and git knows them.
    pub commit: Option<String>,
    /// The digest of the sources, shortened.
    pub sources: String,
}

impl Provenance {
    /// That of this tool.
    pub fn of_this_tool() -> Self {
        let workspace = Path::new(BUILT_IN);
        let same = Sources::read(workspace).is_ok_and(|sources| sources.whole() == WHOLE);
        let commit = if same { commit(workspace) } else { None };
        Provenance { commit, sources: WHOLE[..12].to_string() }
    }
}

/// The commit of a workspace, with a word if files are not as it has them.
fn commit(workspace: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(workspace).args(arguments).output().ok()?;
        let text = output.status.success().then(|| String::from_utf8(output.stdout).ok())?;
        Some(text?.trim().to_string())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--", "sim", "models", "properties", "traces/src", "Cargo.lock"])?;
    Some(if changes.is_empty() { commit } else { format!("{commit} with changes") })
}
