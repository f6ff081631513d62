//! The HTML page: one file without external resources.

use maud::{Markup, html};

use crate::atlas::measure::sample::BLOCKING_REACTIONS;
use crate::atlas::page::words::{
    MEANINGS, anchor, answered, blocked, declared, factor, families, figure, percent, violated,
};
use crate::atlas::page::{drawing_file, guides, plot, trace_file};
use crate::atlas::story::Story;
use crate::atlas::verdict::{BLOCKING_SHARE, SLOW_P50, SLOW_P99, Verdict, fails_at_most, slowdown};
use crate::atlas::{Atlas, Chapter, Declared, Entry, Measured, grid};
use crate::program;

/// The whole page.
pub fn page(atlas: &Atlas) -> String {
    let body = html! {
        a.skip href="#overview" { "Skip to the tables" }
        (plot::hatches())
        (head(atlas))
        main {
            (overview(atlas))
            @for chapter in &atlas.chapters { (self::chapter(chapter)) }
            (method(atlas))
        }
    };
    crate::page::page("Atlas of faults · seedbed", include_str!("style.css"), &body)
}

fn head(atlas: &Atlas) -> Markup {
    let worlds: u64 = atlas.entries().filter_map(|(_, entry)| entry.cell.as_ref()).map(|cell| cell.worlds).sum();
    html! {
        header {
            h1 { "What holds under which faults" }
            p.lede {
                "Distributed protocols, each run as it is in thousands of simulated worlds under one class of faults "
                "after the other, beside the same worlds without faults. Every verdict is measured; every break has a "
                "story that replays."
            }
            p.made {
                (provenance(atlas)) " · " (worlds) " worlds and as many twins · "
                a href="atlas.md" { "as Markdown" }
            }
            dl.legend {
                @for (verdict, meaning) in MEANINGS {
                    div { dt { (chip(verdict)) } dd { (meaning) } }
                }
                div {
                    dt { span.promise { "tolerated" } }
                    dd { "The component declares to tolerate the class: then a break is a bug." }
                }
                div {
                    dt { span.promise.part { "in part" } }
                    dd { "Some of its configurations declare it, and the worlds were of several." }
                }
            }
            nav aria-label="Components" {
                a href="#overview" { "Overview" }
                @for chapter in &atlas.chapters { a href={"#" (chapter.info.name)} { (chapter.info.name) } }
                a href="#method" { "How it is measured" }
            }
        }
    }
}

/// The sources of the page, in one line.
pub fn provenance(atlas: &Atlas) -> String {
    let commit = match &atlas.provenance.commit {
        Some(commit) => format!("commit {commit}"),
        None => "no known commit".into(),
    };
    format!("{commit}, sources {} · seeds 0 to {} a cell", atlas.provenance.sources, atlas.effort.seeds - 1)
}

fn chip(verdict: Verdict) -> Markup {
    html! {
        span class={"chip " (class(verdict))} {
            span.symbol aria-hidden="true" { (verdict.symbol()) } " " (verdict.word())
        }
    }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Means(_) => "nothing",
        verdict => verdict.word(),
    }
}

fn overview(atlas: &Atlas) -> Markup {
    let singles = grid::singles().len();
    let pairs = atlas.chapters.iter().any(|chapter| chapter.rows.iter().any(|row| row.entries.len() > singles));
    html! {
        section #overview {
            h2 { "One class of faults" }
            (matrix(atlas, "Verdicts: a row a component, a column a class of faults", |row| &row.entries[..singles]))
            @if pairs {
                h2 #pairs { "Pairs that matter" }
                p {
                    "Two classes at once, of which one creates a window of vulnerability to the other. A pair is measured "
                    "where neither class alone breaks the component or means nothing to it."
                }
                (matrix(atlas, "Verdicts: a row a component, a column a pair", |row| &row.entries[singles..]))
            }
            (self::promises(atlas))
            h2 { "Which one to choose" }
            p { "Guides that are written from these measurements:" }
            ul { @for (title, path) in guides() { li { a href=(path) { (title) } } } }
        }
    }
}

/// Violations inside the declared tolerance, if there are any.
fn promises(atlas: &Atlas) -> Markup {
    let broken: Vec<_> = atlas.entries().filter(|(_, entry)| entry.breaks_a_promise()).collect();
    html! {
        @if !broken.is_empty() {
            div.loud role="alert" {
                h2 { "Broken promises" }
                p {
                    "These components declare to tolerate what breaks them. "
                    "That is a bug in the component or in the simulator."
                }
                ul {
                    @for (row, entry) in broken {
                        li {
                            a href={"#" (anchor(row, entry))} { (row.title()) " under " (grid::name(&entry.classes)) }
                        }
                    }
                }
            }
        }
    }
}

