//! The commands, one file each.

pub mod atlas;
pub mod check;
pub mod compare;
pub mod counts;
pub mod list;
pub mod litmus;
pub mod merge;
pub mod mutants;
pub mod new;
pub mod pages;
pub mod progress;
pub mod replay;
pub mod run;
pub mod show;
pub mod shrink;
pub mod sweep;
pub mod tour;

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use seedbed_sim::check::{failing_directory, keep_trace};
use seedbed_sim::{FaultClass, Info, Strategy};

use crate::component::{Component, KeepGoing, Options, Prepared, Replay, Run, Shrunk};
use crate::files;
use crate::registry;
use crate::tell;

/// The result of a command without a usage error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All properties held: exit code 0.
    Held,
    /// A property was violated: exit code 1.
    Violated,
    /// The input was invalid, which has been reported: exit code 2.
    Refused,
    /// Nothing was violated, but something is undecided: exit code 3.
    Undecided,
}

impl Ended {
    /// The end of runs of which so many violated something, and so many have no verdict.
    pub fn of(violations: u64, undecided: u64) -> Self {
        match (violations, undecided) {
            (1.., _) => Ended::Violated,
            (0, 1..) => Ended::Undecided,
            (0, 0) => Ended::Held,
        }
    }

    /// The end of one run.
    fn of_run(run: &Run) -> Self {
        Ended::of(run.violation.is_some().into(), run.undecided.is_some().into())
    }
}

/// The options for running a model.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ModelOptions {
    /// Plant this bug (`seedbed list` names them).
    #[arg(long)]
    pub bug: Option<String>,
    /// Draw these classes of fault only, separated by commas, tolerated or not; `none` for none.
    #[arg(long, value_delimiter = ',')]
    pub faults: Option<Vec<String>>,
    /// Run with this many nodes.
    #[arg(long, value_parser = counts::nodes())]
    pub nodes: Option<usize>,
    /// Run outside the tolerance, at this boundary (`seedbed list` names them).
    #[arg(long)]
    pub boundary: Option<String>,
    /// Draw all classes of --faults in every world, instead of random subsets.
    #[arg(long, requires = "faults")]
    pub every: bool,
    /// Replace a field of the configuration, as a trace has it: `--with kind=redlock --with lease.ttl=600ms`.
    #[arg(long, value_name = "FIELD=VALUE")]
    pub with: Vec<String>,
    /// Shift the shares of operations: `--workload get=9 --workload cas=0` has nine times as many gets, compared with the others,
    /// and no cas.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = share)]
    pub workload: Vec<(String, u32)>,
    /// The most events of a world; one that has more is undecided. By default a large number that grows with the nodes and the
    /// length of the run.
    #[arg(long, value_parser = counts::events())]
    pub events: Option<NonZeroU64>,
    /// How the world of a seed is drawn: uniform, swarm, pct or guided.
    #[arg(long, default_value_t)]
    pub strategy: Strategy,
    /// The folder of a guided search's corpus: it is loaded first, and a sweep adds its finds.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = crate::corpus::USUAL)]
    pub corpus: Option<PathBuf>,
    /// The flags for the settings of models.
    #[command(flatten)]
    pub settings: Settings,
}

/// The flags for the settings of models ([`seedbed_sim::Model::settings`]), one each.
#[derive(Clone, Debug, Default)]
pub struct Settings(Vec<(String, String)>);

fn known_settings() -> Vec<seedbed_sim::Setting> {
    let mut known: Vec<seedbed_sim::Setting> = Vec::new();
    for setting in registry::all().iter().flat_map(|component| component.settings()) {
        if known.iter().all(|other| other.name != setting.name) {
            known.push(*setting);
        }
    }
    known
}

impl clap::Args for Settings {
    fn augment_args(command: clap::Command) -> clap::Command {
        let flag = |setting: seedbed_sim::Setting| clap::Arg::new(setting.name).long(setting.name).help(setting.what);
        command.args(known_settings().into_iter().map(flag))
    }
    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Settings {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Settings::default();
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }
    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        let given = |setting: &seedbed_sim::Setting| {
            let value = matches.get_one::<String>(setting.name)?;
            Some((setting.name.to_string(), value.clone()))
        };
        self.0 = known_settings().iter().filter_map(given).collect();
        Ok(())
    }
}

