//! The provenance of an atlas.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::atlas::sources::{Sources, digest_of_bytes};

include!(concat!(env!("OUT_DIR"), "/versions.rs"));

/// The workspace that the tool was built in, if it still exists.
const BUILT_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// The version of a model, which is part of its cache keys. `path` is that of its type. A model of another crate, whose
/// sources the tool does not know, has the version of the running program, which changes with the model.
pub fn version(path: &str) -> &'static str {
    let of_library = path.strip_prefix("seedbed_models::");
    let module = of_library.map(|path| path.split("::").take(2).collect::<Vec<_>>().join("/"));
    let known = VERSIONS.iter().find(|(name, _)| module.as_deref() == Some(*name));
    known.map_or_else(version_of_the_program, |(_, version)| version)
}

/// The digest of the running program. If it cannot be read, the process number, so that nothing cached is used.
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
    /// The commit, if the tool was built from the present sources of a git workspace.
    pub commit: Option<String>,
    /// The shortened digest of the sources.
    pub sources: String,
}

impl Provenance {
    /// The provenance of this tool.
    pub fn of_this_tool() -> Self {
        let workspace = Path::new(BUILT_IN);
        let same = Sources::read(workspace).is_ok_and(|sources| sources.whole() == WHOLE);
        let commit = if same { commit(workspace) } else { None };
        Provenance { commit, sources: WHOLE[..12].to_string() }
    }
}

/// The commit of a workspace, with a remark if files are changed.
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