fn matrix(atlas: &Atlas, caption: &str, part: impl Fn(&Measured) -> &[Entry]) -> Markup {
    let columns: Vec<String> = match atlas.chapters.first().and_then(|chapter| chapter.rows.first()) {
        Some(row) => part(row).iter().map(|entry| grid::name(&entry.classes)).collect(),
        None => Vec::new(),
    };
    html! {
        div.wide role="region" aria-label=(caption) tabindex="0" {
            table.matrix {
                caption { (caption) }
                thead { tr { th scope="col" { "component" } @for column in &columns { th scope="col" { (column) } } } }
                @for (family, chapters) in families(&atlas.chapters) {
                    tbody {
                        tr.family { th scope="rowgroup" colspan=(columns.len() + 1) { (family) } }
                        @for chapter in chapters {
                            @if let Some(row) = chapter.rows.first() {
                                tr {
                                    th scope="row" { a href={"#" (chapter.info.name)} { (chapter.info.name) } }
                                    @for entry in part(row) { (cell(row, entry)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn cell(row: &Measured, entry: &Entry) -> Markup {
    let loud = if entry.breaks_a_promise() { " loud" } else { "" };
    html! {
        td class={"verdict " (class(entry.verdict)) (loud)} {
            a href={"#" (anchor(&row.row, entry))} title=(hint(row, entry)) {
                span.symbol aria-hidden="true" { (entry.verdict.symbol()) } " " (entry.verdict.word())
                @let figure = figure(entry);
                @if !figure.is_empty() { small { (figure) } }
                @match entry.declared {
                    Declared::Tolerated if !entry.classes.is_empty() => { small.promise { "tolerated" } }
                    Declared::InPart if !entry.classes.is_empty() => { small.promise.part { "in part" } }
                    _ => {}
                }
            }
        }
    }
}

/// A cell in one sentence, for its tooltip.
fn hint(row: &Measured, entry: &Entry) -> String {
    let faults = match &entry.classes[..] {
        [] => "without faults".into(),
        classes => format!("under {}", grid::name(classes)),
    };
    let why = match entry.verdict {
        Verdict::Means(nothing) => format!(": {}", nothing.why()),
        _ => String::new(),
    };
    format!("{} {faults}: {}{why}", row.row.title(), entry.verdict.word())
}

fn chapter(chapter: &Chapter) -> Markup {
    let info = &chapter.info;
    let tolerates: Vec<_> = info.tolerates.iter().map(|class| class.name()).collect();
    let tolerates = if tolerates.is_empty() { "nothing".into() } else { tolerates.join(", ") };
    let Some((component, configurations)) = chapter.rows.split_first() else { return html! {} };
    html! {
        section.chapter #(info.name) {
            h2 { (info.name) @if !info.row.is_empty() { " " span.row { (info.row) } } }
            p { (info.summary) }
            p.facts {
                "Declares to tolerate " b { (tolerates) }
                " · properties: " (chapter.properties.len()) " · planted bugs that they catch: " (info.bugs.len())
            }
            (plots(&component.entries, info.name))
            (details(component))
            (boundaries(chapter))
            @if !configurations.is_empty() { (self::configurations(configurations)) }
        }
    }
}

fn plots(entries: &[Entry], name: &str) -> Markup {
    let availability =
        plot::availability(entries, &format!("{name}: share of operations that returned under each class"));
    let latency = plot::latency(entries, &format!("{name}: latency under each class"));
    html! {
        div.plots {
            @if let Some(plot) = availability {
                figure {
                    figcaption {
                        b { "Answered" } " – what became of the operations that clients meant to ask: "
                        span.key.returned {} " returned, " span.key.failed {} " failed for certain, "
                        span.key.open {} " never ended, " span.key.unasked {} " never invoked"
                    }
                    (plot)
                }
            }
            @if let Some(plot) = latency {
                figure {
                    figcaption {
                        b { "Latency" } " – virtual time of the operations that returned in both worlds, from the "
                        "median (dot) to the 99th percentile (bar): " span.key.faulty {} " under the faults, "
                        span.key.calm {} " in the same worlds without"
                    }
                    (plot)
                }
            }
        }
    }
}

fn details(measured: &Measured) -> Markup {
    let title = measured.row.title();
    html! {
        div.wide role="region" aria-label={"Figures of " (title)} tabindex="0" {
            table.details {
                caption { "Figures of " (title) }
                thead { tr {
                    th scope="col" { "faults" }
                    th scope="col" { "verdict" }
                    th scope="col" { "declared" }
                    th scope="col" { "worlds" }
                    th scope="col" { "fails at most" br; "(95 %)" }
                    th scope="col" { "violated, and its story" }
                    th scope="col" { "returned" br; "(without faults)" }
                    th scope="col" { "latency" br; "p50 · p99" }
                    th scope="col" { "waited for the fault to end" }
                    th scope="col" { "again" }
                } }
                tbody { @for entry in &measured.entries { (detail(measured, entry)) } }
            }
        }
    }
}

fn detail(measured: &Measured, entry: &Entry) -> Markup {
    let row = &measured.row;
    html! {
        tr #(anchor(row, entry)) class=[entry.breaks_a_promise().then_some("loud")] {
            th scope="row" { (grid::name(&entry.classes)) }
            td { (chip(entry.verdict)) }
            td { (declared(entry)) }
            @match (&entry.cell, entry.verdict) {
                (_, Verdict::Means(nothing)) => { td.why colspan="7" { (nothing.why()) } }
                (None, _) => { td colspan="7" {} }
                (Some(cell), _) => {
                    td.number { (cell.counted) @if cell.counted < cell.worlds { small { " of " (cell.worlds) } } }
                    td.number { (percent(fails_at_most(cell))) }
                    td {
                        @for (property, often) in violated(cell) { div { code { (property) } " " small { (often) } } }
                        @if let Some(story) = &entry.story { (link(story)) }
                    }
                    td.number {
                        @if let Some(share) = cell.served.available() { (answered(share)) }
                        @if let Some(share) = cell.calm.available() { small { " (" (answered(share)) ")" } }
                    }
                    td.number { @if let Some([p50, p99]) = slowdown(cell) { (factor(p50)) " · " (factor(p99)) } }
                    td { (blocked(cell)) }
                    td { details { summary { "command" } code { (row.reproduce(&entry.classes, seed(entry))) } } }
                }
            }
        }
    }
}

/// The seed to reproduce: the first with a violation, or the first of all.
fn seed(entry: &Entry) -> u64 {
    let worst = entry.cell.as_ref().and_then(|cell| cell.worst());
    worst.and_then(|(_, failures)| failures.seeds.first().copied()).unwrap_or(0)
}

fn link(story: &Story) -> Markup {
    let kept = if story.kept { "kept story" } else { "story" };
    html! {
        div.story {
            a href=(drawing_file(story)) title=(story.property) { (kept) " of " (story.items) " items" }
            " (" a href=(trace_file(story)) { "trace" } ")"
        }
    }
}

fn boundaries(chapter: &Chapter) -> Markup {
    html! {
        @if !chapter.boundaries.is_empty() {
            h3 { "One step outside" }
            p { "What is known not to hold there, each with its kept story:" }
            ul.boundaries {
                @for (boundary, story) in &chapter.boundaries {
                    li {
                        b { (boundary.name) } ": " (boundary.what.trim_end_matches('.'))
                        "; breaks " code { (boundary.breaks) } "."
                        @if let Some(story) = story { (link(story)) }
                    }
                }
            }
        }
    }
}

fn configurations(rows: &[Measured]) -> Markup {
    let singles = grid::singles();
    let name = |row: &Measured| row.row.configuration.unwrap_or_default();
    html! {
        h3 { "Configurations" }
        div.wide role="region" aria-label="Configurations" tabindex="0" {
            table.matrix {
                caption { "Verdicts: a row a configuration, a column a class of faults" }
                thead { tr {
                    th scope="col" { "configuration" }
                    @for classes in &singles { th scope="col" { (grid::name(classes)) } }
                } }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (name(row)) }
                            @for entry in row.entries.iter().take(singles.len()) { (cell(row, entry)) }
                        }
                    }
                }
            }
        }
        @for row in rows {
            details.configuration {
                summary { (name(row)) }
                (plots(&row.entries, &row.row.title()))
                (details(row))
            }
        }
    }
}

fn method(atlas: &Atlas) -> Markup {
    html! {
        section #method {
            h2 { "How it is measured" }
            p {
                "A cell is a component under exactly the classes of its column: every plan of faults has all of them, "
                "inside the bounds on skew, pauses and dead nodes that the component declares. Seeds are 0 to "
                (atlas.effort.seeds - 1) ". A component is run with all its variants, one a seed; a configuration as it "
                "is. A world counts if every class had an effect in it, or if it violated a property."
            }
            p {
                "Each world has a twin: the same operations, latencies and late timers, and no fault. Choices have "
                "names, so taking the faults out changes no other choice. Latency is compared over the operations that "
                "returned in both worlds, in virtual time from when they were invoked."
            }
            ul {
                li {
                    "The bound on failures is the upper end of the one-sided exact interval of Clopper and Pearson at "
                    "95 %: with no failure in n worlds, 1 − 0.05" sup { "1/n" } "."
                }
                li {
                    b { "Slows" } ": the median grows to ×" (SLOW_P50) " or more, or the 99th percentile to ×" (SLOW_P99)
                    " or more; what takes less than a millisecond is taken for one."
                }
                li {
                    b { "Blocks" } ": a property of liveness was violated after the faults had ended and the world had "
                    "settled (stuck); or, with 95 % certainty in " (percent(BLOCKING_SHARE)) " of the worlds or more, "
                    "clients that were up waited and nobody was answered until a fault was over which had lasted for "
                    "more than " (BLOCKING_REACTIONS) " times what the protocol needs to notice that something is wrong."
                }
                li {
                    b { "n/a" } ": no fault of the class could strike, or not one world came out differently from its "
                    "twin."
                }
                li {
                    b { "Pairs" } ": a node that is away (crash, pause) × a network that keeps things from it (loss, "
                    "partition); crash × disk; skew × what timeouts take for it (partition, pause); dup × reorder."
                }
            }
            p {
                "Results are cached by the digest of the sources that a component may depend on. Every trace was "
                "replayed before this page was written: " code { (program::name()) " replay traces/NAME.json" } " does it again."
            }
        }
    }
}