impl ModelOptions {
    fn parse(&self) -> anyhow::Result<Options> {
        let classes = |names: &Vec<String>| -> anyhow::Result<BTreeSet<FaultClass>> {
            let names = names.iter().filter(|name| *name != "none");
            names.map(|name| name.parse().map_err(anyhow::Error::msg)).collect()
        };
        let faults = self.faults.as_ref().map(classes).transpose()?;
        if self.corpus.is_some() && self.strategy != Strategy::Guided {
            anyhow::bail!("--corpus: {} learns nothing; --strategy guided does", self.strategy);
        }
        Ok(Options {
            bug: self.bug.clone(),
            faults,
            nodes: self.nodes,
            boundary: self.boundary.clone(),
            settings: self.settings.0.clone(),
            every: self.every,
            with: fields(&self.with)?,
            workload: self.workload.clone(),
            events: self.events,
            strategy: self.strategy,
            corpus: self.corpus.clone(),
        })
    }
}

/// Parses the share of a kind of operations.
fn share(text: &str) -> Result<(String, u32), String> {
    let share = text.split_once('=').and_then(|(kind, share)| Some((kind.to_string(), share.parse().ok()?)));
    share.ok_or_else(|| "write KIND=SHARE with a whole number, such as get=9".to_string())
}

/// Parses `FIELD=VALUE`: the path of a field of the configuration, and its new value.
pub(crate) fn fields(with: &[String]) -> anyhow::Result<Vec<(String, String)>> {
    let field = |text: &String| match text.split_once('=') {
        Some((path, value)) => Ok((path.to_string(), value.to_string())),
        None => Err(anyhow::anyhow!("--with {text}: write FIELD=VALUE, such as kind=redlock")),
    };
    with.iter().map(field).collect()
}

/// The limit of lines of a drawing, where 0 is no limit.
fn at_most(lines: usize) -> Option<usize> {
    (lines > 0).then_some(lines)
}

/// Prints which of the requested faults the model does not declare to tolerate.
fn beyond(info: &Info, options: &Options) {
    let beyond = options.faults.iter().flatten().filter(|class| !info.tolerates.contains(class));
    let beyond: Vec<_> = beyond.map(|class| class.name()).collect();
    if !beyond.is_empty() {
        tell!("note: {} does not declare to tolerate {}: what fails may be no bug", info.name, beyond.join(", "));
    }
}

/// Reads a file.
fn read(file: &Path) -> anyhow::Result<String> {
    files::TRACE.text_of(file)
}

/// Reads a trace file, and finds its component.
fn read_trace(file: &Path) -> anyhow::Result<(String, Component)> {
    let text = read(file)?;
    let head = seedbed_sim::trace::head(&text).with_context(|| format!("{} is not a trace", file.display()))?;
    let component = registry::find(&head.model).with_context(|| in_file(file))?;
    Ok((text, component))
}

/// Refuses a trace that replays without a violation if its property is unknown to the tool, such as that of a test:
/// only the test can check it.
///
/// # Errors
/// If the component has no such property, and it is no assertion of its own.
fn judged_here(component: &Component, replay: &Replay) -> anyhow::Result<()> {
    let (None, Some(recorded)) = (&replay.run.violation, &replay.recorded) else { return Ok(()) };
    let property = &recorded.property;
    if property.starts_with("assertion") || component.judges(property) {
        return Ok(());
    }
    anyhow::bail!(
        "{} has no property '{property}' in this tool, so nothing can be said of it. It was a test that wrote this trace: run the test again, with MADSIM_TEST_SEED set to the seed in the trace's origin",
        component.info().name
    )
}

/// The context of an error in the contents of a file.
fn in_file(file: &Path) -> String {
    format!("in {}", file.display())
}

/// Shrinks a failing seed, and writes its trace. `None` if that is not possible, which is told: the seed fails all the same.
fn hunt(component: &Component, prepared: &Prepared, seed: u64, keep_going: KeepGoing<'_>) -> Option<(Shrunk, PathBuf)> {
    let kept = |shrunk: Shrunk| keep(component, seed, &shrunk).map(|file| (shrunk, file));
    match prepared.hunt(seed, keep_going).and_then(|shrunk| shrunk.map(kept).transpose()) {
        Ok(hunted) => hunted,
        Err(problem) => {
            tell!("seed {seed}: {problem:#}");
            None
        }
    }
}

/// Writes a trace into the folder of failing traces.
///
/// # Errors
/// If it cannot be written.
fn keep(component: &Component, seed: u64, shrunk: &Shrunk) -> anyhow::Result<PathBuf> {
    let name = seedbed_sim::check::file_name(component.info().name, &shrunk.violation.property, seed);
    let file = failing_directory().join(name);
    keep_trace(&file, &shrunk.text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// A path relative to the current directory, if it is below it.
fn shown(file: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    file.strip_prefix(here).unwrap_or(file).display().to_string()
}
