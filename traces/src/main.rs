//! The tool, with the components of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    seedbed_traces::cli().main()
}
