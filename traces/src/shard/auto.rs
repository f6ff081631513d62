//! `--shard auto`: finds the shard of this process in the environment variables of its job engine.
//!
//! | started by | index | number of shards |
//! |---|---|---|
//! | a SLURM job array | `SLURM_ARRAY_TASK_ID`, by `_MIN` and `_STEP` | `SLURM_ARRAY_TASK_COUNT` |
//! | a Kubernetes Indexed Job | `JOB_COMPLETION_INDEX` | [`COUNT`]: Kubernetes gives none |
//! | an AWS Batch array job | `AWS_BATCH_JOB_ARRAY_INDEX` | `AWS_BATCH_JOB_ARRAY_SIZE`, or [`COUNT`] |
//! | a Buildkite parallel step | `BUILDKITE_PARALLEL_JOB` | `BUILDKITE_PARALLEL_JOB_COUNT` |
//! | a GitHub Actions matrix | [`INDEX`] | [`COUNT`], for `strategy.job-index` and `strategy.job-total` are no variables |
//! | anything else | [`INDEX`] | [`COUNT`] |

use std::collections::BTreeMap;

use super::Shard;

/// The variable with the index, from 0, for engines without one of their own.
pub const INDEX: &str = "SEEDBED_SHARD_INDEX";
/// The variable with the number of shards, for engines without one of their own.
pub const COUNT: &str = "SEEDBED_SHARD_COUNT";

/// A recognised shard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The shard of this process.
    pub shard: Shard,
    /// The engine that started this process, in words.
    pub engine: &'static str,
    /// The variables that were read, in words: `SLURM_ARRAY_TASK_ID=3, SLURM_ARRAY_TASK_COUNT=16`.
    pub from: String,
}

/// A job engine that numbers its processes.
struct Engine {
    name: &'static str,
    index: &'static str,
    /// Variables with the number of shards, in order of preference.
    counts: &'static [&'static str],
    /// A variable that identifies the engine, if it has no index of its own.
    sign: Option<&'static str>,
    /// What to do if a variable is missing.
    help: &'static str,
}

const ENGINES: [Engine; 6] = [
    Engine {
        name: "a SLURM job array",
        index: "SLURM_ARRAY_TASK_ID",
        counts: &["SLURM_ARRAY_TASK_COUNT"],
        sign: Some("SLURM_JOB_ID"),
        help: "submit the job as an array: sbatch --array=0-15 …",
    },
    Engine {
        name: "a Kubernetes Indexed Job",
        index: "JOB_COMPLETION_INDEX",
        counts: &[COUNT],
        sign: None,
        help: "set SEEDBED_SHARD_COUNT to the Job's completions, and completionMode to Indexed",
    },
    Engine {
        name: "an AWS Batch array job",
        index: "AWS_BATCH_JOB_ARRAY_INDEX",
        counts: &["AWS_BATCH_JOB_ARRAY_SIZE", COUNT],
        sign: Some("AWS_BATCH_JOB_ID"),
        help: "submit the job with --array-properties size=16, and set SEEDBED_SHARD_COUNT to that size",
    },
    Engine {
        name: "a Buildkite parallel step",
        index: "BUILDKITE_PARALLEL_JOB",
        counts: &["BUILDKITE_PARALLEL_JOB_COUNT"],
        sign: Some("BUILDKITE_JOB_ID"),
        help: "give the step 'parallelism: 16'",
    },
    Engine {
        name: "a GitHub Actions matrix",
        index: INDEX,
        counts: &[COUNT],
        sign: Some("GITHUB_ACTIONS"),
        help: "set, under env, SEEDBED_SHARD_INDEX: ${{ strategy.job-index }} and SEEDBED_SHARD_COUNT: ${{ strategy.job-total }}",
    },
    Engine {
        name: "the environment",
        index: INDEX,
        counts: &[COUNT],
        sign: None,
        help: "set both SEEDBED_SHARD_INDEX, from 0, and SEEDBED_SHARD_COUNT",
    },
];

