//! The kill matrix as JSON lines: one for each bug, and one that compares the strategies.

use serde_json::{Map, Value, json};

use crate::kills::bootstrap::Estimate;
use crate::kills::compare::{Comparison, winner};
use crate::kills::{Kill, Row};

/// The line of a bug. Numbers that are unknown because too many attempts were censored are `null`.
pub fn row(row: &Row) -> Value {
    let kill = row.main();
    let (bug, seeds) = (row.bug, row.seeds());
    let events = kill.events(bug.caught_by);
    let properties = row.detecting_properties().into_iter().filter_map(|property| {
        let seen = kill.attempts.iter().filter(|attempt| attempt.detections.contains_key(&property)).count();
        (seen > 0).then(|| {
            let value = detection(&kill.seeds(&property), &kill.events(&property), seen);
            (property, value)
        })
    });
    let strategies = row.kills.iter().map(|kill| (kill.strategy.name().to_string(), strategy(kill)));
    json!({
        "model": row.model,
        "bug": bug.name,
        "expected_property": bug.caught_by,
        "killed": kill.killed(),
        "killed_by": (kill.caught() > 0).then_some(bug.caught_by),
        "seeds_median": seeds.median,
        "seeds_interval": seeds.interval,
        "seeds_max": seeds.max,
        "events_median": events.median,
        "events_interval": events.interval,
        "attempts": seeds.samples,
        "censored": seeds.censored,
        "strategy": kill.strategy.name(),
        "first_violated": kill.first().into_iter().map(|(name, count)| (name, json!(count))).collect::<Map<_, _>>(),
        "only": kill.only(),
        "by_property": properties.collect::<Map<_, _>>(),
        "by_strategy": strategies.collect::<Map<_, _>>(),
    })
}

fn detection(seeds: &Estimate, events: &Estimate, seen: usize) -> Value {
    json!({
        "seen": seen,
        "seeds_median": seeds.median,
        "seeds_interval": seeds.interval,
        "events_median": events.median,
        "events_interval": events.interval,
        "censored": seeds.censored,
    })
}

fn strategy(kill: &Kill) -> Value {
    let (seeds, events) = (kill.seeds(kill.bug.caught_by), kill.events(kill.bug.caught_by));
    json!({
        "killed": kill.killed(),
        "kills": kill.caught(),
        "seeds_run": kill.attempts.iter().map(|attempt| attempt.ran.seeds).sum::<u64>(),
        "attempts": seeds.samples,
        "censored": seeds.censored,
        "seeds_median": seeds.median,
        "seeds_interval": seeds.interval,
        "seeds_max": seeds.max,
        "events_median": events.median,
    })
}

/// The line that compares the strategies with the first.
pub fn comparison(rows: &[Row], comparisons: &[Comparison]) -> Value {
    let Some(first) = rows.first().map(|row| row.main().strategy) else { return Value::Null };
    let (best, clear) = winner(first, comparisons);
    let one = |comparison: &Comparison| {
        json!({
            "strategy": comparison.strategy.name(),
            "bugs": comparison.bugs,
            "seeds_ratio": comparison.seeds,
            "seeds_ratio_interval": comparison.interval,
            "events_ratio": comparison.events,
            "wins": comparison.wins.0,
            "clear_wins": comparison.wins.1,
            "losses": comparison.losses.0,
            "clear_losses": comparison.losses.1,
            "unkilled": comparison.unkilled,
        })
    };
    json!({"comparison": {
        "with": first.name(),
        "strategies": comparisons.iter().map(one).collect::<Vec<_>>(),
        "winner": best.name(),
        "clear": clear,
    }})
}
