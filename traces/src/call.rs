//! The command line: what can be typed, and which command it is.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use seedbed_sim::Time;

use crate::commands::progress::ShrinkBudget;
use crate::commands::{
    Ended, ModelOptions, atlas, check, compare, counts, fields, list, litmus, merge, mutants, new, pages, replay, run,
    show, shrink, sweep, tour,
};
use crate::component::Changes;
use crate::{say, say_all};

/// Runs distributed protocols in simulated worlds, injects the faults that they tolerate, checks their properties, and
/// shrinks failures to short traces that can be replayed. Without a command, it gives a tour of about ten seconds.
#[derive(Parser)]
#[command(
    name = "seedbed",
    version,
    after_help = "Exit codes: 0 all held, 1 a property was violated, 2 the call was wrong, 3 nothing was violated and something is undecided, 130 or 143 Ctrl-C or SIGTERM ended it."
)]
pub struct Call {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Components, properties, faults, bugs.
    List {
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Runs one world: verdict, statistics, timeline.
    Run {
        /// The model to run.
        model: String,
        /// The seed; 0 without it.
        #[arg(long, conflicts_with = "seeds")]
        seed: Option<u64>,
        /// With --litmus: the seeds, as A..B; without it, as many as it takes to see all outcomes.
        #[arg(long)]
        seeds: Option<String>,
        #[command(flatten)]
        options: ModelOptions,
        /// How many lines of the timeline to print; 0 for all.
        #[arg(long, default_value_t = 60, value_parser = counts::lines())]
        lines: usize,
        /// Write the whole run to this file as a trace, whatever its verdict.
        #[arg(long)]
        trace: Option<PathBuf>,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
    /// Runs many worlds on all cores.
    Sweep(sweep::Sweep),
    /// Joins what the shards of a sweep wrote; names what is missing.
    Merge {
        /// The files of the shards: from `sweep --results FILE`, or `sweep --shard I/N --json > FILE`.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Replays a trace, verifies it, and says which choices were unused. RUST_LOG=debug prints logs in virtual time.
    Replay {
        /// The trace.
        file: PathBuf,
        /// Replace a field of the trace's configuration, such as `--with settings.pre_vote=true`.
        #[arg(long, value_name = "FIELD=VALUE")]
        with: Vec<String>,
        /// Replay without the planted bug.
        #[arg(long)]
        no_bug: bool,
        /// The most events of the run, in place of what the trace says.
        #[arg(long, value_parser = counts::events())]
        events: Option<NonZeroU64>,
        /// Show only what happens up to this instant, such as 1200ms.
        #[arg(long)]
        until: Option<Time>,
        /// Wait for Enter after each event; s shows states.
        #[arg(long)]
        step: bool,
        /// How many lines of the timeline to print; 0 for all.
        #[arg(long, default_value_t = 60, value_parser = counts::lines())]
        lines: usize,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
    /// Makes a recorded failure shorter.
    Shrink {
        /// The trace.
        file: PathBuf,
        /// Where to write the result; by default beside the trace.
        #[arg(long)]
        out: Option<PathBuf>,
        /// The most seconds that it may take.
        #[arg(long, default_value_t = ShrinkBudget::default().seconds, value_parser = counts::seconds)]
        seconds: f64,
        /// The most worlds that it may run.
        #[arg(long, default_value_t = ShrinkBudget::default().runs, value_parser = counts::runs())]
        runs: usize,
        /// The most events of a run, in place of what the trace says.
        #[arg(long, value_parser = counts::events())]
        events: Option<NonZeroU64>,
        /// Print a JSON line.
        #[arg(long)]
        json: bool,
    },
    /// Draws a trace.
    Show {
        /// The trace.
        file: PathBuf,
        /// The form of the drawing.
        #[arg(long = "as", value_enum, default_value_t)]
        form: show::Form,
        /// How many lines of the timeline to draw; 0 for all.
        #[arg(long, default_value_t = 60, value_parser = counts::lines())]
        lines: usize,
        /// Where to write it; by default to standard output.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Judges histories recorded here or elsewhere: linearizability and weaker models, isolation of transactions.
    Check(Box<check::Check>),
    /// Compares the costs of a family's models under the same workload and faults, and the inconsistencies that they
    /// show.
    Compare {
        /// The family to compare.
        #[arg(value_enum)]
        family: compare::Family,
        /// The seeds, as A..B: one world each, for every model and every plan of faults.
        #[arg(long, default_value = "0..300")]
        seeds: String,
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Creates files for a new crate, model or property that compile and pass.
    New {
        #[command(subcommand)]
        what: new::New,
    },
    /// The atlas: which component holds, breaks, blocks or slows under which faults; Markdown and one HTML page.
    Atlas(atlas::Call),
    /// The kill matrix: is every planted bug caught by its property, and after how many seeds?
    Mutants(mutants::Mutants),
    /// Writes the guide's pages of all components.
    Pages {
        /// The figures of the kill matrix: the JSON lines of mutants.
        #[arg(long, default_value = "docs/kills.jsonl")]
        kills: PathBuf,
        /// The folder for the pages.
        #[arg(long, default_value = "docs/components")]
        out: PathBuf,
    },
}

impl Call {
    /// Parses the command line of the program with this name. Ends the process if it is wrong, with exit code 2, or
    /// asks for help.
    pub fn read(program: &'static str) -> Self {
        Call::parse(program, std::env::args_os()).unwrap_or_else(|error| std::process::exit(refuse(&error).into()))
    }

    /// Parses a command line, whose first word is skipped.
    ///
    /// # Errors
    /// If it is wrong, or asks for help.
    pub fn parse(program: &'static str, words: impl IntoIterator<Item = OsString>) -> Result<Self, clap::Error> {
        let matches = Self::grammar(program).try_get_matches_from(words)?;
        Call::from_arg_matches(&matches)
    }

    /// What can be typed.
    pub fn grammar(program: &'static str) -> clap::Command {
        Call::command().name(program).bin_name(program)
    }

    /// Runs the command.
    ///
    /// # Errors
    /// If the command line is inconsistent.
    pub fn run(self) -> anyhow::Result<Ended> {
        run_command(self.command)
    }
}

/// Prints what is wrong with a command line, or the help that it asks for; returns the exit code.
pub fn refuse(error: &clap::Error) -> u8 {
    if error.use_stderr() {
        // What was typed is repeated in it, and may come from anywhere: so there are no colours.
        say::tell(format_args!("{}", error.render()));
        return 2;
    }
    say_all!("{}", error.render());
    if say::finish().is_ok() { 0 } else { 2 }
}

fn run_command(command: Option<Command>) -> anyhow::Result<Ended> {
    match command {
        None => tour::tour(),
        Some(Command::List { json }) => Ok(list::list(json)),
        Some(Command::Run { model, seed, seeds, options, lines, trace, json }) => run::run(
            &model,
            litmus::Seeds { one: seed, many: seeds.as_deref() },
            &options,
            lines,
            trace.as_deref(),
            json,
        ),
        Some(Command::Sweep(call)) => sweep::sweep(&call),
        Some(Command::Merge { files, json }) => merge::merge(&files, json),
        Some(Command::Replay { file, with, no_bug, events, until, step, lines, json }) => {
            let changes = Changes { fields: fields(&with)?, mended: no_bug, events };
            replay::replay(&file, &changes, &replay::Shown { until, step, lines, json })
        }
        Some(Command::Shrink { file, out, seconds, runs, events, json }) => {
            shrink::shrink(&file, out, events, ShrinkBudget { seconds, runs }, json)
        }
        Some(Command::Show { file, form, lines, out }) => show::show(&file, form, lines, out),
        Some(Command::Check(call)) => check::check(&call),
        Some(Command::Compare { family, seeds, json }) => compare::compare(family, &seeds, json),
        Some(Command::New { what }) => new::new(&what),
        Some(Command::Atlas(call)) => atlas::atlas(&call),
        Some(Command::Mutants(call)) => mutants::mutants(&call),
        Some(Command::Pages { kills, out }) => pages::write(&kills, &out),
    }
}
