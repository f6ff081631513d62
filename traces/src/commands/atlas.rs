//! `seedbed atlas`: measures which component keeps its guarantees under which faults; writes Markdown and one HTML
//! page.

use std::path::PathBuf;
use std::sync::Mutex;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::atlas::cache::Cache;
use crate::atlas::measure::bound;
use crate::atlas::verdict::{Verdict, fails_at_most, slowdown};
use crate::atlas::{Atlas, Declared, Effort, Entry, Surveyor, grid, page};
use crate::commands::progress::{Stopwatch, bar};
use crate::commands::{Ended, counts, shown};
use crate::component::Component;
use crate::program;
use crate::registry;
use crate::report::print_json;
use crate::{say, signals, tell};

/// The default folder of atlases and their cached results.
pub const FOLDER: &str = "target/atlas";
/// The default folder of cached results.
const CACHE: &str = "target/atlas/cache";

/// The options of `seedbed atlas`.
#[derive(Clone, Debug, clap::Args)]
pub struct Call {
    /// Take a tenth of the time: components without their configurations, half as many seeds, any story.
    #[arg(long)]
    pub quick: bool,
    /// The number of seeds of a cell.
    #[arg(long, value_parser = counts::seeds())]
    pub seeds: Option<u64>,
    /// Measure only these models, separated by commas.
    #[arg(long, value_delimiter = ',')]
    pub models: Option<Vec<String>>,
    /// The folder for the pages.
    #[arg(long, default_value = FOLDER)]
    pub out: PathBuf,
    /// The folder of cached results, by the version of the component.
    #[arg(long, default_value = CACHE)]
    pub cache: PathBuf,
    /// Print a JSON line for each cell.
    #[arg(long)]
    pub json: bool,
}

/// Measures an atlas, and writes its pages.
///
/// # Errors
/// If there is no such model, a story does not replay, or a file cannot be written.
pub fn atlas(call: &Call) -> anyhow::Result<Ended> {
    let components: Vec<_> = match &call.models {
        None => registry::all(),
        Some(models) => models.iter().map(|model| registry::find(model)).collect::<Result<_, _>>()?,
    };
    anyhow::ensure!(call.seeds != Some(0), "--seeds 0: a cell needs at least one seed");
    let effort = if call.quick { Effort::QUICK } else { Effort::USUAL };
    let effort = Effort { seeds: call.seeds.unwrap_or(effort.seeds), ..effort };
    signals::handle();
    let (atlas, counts) = survey(&components, effort, Some(&Cache::new(&call.cache)))?;
    page::write(&atlas, &components, &call.out)?;
    if call.json {
        atlas.entries().for_each(|(row, entry)| print_json(&cell_json(row, entry)));
    } else {
        say!("{}\n", table(&atlas));
        say!("{counts}");
        say!("page      {}", shown(&call.out.join(page::HTML)));
        say!("markdown  {}", shown(&call.out.join(page::MARKDOWN)));
    }
    Ok(ended(&atlas))
}

/// Makes a tiny atlas in a folder of its own, for tours.
///
/// # Errors
/// As [`atlas`].
pub fn tiny(components: &[Component]) -> anyhow::Result<Ended> {
    let (atlas, counts) = survey(components, Effort::TOUR, Some(&Cache::new(CACHE)))?;
    let folder = PathBuf::from(FOLDER).join("tour");
    page::write(&atlas, components, &folder)?;
    say!("{}\n", table(&atlas));
    say!("the atlas, in small ({counts}): {}", shown(&folder.join(page::HTML)));
    Ok(ended(&atlas))
}

/// Measures components; also returns a text on how many results were cached.
///
/// # Errors
/// As [`Surveyor::survey`].
pub fn survey(components: &[Component], effort: Effort, cache: Option<&Cache>) -> anyhow::Result<(Atlas, String)> {
    let (notes, reused) = (Mutex::default(), Mutex::default());
    let progress = bar(0, "measuring");
    let watch = Stopwatch::start();
    let surveyor = Surveyor { effort, cache, progress: &progress, notes: &notes, reused: &reused };
    let atlas = surveyor.survey(components);
    progress.finish_and_clear();
    for note in notes.into_inner().expect("nobody panics with it") {
        tell!("{}: {note}", program::name());
    }
    let (kept, new) = reused.into_inner().expect("nobody panics with it");
    let seconds = watch.seconds();
    Ok((atlas?, format!("{new} results in {seconds:.1} s, {kept} kept from before")))
}

