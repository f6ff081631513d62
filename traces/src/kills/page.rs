//! The kill matrix as a page: one file, no network, light and dark, tables that a screen reader reads as tables.

use std::fmt::Write as _;

use crate::kills::compare::compare;
use crate::kills::text::{estimate, only, verdicts};
use crate::kills::{Plan, Row};

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn page(rows: &[Row], plan: &Plan) -> String {
    let mut page = String::new();
    let killed = rows.iter().filter(|row| row.main().killed()).count();
    let strategy = plan.strategies.first().map_or("", |strategy| strategy.name());
    let mut add = |args: std::fmt::Arguments<'_>| page.write_fmt(args).expect("writing to a string");
    add(format_args!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>seedbed: the kill matrix</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>The kill matrix</h1>\n<p>{killed} of {} planted bugs are killed. Each bug was hunted up to {} times with \
         strategy {strategy}, each time with up to {} seeds of its own, and {} seeds in all.</p>\n",
        rows.len(),
        plan.effort.attempts,
        plan.effort.seeds,
        plan.effort.budget,
    ));
    add(format_args!(
        "<p>A cell says how many seeds it takes until the property sees the bug: the median, and in brackets where it lies \
         with 95&nbsp;% (percentile bootstrap over the attempts). <span class=\"key must\">A frame</span> marks the property \
         that must see it, <span class=\"key\">★</span> the one that saw it first most often. The paler a cell, the more seeds. \
         <q>&gt;&nbsp;N</q>: not seen in half of the attempts, the longest of which had N seeds.</p>\n"
    ));
    for group in rows.chunk_by(|a, b| a.model == b.model) {
        matrix(&mut page, group);
    }
    lonely(&mut page, rows);
    if plan.strategies.len() > 1 {
        strategies(&mut page, rows);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

/// The bugs of one model, a line each, by the properties that see any of them.
fn matrix(page: &mut String, rows: &[Row]) {
    let model = rows[0].model;
    let mut columns: Vec<String> = Vec::new();
    for property in rows.iter().flat_map(Row::seers) {
        let seen = rows.iter().any(|row| row.main().seen().contains(&property) || row.bug.caught_by == property);
        if seen && !columns.contains(&property) {
            columns.push(property);
        }
    }
    let own = format!("{model}/");
    let heads = columns.iter().map(|property| {
        let name = escaped(property.strip_prefix(&own).unwrap_or(property));
        format!("<th scope=\"col\">{}</th>", name.replace('_', "_<wbr>"))
    });
    let _ = write!(
        page,
        "<section>\n<h2>{model}</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{model}\">\n<table>\n\
         <caption>Seeds to a kill, bugs of {model} by property</caption>\n<thead><tr><th scope=\"col\">bug</th>{}\
         <th scope=\"col\">events</th><th scope=\"col\">attempts</th></tr></thead>\n<tbody>\n",
        heads.collect::<String>()
    );
    for row in rows {
        let kill = row.main();
        let first = kill.first().into_iter().next().map(|(property, _)| property);
        let _ = write!(
            page,
            "<tr><th scope=\"row\"><abbr title=\"{}\">{}</abbr>{}</th>",
            escaped(row.bug.what),
            escaped(row.bug.name),
            if kill.killed() { "" } else { " <strong>survives</strong>" }
        );
        for property in &columns {
            page.push_str(&cell(row, property, first.as_ref() == Some(property)));
        }
        let seeds = row.seeds();
        let censored = if seeds.censored > 0 { format!(", {} censored", seeds.censored) } else { String::new() };
        let events = estimate(&kill.events(row.bug.caught_by));
        let _ = writeln!(page, "<td>{}</td><td>{}{censored}</td></tr>", escaped(&events), seeds.samples);
    }
    page.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

fn cell(row: &Row, property: &str, first: bool) -> String {
    let kill = row.main();
    let must = row.bug.caught_by == property;
    let classes = if must { " class=\"must\"" } else { "" };
    let expected = if must { "<span class=\"unseen\">must see it: </span>" } else { "" };
    if !kill.seen().iter().any(|seen| seen == property) {
        return format!("<td{classes}>{expected}<span class=\"unseen\">never</span></td>");
    }
    let seeds = kill.seeds(property);
    // From one seed to ten thousand, in steps of a factor of ten.
    let heat = 90 - seeds.median.unwrap_or(seeds.most.max(1)).ilog10().min(4) * 20;
    let star = if first { " <span title=\"saw it first most often\">★</span>" } else { "" };
    format!("<td{classes} style=\"--heat:{heat}%\">{expected}{}{star}</td>", escaped(&estimate(&seeds)))
}

fn lonely(page: &mut String, rows: &[Row]) {
    let lines: String = only(rows).iter().map(|line| format!("<li>{}</li>\n", escaped(line))).collect();
    let _ = match lines.is_empty() {
        true => writeln!(page, "<p>Every bug is seen by more than one property.</p>"),
        false => writeln!(page, "<section>\n<h2>Bugs that only one property sees</h2>\n<ul>\n{lines}</ul>\n</section>"),
    };
}

fn strategies(page: &mut String, rows: &[Row]) {
    let names = rows.first().into_iter().flat_map(|row| row.kills.iter().map(|kill| kill.strategy));
    let heads: String = names.map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    page.push_str("<section>\n<h2>Strategies</h2>\n<ul>\n");
    for line in verdicts(rows, &compare(rows)) {
        let _ = writeln!(page, "<li>{}</li>", escaped(&line));
    }
    let _ = write!(
        page,
        "</ul>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"strategies\">\n<table>\n\
         <caption>Seeds to a kill, by strategy</caption>\n<thead><tr><th scope=\"col\">bug</th>{heads}</tr></thead>\n<tbody>\n"
    );
    for row in rows {
        let estimates: Vec<_> = row.kills.iter().map(|kill| kill.seeds(row.bug.caught_by)).collect();
        let least = estimates.iter().filter_map(|estimate| estimate.median).min();
        let cells: String = estimates
            .iter()
            .map(|seeds| match least.is_some() && seeds.median == least {
                true => format!("<td class=\"best\">{}</td>", escaped(&estimate(seeds))),
                false => format!("<td>{}</td>", escaped(&estimate(seeds))),
            })
            .collect();
        let _ = writeln!(page, "<tr><th scope=\"row\">{} {}</th>{cells}</tr>", row.model, escaped(row.bug.name));
    }
    page.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
