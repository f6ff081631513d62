//! Where what others have recorded and judged lies.

use std::path::PathBuf;

/// A file below the folder that the environment variable `SEEDBED_ORACLES` names. Nothing if it is not set: then the test is
/// skipped, and says so.
pub fn oracle(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("SEEDBED_ORACLES");
    if root.is_none() {
        eprintln!("skipped: SEEDBED_ORACLES is not set");
    }
    Some(PathBuf::from(root?).join(path))
}
