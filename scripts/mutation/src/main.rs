//! Mutation testing of the models: a sample of mutants is put into one program, each behind a switch, and every mutant is
//! tried by a sweep of the components that have it, then by the tests. See `scripts/mutation.sh`.

mod compile;
mod judge;
mod places;
mod render;
mod units;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, bail};

use crate::compile::Copy;
use crate::judge::Judge;
use crate::places::Mutant;
use crate::units::Sources;

/// What is asked for.
struct Call {
    repository: PathBuf,
    scratch: PathBuf,
    sample: usize,
    /// Only mutants of these families: folders of `models/src`. All, if there is none.
    families: Vec<String>,
    seed: u64,
    seeds: u64,
    jobs: usize,
    /// Only these numbers.
    only: Vec<usize>,
    /// Sweeps only.
    no_tests: bool,
    /// The log of an earlier run, whose sweeps are taken instead of new ones: for work on the tests.
    swept: Option<PathBuf>,
    /// These test programs only.
    programs: Vec<String>,
    /// No mutant is tried: what the file of results has is judged.
    check: bool,
}

impl Call {
    /// Whether mutants of this file are asked for.
    fn concerns(&self, file: &str) -> bool {
        let family = file.trim_start_matches("models/src/").split('/').next();
        self.families.is_empty() || self.families.iter().any(|wanted| Some(wanted.as_str()) == family)
    }

    fn wants(&self, number: usize) -> bool {
        self.only.is_empty() || self.only.contains(&number)
    }
}

fn call() -> anyhow::Result<Call> {
    let mut call = Call {
        repository: std::env::current_dir()?,
        scratch: std::env::temp_dir().join("seedbed-mutation"),
        sample: 240,
        families: Vec::new(),
        seed: 1,
        seeds: 3000,
        jobs: std::thread::available_parallelism().map_or(1, usize::from),
        only: Vec::new(),
        no_tests: false,
        swept: None,
        programs: Vec::new(),
        check: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("{word} needs a value"));
        match word.as_str() {
            "--scratch" => call.scratch = value()?.into(),
            "--sample" => call.sample = value()?.parse()?,
            "--family" => call.families = value()?.split(',').map(str::to_string).collect(),
            "--seed" => call.seed = value()?.parse()?,
            "--seeds" => call.seeds = value()?.parse()?,
            "--jobs" => call.jobs = value()?.parse()?,
            "--only" => call.only = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--check" => call.check = true,
            "--no-tests" => call.no_tests = true,
            "--programs" => call.programs = value()?.split(',').map(str::to_string).collect(),
            "--swept" => call.swept = Some(value()?.into()),
            other => {
                bail!(
                    "{other} is no option: --scratch DIR, --sample N, --family NAME,…, --seed S, --seeds N, --jobs N, --only N,…, --check"
                )
            }
        }
    }
    Ok(call)
}

/// The files of reasons and results, in the repository.
const SURVIVORS: &str = "docs/mutation-survivors.tsv";
const RESULTS: &str = "docs/mutation-results.tsv";