/// The exit code. Violations inside the declared tolerance are printed.
pub fn ended(atlas: &Atlas) -> Ended {
    let mut ended = Ended::Held;
    for (row, entry) in atlas.entries().filter(|(_, entry)| entry.breaks_a_promise()) {
        let worst = entry.cell.as_ref().and_then(|cell| cell.worst());
        let (property, seed) = worst.map_or(("", 0), |(property, failures)| (property, failures.seeds[0]));
        tell!(
            "{}: BROKEN PROMISE: {} declares to tolerate {}, and violates {property} (seed {seed}):\n  {}",
            program::name(),
            row.title(),
            grid::name(&entry.classes),
            row.reproduce(&entry.classes, seed)
        );
        ended = Ended::Violated;
    }
    ended
}

fn table(atlas: &Atlas) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let singles = grid::singles();
    table.set_header(std::iter::once("component".to_string()).chain(singles.iter().map(|classes| grid::name(classes))));
    for chapter in &atlas.chapters {
        for measured in &chapter.rows {
            let name = match measured.row.configuration {
                None => chapter.info.name.to_string(),
                Some(configuration) => format!("  {configuration}"),
            };
            let cells = measured.entries.iter().take(singles.len()).map(short);
            table.add_row(std::iter::once(name).chain(cells));
        }
    }
    table
}

/// A cell in a few characters, with a dot if the component declares to tolerate its classes.
fn short(entry: &Entry) -> String {
    let dot = if entry.declared == Declared::Tolerated && !entry.classes.is_empty() { "·" } else { "" };
    let loud = if entry.breaks_a_promise() { " !!" } else { "" };
    match entry.verdict {
        Verdict::Means(_) => format!("–{dot}"),
        verdict => format!("{}{dot}{loud}", verdict.word()),
    }
}

fn cell_json(row: &grid::Row, entry: &Entry) -> Value {
    let classes: Vec<_> = entry.classes.iter().map(|class| class.name()).collect();
    let declared = match entry.declared {
        Declared::Tolerated => json!(true),
        Declared::Beyond => json!(false),
        Declared::InPart => json!("in part"),
    };
    let mut line = json!({
        "model": row.model,
        "configuration": row.configuration,
        "faults": classes,
        "declared": declared,
        "verdict": entry.verdict.word(),
    });
    let Some(cell) = &entry.cell else {
        if let Verdict::Means(nothing) = entry.verdict {
            line["reason"] = json!(nothing.why());
        }
        return line;
    };
    let failures = cell.breaks() + cell.sticks();
    let latency =
        |of: &crate::atlas::measure::cell::Latency| json!({"p50": of.p50, "p90": of.p90, "p99": of.p99, "max": of.max});
    let more = json!({
        "worlds": cell.worlds,
        "counted": cell.counted,
        "violations": cell.breaks(),
        "stuck": cell.sticks(),
        "inside_tolerance": cell.failed_inside(),
        "fails_at_most_95": fails_at_most(cell),
        "fails_at_least_95": bound::at_least(failures, cell.counted),
        "property": cell.worst().map(|(property, _)| property),
        "trace": entry.story.as_ref().map(page::trace_file),
        "availability": cell.served.available(),
        "availability_calm": cell.calm.available(),
        "operations": {
            "asked": cell.served.asked,
            "returned": cell.served.returned,
            "failed": cell.served.failed,
            "open": cell.served.open,
            "never_invoked": cell.served.never_invoked(),
        },
        "latency_ns": latency(&cell.latency[0]),
        "latency_calm_ns": latency(&cell.latency[1]),
        "slowdown": slowdown(cell).map(|[p50, p99]| json!({"p50": p50, "p99": p99})),
        "blocked": {
            "worlds": cell.blocked.worlds,
            "median_ns": cell.blocked.median.0,
            "longest_ns": cell.blocked.longest.0,
            "went_on_ns": cell.blocked.went_on.0,
            "never": cell.blocked.never,
        },
        "reason": match entry.verdict { Verdict::Means(nothing) => Some(nothing.why()), _ => None },
    });
    if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
        line.extend(more);
    }
    line
}
