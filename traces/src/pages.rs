//! The guide's pages of components, generated from their descriptions: summary, sources, tolerance, properties,
//! boundaries (with the kept story drawn), and bugs with the seeds after which they were caught.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

use crate::component::{Boundary, Component};
use crate::draw::text;
use crate::report::folded;
use crate::{files, kept, registry};

/// The most lines of a drawn story; `seedbed show` draws all of it.
const LINES: usize = 48;

/// The kill matrix, by model and bug: the lines of the latest `seedbed mutants --json`.
#[derive(Clone, Debug, Default)]
pub struct Kills(BTreeMap<(String, String), Value>);

impl Kills {
    /// Reads the lines of a file.
    ///
    /// # Errors
    /// If it cannot be read, or a line is no line of the kill matrix.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = files::TRACE.text_of(file)?;
        let mut kills = BTreeMap::new();
        for (n, line) in text.lines().enumerate() {
            let place = || format!("{}, line {}, is no line of the kill matrix", file.display(), n + 1);
            let kill: Value = serde_json::from_str(line).with_context(place)?;
            if let (Some(model), Some(bug)) = (kill["model"].as_str(), kill["bug"].as_str()) {
                kills.insert((model.to_string(), bug.to_string()), kill);
            }
        }
        Ok(Kills(kills))
    }

    /// The median number of seeds until this bug is caught.
    fn seeds(&self, model: &str, bug: &str) -> String {
        let kill = self.0.get(&(model.to_string(), bug.to_string()));
        let median = kill.and_then(|kill| kill["seeds_median"].as_f64());
        median.map_or("not measured".into(), |median| median.to_string())
    }
}

/// All pages, by file name, and the index of them.
///
/// # Errors
/// If a kept trace cannot be read or run.
pub fn pages(kills: &Kills) -> anyhow::Result<BTreeMap<String, String>> {
    let mut pages = BTreeMap::new();
    let mut index = String::from("# Components\n\n| component | row | what it is | tolerates |\n|---|---|---|---|\n");
    for component in registry::all() {
        let info = component.info();
        let tolerates: Vec<_> = info.tolerates.iter().map(|class| class.name()).collect();
        let (name, row, summary) = (info.name, info.row, info.summary);
        writeln!(index, "| [{name}]({name}.md) | {row} | {summary} | {} |", tolerates.join(" "))?;
        pages.insert(format!("{name}.md"), page(&component, kills)?);
    }
    pages.insert("index.md".into(), index);
    Ok(pages)
}

fn page(component: &Component, kills: &Kills) -> anyhow::Result<String> {
    let info = component.info();
    let mut page = format!("# {}\n\n{}\n", info.name, info.summary);
    if !info.sources.is_empty() {
        page.push_str("\n## Sources\n\n");
        info.sources.iter().try_for_each(|source| writeln!(page, "- {source}"))?;
    }
    page.push_str("\n## Tolerates\n\n");
    let tolerates: Vec<_> = info.tolerates.iter().map(|class| format!("`{}`", class.name())).collect();
    writeln!(page, "{}. [What can break](../faults.md) says what each class means.", tolerates.join(", "))?;
    if !info.roles.is_empty() {
        let roles: Vec<_> = info.roles.iter().map(|role| format!("*{role}*")).collect();
        writeln!(page, "\nFaults can be aimed at: {}.", roles.join(", "))?;
    }
    page.push_str("\n## Invariants\n\nChecked in every world:\n\n");
    component.properties().iter().try_for_each(|property| writeln!(page, "- `{property}`"))?;
    if !component.boundaries().is_empty() {
        page.push_str("\n## Boundaries\n\nBeyond what it tolerates; each with the shortest story that was found.\n");
        component.boundaries().iter().try_for_each(|one| boundary(&mut page, component, one))?;
    }
    if !info.bugs.is_empty() {
        page.push_str(
            "\n## Bugs\n\nPlanted with `--bug`; the median is over hunts that begin at seeds of their own.\n\n",
        );
        page.push_str("| bug | what it does | caught by | seeds, median |\n|---|---|---|---|\n");
        for bug in info.bugs {
            let seeds = kills.seeds(info.name, bug.name);
            writeln!(page, "| `{}` | {} | `{}` | {seeds} |", bug.name, bug.what, bug.caught_by)?;
        }
    }
    if !component.marks().is_empty() {
        page.push_str("\n## States that sweeps must reach\n\n");
        let marks = component.marks();
        let named = |(mark, count): (String, String)| match mark.strip_prefix("entries of ") {
            Some(table) => format!("all {count} entries of *{table}*"),
            None => format!("*{mark}*"),
        };
        let marks: Vec<_> = folded(marks.iter().map(|mark| (*mark, 1))).into_iter().map(named).collect();
        writeln!(page, "{}", marks.join(", "))?;
    }
    Ok(page)
}

fn boundary(page: &mut String, component: &Component, boundary: &Boundary) -> anyhow::Result<()> {
    let Boundary { name, what, breaks } = boundary;
    let model = component.info().name;
    let trace = kept::find(&format!("{model}-{name}"));
    let trace = trace.with_context(|| format!("traces/corpus has no story of {model}, {name}: keep one"))?;
    let replay = component.replay(trace, 0).with_context(|| format!("the kept trace {model}-{name}"))?;
    let story = text::draw(&replay.run.picture(Some(LINES)));
    writeln!(page, "\n### {name}\n\n{what} → `{breaks}`\n")?;
    writeln!(page, "`seedbed show traces/corpus/{model}-{name}.json --as html --out story.html`\n")?;
    writeln!(page, "```text\n{}\n```", story.trim_end())?;
    Ok(())
}