fn main() -> anyhow::Result<()> {
    let call = call()?;
    let copy = copied(&call)?;
    let mut all = Vec::new();
    for (file, source) in &copy.sources {
        let planted = file.ends_with("bugs.rs") || file.ends_with("broken.rs");
        let none = ["workload.rs", "tests.rs", "marks.rs"].iter().any(|end| file.ends_with(end));
        if !planted && !none && call.concerns(file) {
            all.extend(places::mutants(file, source).with_context(|| format!("{file} cannot be read"))?);
        }
    }
    let count = all.len();
    // In the order of their digests with the seed: a change of the code somewhere else hardly changes the sample.
    all.sort_by_cached_key(|mutant| {
        let mut digest = DefaultHasher::new();
        (call.seed, mutant.name()).hash(&mut digest);
        (digest.finish(), mutant.name())
    });
    eprintln!("{count} mutants can be made; {} are taken", call.sample);
    let mutants = compile::choose(&copy, all, call.sample)?;
    list(&call, &mutants)?;
    let known = recorded(&call.repository.join(RESULTS), &mutants);
    if call.check {
        return report(&call, &mutants, &known);
    }
    let mut judge = Judge::new(call.seeds, &copy.root);
    let relevant = users(&copy, &mutants)?;
    let mut swept = call.swept.as_deref().map_or_else(BTreeMap::new, |log| logged(log, &mutants));
    if call.swept.is_none() {
        let wanted = (1..=mutants.len()).filter(|number| call.wants(*number));
        let components = wanted.flat_map(|number| &relevant[number - 1]).copied().collect();
        judge.ready_to_sweep(compile::tool(&copy)?, &components)?;
        let left = |number: &usize| !swept.contains_key(number);
        let more = each(&call, &mutants, left, &|number| judge.swept_away(number, &relevant[number - 1]));
        swept.extend(more);
    }
    let survives = |number: &usize| swept.get(number).is_none_or(Option::is_none);
    let mut results = swept.clone();
    if !call.no_tests && (1..=mutants.len()).any(|number| call.wants(number) && survives(&number)) {
        judge.ready_to_test(compile::tests(&copy, &call.programs)?)?;
        results.extend(each(&call, &mutants, survives, &|number| judge.test(number, &relevant[number - 1])));
    }
    // What was not tried, or on a part of the tests only, has not survived: what was known of it stays.
    let of_all_tests = !call.no_tests && call.programs.is_empty();
    results.retain(|number, killed| killed.is_some() || of_all_tests && call.wants(*number));
    if !(call.only.is_empty() && of_all_tests) {
        known.into_iter().for_each(|(number, killed)| _ = results.entry(number).or_insert(killed));
    }
    report(&call, &mutants, &results)
}

/// The components that have each mutant.
fn users(copy: &Copy, mutants: &[Mutant]) -> anyhow::Result<Vec<Vec<usize>>> {
    let users = units::users(&copy.sources);
    let of = |mutant: &Mutant| {
        let users = users.get(&units::unit_of(&mutant.file)).cloned().unwrap_or_default();
        anyhow::ensure!(!users.is_empty(), "no component uses {}: units::COMPONENTS lacks one", mutant.file);
        Ok(users)
    };
    mutants.iter().map(of).collect()
}

/// Writes what each number is.
fn list(call: &Call, mutants: &[Mutant]) -> anyhow::Result<()> {
    let lines = mutants.iter().enumerate().map(|(index, mutant)| {
        format!("{}\t{}:{}:{}\t{}\n", index + 1, mutant.file, mutant.line, mutant.column, mutant.name())
    });
    std::fs::write(call.scratch.join("mutants.tsv"), lines.collect::<String>())?;
    Ok(())
}

/// Copies what git knows of the repository, as it is now.
fn copied(call: &Call) -> anyhow::Result<Copy> {
    let root = call.scratch.join("copy");
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&call.repository)
        .output()?;
    let mut sources = Sources::new();
    for file in String::from_utf8(listed.stdout)?.split('\0').filter(|file| !file.is_empty()) {
        let (from, to) = (call.repository.join(file), root.join(file));
        let Ok(content) = std::fs::read(&from) else { continue };
        std::fs::create_dir_all(to.parent().context("a file is in a folder")?)?;
        let source = file.starts_with("models/src/") && file.ends_with(".rs");
        // What is unchanged keeps its time, so that it is not built again. Mutated files are compared when they are written.
        if !source && std::fs::read(&to).ok().as_ref() != Some(&content) || source && !to.exists() {
            std::fs::write(&to, &content)?;
        }
        if source {
            sources.insert(file.to_string(), String::from_utf8(content)?);
        }
    }
    Ok(Copy { root, target: call.scratch.join("target"), sources })
}

