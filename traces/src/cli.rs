//! The tool as a library: a program of a few lines is the whole tool, with components of its own.

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
    /// call was wrong, 3 if something is undecided.
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
