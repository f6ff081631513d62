//! The tool as a library: a program of a few lines is the whole tool, with components of its own.

use std::ffi::OsString;
use std::process::ExitCode;

use seedbed_properties::formats::Model as Object;
use seedbed_properties::formats::world::View;
use seedbed_properties::registry as library;
use seedbed_sim::{Model, Suite};

use crate::call::{Call, refuse};
use crate::commands::{Ended, counts};
use crate::registry::Registry;
use crate::say::Captured;
use crate::{logs, program, say, signals, tell};

/// The tool, with the components of the library. Add your own, then give the process to [`Cli::main`]:
///
/// ```no_run
/// # mod demo { pub fn suite() -> seedbed_sim::Suite<seedbed_sim::doc::PingPong> { seedbed_sim::Suite::new(seedbed_sim::doc::PingPong) } }
/// # use seedbed_traces as seedbed;
/// fn main() -> std::process::ExitCode {
///     seedbed::cli().component(demo::suite).main()
/// }
/// ```
///
/// The program has all commands. Printed commands begin with the name of the running program.
pub fn cli() -> Cli {
    Cli { registry: Registry::of_library() }
}

/// The tool, while it is configured. See [`cli`].
#[derive(Debug)]
#[must_use = "nothing runs before `main`"]
pub struct Cli {
    registry: Registry,
}

impl Cli {
    /// Adds a component: a model with its properties.
    pub fn component<M: Model>(mut self, suite: fn() -> Suite<M>) -> Self {
        self.registry.add(move || library::component(suite));
        self
    }

    /// Adds a component whose operations can be converted to those of an object: `check` judges its traces too.
    pub fn recorded<M: Model>(mut self, suite: fn() -> Suite<M>, object: Object, view: View<M>) -> Self {
        self.registry.add(move || library::recorded(suite, object, view));
        self
    }

    /// Leaves out the components of the library.
    pub fn without_library(mut self) -> Self {
        self.registry.leave_out_the_library();
        self
    }

    /// Runs the command line of the process. The exit code is 0 if all properties held, 1 if one was violated, 2 if the
    /// call was wrong or its output could not be written, 3 if something is undecided, 130 or 143 if Ctrl-C or SIGTERM ended
    /// it early.
    ///
    /// # Panics
    /// If two components have the same name, or this is called a second time in the process.
    pub fn main(self) -> ExitCode {
        logs::start();
        self.registry.install();
        let program = program::of_this_process();
        let call = Call::read(&program.name);
        let mut code = code(&program.name, counts::bound_common_pool().and_then(|()| call.run()));
        if let Some(signal) = signals::received() {
            tell!("{}: interrupted by {}; what is above was found until then", program.name, signal.name);
            code = signal.exit_code();
        }
        if let Err(problem) = say::finish() {
            tell!("{}: cannot write to standard output: {problem}", program.name);
            code = 2;
        }
        ExitCode::from(code)
    }
}

/// The exit code of a command. Errors are printed.
fn code(program: &str, ended: anyhow::Result<Ended>) -> u8 {
    match ended {
        Ok(Ended::Held) => 0,
        Ok(Ended::Violated) => 1,
        Ok(Ended::Refused) => 2,
        Ok(Ended::Undecided) => 3,
        Err(error) => {
            tell!("{program}: {error:#}");
            2
        }
    }
}

/// Runs a command line in this process, and returns its exit code and what it says on this thread. The first word is the
/// command's. Files are read and written as usual.
pub fn captured(words: &[&str]) -> (u8, Captured) {
    let all = std::iter::once(USUAL).chain(words.iter().copied()).map(OsString::from);
    say::captured(|| match Call::parse(USUAL, all) {
        Ok(call) => code(USUAL, call.run()),
        Err(error) => refuse(&error),
    })
}

/// What can be typed.
pub fn grammar() -> clap::Command {
    Call::grammar(USUAL)
}

/// The name of the program in a captured command line.
const USUAL: &str = "seedbed";
