//! The tool as a value: a program of a few lines is the whole tool, for components of its own.

use std::process::ExitCode;

use seedbed_properties::formats::Model as Object;
use seedbed_properties::formats::world::View;
use seedbed_properties::registry as library;
use seedbed_sim::{Model, Suite};

use crate::call::Call;
use crate::commands::Ended;
use crate::registry::Registry;
use crate::{logs, program};

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
/// The program has all commands. What it prints for people to type names the program that is running.
pub fn cli() -> Cli {
    Cli { registry: Registry::of_library() }
}

/// The tool in the making. See [`cli`].
#[derive(Debug)]
#[must_use = "nothing runs before `main`"]
pub struct Cli {
    registry: Registry,
}

impl Cli {
    /// Adds a component: a model, and what must be true of it.
    pub fn component<M: Model>(mut self, suite: fn() -> Suite<M>) -> Self {
        self.registry.add(move || library::component(suite));
        self
    }

    /// Adds a component whose operations read as those on an object: then `check` judges its traces too.
    pub fn recorded<M: Model>(mut self, suite: fn() -> Suite<M>, object: Object, view: View<M>) -> Self {
        self.registry.add(move || library::recorded(suite, object, view));
        self
    }

    /// Leaves out the components of the library.
    pub fn without_library(mut self) -> Self {
        self.registry.leave_out_the_library();
        self
    }

    /// Does what the process was called for. The exit code is 0 if all held, 1 if a property was violated, 2 if the call was
    /// wrong, 3 if something is undecided.
    ///
    /// # Panics
    /// If two components have the same name, or this is called a second time in the process.
    pub fn main(self) -> ExitCode {
        logs::start();
        self.registry.install();
        let program = program::of_this_process();
        match Call::read(&program.name).run() {
            Ok(Ended::Held) => ExitCode::SUCCESS,
            Ok(Ended::Violated) => ExitCode::from(1),
            Ok(Ended::Refused) => ExitCode::from(2),
            Ok(Ended::Undecided) => ExitCode::from(3),
            Err(error) => {
                eprintln!("{}: {error:#}", program.name);
                ExitCode::from(2)
            }
        }
    }
}