/// What kills each mutant that is to be tried. A file in the scratch directory takes each result at once.
fn each(
    call: &Call,
    mutants: &[Mutant],
    tried: impl Fn(&usize) -> bool,
    kills: &(dyn Fn(usize) -> Option<String> + Sync),
) -> BTreeMap<usize, Option<String>> {
    let numbers: Vec<usize> = (1..=mutants.len()).filter(|number| call.wants(*number) && tried(number)).collect();
    let next = AtomicUsize::new(0);
    let results = Mutex::new(BTreeMap::new());
    let log = std::fs::OpenOptions::new().create(true).append(true).open(call.scratch.join("log.tsv"));
    let log = Mutex::new(log.expect("the scratch directory can be written"));
    let work = || {
        while let Some(number) = numbers.get(next.fetch_add(1, Ordering::Relaxed)) {
            let mutant = &mutants[number - 1];
            let killed = kills(*number);
            let by = killed.as_deref().unwrap_or("SURVIVED");
            let line = format!("{number}\t{by}\t{}:{}\t{}\n", mutant.file, mutant.line, mutant.name());
            eprint!("{line}");
            log.lock().expect("nobody panics with it").write_all(line.as_bytes()).expect("the log can be written");
            results.lock().expect("nobody panics with it").insert(*number, killed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..call.jobs {
            scope.spawn(work);
        }
    });
    results.into_inner().expect("nobody panics with it")
}

/// What an earlier run has found, by the names of mutants.
fn logged(log: &Path, mutants: &[Mutant]) -> BTreeMap<usize, Option<String>> {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let known: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.splitn(4, '\t').collect();
            Some((*fields.get(3)?, *fields.get(1)?))
        })
        .collect();
    let of = |(index, mutant): (usize, &Mutant)| {
        let by = known.get(mutant.name().as_str())?;
        Some((index + 1, (*by != "SURVIVED").then(|| by.to_string())))
    };
    mutants.iter().enumerate().filter_map(of).collect()
}

/// What the file of results has, by the names of mutants.
fn recorded(file: &Path, mutants: &[Mutant]) -> BTreeMap<usize, Option<String>> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let known: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| {
            let fields: Vec<&str> = line.splitn(3, '\t').collect();
            Some((*fields.get(1)?, *fields.get(2)?))
        })
        .collect();
    let of = |(index, mutant): (usize, &Mutant)| {
        let verdict = known.get(mutant.name().as_str())?;
        Some((index + 1, verdict.strip_prefix("killed by ").map(str::to_string)))
    };
    mutants.iter().enumerate().filter_map(of).collect()
}

/// The reasons of survivors, by the name of the mutant.
fn reasons(file: &Path) -> BTreeMap<String, (String, String)> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.map(|line| line.splitn(3, '\t').map(str::to_string).collect::<Vec<_>>());
    fields
        .filter_map(|fields| match <[String; 3]>::try_from(fields) {
            Ok([kind, name, reason]) => Some((name, (kind, reason))),
            Err(_) => None,
        })
        .collect()
}

/// Writes the results and prints the sums. Fails below 95 %, or if a survivor has no reason.
fn report(call: &Call, mutants: &[Mutant], results: &BTreeMap<usize, Option<String>>) -> anyhow::Result<()> {
    let reasons = reasons(&call.repository.join(SURVIVORS));
    let mut text =
        String::from("# The sample of mutants: where, what, and what kills it. Written by scripts/mutation.sh.\n");
    let (mut killed, mut equivalent, mut open, mut unexplained) = (0, 0, 0, Vec::new());
    for (number, by) in results {
        let mutant = &mutants[number - 1];
        let verdict = match (by, reasons.get(&mutant.name())) {
            (Some(by), _) => {
                killed += 1;
                format!("killed by {by}")
            }
            (None, Some((kind, _))) if kind == "equivalent" || kind == "performance" => {
                equivalent += 1;
                format!("survives: {kind}")
            }
            (None, reason) => {
                open += 1;
                if reason.is_none() {
                    unexplained.push(mutant.name());
                }
                "survives".to_string()
            }
        };
        text += &format!("{}:{}\t{}\t{verdict}\n", mutant.file, mutant.line, mutant.name());
    }
    // What is known of other families stays.
    let before = std::fs::read_to_string(call.repository.join(RESULTS)).unwrap_or_default();
    let of_others = before.lines().filter(|line| !line.starts_with('#') && !call.concerns(line));
    of_others.for_each(|line| text += &format!("{line}\n"));
    std::fs::write(call.repository.join(RESULTS), text)?;
    let share = 100.0 * killed as f64 / (killed + open).max(1) as f64;
    println!(
        "{} mutants: {killed} killed, {equivalent} equivalent or of performance only, {open} survive",
        results.len()
    );
    println!("{share:.1} % of those that are not equivalent are killed");
    for name in &unexplained {
        println!("without a reason in {SURVIVORS}: {name}");
    }
    let untried = mutants.len() - results.len();
    if share < 95.0 || !unexplained.is_empty() || untried > 0 {
        bail!("at least 95 % must be killed, every survivor named, and every mutant tried: {untried} were not");
    }
    Ok(())
}
