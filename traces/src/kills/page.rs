//! The kill matrix as an HTML page: one file without external resources, light and dark, with accessible tables.

use maud::{Markup, html};

use crate::kills::compare::compare;
use crate::kills::text::{estimate, only, verdicts};
use crate::kills::{Plan, Row};

/// The page.
pub fn page(rows: &[Row], plan: &Plan) -> String {
    let body = html! {
        main {
            h1 { "The kill matrix" }
            (head(rows, plan))
            @for group in rows.chunk_by(|a, b| a.model == b.model) { (matrix(group)) }
            (single_detections(rows))
            @if plan.strategies.len() > 1 { (strategies(rows)) }
        }
    };
    crate::page::page("seedbed: the kill matrix", include_str!("page.css"), &body)
}

fn head(rows: &[Row], plan: &Plan) -> Markup {
    let killed = rows.iter().filter(|row| row.main().killed()).count();
    let strategy = plan.strategies.first().map_or("", |strategy| strategy.name());
    html! {
        p {
            (killed) " of " (rows.len()) " planted bugs are killed. Each bug was hunted up to " (plan.effort.attempts)
            " times with strategy " (strategy) ", each time with up to " (plan.effort.seeds) " seeds of its own, and "
            (plan.effort.budget) " seeds in all."
        }
        p {
            "A cell says how many seeds it takes until the property sees the bug: the median, and in brackets where it "
            "lies with 95\u{a0}% (percentile bootstrap over the attempts). " span.key.must { "A frame" }
            " marks the property that must see it, " span.key { "★" } " the one that saw it first most often. The paler a "
            "cell, the more seeds. " q { ">\u{a0}N" } ": not seen in half of the attempts, the longest of which had N seeds."
        }
    }
}

/// A table that scrolls if it is too wide.
fn wide(label: &str, caption: &str, heads: &Markup, body: &Markup) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(label) {
            table {
                caption { (caption) }
                thead { tr { (heads) } }
                tbody { (body) }
            }
        }
    }
}

/// The bugs of one model, one per line, by the properties that detect any of them.
fn matrix(rows: &[Row]) -> Markup {
    let model = rows[0].model;
    let mut columns: Vec<String> = Vec::new();
    for property in rows.iter().flat_map(Row::detecting_properties) {
        let seen = rows.iter().any(|row| row.main().seen().contains(&property) || row.bug.caught_by == property);
        if seen && !columns.contains(&property) {
            columns.push(property);
        }
    }
    let own = format!("{model}/");
    let heads = html! {
        th scope="col" { "bug" }
        @for property in &columns {
            th scope="col" { (breakable(property.strip_prefix(&own).unwrap_or(property))) }
        }
        th scope="col" { "events" }
        th scope="col" { "attempts" }
    };
    let body = html! { @for row in rows { (line(row, &columns)) } };
    html! {
        section {
            h2 { (model) }
            (wide(model, &format!("Seeds to a kill, bugs of {model} by property"), &heads, &body))
        }
    }
}

/// A name that can be broken after underscores.
fn breakable(name: &str) -> Markup {
    html! {
        @for part in name.split_inclusive('_') {
            (part)
            @if part.ends_with('_') { wbr; }
        }
    }
}

fn line(row: &Row, columns: &[String]) -> Markup {
    let kill = row.main();
    let first = kill.first().into_iter().next().map(|(property, _)| property);
    let seeds = row.seeds();
    html! {
        tr {
            th scope="row" {
                abbr title=(row.bug.what) { (row.bug.name) }
                @if !kill.killed() { " " strong { "survives" } }
            }
            @for property in columns { (cell(row, property, first.as_ref() == Some(property))) }
            td { (estimate(&kill.events(row.bug.caught_by))) }
            td {
                (seeds.samples)
                @if seeds.censored > 0 { ", " (seeds.censored) " censored" }
            }
        }
    }
}

fn cell(row: &Row, property: &str, first: bool) -> Markup {
    let kill = row.main();
    let must = row.bug.caught_by == property;
    let seen = kill.seen().iter().any(|seen| seen == property);
    let seeds = kill.seeds(property);
    // The shade: from one seed to ten thousand, in steps of a factor of ten.
    let heat = 90 - seeds.median.unwrap_or(seeds.most.max(1)).ilog10().min(4) * 20;
    html! {
        td class=[must.then_some("must")] style=[seen.then(|| format!("--heat:{heat}%"))] {
            @if must { span.unseen { "must see it: " } }
            @if seen { (estimate(&seeds)) } @else { span.unseen { "never" } }
            @if seen && first { " " span title="saw it first most often" { "★" } }
        }
    }
}

fn single_detections(rows: &[Row]) -> Markup {
    let lines = only(rows);
    html! {
        @if lines.is_empty() {
            p { "Every bug is seen by more than one property." }
        } @else {
            section {
                h2 { "Bugs that only one property sees" }
                ul { @for line in lines { li { (line) } } }
            }
        }
    }
}

fn strategies(rows: &[Row]) -> Markup {
    let names = rows.first().into_iter().flat_map(|row| row.kills.iter().map(|kill| kill.strategy));
    let heads = html! {
        th scope="col" { "bug" }
        @for name in names { th scope="col" { (name) } }
    };
    let body = html! {
        @for row in rows {
            @let estimates: Vec<_> = row.kills.iter().map(|kill| kill.seeds(row.bug.caught_by)).collect();
            @let least = estimates.iter().filter_map(|estimate| estimate.median).min();
            tr {
                th scope="row" { (row.model) " " (row.bug.name) }
                @for seeds in &estimates {
                    td class=[(least.is_some() && seeds.median == least).then_some("best")] { (estimate(seeds)) }
                }
            }
        }
    };
    html! {
        section {
            h2 { "Strategies" }
            ul { @for line in verdicts(rows, &compare(rows)) { li { (line) } } }
            (wide("strategies", "Seeds to a kill, by strategy", &heads, &body))
        }
    }
}
