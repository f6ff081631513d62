//! The tool, with this crate's component beside those of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    seedbed::cli().component(tutorial::suite).main()
}
