//! Chooses mutants that compile, and builds the program that holds all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::places::Mutant;
use crate::render::{Rendered, render};
use crate::units::Sources;

/// The switch, which is written into the copy: one mutant is on, or none.
const SWITCH: &str = "//! The mutant that is on.

/// Whether it is this one.
#[inline]
#[allow(clippy::disallowed_methods, clippy::disallowed_types)]
pub fn on(mutant: u32) -> bool {
    static ON: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
        std::env::var(\"SEEDBED_MUTANT\").ok().and_then(|number| number.parse().ok()).unwrap_or(0)
    });
    *ON == mutant
}
";

/// The copy of the repository that is mutated.
pub struct Copy {
    pub root: PathBuf,
    pub target: PathBuf,
    pub sources: Sources,
}

/// The first `wanted` mutants, in this order, that compile together. Numbers begin with 1. Those that do not are remembered
/// for these sources: trying them would touch the files of all, and so build everything again.
pub fn choose(copy: &Copy, order: Vec<Mutant>, wanted: usize) -> anyhow::Result<Vec<Mutant>> {
    let mut digest = DefaultHasher::new();
    copy.sources.hash(&mut digest);
    let remembered = copy.target.with_file_name(format!("broken-{:016x}", digest.finish()));
    let mut known = std::fs::read_to_string(&remembered).unwrap_or_default();
    let mut order = order.into_iter().filter({
        let known: BTreeSet<String> = known.lines().map(str::to_string).collect();
        move |mutant| !known.contains(&mutant.name())
    });
    let mut chosen: Vec<Mutant> = order.by_ref().take(wanted).collect();
    loop {
        let rendered = write(copy, &chosen)?;
        let dropped = broken(copy, &rendered)?;
        if dropped.is_empty() && chosen.len() == wanted {
            return Ok(chosen);
        }
        eprintln!("{} of {} mutants do not compile", dropped.len(), chosen.len());
        let mut number = 0;
        chosen.retain(|mutant| {
            number += 1;
            let broken = dropped.contains(&number);
            known.extend(broken.then(|| mutant.name() + "\n"));
            !broken
        });
        std::fs::write(&remembered, &known)?;
        let missing = wanted - chosen.len();
        chosen.extend(order.by_ref().take(missing));
        if chosen.len() < wanted {
            bail!("there are not {wanted} mutants that compile");
        }
    }
}

/// Writes all files with these mutants.
fn write(copy: &Copy, mutants: &[Mutant]) -> anyhow::Result<BTreeMap<String, Rendered>> {
    let mut of_file: BTreeMap<&str, Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (index, mutant) in mutants.iter().enumerate() {
        of_file.entry(&mutant.file).or_default().push((index + 1, mutant));
    }
    let mut written = BTreeMap::new();
    for (file, source) in &copy.sources {
        let mut rendered = render(source, of_file.get(file.as_str()).map_or(&[][..], Vec::as_slice));
        if file == "models/src/lib.rs" {
            rendered.text.push_str("\npub mod mutants;\n");
        }
        write_changed(&copy.root.join(file), &rendered.text)?;
        written.insert(file.clone(), rendered);
    }
    write_changed(&copy.root.join("models/src/mutants.rs"), SWITCH)?;
    Ok(written)
}

