//! The staleness of the worst read.

use std::fmt::Write as _;

use seedbed_properties::checkers::consistency::staleness::{least_delta, least_k};
use seedbed_properties::checkers::linearizability::Limits;
use seedbed_properties::formats::accesses::accesses;
use seedbed_properties::formats::{Operations, Reading};
use serde_json::json;

use crate::commands::check::How;
use crate::commands::check::judged::{Judged, Result, Verdict};
use crate::commands::progress::Stopwatch;

/// The default limit of k.
const MOST: usize = 16;

pub fn judge(operations: &Operations, reading: &Reading, level: &'static str, how: &How) -> Result {
    let accesses = accesses(operations, reading)?;
    let count = accesses.events.len();
    let usual = Limits::default();
    let limits =
        Limits { steps: how.spend.steps(usual.steps), bytes: how.spend.bytes() / 2, stop: how.spend.stop(), ..usual };
    let most = how.stale_writes.unwrap_or(MOST).max(1);
    // The worst key by each measure; `None` if no bound is enough, or none within the limit.
    let (mut worst_k, mut worst_delta) = (Some(1), Some(0));
    let (mut judged, mut text) = (Judged::new(level, Verdict::Ok, count), String::new());
    let mut unknown = None;
    for (key, (history, _)) in accesses.by_key() {
        let watch = Stopwatch::start();
        let delta = least_delta(&accesses.initial, &history, limits);
        let k = least_k(&accesses.initial, &history, most, limits).map(|k| k.map(|k| k as u64));
        let (delta, k) = match (delta, k) {
            (Ok(delta), Ok(k)) => (delta, k),
            (Err(why), _) | (_, Err(why)) => {
                let hint = how.spend.more_time(watch.seconds());
                unknown = Some(format!("how stale reads of {key} are is {why}; {hint}"));
                continue;
            }
        };
        worst_k = worst_k.zip(k).map(|(worst, k)| worst.max(k));
        worst_delta = worst_delta.zip(delta).map(|(worst, delta)| worst.max(delta));
        let unit = operations.unit;
        match (k, delta) {
            (Some(1), Some(0)) => {}
            (Some(k), Some(delta)) => {
                let writes = if k == 2 { "one write" } else { &format!("{} writes", k - 1) };
                let _ = write!(text, "\n  {key}: some read is {writes} behind, and {delta} {unit} late");
            }
            (None, Some(delta)) => {
                let _ = write!(text, "\n  {key}: some read is {most} writes behind or more, and {delta} {unit} late");
            }
            (_, None) => {
                let _ = write!(text, "\n  {key}: some read returned what was never written, or only later");
            }
        }
    }
    judged.statistics.insert("k".into(), json!(worst_k));
    judged.statistics.insert("delta".into(), json!(worst_delta));
    judged.statistics.insert("unit".into(), json!(operations.unit));
    let within_k = how.stale_writes.is_none_or(|_| worst_k.is_some());
    let within_delta = how.stale_time.is_none_or(|most| worst_delta.is_some_and(|delta| delta <= most));
    let verdict = match (worst_delta.is_some() && within_k && within_delta, unknown.is_some()) {
        (false, _) => Verdict::Violation,
        (true, true) => Verdict::Unknown,
        (true, false) => Verdict::Ok,
    };
    let said = match (worst_k, worst_delta) {
        (_, None) => "no bound of staleness explains it".into(),
        (Some(1), Some(0)) => "no read was stale: atomic".into(),
        (Some(k), Some(delta)) => {
            format!("the worst read: {k}-atomic, and Δ-atomic for Δ = {delta} {}", operations.unit)
        }
        (None, Some(delta)) => {
            format!("the worst read: not {most}-atomic, and Δ-atomic for Δ = {delta} {}", operations.unit)
        }
    };
    let base = Judged::new(level, verdict, count);
    let explanation = [format!("{said}{text}")].into_iter().chain(unknown).collect::<Vec<_>>().join("\n");
    Ok(Judged { explanation, statistics: judged.statistics, ..base })
}
