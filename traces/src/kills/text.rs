//! The kill matrix as text for a terminal.

use comfy_table::{Table, presets};

use crate::kills::Row;
use crate::kills::bootstrap::Estimate;
use crate::kills::compare::{Comparison, winner};

/// A median with its interval: `12 (5–31)`, or `> 400` if it is censored.
pub fn estimate(estimate: &Estimate) -> String {
    let end = |end: Option<u64>| end.map_or("…".into(), |end| end.to_string());
    let (low, high) = estimate.interval;
    match (estimate.median, estimate.samples) {
        (_, 0) => "-".into(),
        (Some(median), 1) => median.to_string(),
        (Some(median), _) => format!("{median} ({}–{})", end(low), end(high)),
        (None, _) => format!("> {}", estimate.most),
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    table
}

/// A table with one line for each bug: the property that catches it, after how many seeds and events, and the property
/// that detects it first.
pub fn bugs(rows: &[Row]) -> Table {
    let mut table =
        table(&["model", "bug", "", "by", "seeds (95 %)", "most", "events (95 %)", "attempts", "seen first by"]);
    for row in rows {
        let (kill, seeds) = (row.main(), row.seeds());
        let attempts = match seeds.censored {
            0 => seeds.samples.to_string(),
            n => format!("{} ({n} censored)", seeds.samples),
        };
        let first = kill.first().into_iter().next().map(|(property, _)| property);
        table.add_row([
            row.model.to_string(),
            row.bug.name.to_string(),
            if kill.killed() { "killed".into() } else { "SURVIVES".into() },
            row.bug.caught_by.to_string(),
            estimate(&seeds),
            seeds.max.map_or("-".into(), |most| most.to_string()),
            estimate(&kill.events(row.bug.caught_by)),
            attempts,
            first.filter(|first| first != row.bug.caught_by).unwrap_or_else(|| "the same".into()),
        ]);
    }
    table
}

/// A table with one line for each bug and other property that detects it.
pub fn other_detections(rows: &[Row]) -> Table {
    let mut table = table(&["model", "bug", "is also seen by", "seeds (95 %)", "events (95 %)", "in attempts"]);
    for row in rows {
        let kill = row.main();
        for property in kill.seen().into_iter().filter(|property| property != row.bug.caught_by) {
            let seeds = kill.seeds(&property);
            table.add_row([
                row.model.to_string(),
                row.bug.name.to_string(),
                property.clone(),
                estimate(&seeds),
                estimate(&kill.events(&property)),
                format!("{} of {}", seeds.samples - seeds.censored, seeds.samples),
            ]);
        }
    }
    table
}

/// The bugs that only one property detects, one per line.
pub fn only(rows: &[Row]) -> Vec<String> {
    let one = |row: &Row| Some(format!("{} {}: only {}", row.model, row.bug.name, row.main().only()?));
    rows.iter().filter_map(one).collect()
}

/// A table of the seeds to a kill by each strategy.
pub fn strategies(rows: &[Row]) -> Table {
    let mut header = vec!["model", "bug"];
    header.extend(rows.first().into_iter().flat_map(|row| row.kills.iter().map(|kill| kill.strategy.name())));
    let mut table = table(&header);
    for row in rows {
        let mut line = vec![row.model.to_string(), row.bug.name.to_string()];
        line.extend(row.kills.iter().map(|kill| estimate(&kill.seeds(row.bug.caught_by))));
        table.add_row(line);
    }
    table
}

/// The results of the comparison, one sentence for each strategy.
pub fn verdicts(rows: &[Row], comparisons: &[Comparison]) -> Vec<String> {
    let Some(first) = rows.first().map(|row| row.main().strategy) else { return Vec::new() };
    let one = |comparison: &Comparison| {
        format!(
            "{} needs {:.2} times the seeds of {first} ({:.2}–{:.2}), and {:.2} times the events, over {} bugs: fewer for {} \
             ({} clearly), more for {} ({} clearly), never killed {}",
            comparison.strategy,
            comparison.seeds,
            comparison.interval.0,
            comparison.interval.1,
            comparison.events,
            comparison.bugs,
            comparison.wins.0,
            comparison.wins.1,
            comparison.losses.0,
            comparison.losses.1,
            comparison.unkilled,
        )
    };
    let (best, clear) = winner(first, comparisons);
    let mut all: Vec<_> = comparisons.iter().map(one).collect();
    all.push(if clear { format!("{best} wins") } else { format!("{best} is ahead, but not clearly") });
    all
}