/// Recognises the shard of a process with these variables.
///
/// # Errors
/// If no variable or an incomplete set is there, or the variables contradict each other; the error names them and says
/// what to do.
pub fn recognise(environment: &BTreeMap<String, String>) -> Result<Recognised, String> {
    let has = |name: &str| environment.contains_key(name);
    // GitHub's matrix uses the generic names, so engines with variables of their own come first.
    let own = |engine: &&Engine| engine.index != INDEX && has(engine.index);
    let mut claims: Vec<&Engine> = ENGINES.iter().filter(own).collect();
    if has(INDEX) {
        let signed = |engine: &&Engine| engine.index == INDEX && engine.sign.is_none_or(has);
        claims.extend(ENGINES.iter().find(signed));
    }
    let recognised = claims.iter().map(|engine| engine.shard(environment)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = recognised.first() else { return Err(nothing_says(environment)) };
    match recognised.iter().find(|other| other.shard != first.shard) {
        None => Ok(first.clone()),
        Some(other) => Err(format!(
            "two engines say different things: {} that this is shard {} ({}), {} that it is {} ({}); write --shard I/N",
            first.engine, first.shard, first.from, other.engine, other.shard, other.from
        )),
    }
}

/// Why nothing was recognised: the engine without numbers, or the variables that are understood.
fn nothing_says(environment: &BTreeMap<String, String>) -> String {
    let there = |engine: &&Engine| {
        let counted = engine.counts.iter().find(|count| **count != COUNT);
        engine.sign.into_iter().chain(counted.copied()).any(|name| environment.contains_key(name))
    };
    if let Some(engine) = ENGINES.iter().find(there) {
        return format!("this looks like {}, but {} is not set: {}", engine.name, engine.index, engine.help);
    }
    if environment.contains_key(COUNT) {
        return format!(
            "{COUNT} is set, but {INDEX} is not (nor the index of an engine); set both, or write --shard I/N"
        );
    }
    let known: Vec<_> = ENGINES.iter().map(|engine| format!("{} ({})", engine.name, engine.index)).collect();
    format!("nothing here says which shard this is; understood are {}; or write --shard I/N", known.join(", "))
}

impl Engine {
    fn shard(&self, environment: &BTreeMap<String, String>) -> Result<Recognised, String> {
        let number = |name: &str| -> Result<Option<u64>, String> {
            let Some(text) = environment.get(name) else { return Ok(None) };
            let number = text.trim().parse().map(Some);
            number.map_err(|_| format!("this looks like {}, but {name}='{text}' is not a number", self.name))
        };
        let missing = |name: &str| format!("this looks like {}, but {name} is not set: {}", self.name, self.help);
        let mut from = Vec::new();
        let mut read = |name: &str| -> Result<Option<u64>, String> {
            let found = number(name)?;
            from.extend(found.map(|number| format!("{name}={number}")));
            Ok(found)
        };
        let mut index = read(self.index)?.ok_or_else(|| missing(self.index))?;
        let mut count = None;
        for name in self.counts {
            count = count.or(read(name)?);
        }
        let of = count.ok_or_else(|| missing(self.counts.last().expect("every engine has a count")))?;
        if self.index == "SLURM_ARRAY_TASK_ID" {
            let range = [read("SLURM_ARRAY_TASK_MIN")?, read("SLURM_ARRAY_TASK_MAX")?, read("SLURM_ARRAY_TASK_STEP")?];
            index = place_in_array(index, of, range)?;
        }
        let from = from.join(", ");
        let shard = Shard::new(index, of)
            .ok_or_else(|| format!("this looks like {}, but there is no shard {index} of {of} ({from})", self.name))?;
        match number(COUNT)? {
            Some(said) if said != of => {
                Err(format!("{COUNT}={said} contradicts {} ({from}); unset it, or write --shard I/N", self.name))
            }
            _ => Ok(Recognised { shard, engine: self.name, from }),
        }
    }
}

/// The index of a task in its array, from 0. Arrays may begin anywhere and have steps, but no gaps, because a task
/// could not know its index.
fn place_in_array(id: u64, count: u64, [min, max, step]: [Option<u64>; 3]) -> Result<u64, String> {
    let Some(min) = min else {
        return Err("this looks like a SLURM job array, but SLURM_ARRAY_TASK_MIN is not set; write --shard I/N".into());
    };
    let step = step.unwrap_or(1);
    let regular = step > 0
        && id >= min
        && (id - min).is_multiple_of(step)
        && max.is_none_or(|max| max >= min && (max - min) / step + 1 == count);
    if regular {
        Ok((id - min) / step)
    } else {
        Err(format!(
            "task {id} of a SLURM job array of {count} from {min}{} in steps of {step}: such an array has gaps; submit one without, such as --array=0-15, or write --shard I/N",
            max.map_or(String::new(), |max| format!(" to {max}"))
        ))
    }
}
