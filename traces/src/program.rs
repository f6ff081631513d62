//! The name of the running program, for printed commands.

use std::path::Path;
use std::sync::OnceLock;

/// The names of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The last component of its path, without an extension.
    pub name: String,
    /// The text before the arguments of a command.
    pub typed: String,
}

static PROGRAM: OnceLock<Program> = OnceLock::new();

/// The name of the running process, determined at the first call.
pub fn of_this_process() -> &'static Program {
    PROGRAM.get_or_init(|| {
        let path = std::env::args().next().unwrap_or_default();
        // Set by `cargo run` and in tests.
        let by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").is_some();
        Program::started_as(&path, by_cargo)
    })
}

impl Program {
    /// The program that was started with this path.
    fn started_as(path: &str, by_cargo: bool) -> Self {
        let file = Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let optimised = Path::new(path).parent().is_some_and(|folder| folder.ends_with("release"));
        let typed = match (by_cargo, optimised) {
            (true, true) => "cargo run --release --".into(),
            (true, false) => "cargo run --".into(),
            (false, _) => path.to_string(),
        };
        Program { name: file.unwrap_or_else(|| USUAL.into()), typed }
    }
}

/// The name if no program was started as the tool.
const USUAL: &str = "seedbed";

/// The name of the running tool.
pub fn name() -> &'static str {
    PROGRAM.get().map_or(USUAL, |program| &program.name)
}

/// The command that replays a trace with the running tool.
pub fn replay(file: &str) -> String {
    let typed = PROGRAM.get().map_or(USUAL, |program| &program.typed);
    format!("{typed} replay {file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_is_what_was_typed() {
        for (path, by_cargo, name, typed) in [
            ("target/debug/mine", true, "mine", "cargo run --"),
            ("/a/target/release/mine", true, "mine", "cargo run --release --"),
            ("./target/release/mine", false, "mine", "./target/release/mine"),
            ("mine", false, "mine", "mine"),
            ("C:/bin/mine.exe", false, "mine", "C:/bin/mine.exe"),
            ("", false, "seedbed", ""),
        ] {
            assert_eq!(Program::started_as(path, by_cargo), Program { name: name.into(), typed: typed.into() });
        }
    }
}
