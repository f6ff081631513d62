//! The atlas as Markdown, for repositories, diffs and terminals.

use std::fmt::Write as _;

use crate::atlas::page::html::provenance;
use crate::atlas::page::words::{MEANINGS, answered, blocked, declared, factor, figure, percent, violated};
use crate::atlas::page::{drawing_file, guides};
use crate::atlas::verdict::{Verdict, fails_at_most, slowdown};
use crate::atlas::{Atlas, Chapter, Declared, Entry, Measured, grid};

/// The whole page.
pub fn page(atlas: &Atlas) -> String {
    let mut text = format!("# What holds under which faults\n\nMeasured: {}.\n\n", provenance(atlas));
    for (verdict, meaning) in MEANINGS {
        line(&mut text, format_args!("- {} **{}**: {meaning}", verdict.symbol(), verdict.word()));
    }
    line(
        &mut text,
        format_args!("- ●: the component declares to tolerate the class (○: some of its configurations do)\n"),
    );
    let components: Vec<_> = atlas.chapters.iter().filter_map(|chapter| chapter.rows.first()).collect();
    let singles = grid::singles().len();
    matrix(&mut text, "One class of faults", "component", &components, 0..singles);
    matrix(&mut text, "Pairs that matter", "component", &components, singles..usize::MAX);
    line(&mut text, format_args!("## Which one to choose\n"));
    for (title, path) in guides() {
        line(&mut text, format_args!("- [{title}]({path})"));
    }
    for chapter in &atlas.chapters {
        self::chapter(&mut text, chapter);
    }
    text
}

fn line(text: &mut String, args: std::fmt::Arguments<'_>) {
    writeln!(text, "{args}").expect("writing to a string");
}

fn matrix(text: &mut String, title: &str, what: &str, rows: &[&Measured], columns: std::ops::Range<usize>) {
    let part =
        |row: &&Measured| row.entries.iter().skip(columns.start).take(columns.len()).cloned().collect::<Vec<_>>();
    let Some(first) = rows.first().map(part).filter(|entries| !entries.is_empty()) else { return };
    line(text, format_args!("## {title}\n"));
    let names: Vec<_> = first.iter().map(|entry| grid::name(&entry.classes)).collect();
    line(text, format_args!("| {what} | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len())));
    for row in rows {
        let name = row.row.configuration.unwrap_or(row.row.model);
        let cells: Vec<_> = part(row).iter().map(cell).collect();
        line(text, format_args!("| {} | {} |", plain(name), cells.join(" | ")));
    }
    text.push('\n');
}

fn cell(entry: &Entry) -> String {
    let dot = match entry.declared {
        _ if entry.classes.is_empty() => "",
        Declared::Tolerated => " ●",
        Declared::InPart => " ○",
        Declared::Beyond => "",
    };
    let loud = if entry.breaks_a_promise() { " **BROKEN PROMISE**" } else { "" };
    let figure = figure(entry);
    let figure = if figure.is_empty() { figure } else { format!(" {figure}") };
    format!("{} {}{figure}{dot}{loud}", entry.verdict.symbol(), entry.verdict.word())
}

fn chapter(text: &mut String, chapter: &Chapter) {
    let info = &chapter.info;
    let tolerates: Vec<_> = info.tolerates.iter().map(|class| class.name()).collect();
    line(
        text,
        format_args!(
            "\n## {}\n\n{}\n\nDeclares to tolerate {}.\n",
            info.name,
            plain(info.summary),
            tolerates.join(", ")
        ),
    );
    let Some((component, configurations)) = chapter.rows.split_first() else { return };
    details(text, component);
    if !chapter.boundaries.is_empty() {
        line(text, format_args!("\nOne step outside:\n"));
    }
    for (boundary, story) in &chapter.boundaries {
        let story = story.as_ref().map(|story| format!(" [story]({})", drawing_file(story))).unwrap_or_default();
        line(
            text,
            format_args!(
                "- **{}**: {}; breaks `{}`.{story}",
                boundary.name,
                plain(boundary.what.trim_end_matches('.')),
                boundary.breaks
            ),
        );
    }
    let rows: Vec<_> = configurations.iter().collect();
    text.push('\n');
    matrix(text, &format!("{}: configurations", info.name), "configuration", &rows, 0..grid::singles().len());
    for row in configurations {
        line(text, format_args!("\n### {}\n", plain(&row.row.title())));
        details(text, row);
    }
}

fn details(text: &mut String, measured: &Measured) {
    line(
        text,
        format_args!(
            "| faults | verdict | declared | worlds | fails at most | violated | returned (without faults) | p50 · p99 \
             | waited for the fault to end |\n|---|---|---|---|---|---|---|---|---|"
        ),
    );
    for entry in &measured.entries {
        let name = grid::name(&entry.classes);
        let (word, declared) = (entry.verdict.word(), declared(entry));
        let cell = match (&entry.cell, entry.verdict) {
            (_, Verdict::Means(nothing)) => {
                line(text, format_args!("| {name} | {word} | {declared} | | | {} | | | |", nothing.why()));
                continue;
            }
            (None, _) => continue,
            (Some(cell), _) => cell,
        };
        let story = entry.story.as_ref().map(|story| format!("[story]({})", drawing_file(story)));
        let violated = violated(cell).into_iter().map(|(property, often)| format!("`{}` {often}", plain(&property)));
        let violated: Vec<_> = violated.chain(story).collect();
        let share = |share: Option<f64>| share.map_or("–".into(), answered);
        let latency = slowdown(cell).map_or("–".into(), |[p50, p99]| format!("{} · {}", factor(p50), factor(p99)));
        line(
            text,
            format_args!(
                "| {name} | {word} | {declared} | {} of {} | {} | {} | {} ({}) | {latency} | {} |",
                cell.counted,
                cell.worlds,
                percent(fails_at_most(cell)),
                violated.join("; "),
                share(cell.served.available()),
                share(cell.calm.available()),
                blocked(cell)
            ),
        );
    }
}

/// Text without the characters that end a cell of a table.
fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