/// What is there already keeps its time, so that it is not built again.
fn write_changed(path: &Path, text: &str) -> anyhow::Result<()> {
    if std::fs::read_to_string(path).ok().as_deref() != Some(text) {
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// The mutants with which the models do not compile.
fn broken(copy: &Copy, rendered: &BTreeMap<String, Rendered>) -> anyhow::Result<BTreeSet<usize>> {
    let mut command = cargo(copy);
    command.args(["check", "--locked", "-p", "seedbed-models", "--message-format=json"]);
    let output = command.stderr(Stdio::null()).output().context("cargo check")?;
    let mut broken = BTreeSet::new();
    let mut unknown = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        let message = &line["message"];
        if message["level"] != "error" {
            continue;
        }
        let spans = message["spans"].as_array().map_or(&[][..], Vec::as_slice);
        let at = |span: &Value| blamed(rendered, span["file_name"].as_str()?, span["byte_start"].as_u64()? as usize);
        let primary = spans.iter().filter(|span| span["is_primary"] == true).find_map(at);
        let text = message["rendered"].as_str().unwrap_or_default();
        match primary.or_else(|| spans.iter().find_map(at)).or_else(|| named(text)) {
            Some(mutants) => broken.extend(mutants),
            None if spans.is_empty() => {}
            None => unknown.push(text.to_string()),
        }
    }
    if broken.is_empty() && !output.status.success() {
        bail!("the models do not compile, and no mutant is the cause:\n{}", unknown.join("\n"));
    }
    Ok(broken)
}

/// The mutants whose switches an error quotes.
fn named(error: &str) -> Option<Vec<usize>> {
    let after = error.split("mutants::on(").skip(1);
    let numbers: Vec<usize> = after.filter_map(|rest| rest.split(')').next()?.parse().ok()).collect();
    if numbers.is_empty() { None } else { Some(numbers) }
}

/// The mutants that an error at this place comes from: the innermost around it, or else the last before it on its line
/// or the line above.
fn blamed(rendered: &BTreeMap<String, Rendered>, file: &str, at: usize) -> Option<Vec<usize>> {
    let Rendered { text, wholes, branches } = rendered.get(file)?;
    let innermost = |ranges: &[(std::ops::Range<usize>, usize)]| {
        let around = ranges.iter().filter(|(range, _)| range.start <= at && at < range.end);
        let shortest = around.clone().map(|(range, _)| range.len()).min()?;
        let mutants: Vec<usize> = around.filter(|(range, _)| range.len() == shortest).map(|(_, id)| *id).collect();
        Some((shortest, mutants))
    };
    match (innermost(branches), innermost(wholes)) {
        (Some((branch, mutants)), Some((whole, _))) if branch <= whole => Some(mutants),
        (_, Some((_, mutants))) => Some(mutants),
        (Some((_, mutants)), None) => Some(mutants),
        (None, None) => {
            let line = text[..at].rfind('\n').map_or(0, |end| text[..end].rfind('\n').unwrap_or(0));
            let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
            let near = wholes.iter().filter(|(range, _)| range.end >= line && range.start <= end);
            let near: Vec<usize> = near.map(|(_, id)| *id).collect();
            if near.is_empty() { None } else { Some(near) }
        }
    }
}

/// Cargo in the copy.
pub fn cargo(copy: &Copy) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(&copy.root).env("CARGO_TARGET_DIR", &copy.target).env("CARGO_INCREMENTAL", "0");
    command.env_remove("SEEDBED_MUTANT");
    command
}

/// A test program, and the package and target that it is of.
pub struct Test {
    pub package: String,
    pub target: String,
    pub program: PathBuf,
    is_test: bool,
}

/// Builds the tool, with all mutants in it.
pub fn tool(copy: &Copy) -> anyhow::Result<PathBuf> {
    let built = built(copy, &["build", "--release", "--workspace", "--bins"])?;
    let tool = built.into_iter().find(|built| built.target == "seedbed" && built.package == "traces");
    Ok(tool.context("the tool was not built")?.program)
}

/// The test programs that run models, besides the models' own unit tests.
const PROGRAMS: [&str; 8] =
    ["raft_paper", "commit_tables", "redis", "steps", "replication", "transactions", "caching", "tool"];

/// Builds the tests of models, of their properties, and of the tool, with all mutants in them.
pub fn tests(copy: &Copy, programs: &[String]) -> anyhow::Result<Vec<Test>> {
    let chosen = programs.iter().map(String::as_str);
    let chosen: Vec<&str> = if programs.is_empty() { PROGRAMS.to_vec() } else { chosen.collect() };
    let programs = chosen.iter().flat_map(|program| ["--test", program]);
    let words: Vec<&str> = ["test", "--workspace", "--no-run"].into_iter().chain(programs).collect();
    let mut built = self::built(copy, &words)?;
    if chosen.len() < PROGRAMS.len() {
        return Ok(built.into_iter().filter(|built| built.is_test).collect());
    }
    built.extend(self::built(copy, &["test", "--no-run", "-p", "seedbed-models", "--lib"])?);
    Ok(built.into_iter().filter(|built| built.is_test).collect())
}

fn built(copy: &Copy, words: &[&str]) -> anyhow::Result<Vec<Test>> {
    let mut command = cargo(copy);
    command.args(words).args(["--locked", "--message-format=json"]);
    let output = command.stderr(Stdio::inherit()).output().context("cargo")?;
    if !output.status.success() {
        bail!("the copy does not build");
    }
    let lines = String::from_utf8_lossy(&output.stdout).to_string();
    let programs = lines.lines().filter_map(|line| {
        let line = serde_json::from_str::<Value>(line).ok()?;
        let program = PathBuf::from(line["executable"].as_str()?);
        let package = Path::new(line["manifest_path"].as_str()?).parent()?.file_name()?.to_string_lossy().to_string();
        let target = line["target"]["name"].as_str()?.to_string();
        Some(Test { package, target, program, is_test: line["profile"]["test"] == true })
    });
    Ok(programs.collect())
}
